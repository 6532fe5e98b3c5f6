"""Distances that times are divided by, and the eikonal equation on a sphere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import FactoredSweeping, Spherical, Straight, solve_eikonal
from diffseis.velocity import AbstractVelocityModel, Homogeneous
from tests.helpers.gradients import check_grads

RADIUS_KM = 6371.0
SPHERE = Spherical(RADIUS_KM)
LATITUDE_KM = np.deg2rad(40.0) * RADIUS_KM


class Parabolic(AbstractVelocityModel):
    """``v = a - b r^2``: rays are arcs of circles, and times have a closed form."""

    a: jax.Array
    b: jax.Array

    def speed(self, x_ned_km):
        return self.a - self.b * (RADIUS_KM - x_ned_km[2]) ** 2

    def time(self, square_km2, depth_km, source_depth_km):
        """Exact, from the straight distance squared: distances of Poincare's ball of hyperbolic geometry, of radius sqrt(a / b)."""
        ratio = self.b / self.a
        room = [1 - ratio * (RADIUS_KM - z) ** 2 for z in (depth_km, source_depth_km)]
        return jnp.arccosh(1 + 2 * ratio * square_km2 / (room[0] * room[1])) / (2 * jnp.sqrt(self.a * self.b))


EXACT = FactoredSweeping(tolerance=1e-13)
MANTLE = Parabolic(jnp.asarray(12.0), jnp.asarray(1.6e-7))


def _points(num_dims, count=30):
    rng = np.random.default_rng(5)
    low = np.array([-600.0, 300.0, -3.0])[3 - num_dims :]
    high = np.array([700.0, 1500.0, 600.0])[3 - num_dims :]
    if num_dims == 3:
        low[0], high[0] = low[0] + LATITUDE_KM, high[0] + LATITUDE_KM
    return jnp.asarray(rng.uniform(low, high, (count, num_dims)))


@pytest.mark.parametrize("num_dims", [2, 3])
@pytest.mark.parametrize("metric", [Straight(), SPHERE], ids=["straight", "sphere"])
def test_the_parts_of_a_metric_belong_together(metric, num_dims):
    """Derivatives are those of the distance, its gradient per km has the length one, and the middle is half-way from both ends."""
    points = _points(num_dims)
    source = points[0]
    square = lambda x, s: metric.squared_distance(list(x), list(s))
    for x in points[1:]:
        slopes = jnp.stack(metric.half_gradient(list(x), list(source)))
        np.testing.assert_allclose(2 * slopes, jax.grad(square)(x, source), rtol=1e-9, atol=1e-7)
        weights = metric.weights(list(x))
        per_km = slopes if weights is None else slopes * jnp.stack(weights)
        np.testing.assert_allclose(jnp.sum(per_km**2), square(x, source), rtol=1e-9)
        middle = metric.middle(x, source)
        for end in (x, source):
            np.testing.assert_allclose(square(middle, end), square(x, source) / 4, rtol=1e-7)
    assert float(square(source, source)) == 0.0


def test_places_on_the_sphere():
    """A degree of latitude, and of longitude at 60 degrees, on a sphere."""
    a, b, c = SPHERE.to_grid(
        jnp.asarray([59.5, 60.5, 60.5]), jnp.asarray([10.0, 10.0, 12.0]), jnp.asarray(0.0)
    )
    degree = 2 * RADIUS_KM * np.sin(np.deg2rad(0.5))
    np.testing.assert_allclose(SPHERE.squared_distance(list(a), list(b)), degree**2, rtol=1e-9)
    parallel = 2 * RADIUS_KM * np.cos(np.deg2rad(60.5)) * np.sin(np.deg2rad(1.0))
    np.testing.assert_allclose(SPHERE.squared_distance(list(b), list(c)), parallel**2, rtol=1e-9)


def _error(model, grid, source):
    """Relative root mean square and rounds."""
    solution = solve_eikonal(model, grid, source_km=source, metric=SPHERE)
    nodes = grid.nodes_km()
    square = SPHERE.squared_distance([nodes[..., a] for a in range(grid.num_dims)], list(source))
    time = jnp.sqrt(square) * solution.stats["tau"]
    if isinstance(model, Homogeneous):
        exact = jnp.sqrt(square) / model.speed_km_s
    else:
        exact = model.time(square, nodes[..., -1], source[-1])
    return float(jnp.linalg.norm(time - exact) / jnp.linalg.norm(exact))


@pytest.mark.long
def test_times_in_a_section_of_the_sphere():
    grid = RegularGrid([0.0, 0.0], [2000 / 40, 800 / 40], (41, 41))
    assert _error(MANTLE, grid, jnp.asarray([313.7, 87.3])) < 8e-6  # measured 7.6e-6


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "largest"), [((31, 61), 3e-6), ((51, 101), 1e-6)])
def test_a_vertical_section_of_the_sphere(sizes, largest):
    """Second order against the closed form; through a uniform sphere waves take the chord."""
    source = jnp.asarray([313.7, 87.3])
    grids = [RegularGrid([0.0, 0.0], [2000 / (n - 1), 800 / (n - 1)], (n, n)) for n in sizes]
    coarse, fine = (_error(MANTLE, grid, source) for grid in grids)
    assert fine < largest
    assert np.log2(coarse / fine) > 1.9
    assert _error(Homogeneous(jnp.asarray(6.0)), grids[0], source) < 1e-6


@pytest.mark.slow
def test_a_part_of_the_sphere():
    source = jnp.asarray([LATITUDE_KM + 37.0, 51.0, 33.0])
    grid = RegularGrid([LATITUDE_KM - 600, -600.0, -3.0], [40.0, 40.0, 20.0], (31, 31, 31))
    assert _error(MANTLE, grid, source) < 2e-5
    assert _error(Homogeneous(jnp.asarray(6.0)), grid, source) < 1e-6


@pytest.mark.slow
def test_derivatives_on_the_sphere():
    grid = RegularGrid([0.0, 0.0], [40.0, 25.0], (26, 21))
    receiver = jnp.asarray([713.0, 31.0])

    def time(parameters):
        model = Parabolic(parameters[0], 1e-7 * parameters[1])
        solution = solve_eikonal(model, grid, EXACT, source_km=parameters[2:], metric=SPHERE)
        return solution.value(receiver)

    at = jnp.asarray([12.0, 1.6, 313.7, 187.3])
    check_grads(time, at)

    def exact(parameters):
        square = SPHERE.squared_distance(list(receiver), list(parameters[2:]))
        model = Parabolic(parameters[0], 1e-7 * parameters[1])
        return model.time(square, receiver[1], parameters[3])

    np.testing.assert_allclose(jax.grad(time)(at), jax.grad(exact)(at), rtol=3e-3)
