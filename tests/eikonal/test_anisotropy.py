"""The eikonal equation in transversely isotropic media."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.eikonal import FactoredSweeping, GradientTime, Spherical, solve_eikonal
from diffseis.velocity import AbstractVelocityModel, Gradient, Homogeneous, SpeedRatio, TransverselyIsotropic
from diffseis.velocity.anisotropic import group_slowness_ratio, phase_speed_ratio
from tests.helpers.gradients import check_grads

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64"
)

MODEL = Gradient(3.0, 0.2)
SOURCE = np.array([7.313, 6.871])
EXACT = FactoredSweeping(tolerance=1e-13)


def _square(num_nodes, num_dims=2):
    return RegularGrid([0.0] * num_dims, 20 / (num_nodes - 1), (num_nodes,) * num_dims)


def _relative(found, exact):
    return float(np.linalg.norm(np.asarray(found) - exact) / np.linalg.norm(exact))


def stretched(points_km, source_km, axis, epsilon):
    """Exact times in ``v = 3 + 0.2 z`` along the axis of an elliptical medium: shortened across the axis it is isotropic, and its speed still
    grows evenly, though faster."""
    dim = len(axis)
    along = np.outer(axis, axis)
    squeeze = along + (np.eye(dim) - along) / np.sqrt(1 + 2 * epsilon)
    slope = 0.2 * np.linalg.inv(squeeze)[:, -1]
    steepness = np.linalg.norm(slope)
    square = np.sum(((points_km - source_km) @ squeeze) ** 2, axis=-1)
    product = (3 + 0.2 * points_km[..., -1]) * (3 + 0.2 * source_km[-1])
    return np.arccosh(1 + steepness**2 * square / (2 * product)) / steepness


def _nodal_times(solution, source_km):
    nodes = solution.value.grid.nodes_km()
    square = solution.value.metric.squared_distance(
        list(jnp.moveaxis(nodes, -1, 0)), list(jnp.asarray(source_km))
    )
    return jnp.sqrt(square) * solution.stats["tau"]


@pytest.mark.slow
def test_a_tilted_elliptical_medium():
    axis = np.array([np.sin(0.5), np.cos(0.5)])
    medium = TransverselyIsotropic(MODEL, 0.2, 0.2, (axis[0], 0.0, axis[1]))
    solution = solve_eikonal(medium, _square(41), source_km=jnp.asarray(SOURCE))
    exact = stretched(np.asarray(_square(41).nodes_km()), SOURCE, axis, 0.2)
    assert _relative(_nodal_times(solution, SOURCE), exact) < 4.2e-5  # measured 4.0e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tilt_rad", "sizes"),
    [
        (0.5, (41, 81)),
        pytest.param(0.0, (51, 101), marks=pytest.mark.slow),
        pytest.param(1.2, (51, 101), marks=pytest.mark.slow),
    ],
)
def test_an_elliptical_medium_with_a_gradient(tilt_rad, sizes):
    """Second order for an axis of symmetry upright, tilted, and lying nearly flat."""
    axis = np.array([np.sin(tilt_rad), np.cos(tilt_rad)])
    medium = TransverselyIsotropic(MODEL, 0.2, 0.2, (axis[0], 0.0, axis[1]))
    errors = []
    for num_nodes in sizes:
        solution = solve_eikonal(medium, _square(num_nodes), source_km=jnp.asarray(SOURCE))
        exact = stretched(np.asarray(_square(num_nodes).nodes_km()), SOURCE, axis, 0.2)
        errors.append(_relative(_nodal_times(solution, SOURCE), exact))
    assert np.log2(errors[0] / errors[1]) > 1.9
    assert errors[-1] < 7e-6 * (100 / (sizes[-1] - 1)) ** 2  # measured 5.8e-6 (101 x 101)


@pytest.mark.slow
def test_an_elliptical_medium_in_three_dimensions():
    axis = np.array([0.4, -0.3, 0.8])
    axis = axis / np.linalg.norm(axis)
    source = np.array([7.313, 6.871, 5.137])
    solution = solve_eikonal(
        TransverselyIsotropic(MODEL, 0.1, 0.1, axis), _square(31, 3), source_km=jnp.asarray(source)
    )
    exact = stretched(np.asarray(_square(31, 3).nodes_km()), source, axis, 0.1)
    assert _relative(_nodal_times(solution, source), exact) < 7.5e-5  # measured 7.1e-5


@pytest.mark.parametrize(("epsilon", "delta"), [(0.2, 0.1), (0.1, -0.1), (0.25, 0.0)])
def test_group_slowness_is_the_largest_projection(epsilon, delta):
    """Against a dense search over slowness vectors."""
    angles = np.linspace(-0.2, np.pi / 2 + 0.2, 20001)
    speed = np.asarray(phase_speed_ratio(jnp.cos(angles), jnp.asarray(epsilon), jnp.asarray(delta)))
    rays = np.linspace(0, np.pi / 2, 31)
    searched = np.array([np.max(np.cos(angles - ray) / speed) for ray in rays])
    found = group_slowness_ratio(jnp.cos(rays), jnp.asarray(epsilon), jnp.asarray(delta))
    np.testing.assert_allclose(found, searched, rtol=2e-8)


@pytest.mark.slow
@pytest.mark.parametrize("tilt_rad", [0.0, 0.5])
def test_a_uniform_anelliptical_medium(tilt_rad):
    """Against the slowness of the group along straight rays."""
    axis = np.array([np.sin(tilt_rad), np.cos(tilt_rad)])
    medium = TransverselyIsotropic(Homogeneous(3.0), 0.2, 0.1, (axis[0], 0.0, axis[1]))
    solution = solve_eikonal(medium, _square(51), source_km=jnp.asarray(SOURCE))
    offset = np.asarray(_square(51).nodes_km()) - SOURCE
    length = np.linalg.norm(offset, axis=-1)
    ratio = group_slowness_ratio(jnp.asarray(offset @ axis / length), jnp.asarray(0.2), jnp.asarray(0.1))
    assert _relative(_nodal_times(solution, SOURCE), length / 3 * ratio) < 2e-6  # measured 1.1e-6


@pytest.mark.slow
def test_an_anelliptical_medium_with_a_gradient():
    """Against ``T = max_p (p x + integral of q dz)`` for rays that go down all the way: the slowness p along the layers is preserved."""
    epsilon, delta = 0.2, 0.05
    medium = TransverselyIsotropic(MODEL, epsilon, delta)
    source = np.array([2.03, 0.51])
    solution = solve_eikonal(medium, _square(81), source_km=jnp.asarray(source))
    nodes, weights = np.polynomial.legendre.leggauss(40)

    def exact(x, z):
        depth = source[1] + (z - source[1]) * (nodes + 1) / 2
        speed = 3 + 0.2 * depth
        p = np.linspace(0, 0.999 / (speed.max() * np.sqrt(1 + 2 * epsilon)), 4001)[:, None]
        across = p**2 * speed**2
        q = np.sqrt((1 - (1 + 2 * epsilon) * across) / (1 - 2 * (epsilon - delta) * across)) / speed
        total = p[:, 0] * (x - source[0]) + (z - source[1]) / 2 * (q @ weights)
        best = int(np.argmax(total))
        assert 0 < best < len(p) - 1
        a, b, c = total[best - 1 : best + 2]
        return b + (c - a) ** 2 / (8 * (2 * b - a - c))

    places = [(5.0, 15.0), (8.0, 17.0), (3.0, 9.0), (12.0, 18.0), (16.0, 19.5)]
    found = [solution.value(jnp.asarray(place)) for place in places]
    np.testing.assert_allclose(found, [exact(*place) for place in places], rtol=3e-5)  # measured 2.2e-5


@pytest.mark.slow
def test_derivatives_in_a_tilted_medium():
    """By the speed, its gradient, epsilon, delta, the tilt and the source."""
    grid, receiver = _square(16), jnp.asarray([15.3, 17.1])

    @jax.jit
    def time(x):
        axis = (jnp.sin(x[4]), jnp.asarray(0.0), jnp.cos(x[4]))
        medium = TransverselyIsotropic(Gradient(x[0], x[1]), x[2], x[3], jnp.stack(axis))
        return solve_eikonal(medium, grid, EXACT, source_km=x[5:], throw=False).value(receiver)

    check_grads(time, jnp.asarray([3.0, 0.2, 0.2, 0.1, 0.4, 7.313, 6.871]))


@pytest.mark.slow
def test_thomsens_parameters_from_speeds():
    """A second medium, point by point; the elliptical time of a uniform one."""
    vertical, horizontal = Homogeneous(3.0), Homogeneous(3.6)
    ratio = SpeedRatio(horizontal, vertical)
    np.testing.assert_allclose(ratio(jnp.zeros(3)), (1.2**2 - 1) / 2)
    solution = solve_eikonal(
        TransverselyIsotropic(vertical, ratio, ratio), _square(21), source_km=jnp.asarray([3.0, 4.0])
    )
    np.testing.assert_allclose(solution.value(jnp.asarray([18.0, 4.0])), 15 / 3.6, rtol=1e-6)
    np.testing.assert_allclose(solution.value(jnp.asarray([3.0, 19.0])), 15 / 3.0, rtol=1e-6)


@pytest.mark.slow
def test_isotropic_media_are_a_special_case():
    """Without anisotropy the other way of choosing neighbours leads to the same times."""
    grid, source = _square(41), jnp.asarray(SOURCE)
    special = solve_eikonal(TransverselyIsotropic(MODEL, 0.0, 0.0), grid, source_km=source)
    plain = solve_eikonal(MODEL, grid, source_km=source)
    assert special.result == RESULTS.successful
    # Measured: 1.25e-4 three nodes from the source, where plain times, which begin along bent rays, are good to 4e-8.
    np.testing.assert_allclose(special.stats["tau"], plain.stats["tau"], rtol=1.3e-4)


def test_wrong_calls():
    grid, source = _square(21), jnp.asarray(SOURCE)
    medium = TransverselyIsotropic(MODEL, 0.1, 0.1)
    with pytest.raises(ValueError, match="second order"):
        solve_eikonal(medium, grid, FactoredSweeping(order=1), source_km=source)
    with pytest.raises(ValueError, match="flat space"):
        solve_eikonal(medium, grid, source_km=source, metric=Spherical())
    with pytest.raises(ValueError, match="must lie in it"):
        solve_eikonal(TransverselyIsotropic(MODEL, 0.1, 0.1, (0.0, 1.0, 1.0)), grid, source_km=source)
    with pytest.raises(ValueError, match=r"above -0\.5"):
        TransverselyIsotropic(MODEL, -0.6, 0.0)
    with pytest.raises(ValueError, match="not zero"):
        TransverselyIsotropic(MODEL, 0.1, 0.0, (0.0, 0.0, 0.0))
    assert not isinstance(medium, AbstractVelocityModel), "would be taken for isotropic elsewhere"
    assert eqx.filter_jit(lambda m: m.thomsen(jnp.zeros(3)))(medium)[0] == 0.1


@pytest.mark.slow
def test_gradient_time_is_the_reference():
    """The stretched closed form is the isotropic one without anisotropy."""
    points = np.random.default_rng(1).uniform(0, 20, (5, 3))
    exact = [GradientTime(MODEL)(jnp.asarray(points[0]), jnp.asarray(x)) for x in points[1:]]
    np.testing.assert_allclose(
        stretched(points[1:], points[0], np.array([0.0, 0.0, 1.0]), 0.0), exact, rtol=1e-12
    )
