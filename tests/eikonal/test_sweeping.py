"""The sweeping solver against the closed form of a constant gradient, and its implicit gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.eikonal import (
    FactoredSweeping,
    GradientTime,
    HomogeneousTime,
    LayeredTime,
    build_grid_tables,
    solve_eikonal,
)
from diffseis.velocity import Gradient, Gridded, Homogeneous, Layered
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
MODEL = Gradient(3.0, 0.2)


@jax.jit
def _exact(source, nodes):
    """Times from a source to nodes, in two or three dimensions."""
    to_ned = (lambda x: x) if nodes.shape[1] == 3 else (lambda x: jnp.stack([x[0], 0 * x[0], x[1]]))
    return jax.vmap(lambda x: GradientTime(MODEL)(to_ned(source), to_ned(x)))(nodes)


def _error(num_nodes, source_km, solver=None):
    """Relative RMS and largest error in s."""
    num_dims = len(source_km)
    grid = RegularGrid([0.0] * num_dims, 20 / (num_nodes - 1), (num_nodes,) * num_dims)
    source = jnp.asarray(source_km)
    solution = solve_eikonal(MODEL, grid, solver, source_km=source)
    assert solution.result == RESULTS.successful
    nodes = grid.nodes_km().reshape(-1, num_dims)
    exact = _exact(source, nodes)
    time = solution.stats["tau"].reshape(-1) * jnp.linalg.norm(nodes - source[None, :], axis=-1)
    return float(jnp.linalg.norm(time - exact) / jnp.linalg.norm(exact)), float(
        jnp.max(jnp.abs(time - exact))
    )


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("source_km", [(7.313, 6.871), (5.0, 5.0), (0.0, 0.0), (19.99, 0.01)])
def test_second_order_in_two_dimensions(source_km):
    errors = np.array([_error(n, source_km)[0] for n in (41, 81, 161)])
    assert np.all(np.log2(errors[:-1] / errors[1:]) > 1.9)
    # Measured: 2.5e-6, 2.6e-6 and, for sources at the edge, 4.2e-6.
    assert errors[-1] < (3e-6 if source_km[1] > 1 else 5e-6)


@needs_x64
@pytest.mark.slow
def test_second_order_in_three_dimensions():
    errors = [_error(n, (7.313, 6.871, 5.137))[0] for n in (21, 41)]
    assert np.log2(errors[0] / errors[1]) > 1.9
    assert errors[-1] < 6e-5  # measured 5.5e-5


@pytest.mark.long
@needs_x64
def test_accuracy_in_three_dimensions():
    assert _error(31, (7.313, 6.871, 5.137))[0] < 1.2e-4  # measured 1.1e-4


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("source_km", [(3.123, 4.567), (0.0, 0.0)])
def test_first_order(source_km):
    errors = np.array([_error(n, source_km, FactoredSweeping(order=1))[0] for n in (41, 81, 161)])
    assert np.all(np.log2(errors[:-1] / errors[1:]) > 0.93)
    # Measured: 2.6e-4 and, for the source in the corner, 4.4e-4.
    assert errors[-1] < (4.6e-4 if source_km == (0.0, 0.0) else 2.7e-4)


@pytest.mark.long
@needs_x64
def test_the_place_of_the_source_within_its_cell_does_not_matter():
    grid = RegularGrid([0.0, 0.0], 0.4, (51, 51))
    nodes = grid.nodes_km().reshape(-1, 2)
    sources = 8.0 + 0.4 * jr.uniform(jr.key(0), (40, 2))

    @jax.jit
    def error(source):
        tau = solve_eikonal(MODEL, grid, source_km=source, throw=False).stats["tau"].reshape(-1)
        exact = _exact(source, nodes)
        time = tau * jnp.linalg.norm(nodes - source[None, :], axis=-1)
        return jnp.linalg.norm(time - exact) / jnp.linalg.norm(exact)

    errors = np.asarray([error(s) for s in sources])
    assert np.ptp(errors) < 0.2 * errors.mean()


@pytest.mark.long
@needs_x64
def test_head_waves():
    """Two layers: what is left is where, within a cell, the interface lies."""
    model = Layered([0.0, 3.05], [5.0, 6.5])
    grid = RegularGrid([0.0, 0.0], 0.1, (401, 101))
    source = jnp.asarray([2.013, 0.57])
    solution = solve_eikonal(model, grid, source_km=source)
    receivers = jnp.asarray([[38.0, 1.0], [38.0, 3.6], [24.0, 2.2], [10.0, 4.0], [38.0, 8.0]])
    exact = [
        LayeredTime(model)(jnp.stack([source[0], 0 * source[0], source[1]]), jnp.stack([x, 0 * x, z]))
        for x, z in receivers
    ]
    np.testing.assert_allclose(jax.vmap(solution.value)(receivers), exact, atol=0.004)


@needs_x64
@pytest.mark.slow
def test_a_rough_medium_converges_and_stays_within_its_bounds():
    """Blocks of random speed, contrasts up to three: many waves meet."""
    speed = jnp.repeat(jnp.repeat(jr.uniform(jr.key(3), (16, 1, 12), minval=2.0, maxval=6.0), 1, 0), 2, 1)
    model = Gridded(RegularGrid([0.0, -1.0, 0.0], [1.0, 2.0, 1.0], (16, 2, 12)), speed)
    source = jnp.asarray([4.31, 3.77])

    def solved(spacing, shape, order):
        grid = RegularGrid([0.0, 0.0], spacing, shape)
        solution = solve_eikonal(model, grid, FactoredSweeping(order=order), source_km=source)
        assert solution.result == RESULTS.successful
        return solution.stats["tau"]

    coarse = [np.asarray(solved(0.1, (151, 111), order)) for order in (1, 2)]
    fine = np.asarray(solved(0.025, (601, 441), 2))[::4, ::4]
    assert np.all((fine > 1 / 6.6) & (fine < 1 / 1.8))  # the spline overshoots its nodes a little
    first, second = (np.linalg.norm(c - fine) / np.linalg.norm(fine) for c in coarse)
    assert second < 0.25 * first


@pytest.mark.long
@needs_x64
def test_uniform_medium_is_exact():
    grid = RegularGrid([0.0, 0.0], 0.5, (31, 25))
    source = jnp.asarray([3.1, 4.77])
    solution = solve_eikonal(Homogeneous(6.0), grid, FactoredSweeping(tolerance=1e-12), source_km=source)
    np.testing.assert_allclose(solution.stats["tau"], 1 / 6, rtol=1e-10)
    assert float(solution.value(source)) == 0
    assert np.all(np.isfinite(jax.grad(solution.value)(source)))


def _two_times(grid, solver=None):
    """A function of (speed at the top, its gradient, source), and the same in closed form."""
    receivers = jnp.asarray([[14.13, 3.37], [1.2, 12.3]])

    def swept(theta):
        model = Gradient(theta[0], theta[1])
        solution = solve_eikonal(model, grid, solver, source_km=theta[2:], throw=False)
        return solution.value(receivers[0]) + 2 * solution.value(receivers[1])

    def exact(theta):
        to_ned = lambda x: jnp.stack([x[0], 0 * x[0], x[1]])
        time = GradientTime(Gradient(theta[0], theta[1]))
        return sum(w * time(to_ned(theta[2:]), to_ned(r)) for w, r in zip((1, 2), receivers, strict=True))

    return swept, exact


THETA = jnp.asarray([3.0, 0.2, 7.313, 6.871])


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_implicit_gradient_is_the_finite_difference_of_the_solver(order):
    swept, _ = _two_times(
        RegularGrid([0.0, 0.0], 0.5, (41, 33)), FactoredSweeping(order=order, tolerance=1e-10)
    )
    check_grads(jax.jit(swept), THETA, rtol=1e-6, atol=1e-7)


@pytest.mark.long
@needs_x64
def test_gradients_are_those_of_the_closed_form_and_of_differences():
    swept, exact = _two_times(RegularGrid([0.0, 0.0], 0.2, (101, 81)))
    run = jax.jit(jax.value_and_grad(swept))
    _, gradient = run(THETA)
    np.testing.assert_allclose(gradient, jax.grad(exact)(THETA), rtol=3e-4)
    step = 1e-5 * jnp.asarray([0.3, 0.02, 0.5, -0.4])
    difference = (run(THETA + step)[0] - run(THETA - step)[0]) / 2
    np.testing.assert_allclose(jnp.vdot(gradient, step), difference, rtol=1e-6)


@needs_x64
@pytest.mark.slow
def test_curvature():
    """Products with the Hessian: forward over reverse, reverse over reverse, and differences of gradients."""
    swept, _ = _two_times(RegularGrid([0.0, 0.0], 1.0, (21, 17)), FactoredSweeping(tolerance=1e-10))
    along = jnp.asarray([0.3, 0.02, 0.5, -0.4])
    slope = jax.jit(jax.grad(swept))
    product = jax.jit(lambda t: jax.jvp(jax.grad(swept), (t,), (along,))[1])(THETA)
    step = 1e-5 * along
    np.testing.assert_allclose(product, (slope(THETA + step) - slope(THETA - step)) / 2e-5, rtol=1e-5)
    twice = jax.jit(jax.grad(lambda t: jnp.vdot(jax.grad(swept)(t), along)))(THETA)
    np.testing.assert_allclose(product, twice, rtol=1e-6)


@needs_x64
@pytest.mark.slow
def test_curvature_is_that_of_the_closed_form():
    swept, exact = _two_times(RegularGrid([0.0, 0.0], 0.1, (201, 161)))
    along = jnp.asarray([0.3, 0.02, 0.5, -0.4])
    product = jax.jit(lambda t: jax.jvp(jax.grad(swept), (t,), (along,))[1])(THETA)
    np.testing.assert_allclose(product, jax.jvp(jax.grad(exact), (THETA,), (along,))[1], rtol=5e-3)


@needs_x64
@pytest.mark.slow
def test_gradient_in_three_dimensions():
    grid, solver = RegularGrid([0.0, 0.0, 0.0], 1.0, (14, 13, 12)), FactoredSweeping(tolerance=1e-10)
    receivers = jnp.asarray([[11.3, 3.3, 9.1], [1.0, 10.3, 2.0]])

    def time(theta):
        model = Gradient(theta[0], theta[1])
        solution = solve_eikonal(model, grid, solver, source_km=theta[2:], throw=False)
        return solution.value(receivers[0]) + 2 * solution.value(receivers[1])

    # A short step: over a longer one the neighbours that a node computes its time from change.
    check_grads(jax.jit(time), jnp.asarray([3.0, 0.2, 4.12, 5.58, 3.3]), rtol=1e-6, atol=1e-7, step=2e-6)


@pytest.mark.long
@needs_x64
def test_cells_much_longer_than_high():
    grid = RegularGrid([0.0, 0.0], [2.0, 0.1], (11, 101))
    source = jnp.asarray([7.1, 3.33])
    solution = solve_eikonal(Homogeneous(6.0), grid, FactoredSweeping(tolerance=1e-10), source_km=source)
    np.testing.assert_allclose(solution.stats["tau"], 1 / 6, rtol=1e-6)


@pytest.mark.slow
@needs_x64
def test_derivatives_that_did_not_converge_are_nan():
    grid = RegularGrid([0.0, 0.0], 0.5, (33, 29))

    def time(top):
        solver = FactoredSweeping(max_rounds=1, tolerance=1e-12)
        solution = solve_eikonal(
            Gradient(top, 0.2), grid, solver, source_km=jnp.asarray([3.1, 4.77]), throw=False
        )
        return solution.value(jnp.asarray([14.0, 3.3]))

    assert np.isnan(jax.jit(jax.grad(time))(jnp.asarray(3.0)))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(101, 81), pytest.param((41, 37, 33), marks=pytest.mark.slow)])
def test_single_precision(shape):
    """To rounding, that of double precision: squares of slowness are not lost in those of times over cells."""
    grid = RegularGrid([0.0] * len(shape), [0.2, 0.2, 0.05][: len(shape)], shape)
    source = jnp.asarray([3.313, 2.871, 0.4][: len(shape)])
    single = lambda tree: jax.tree.map(lambda x: x.astype(jnp.float32), tree)
    exact = solve_eikonal(MODEL, grid, source_km=source).stats["tau"]
    tau = solve_eikonal(single(MODEL), single(grid), source_km=single(source)).stats["tau"]
    assert tau.dtype == jnp.float32
    # A few nodes choose another stencil, where two are as good; then they differ by the error of a stencil.
    error = np.abs(np.asarray(tau) / np.asarray(exact) - 1)
    assert np.quantile(error, 0.999) < 5e-6
    assert error.max() < 5e-5


@pytest.mark.slow
def test_gradients_in_single_precision():
    """Sums along many paths are larger than their terms; what rounding leaves of them is not a failure."""
    shape = (41, 41)
    grid = RegularGrid([0.0, 0.0], 0.5, shape)
    north, down = np.meshgrid(*2 * [np.linspace(0.0, 20.0, 41)], indexing="ij")
    model = Gridded(grid, 3 + 0.2 * down + 0.3 * np.sin(north / 3) * np.cos(down / 4))
    source = jnp.asarray([7.313, 6.871])

    @jax.jit
    def slopes(model, grid, source):
        total = lambda model, source: jnp.sum(solve_eikonal(model, grid, source_km=source).stats["tau"])
        by_model, by_source = jax.grad(total, argnums=(0, 1))(model, source)
        return by_model.coefficients, by_source

    exact = slopes(model, grid, source)
    single = slopes(*jax.tree.map(lambda x: x.astype(jnp.float32), (model, grid, source)))
    for found, wanted in zip(single, exact, strict=True):
        assert found.dtype == jnp.float32
        # Measured: 6e-7 of the largest, by the source 1.4e-6.
        np.testing.assert_allclose(found, wanted, rtol=0, atol=4e-6 * np.max(np.abs(wanted)))


@pytest.mark.long
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
    with pytest.raises(ValueError, match="order"):
        FactoredSweeping(order=3)
    with pytest.raises(ValueError, match="2 or 3"):
        solve_eikonal(MODEL, RegularGrid([0.0], 0.5, (9,)), source_km=jnp.asarray([3.0]))


@pytest.mark.long
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


@pytest.mark.long
def test_a_source_outside_has_no_times_under_jit():
    """Where it cannot be refused."""
    grid = RegularGrid([0.0, 0.0], 1.0, (12, 12))
    run = jax.jit(lambda x: solve_eikonal(Gradient(3.0, 0.2), grid, source_km=x, throw=False).stats["tau"])
    assert jnp.all(jnp.isnan(run(jnp.asarray([20.0, 3.0]))))
    assert jnp.all(jnp.isfinite(run(jnp.asarray([11.0, 3.0]))))


@pytest.mark.long
def test_waves_along_the_edge_settle():
    """Rays that would come in through the bottom of flat cells: rounds were 49, by a share of slowness across the edge that fed itself."""
    grid = RegularGrid([0.0, 0.0], [0.8, 0.2], (100, 70))
    solution = solve_eikonal(Gradient(3.0, 0.05), grid, source_km=jnp.asarray([5.1, 2.3]))
    assert int(solution.stats["num_rounds"]) <= 8
