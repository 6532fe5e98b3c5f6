"""Nodes that no wave enters: waves go round them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import FactoredSweeping, Terrain, solve_eikonal
from diffseis.velocity import Gradient, Homogeneous
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _wall(num_nodes):
    """A cavity five kilometres wide and high in the way, its edges between nodes."""
    grid = RegularGrid([0.0, 0.0], 20 / (num_nodes - 1), (num_nodes, num_nodes))
    x, z = np.moveaxis(np.asarray(grid.nodes_km()), -1, 0)
    return grid, (np.abs(x - 10.01) < 2.5) & (np.abs(z - 10.01) < 2.5)


def _round_the_wall(num_nodes):
    """Against the shortest way round a corner of the cavity that the closed nodes make: theirs, half a cell further out."""
    grid, air = _wall(num_nodes)
    source = jnp.asarray([3.0, 10.3])
    solution = solve_eikonal(Homogeneous(5.0), grid, source_km=source, air=air)
    receiver = np.array([17.0, 10.6])
    h = float(grid.spacing_km[0])
    rows = np.argwhere(air)
    low, high = rows.min(0) * h - h, rows.max(0) * h + h
    ways = [[(low[0], z), (high[0], z)] for z in (low[1], high[1])]
    length = min(
        np.linalg.norm(np.diff([np.asarray(source), *map(np.array, way), receiver], axis=0), axis=1).sum()
        for way in ways
    )
    return float(solution.value(jnp.asarray(receiver))), length / 5


@needs_x64
@pytest.mark.slow
def test_waves_go_round_a_cavity():
    errors = []
    for num in (51, 101, 201):
        found, exact = _round_the_wall(num)
        assert exact > np.hypot(14, 0.3) / 5 * 1.05, "the cavity is in the way"
        errors.append(abs(found / exact - 1))
    errors = np.array(errors)
    assert np.all(np.log2(errors[:-1] / errors[1:]) > 0.8)
    assert errors[-1] < 1.5e-3  # measured 1.07e-3


@needs_x64
@pytest.mark.slow
def test_what_lies_in_the_air_does_not_matter():
    """A flat ground on nodes: below it times are those of the half-space, whatever the air's speed, and gradients are those of differences."""
    grid = RegularGrid([0.0, -1.0], 0.5, (33, 25))
    air = np.zeros(grid.shape, bool)
    air[:, :2] = True
    source, receiver = jnp.asarray([3.1, 2.3]), jnp.asarray([12.2, 0.4])

    @jax.jit
    def time(theta):
        model = Gradient(theta[0], theta[1])
        solver = FactoredSweeping(tolerance=1e-10)
        return solve_eikonal(model, grid, solver, source_km=source, air=air, throw=False).value(receiver)

    theta = jnp.asarray([4.0, 0.1])
    free = solve_eikonal(Gradient(4.0, 0.1), grid, source_km=source).value(receiver)
    np.testing.assert_allclose(time(theta), free, rtol=2e-4)
    check_grads(time, theta)


def test_wrong_calls():
    grid, source = RegularGrid([0.0, 0.0], 1.0, (9, 9)), jnp.asarray([3.2, 4.1])
    some = np.zeros((9, 9), bool)
    solve = lambda air, **more: solve_eikonal(Homogeneous(5.0), grid, source_km=source, air=air, **more)
    with pytest.raises(ValueError, match="shape"):
        solve(some[1:])
    with pytest.raises(ValueError, match="booleans"):
        solve(some.astype(float))
    with pytest.raises(ValueError, match="no node"):
        solve(~some)
    some[2:6, 2:7] = True
    with pytest.raises(ValueError, match="lies in the air"):
        solve(some)
    with pytest.raises(ValueError, match="Terrain"):
        solve(some, metric=Terrain(lambda x: 0 * x[0], 0.0, 8.0))
