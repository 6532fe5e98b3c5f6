"""Linear operators with transposes of their own."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.wave.linear import materialised, place, scaled, split

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
SIDES = {1: [(0, False), (0, True)], 2: [(0, True), (1, False), (1, True)], 3: [(0, False), (1, True), (2, False), (2, True)]}


def _pieces(shape, key, width=2):
    sides = SIDES[len(shape)]
    size = lambda axis: [width if a == axis else n for a, n in enumerate(shape)]
    return {side: jr.normal(jr.fold_in(key, n), size(side[0])) for n, side in enumerate(sides)}


@pytest.mark.parametrize("shape", [(9,), (7, 8), (6, 5, 7), (3, 3)])
def test_slabs_are_added_where_they_belong(shape, getkey):
    """Also where they overlap, on grids thinner than two of them."""
    field, pieces = jr.normal(getkey(), shape), _pieces(shape, getkey())
    expected = np.array(field)
    for (axis, at_end), piece in pieces.items():
        index = [slice(None)] * len(shape)
        index[axis] = slice(-2, None) if at_end else slice(0, 2)
        expected[tuple(index)] += piece
    np.testing.assert_allclose(jax.jit(place)(field, pieces), expected, rtol=1e-6, atol=1e-6)
    same, slabs = split(field, dict.fromkeys(pieces, 2))
    np.testing.assert_array_equal(same, field)
    for (axis, at_end), slab in slabs.items():
        np.testing.assert_array_equal(slab, jnp.take(field, jnp.arange(2) + (shape[axis] - 2 if at_end else 0), axis=axis))


@needs_x64
@pytest.mark.parametrize("shape", [(9,), (7, 8), (6, 5, 7)])
def test_the_one_is_the_transpose_of_the_other(shape, getkey):
    field, pieces = jr.normal(getkey(), shape), _pieces(shape, getkey())
    other = jr.normal(getkey(), shape)
    pulled = jax.linear_transpose(lambda f, p: place(f, p), field, pieces)(other)
    expected = split(other, dict.fromkeys(pieces, 2))
    for a, b in zip(jax.tree.leaves(pulled), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)
    (back,) = jax.linear_transpose(lambda f: split(f, dict.fromkeys(pieces, 2)), field)((other, pieces))
    np.testing.assert_allclose(back, place(other, pieces), rtol=1e-12)
    many = jr.normal(getkey(), (3, *shape))
    mapped = jax.vmap(lambda f: place(f, pieces))(many)
    np.testing.assert_allclose(mapped, jnp.stack([place(f, pieces) for f in many]), rtol=1e-12)
    parts = jax.vmap(lambda f: split(f, dict.fromkeys(pieces, 2))[1])(many)
    for side, found in parts.items():
        np.testing.assert_array_equal(found, jnp.stack([split(f, {side: 2})[1][side] for f in many]))


@needs_x64
@pytest.mark.parametrize("value", [1.5, 0.0, -2.0, np.inf, np.nan])
def test_materialised_changes_nothing(value):
    """Also of numbers that are none: whether the loop that hides it from XLA runs depends on them."""
    x = jnp.asarray([[value, 1.0], [2.0, -3.0]])
    np.testing.assert_array_equal(jax.jit(materialised)(x), x)
    np.testing.assert_array_equal(jax.vmap(materialised)(x), x)
    _, dot = jax.jvp(jax.grad(lambda x: jnp.sum(jnp.sin(materialised(x)))), (jnp.ones(3),), (jnp.ones(3),))
    np.testing.assert_allclose(dot, -jnp.sin(jnp.ones(3)), rtol=1e-12)


@needs_x64
def test_scaled_is_a_product(getkey):
    a, b = jr.normal(getkey(), (4,)), jr.normal(getkey(), (4,))
    np.testing.assert_array_equal(scaled(a, b), a * b)
    for argnums, expected in ((0, b), (1, a)):
        np.testing.assert_allclose(jax.grad(lambda *x: jnp.sum(scaled(*x)), argnums)(a, b), expected, rtol=1e-12)
    _, dot = jax.jvp(jax.grad(lambda x: jnp.sum(scaled(x, x**2))), (a,), (b,))
    np.testing.assert_allclose(dot, 6 * a * b, rtol=1e-12)
