"""Times under hills and valleys."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import FactoredSweeping, GradientTime, Surface, Terrain, solve_eikonal
from diffseis.velocity import Gradient, Homogeneous, TransverselyIsotropic
from tests.eikonal.test_anisotropy import stretched
from tests.helpers.gradients import check_grads

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64"
)

MODEL = Gradient(3.0, 0.2)
BOTTOM_KM = 20.0


class Hill(eqx.Module):
    """A round hill, or with negative height a hole, in the middle of the grid."""

    height_km: jax.Array
    width_km: jax.Array

    def __call__(self, x_km):
        return -self.height_km * jnp.exp(-jnp.sum((x_km - 10) ** 2) / self.width_km**2)


def hill(height_km):
    return Hill(jnp.asarray(height_km), jnp.asarray(3.0))


def _square(num_nodes, num_dims=2):
    return RegularGrid([0.0] * num_dims, BOTTOM_KM / (num_nodes - 1), (num_nodes,) * num_dims)


def _relative(found, exact):
    return float(np.linalg.norm(np.asarray(found) - exact) / np.linalg.norm(exact))


def _error_under_a_hill(num_nodes, height_km, source_km):
    """At all nodes, against the closed form: nothing is in the way."""
    source = jnp.asarray(source_km)
    grid, metric = _square(num_nodes, len(source_km)), Terrain(hill(height_km), 0.0, BOTTOM_KM)
    solution = solve_eikonal(MODEL, grid, source_km=source, metric=metric)
    nodes = grid.nodes_km().reshape(-1, len(source_km))
    square = metric.squared_distance(list(nodes.T), list(metric.grid_point(source)))
    to_ned = (lambda x: x) if len(source_km) == 3 else (lambda x: jnp.stack([x[0], 0 * x[0], x[1]]))
    exact = jax.jit(jax.vmap(lambda x: GradientTime(MODEL)(to_ned(source), to_ned(metric.model_point(x)))))(
        nodes
    )
    return _relative(jnp.sqrt(square) * solution.stats["tau"].reshape(-1), np.asarray(exact))


@pytest.mark.slow
def test_times_under_a_hill():
    assert _error_under_a_hill(41, 1.0, (7.313, 6.871)) < 1.15e-4  # measured 1.07e-4


@pytest.mark.slow
@pytest.mark.parametrize("height_km", [1.0, 3.0])
def test_second_order_under_a_hill(height_km):
    """Slopes of up to 16 and 40 degrees."""
    errors = [_error_under_a_hill(n, height_km, (7.313, 6.871)) for n in (51, 101)]
    assert np.log2(errors[0] / errors[1]) > 1.9
    assert errors[-1] < (1.7e-5 if height_km < 2 else 5e-5)  # measured 1.6e-5 and 4.3e-5


@pytest.mark.slow
def test_second_order_under_a_hill_in_three_dimensions():
    errors = [_error_under_a_hill(n, 1.5, (7.313, 6.871, 5.137)) for n in (21, 41)]
    assert np.log2(errors[0] / errors[1]) > 1.9
    assert errors[-1] < 1.1e-4  # measured 1.02e-4


def taut_string_km(ground, a_km, b_km, count=20001):
    """Length of the shortest path between two points that stays below the ground: the hull of the ground between them."""
    x = np.linspace(a_km[0], b_km[0], count)
    depth = np.array(jax.vmap(ground)(jnp.asarray(x)[:, None]))
    depth[0], depth[-1] = a_km[1], b_km[1]
    hull: list[np.ndarray] = []
    for point in np.stack([x, depth], -1):
        while len(hull) > 1 and _left_turn(hull[-2], hull[-1], point) >= 0:
            hull.pop()
        hull.append(point)
    return float(np.sum(np.linalg.norm(np.diff(hull, axis=0), axis=1)))


def _left_turn(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@pytest.mark.parametrize("num_nodes", [pytest.param(n, marks=pytest.mark.slow) for n in (101, 401)])
def test_waves_creep_round_a_valley(num_nodes):
    """Two kilometres deep, in a uniform medium: against the shortest path. In the shadow the error is of first order."""
    ground = hill(-2.0)
    source = np.array([3.0, float(ground(jnp.asarray([3.0]))) + 0.3])
    x = np.linspace(4.0, 19.5, 30)
    receivers = np.stack([x, np.asarray(jax.vmap(ground)(jnp.asarray(x)[:, None])) + 0.02], -1)
    exact = np.array([taut_string_km(ground, source, receiver) for receiver in receivers]) / 5
    straight = np.linalg.norm(receivers - source, axis=1) / 5
    assert np.max(exact - straight) > 0.1, "the valley is in the way"
    solution = solve_eikonal(
        Homogeneous(5.0),
        _square(num_nodes),
        source_km=jnp.asarray(source),
        metric=Terrain(ground, 0.0, BOTTOM_KM),
    )
    found = jax.vmap(solution.value)(jnp.asarray(receivers))
    assert _relative(found, exact) < {101: 1.2e-3, 401: 1.6e-4}[num_nodes]  # measured 9.8e-4, 1.4e-4


@pytest.mark.long
def test_the_parts_of_a_terrain_belong_together():
    """Coordinates there and back, and derivatives."""
    metric = Terrain(hill(1.5), 0.0, BOTTOM_KM)
    points = jnp.asarray(np.random.default_rng(3).uniform(0.5, 19.5, (10, 3)))
    source = points[0]
    square = lambda x: metric.squared_distance(list(x), list(source))
    for x in points[1:]:
        np.testing.assert_allclose(metric.grid_point(metric.model_point(x)), x, rtol=1e-12)
        np.testing.assert_allclose(
            2 * jnp.stack(metric.half_gradient(list(x), list(source))), jax.grad(square)(x), rtol=1e-9
        )
        apart = metric.model_point(x) - metric.model_point(source)
        np.testing.assert_allclose(square(x), jnp.sum(apart * apart), rtol=1e-12)
        np.testing.assert_allclose(square(metric.middle(x, source)), square(x) / 4, rtol=1e-9)


def test_a_surface_through_nodes():
    grid = RegularGrid([0.0, 0.0], [2.0, 2.0], (11, 11))
    depth = -0.5 * np.cos(np.asarray(grid.nodes_km()).sum(-1) / 5)
    surface = Surface(grid, depth)
    np.testing.assert_allclose(surface(jnp.asarray([6.0, 14.0])), depth[3, 7], rtol=1e-12)
    with pytest.raises(ValueError, match="shape"):
        Surface(grid, depth[1:])
    with pytest.raises(ValueError, match="finite"):
        Surface(grid, np.where(depth == depth.max(), np.nan, depth))


@pytest.mark.slow
def test_an_anisotropic_medium_under_a_hill():
    """Elliptical, with a tilted axis: both kinds of oblique derivatives together."""
    axis = np.array([np.sin(0.4), np.cos(0.4)])
    medium = TransverselyIsotropic(MODEL, 0.15, 0.15, (axis[0], 0.0, axis[1]))
    metric = Terrain(hill(1.0), 0.0, BOTTOM_KM)
    source = np.array([7.313, 6.871])
    solution = solve_eikonal(medium, _square(51), source_km=jnp.asarray(source), metric=metric)
    points = np.random.default_rng(3).uniform([1, 1], [19, 19], (200, 2))
    found = jax.vmap(solution.value)(jnp.asarray(points))
    assert _relative(found, stretched(points, source, axis, 0.15)) < 6.7e-5  # measured 6.3e-5


@pytest.mark.slow
def test_derivatives_under_a_hill():
    """By the medium, the source, the hill's height and the receiver, with the receiver on the ground."""
    grid = _square(16)

    @jax.jit
    def time(x):
        ground = Hill(x[4], jnp.asarray(3.0))
        metric = Terrain(ground, 0.0, BOTTOM_KM)
        solver = FactoredSweeping(tolerance=1e-13)
        value = solve_eikonal(
            Gradient(x[0], x[1]), grid, solver, source_km=x[2:4], metric=metric, throw=False
        ).value
        return value(jnp.stack([x[5], ground(x[5:6])]))

    check_grads(time, jnp.asarray([3.0, 0.2, 7.313, 6.871, 1.2, 12.3]))


def test_wrong_calls():
    source = jnp.asarray([7.3, 6.9])
    with pytest.raises(ValueError, match="top_km"):
        solve_eikonal(MODEL, _square(21), source_km=source, metric=Terrain(hill(1.0), 0.0, 25.0))
    with pytest.raises(ValueError, match="second order"):
        solve_eikonal(
            MODEL,
            _square(21),
            FactoredSweeping(order=1),
            source_km=source,
            metric=Terrain(hill(1.0), 0.0, BOTTOM_KM),
        )
    with pytest.raises(ValueError, match="outside the grid"):
        solve_eikonal(
            MODEL, _square(21), source_km=jnp.asarray([7.3, 20.5]), metric=Terrain(hill(1.0), 0.0, BOTTOM_KM)
        )
