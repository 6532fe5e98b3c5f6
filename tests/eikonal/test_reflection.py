"""Reflected waves against the image of the receiver, and against closed forms along a curved interface."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.eikonal import Above, GradientTime, HomogeneousTime, Surface, reflect, solve_eikonal
from diffseis.velocity import Gradient, Homogeneous, Layered
from tests.helpers.gradients import check_grads

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64"
)
LOW, HIGH = jnp.full(2, -60.0), jnp.full(2, 60.0)
RECEIVER = jnp.asarray([40.0, 10.0, 0.0])


def _reflected(theta, throw=False):
    """Off a plane that dips to the north: source, speed, depth of the plane under the origin, slope."""
    field = HomogeneousTime(Homogeneous(theta[3]))
    return reflect(
        lambda x: field(theta[:3], x),
        lambda x: field(x, RECEIVER),
        lambda place: theta[4] + theta[5] * place[0],
        LOW,
        HIGH,
        throw=throw,
    )


def _image(theta):
    """The way from the source to the mirror image of the receiver."""
    normal = jnp.stack([-theta[5], 0 * theta[5], jnp.ones_like(theta[5])]) / jnp.sqrt(1 + theta[5] ** 2)
    height = normal @ (RECEIVER - jnp.stack([0 * theta[4], 0 * theta[4], theta[4]]))
    return jnp.linalg.norm(RECEIVER - 2 * height * normal - theta[:3]) / theta[3]


THETA = jnp.asarray([0.0, 0.0, 5.0, 6.0, 30.0, 0.1])


@pytest.mark.long
def test_off_a_dipping_plane_with_first_and_second_derivatives():
    time = lambda theta: _reflected(theta).value.time_s
    both = jax.jit(lambda t: (jax.value_and_grad(time)(t), jax.hessian(time)(t)))
    (value, gradient), hessian = both(THETA)
    np.testing.assert_allclose(value, _image(THETA), rtol=1e-12)
    np.testing.assert_allclose(gradient, jax.grad(_image)(THETA), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(hessian, jax.hessian(_image)(THETA), rtol=1e-6, atol=1e-9)
    check_grads(jax.jit(time), THETA)


def test_source_over_receiver():
    """Straight down and up again: an awkward point."""
    theta = THETA.at[:3].set(RECEIVER).at[5].set(0.0)
    value, gradient = jax.jit(jax.value_and_grad(lambda t: _reflected(t).value.time_s))(theta)
    np.testing.assert_allclose(value, 60 / 6, rtol=1e-12)
    assert np.all(np.isfinite(gradient))


@pytest.mark.long
def test_a_point_on_the_edge_is_told():
    """Sixty kilometres are not wide enough."""
    theta = THETA.at[0].set(-200.0)
    assert _reflected(theta).result == RESULTS.boundary
    with pytest.raises(Exception, match="edge"):
        jax.block_until_ready(_reflected(theta, throw=True).value.time_s)


def test_wrong_calls():
    time = lambda x: jnp.sum(x)
    with pytest.raises(ValueError, match="one or two"):
        reflect(time, time, lambda y: y[0], jnp.zeros(3), jnp.ones(3))
    with pytest.raises(ValueError, match="num_starts"):
        reflect(time, time, lambda y: y[0], jnp.zeros(2), jnp.ones(2), num_starts=2)


def test_above_hides_what_is_below():
    model = Above(Layered([0.0, 30.0], [6.0, 8.0]), lambda place: 30.0 + 0 * place[0], margin_km=1e-6)
    speed = jax.jit(jax.vmap(model.speed))(
        jnp.asarray([[0.0, 0.0, 10.0], [0.0, 0.0, 30.0], [5.0, 5.0, 90.0]])
    )
    np.testing.assert_allclose(speed, 6.0)


@pytest.mark.long
def test_on_a_grid_off_a_curved_interface():
    """Swept times down and up in a gradient, P to S; the interface a spline. Against closed forms of the legs over the same interface."""
    grid = RegularGrid([0.0, 0.0], 0.25, (161, 101))
    line = RegularGrid([0.0], 2.0, (21,))
    surface = Surface(line, 18.0 + 1.5 * np.sin(np.asarray(line.axis_km(0)) / 8))
    source, receiver = jnp.asarray([6.3, 4.1]), jnp.asarray([33.0, 0.4])
    models = [Gradient(4.0, 0.08), Gradient(2.3, 0.046)]
    legs = [
        solve_eikonal(m, grid, source_km=p).value for m, p in zip(models, (source, receiver), strict=True)
    ]
    run = eqx.filter_jit(
        lambda a, b: reflect(a, b, surface, jnp.asarray([1.0]), jnp.asarray([39.0]), num_starts=101)
    )
    found = run(*legs).value
    to_ned = lambda x: jnp.stack([x[0], 0 * x[0], x[1]])
    place = np.linspace(1, 39, 200_001)
    depth = jax.jit(jax.vmap(lambda x: surface(x[None])))(jnp.asarray(place))
    points = jnp.stack([jnp.asarray(place), depth], axis=-1)
    exact = sum(
        jax.jit(jax.vmap(lambda x, m=m, p=p: GradientTime(m)(to_ned(p), to_ned(x))))(points)
        for m, p in zip(models, (source, receiver), strict=True)
    )
    best = int(np.argmin(exact))
    np.testing.assert_allclose(found.time_s, exact[best], rtol=2e-6)
    np.testing.assert_allclose(found.point_km, points[best], atol=0.02)
