"""Finite differences: orders, transposes, batches, derivatives of every kind."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.wave.stencils import (
    ORDERS,
    laplacian,
    second_coefficients,
    second_difference,
    staggered_coefficients,
    staggered_difference,
)

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
SHAPES = [(23,), (14, 17), (9, 11, 10)]


def test_coefficients():
    """Fornberg (1988), tables 1 and 2."""
    np.testing.assert_allclose(
        second_coefficients(8), [-205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560], rtol=1e-15
    )
    np.testing.assert_allclose(
        staggered_coefficients(8), [1225 / 1024, -245 / 3072, 49 / 5120, -5 / 7168], rtol=1e-15
    )
    np.testing.assert_allclose(second_coefficients(2), [-2, 1], rtol=1e-15)
    np.testing.assert_allclose(staggered_coefficients(4), [9 / 8, -1 / 24], rtol=1e-15)
    with pytest.raises(ValueError, match="must be one of"):
        second_coefficients(3)


@needs_x64
@pytest.mark.parametrize("order", ORDERS)
def test_order_of_convergence(order):
    errors = []
    for num in (24, 48):
        h = 2.0 / num
        x = jnp.linspace(0.0, 2.0 - h, num)
        u = jnp.sin(3 * x)
        inside = slice(order, -order)
        second = second_difference(u, axis=0, order=order) / h**2
        first = staggered_difference(u, axis=0, order=order, forward=True) / h
        errors.append(
            [
                float(jnp.max(jnp.abs(second + 9 * u)[inside])),
                float(jnp.max(jnp.abs(first - 3 * jnp.cos(3 * (x + h / 2)))[inside])),
            ]
        )
    slopes = np.log2(errors[0]) - np.log2(errors[1])
    np.testing.assert_allclose(slopes, order, atol=0.25)


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ORDERS)
def test_laplacian_is_the_sum_of_its_axes(shape, order, getkey):
    u = jr.normal(getkey(), shape)
    weights = jnp.asarray([1.0, 0.7, 2.0][: len(shape)])
    expected = sum(weights[a] * second_difference(u, axis=a, order=order) for a in range(len(shape)))
    np.testing.assert_allclose(laplacian(u, weights, order=order), expected, rtol=1e-4, atol=1e-4)


def _operators(ndim, order):
    weights = jnp.asarray([1.0, 0.7, 2.0][:ndim])
    yield lambda u: laplacian(u, weights, order=order)
    for axis in range(ndim):
        yield lambda u, axis=axis: second_difference(u, axis=axis, order=order)
        for forward in (True, False):
            yield lambda u, axis=axis, forward=forward: staggered_difference(
                u, axis=axis, order=order, forward=forward
            )


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ORDERS)
def test_transposes(shape, order, getkey):
    """Each is the transpose, edges included: the matrix of the one is that of the other turned."""
    u, v = jr.normal(getkey(), shape), jr.normal(getkey(), shape)
    for operator in _operators(len(shape), order):
        (transposed,) = jax.linear_transpose(operator, u)(v)
        np.testing.assert_allclose(jnp.vdot(v, operator(u)), jnp.vdot(transposed, u), rtol=1e-12, atol=1e-12)


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("shape", SHAPES)
def test_batches_and_derivatives(shape, getkey):
    """A batch is a loop; forward of reverse, as in products with a Hessian, is exact; no slices are left to differentiate."""
    many, direction = jr.normal(getkey(), (3, *shape)), jr.normal(getkey(), shape)
    for operator in _operators(len(shape), 8):
        looped = jnp.stack([operator(u) for u in many])
        np.testing.assert_allclose(jax.vmap(operator)(many), looped, rtol=1e-12, atol=1e-12)
        behind = jax.vmap(operator, in_axes=-1, out_axes=-1)(jnp.moveaxis(many, 0, -1))
        np.testing.assert_allclose(jnp.moveaxis(behind, -1, 0), looped, rtol=1e-12, atol=1e-12)
        energy = lambda u, operator=operator: 0.5 * jnp.sum(operator(u) ** 2)
        _, curved = jax.jvp(jax.grad(energy), (many[0],), (direction,))
        # The Hessian of that energy is A^T A, whatever the place.
        np.testing.assert_allclose(curved, jax.grad(energy)(direction), rtol=1e-10, atol=1e-10)
        assert "slice" not in str(jax.make_jaxpr(jax.grad(energy))(many[0]))


def test_spacings_have_no_derivative():
    u = jnp.ones((5, 5))
    with pytest.raises(NotImplementedError, match="spacing"):
        jax.grad(lambda w: jnp.sum(laplacian(u, w, order=2)))(jnp.ones(2))
