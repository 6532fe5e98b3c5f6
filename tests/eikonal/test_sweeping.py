"""The sweeping solver against the closed form of a constant gradient, and its implicit gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.eikonal import (
    FactoredSweeping,
    GradientTime,
    HomogeneousTime,
    build_grid_tables,
    solve_eikonal,
)
from diffseis.velocity import Gradient, Homogeneous
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
MODEL = Gradient(3.0, 0.2)


@jax.jit
def _exact(source, nodes):
    """Times from a source to nodes, in two or three dimensions."""
    to_ned = (lambda x: x) if nodes.shape[1] == 3 else (lambda x: jnp.stack([x[0], 0 * x[0], x[1]]))
    return jax.vmap(lambda x: GradientTime(MODEL)(to_ned(source), to_ned(x)))(nodes)


def _rms(num_nodes, source_km):
    num_dims = len(source_km)
    grid = RegularGrid([0.0] * num_dims, 20 / (num_nodes - 1), (num_nodes,) * num_dims)
    source = jnp.asarray(source_km)
    solution = solve_eikonal(MODEL, grid, source_km=source)
    assert solution.result == RESULTS.successful
    nodes = grid.nodes_km().reshape(-1, num_dims)
    exact = _exact(source, nodes)
    time = solution.stats["tau"].reshape(-1) * jnp.linalg.norm(nodes - source[None, :], axis=-1)
    return float(jnp.linalg.norm(time - exact) / jnp.linalg.norm(exact))


@needs_x64
@pytest.mark.parametrize("source_km", [(3.123, 4.567), (5.0, 5.0), (0.0, 0.0)])
def test_first_order_in_two_dimensions(source_km):
    errors = [_rms(n, source_km) for n in (41, 81, 161)]
    slopes = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(slopes > 0.93)
    # Measured: 2.56e-4, 2.59e-4 and, for the source in the corner, 4.44e-4.
    assert errors[-1] < (4.6e-4 if source_km == (0.0, 0.0) else 2.7e-4)


@needs_x64
@pytest.mark.slow
def test_first_order_in_three_dimensions():
    errors = [_rms(n, (3.123, 4.567, 6.1)) for n in (21, 41)]
    assert np.log2(errors[0] / errors[1]) > 0.9
    assert errors[-1] < 1e-3


@needs_x64
def test_uniform_medium_is_exact():
    grid = RegularGrid([0.0, 0.0], 0.5, (31, 25))
    source = jnp.asarray([3.1, 4.77])
    solution = solve_eikonal(Homogeneous(6.0), grid, source_km=source)
    np.testing.assert_allclose(solution.stats["tau"], 1 / 6, rtol=1e-10)
    assert float(solution.value(source)) == 0
    assert np.all(np.isfinite(jax.grad(solution.value)(source)))


@needs_x64
def test_implicit_gradient_is_the_finite_difference_of_the_solver():
    grid = RegularGrid([0.0, 0.0], 0.5, (33, 29))

    def time(theta):
        solution = solve_eikonal(Gradient(theta[0], theta[1]), grid, source_km=theta[2:])
        return solution.value(jnp.asarray([14.0, 3.3])) + 2 * solution.value(jnp.asarray([1.0, 12.3]))

    check_grads(jax.jit(time), jnp.asarray([3.0, 0.2, 3.12, 4.56]), rtol=1e-5, atol=1e-6)


def test_too_few_rounds_are_reported():
    grid = RegularGrid([0.0, 0.0], 0.5, (33, 29))
    source = jnp.asarray([3.1, 4.77])
    solver = FactoredSweeping(max_rounds=1)
    assert (
        solve_eikonal(MODEL, grid, solver, source_km=source, throw=False).result == RESULTS.max_steps_reached
    )
    with pytest.raises(Exception, match="largest number of steps"):
        jax.block_until_ready(solve_eikonal(MODEL, grid, solver, source_km=source).value.coefficients)


def test_wrong_calls():
    grid = RegularGrid([0.0, 0.0], 0.5, (9, 9))
    with pytest.raises(ValueError, match="outside the grid"):
        solve_eikonal(MODEL, grid, source_km=jnp.asarray([3.0, 40.0]))
    with pytest.raises(ValueError, match="coordinates"):
        solve_eikonal(MODEL, grid, source_km=jnp.asarray([3.0, 4.0, 5.0]))
    with pytest.raises(ValueError, match="2 or 3"):
        solve_eikonal(MODEL, RegularGrid([0.0], 0.5, (9,)), source_km=jnp.asarray([3.0]))


@needs_x64
def test_grid_tables():
    grid = RegularGrid([0.0, 0.0, -1.0], 1.0, (11, 12, 10))
    stations = jnp.asarray([[2.3, 4.4, -0.5], [7.0, 8.0, 0.0]])
    tables = build_grid_tables(Homogeneous(6.0), Homogeneous(3.5), stations, grid=grid)
    slope = eqx.filter_jit(lambda t, *args: jax.grad(t)(*args))
    source = jnp.asarray([5.5, 3.2, 6.1])
    for row in (0, 1):
        for phase, speed in enumerate((6.0, 3.5)):
            args = (stations[row], jnp.asarray(row), jnp.asarray(phase))
            expected = HomogeneousTime(Homogeneous(speed))(source, stations[row])
            np.testing.assert_allclose(tables(source, *args), expected, rtol=1e-8)
            assert np.all(np.isfinite(slope(tables, stations[row], *args)))
    with pytest.raises(ValueError, match="outside the grid"):
        build_grid_tables(Homogeneous(6.0), Homogeneous(3.5), stations.at[0, 2].set(-3.0), grid=grid)
