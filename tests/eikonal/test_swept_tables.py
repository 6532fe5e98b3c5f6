"""Tables from the eikonal equation in distance and depth, against those of exact rays."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import (
    AbstractAdjoint,
    ImplicitAdjoint,
    build_layered_tables,
    build_swept_tables,
    solve_eikonal,
    table_error,
)
from diffseis.eikonal.sweeping import solve_sweeps
from diffseis.velocity import Gradient, Layered

STATIONS = jnp.asarray([[0.0, 0.0, -1.0], [20.0, 5.0, -0.25], [-8.0, 11.0, -0.25]])
DEPTH_KM = [0.0, 1.0, 3.0, 7.0, 15.0]
RANGES = {"max_distance_km": 60.0, "depth_range_km": (-3.0, 20.0)}


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
def test_agrees_with_rays():
    vp = np.array([5.3, 5.65, 5.93, 6.2, 7.5])
    models = Layered(DEPTH_KM, vp), Layered(DEPTH_KM, vp / 1.75)
    swept = build_swept_tables(*models, STATIONS, **RANGES, spacing_km=0.25)
    rays = build_layered_tables(*models, STATIONS, **RANGES, spacing_km=(0.25, 0.25))
    assert swept.num_stations == rays.num_stations == 3
    error = table_error(swept, rays, STATIONS, num_points=3000, key=jr.key(0))
    assert error["max_s"] < 0.01
    assert error["median_s"] < 5e-4  # measured: 2.1e-4


@pytest.mark.long
def test_stations_outside_the_range_of_depths_are_included():
    # Layers and, widened to the station, nodes are as many as above: the program is the same.
    models = Layered(DEPTH_KM, [6.0] * 5), Layered(DEPTH_KM, [3.5] * 5)
    high = STATIONS.at[0, 2].set(-3.0)
    tables = build_swept_tables(
        *models, high, max_distance_km=60.0, depth_range_km=(0.0, 20.0), spacing_km=0.5
    )
    assert tables.grid.origin_km[1] <= -3
    source = jnp.asarray([3.0, 4.0, 4.0])
    time = tables(source, high[0], jnp.asarray(0), jnp.asarray(0))
    np.testing.assert_allclose(time, np.sqrt(25 + 49) / 6, rtol=1e-4)


class _NoAdjoint(AbstractAdjoint):
    def solve(self, equation, *, order, max_rounds, tolerance):
        return solve_sweeps(equation, order=order, max_rounds=max_rounds, tolerance=tolerance)


@pytest.mark.slow
def test_the_adjoint_is_what_differentiates():
    grid = RegularGrid([0.0, 0.0], 1.0, (9, 9))

    @eqx.filter_jit
    def slope(adjoint, speed):
        def time(v):
            solution = solve_eikonal(
                Gradient(v, 0.1), grid, source_km=jnp.asarray([1.0, 2.0]), adjoint=adjoint, throw=False
            )
            return solution.value(jnp.asarray([7.0, 6.0]))

        return jax.grad(time)(speed)

    speed = jnp.asarray(4.0)
    assert slope(ImplicitAdjoint(), speed) == slope(None, speed) < -0.1
    assert slope(_NoAdjoint(), speed) == 0
