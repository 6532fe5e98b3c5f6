"""Rays against circles and straight lines, their times against fields, Fréchet derivatives against the adjoint of the solver."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jaxtyping import Array, Float

from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import spline_coefficients
from diffseis.core.results import RESULTS
from diffseis.eikonal import (
    GradientTime,
    GridTime,
    HomogeneousTime,
    LayeredTime,
    Ray,
    Spherical,
    Straight,
    ray_time,
    solve_eikonal,
    trace_ray,
)
from diffseis.velocity import Gradient, Gridded, Homogeneous, Layered
from tests.helpers.gradients import check_grads, tol

X64 = bool(jax.config.read("jax_enable_x64"))
needs_x64 = pytest.mark.skipif(not X64, reason="the tolerances are for float64")
MODEL = Gradient(3.0, 0.2)
FIELD = GradientTime(MODEL)
SOURCE, RECEIVER = jnp.asarray([2.3, -1.0, 1.1]), jnp.asarray([18.0, 5.0, 0.3])
# Grids of one shape, so that all rays share one program.
DEEP, SHALLOW = (RegularGrid([0.0, -2.0, 0.0], [20.0, 10.0, bottom], (2, 2, 2)) for bottom in (10.0, 1.5))


def _ray(**options):
    return trace_ray(FIELD, MODEL, RECEIVER, source_km=SOURCE, **({"grid": DEEP} | options))


def _off_the_circle(points, zero_km=-15.0):
    """Largest distance from the circle through both ends whose centre lies where the speed would be zero."""
    points = np.asarray(points)
    flat = points[:, :-1] - points[-1, :-1]
    along = flat @ flat[0] / np.linalg.norm(flat[0])
    height = points[:, -1] - zero_km
    centre = (along[0] ** 2 + height[0] ** 2 - height[-1] ** 2) / (2 * along[0])
    across = np.linalg.norm(flat - along[:, None] * (flat[0] / np.linalg.norm(flat[0]))[None, :], axis=1)
    off = np.abs(np.hypot(along - centre, height) - np.hypot(centre, height[-1]))
    return max(off.max(), across.max())


@pytest.mark.long
def test_rays_of_a_gradient_are_arcs_of_circles():
    solution = _ray()
    ray = solution.value
    assert solution.result == RESULTS.successful
    np.testing.assert_array_equal(ray.points_km[0], RECEIVER)
    np.testing.assert_array_equal(ray.points_km[-1], SOURCE)
    # To ten times the tolerance of 1e-5, relative to the distance of 17 km.
    assert _off_the_circle(ray.points_km) < (2e-3 if X64 else 1e-2)
    # Equal steps of time.
    left = jax.vmap(lambda x: FIELD(SOURCE, x))(ray.points_km) / FIELD(SOURCE, RECEIVER)
    np.testing.assert_allclose(left, np.linspace(1, 0, 129), atol=1e-4)
    # The chain bends by 0.0078 of its 1.05 rad per piece and is late by a 24th of that squared, 2.7e-6.
    np.testing.assert_allclose(ray.time_s, FIELD(SOURCE, RECEIVER), rtol=4e-6)
    np.testing.assert_allclose(
        ray.length_km, np.linalg.norm(np.diff(ray.points_km, axis=0), axis=1).sum(), rtol=tol(float)
    )


@needs_x64
@pytest.mark.slow
def test_the_chain_is_late_by_a_part_of_second_order_and_never_early():
    late = [
        float(_ray(num_points=n, tolerance=1e-8).value.time_s) / float(FIELD(SOURCE, RECEIVER)) - 1
        for n in (33, 129)
    ]
    assert late[1] > 0
    np.testing.assert_allclose(late[0] / late[1], 16, rtol=0.02)


def _check_straight(ray, source, speed_km_s):
    share = np.linspace(1, 0, len(ray.points_km))[:, None]
    line = np.asarray(source) + share * np.asarray(RECEIVER - source)
    # In single precision steps are right to 64 units of rounding of 17 km, 1.3e-4 km.
    np.testing.assert_allclose(ray.points_km, line, atol=1e-4 if X64 else 5e-4)
    distance = np.linalg.norm(RECEIVER - source)
    np.testing.assert_allclose(ray.length_km, distance, rtol=1e-6)
    np.testing.assert_allclose(ray.time_s, distance / speed_km_s, rtol=1e-6)


@pytest.mark.long
def test_straight_rays():
    model = Gradient(6.0, 0.0)
    _check_straight(
        trace_ray(GradientTime(model), model, RECEIVER, source_km=SOURCE, grid=DEEP).value, SOURCE, 6.0
    )


@pytest.mark.slow
def test_straight_rays_of_a_homogeneous_medium():
    model, source = Homogeneous(6.0), SOURCE.at[1].set(1.0)
    _check_straight(trace_ray(HomogeneousTime(model), model, RECEIVER, source_km=source).value, source, 6.0)
    grid = RegularGrid([0.0, 0.0, 0.0], 2.0, (10, 9, 8))
    _check_straight(
        trace_ray(solve_eikonal(model, grid, source_km=source).value, model, RECEIVER).value, source, 6.0
    )


GRID = RegularGrid([0.0, 0.0], 0.2, (101, 41))
FLAT_SOURCE = jnp.asarray([2.313, 1.187])


def _flat_time(x):
    to_ned = lambda x: jnp.stack([x[0], 0 * x[0], x[1]])
    return FIELD(to_ned(FLAT_SOURCE), to_ned(x))


@pytest.fixture(scope="module")
def on_grid():
    """Exact times at the nodes. The source lies on none."""
    nodes = GRID.nodes_km()
    distance = jnp.linalg.norm(nodes - FLAT_SOURCE[None, None, :], axis=-1)
    tau = jax.vmap(jax.vmap(_flat_time))(nodes) / distance
    return GridTime(spline_coefficients(tau, 2), GRID, FLAT_SOURCE, Straight())


@pytest.mark.long
def test_rays_on_a_grid(on_grid):
    """Many at once: what they share is compiled once, and new receivers compile nothing."""
    many = eqx.filter_vmap(lambda x: trace_ray(on_grid, MODEL, x, throw=False))
    run = eqx.filter_jit(eqx.debug.assert_max_traces(many, max_traces=1))
    receivers = jnp.asarray([[18.0, 0.3], [10.0, 7.3], [0.1, 3.0], [19.99, 0.01], [2.5, 1.2], [2.313, 6.0]])
    solution = run(receivers)
    assert np.all(np.asarray(solution.result == RESULTS.successful))
    for points in np.asarray(solution.value.points_km)[:5]:
        assert _off_the_circle(points) < 3e-3
    np.testing.assert_allclose(solution.value.time_s, jax.vmap(_flat_time)(receivers), rtol=4e-6)
    np.testing.assert_allclose(solution.value.time_s, solution.stats["time_s"], rtol=4e-6)
    run(receivers + 0.005)


@needs_x64
@pytest.mark.slow
def test_rays_of_swept_times():
    """Rays are out of place by the error of the field's gradient; their times by its square, and so better than the field's own."""
    receiver = jnp.asarray([18.0, 0.3])
    times = solve_eikonal(MODEL, GRID, source_km=FLAT_SOURCE).value
    ray = trace_ray(times, MODEL, receiver, tolerance=1e-7, num_points=513).value
    assert _off_the_circle(ray.points_km) < 1.2e-3  # measured 8.0e-4
    wrong, late = (float(t / _flat_time(receiver) - 1) for t in (times(receiver), ray.time_s))
    # Measured: 1.4e-5 and, mostly the chain's, 1.4e-7.
    assert 0 < late < 0.02 * abs(wrong)


@needs_x64
@pytest.mark.slow
def test_the_head_wave_runs_along_the_interface():
    model = Layered([0.0, 3.05], [5.0, 6.5])
    grid = RegularGrid([0.0, 0.0], 0.1, (401, 101))
    source, receiver = jnp.asarray([2.013, 0.57]), jnp.asarray([38.0, 1.0])
    ray = trace_ray(solve_eikonal(model, grid, source_km=source).value, model, receiver).value
    x, z = np.asarray(ray.points_km).T
    # It goes down and comes up at the critical angle of 50.3 degrees. The grid blurs the interface over a cell, within which the angle
    # turns: 2 degrees.
    critical = np.arcsin(5 / 6.5)
    first, last = (2.013 + np.tan(critical) * (3.05 - 0.57), 38.0 - np.tan(critical) * (3.05 - 1.0))
    along = (x > first + 0.5) & (x < last - 0.5)
    assert np.count_nonzero(along) > 90
    assert np.all(np.abs(z[along] - 3.1) < 0.1)
    assert z.max() < 3.2
    for part, end in ((x < first - 0.5, source), (x > last + 0.5, receiver)):
        angle = np.arctan2(np.abs(x[part] - end[0]), z[part] - end[1])[np.abs(x[part] - end[0]) > 0.1]
        assert len(angle) > 5
        np.testing.assert_allclose(np.rad2deg(angle), np.rad2deg(critical), atol=2)
    ends = (jnp.stack([p[0], 0 * p[0], p[1]]) for p in (source, receiver))
    exact = float(LayeredTime(model)(*ends))
    # Along a node below the interface at worst: the way there and back at the critical angle takes 0.013 s more.
    assert exact - 1e-4 < float(ray.time_s) < exact + 0.013


@jax.jit
def _number(receiver, source):
    """Of places, length and time of a ray."""
    solution = trace_ray(
        FIELD, MODEL, receiver, source_km=source, num_points=9, tolerance=1e-9, max_steps=256, throw=False
    )
    return solution.value.length_km + 2 * solution.value.time_s + solution.value.points_km[3, 2]


@pytest.mark.long
def test_gradients_and_source_on_receiver():
    """Through the steps of the differential equation, by both ends."""
    slope = jax.jit(jax.grad(_number, argnums=(0, 1)))
    if X64:
        found = slope(RECEIVER, SOURCE)
        step = 1e-4 * jnp.asarray([0.3, -0.5, 0.4])
        for n, gradient in enumerate(found):
            ends = lambda sign, n=n: [
                x + sign * step if n == m else x for m, x in enumerate((RECEIVER, SOURCE))
            ]
            difference = (_number(*ends(1.0)) - _number(*ends(-1.0))) / 2
            np.testing.assert_allclose(jnp.vdot(gradient, step), difference, rtol=1e-5)
    together = trace_ray(FIELD, MODEL, SOURCE, source_km=SOURCE, grid=DEEP)
    assert together.result == RESULTS.successful
    assert float(together.value.length_km) == 0
    assert float(together.value.time_s) == 0
    assert np.all(np.isfinite(slope(SOURCE, SOURCE)))


@needs_x64
@pytest.mark.slow
def test_gradients_are_finite_differences(on_grid):
    """In both modes. Steps adapt: differences see them change, derivatives hold them fixed; 1e-5 covers that at a tolerance of 1e-9."""

    def number(x):
        ray = trace_ray(on_grid, MODEL, x, num_points=9, tolerance=1e-9, max_steps=256, throw=False).value
        return ray.length_km + 2 * ray.time_s + ray.points_km[3, 1]

    check_grads(jax.jit(number), jnp.asarray([14.13, 3.37]), rtol=1e-5, atol=1e-6, step=1e-4)


def _as_model(theta):
    return Gradient(theta[0], theta[1])


@pytest.mark.long
@needs_x64
def test_frechet_derivatives_of_a_gradient():
    """Against the closed form, by both constants of the medium; the chain's part is of second order in its step."""
    theta = jnp.asarray([3.0, 0.2])
    exact = jax.grad(lambda t: GradientTime(_as_model(t))(SOURCE, RECEIVER))(theta)
    # A path out of place counts in first order here, in second order in its time: chords of 0.0082 rad lie on average a twelfth of its square
    # times the radius of 15 km, 8e-5 km, beside the arc; depths of 3 km count in the derivative by the gradient.
    ray = _ray(tolerance=1e-8).value
    found = jax.jit(jax.grad(lambda t, r: ray_time(_as_model(t), r)))(theta, ray)
    np.testing.assert_allclose(found, exact, rtol=4e-5)
    np.testing.assert_allclose(ray_time(MODEL, ray), ray.time_s, rtol=1e-12)
    # The ray is held fixed.
    by_points = jax.grad(lambda p: ray_time(MODEL, Ray(p, ray.length_km, ray.time_s)))(ray.points_km)
    assert not np.any(np.asarray(by_points))


def test_a_medium_faster_by_a_share_everywhere():
    """Times are then shorter by this share: the sum of speeds times derivatives is minus the time, whatever the medium and the path."""
    nodes = RegularGrid([0.0, -2.0, 0.0], [5.0, 3.0, 2.0], (5, 5, 4))
    speed = 4 + jr.uniform(jr.key(0), nodes.shape)
    path = Ray(jnp.asarray([[18.0, 5.0, 0.3], [9.0, 3.0, 4.0], [2.3, -1.0, 1.1]]), jnp.ones(()), jnp.ones(()))
    time, slope = jax.jit(jax.value_and_grad(lambda v: ray_time(Gridded(nodes, v), path)))(speed)
    np.testing.assert_allclose(jnp.sum(speed * slope), -time, rtol=10 * tol(speed.dtype))


def _two_derivatives(nodes, grid, source, receiver):
    """Of the time by the speeds at the nodes of a smooth medium: along the ray, and by the adjoint of the sweeps."""
    depth = nodes.nodes_km()[..., -1]
    speed = 4 + 0.15 * depth + 0.6 * jr.uniform(jr.key(1), nodes.shape)
    field = lambda v: solve_eikonal(Gridded(nodes, v), grid, source_km=source, throw=False).value
    time, adjoint = jax.jit(lambda v: (field(v), jax.grad(lambda w: field(w)(receiver))(v)))(speed)
    ray = trace_ray(time, Gridded(nodes, speed), receiver).value
    along = jax.jit(jax.grad(lambda v, r: ray_time(Gridded(nodes, v), r)))(speed, ray)
    return float(jnp.linalg.norm(along - adjoint) / jnp.linalg.norm(adjoint))


FLAT = RegularGrid([0.0, 0.0], 2.0, (11, 8)), jnp.asarray([2.31, 9.7]), jnp.asarray([17.3, 0.4])


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("num_dims", [2, 3])
def test_frechet_derivatives_and_the_adjoint_converge_to_each_other(num_dims):
    """Their difference falls with the square of the spacing of the sweeps (measured: by 4.5 and 4.1 in 2-D, 4.1 in 3-D)."""
    if num_dims == 2:
        nodes, source, receiver = FLAT
        grids = [
            RegularGrid([0.0, 0.0], h, (round(20 / h) + 1, round(14 / h) + 1)) for h in (0.5, 0.25, 0.125)
        ]
        last = 6e-3  # measured 4.5e-3
    else:
        nodes = RegularGrid([0.0, 0.0, 0.0], 4.0, (6, 6, 4))
        source, receiver = jnp.asarray([2.31, 3.3, 9.7]), jnp.asarray([17.3, 14.0, 0.4])
        grids = [
            RegularGrid([0.0] * 3, h, (round(20 / h) + 1,) * 2 + (round(12 / h) + 1,)) for h in (1.0, 0.5)
        ]
        last = 0.02  # measured 1.8e-2
    errors = np.array([_two_derivatives(nodes, grid, source, receiver) for grid in grids])
    assert np.all(np.log2(errors[:-1] / errors[1:]) > 1.9)
    assert errors[-1] < last


@pytest.mark.long
def test_rays_that_leave_the_grid_are_told():
    solution = _ray(grid=SHALLOW, throw=False)
    assert solution.result == RESULTS.left_grid
    assert np.all(np.isfinite(solution.value.points_km))
    with pytest.raises(Exception, match="left the grid"):
        jax.block_until_ready(_ray(grid=SHALLOW).value.points_km)


class Valley(eqx.Module):
    """A time whose least value is not at the source.

    Attributes:
        scale: of it.
    """

    scale: Float[Array, ""]

    def __call__(self, x_km):
        return self.scale * jnp.sqrt(jnp.sum((x_km - SOURCE - jnp.asarray([5.0, 4.0, 0.0])) ** 2) + 1.0)


@pytest.mark.parametrize(("scale", "result"), [(1.0, "max_steps_reached"), (np.nan, "non_finite")])
def test_rays_that_do_not_arrive_are_told_and_are_not_nan(scale, result):
    solve = lambda **options: trace_ray(
        Valley(jnp.asarray(scale)), MODEL, RECEIVER, source_km=SOURCE, grid=DEEP, **options
    )
    solution = solve(throw=False)
    assert solution.result == getattr(RESULTS, result)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(solution.value))
    with pytest.raises(Exception, match=str(RESULTS[getattr(RESULTS, result)])[:20]):
        jax.block_until_ready(solve().value.points_km)


@pytest.mark.slow
def test_a_ray_of_too_few_steps_ends_where_it_came_to():
    solution = _ray(max_steps=8, throw=False)
    assert solution.result == RESULTS.max_steps_reached
    points = np.asarray(solution.value.points_km)
    assert _off_the_circle(np.concatenate([points, np.asarray(SOURCE)[None, :]])) < 0.01
    assert np.linalg.norm(points[-1] - np.asarray(SOURCE)) > 1
    np.testing.assert_array_equal(points[-1], points[-2])


@needs_x64
@pytest.mark.slow
def test_rays_of_a_rough_medium():
    """Blocks of random speed, contrasts up to three: hundreds of rays, none lost, none early."""
    speed = jnp.repeat(jnp.repeat(jr.uniform(jr.key(3), (16, 1, 12), minval=2.0, maxval=6.0), 1, 0), 2, 1)
    model = Gridded(RegularGrid([0.0, -1.0, 0.0], [1.0, 2.0, 1.0], (16, 2, 12)), speed)
    grid = RegularGrid([0.0, 0.0], 0.1, (151, 111))
    field = solve_eikonal(model, grid, source_km=jnp.asarray([4.31, 3.77])).value
    receivers = jr.uniform(jr.key(0), (400, 2)) * jnp.asarray([[15.0, 11.0]])
    rays = eqx.filter_vmap(lambda x: trace_ray(field, model, x, throw=False))(receivers)
    assert np.all(np.asarray(rays.result == RESULTS.successful))
    late = np.asarray(rays.value.time_s / rays.stats["time_s"]) - 1
    assert np.abs(np.median(late)) < 5e-4  # measured -2.4e-4: the field's error
    assert np.quantile(late, 0.05) > -3e-3
    assert late.max() < 6e-3  # measured 5.2e-3


def test_wrong_calls(on_grid):
    with pytest.raises(ValueError, match="give `source_km`"):
        trace_ray(FIELD, MODEL, RECEIVER)
    with pytest.raises(ValueError, match="2 or 3 coordinates"):
        trace_ray(FIELD, MODEL, jnp.ones(4), source_km=jnp.ones(4))
    with pytest.raises(ValueError, match="2 or 3 coordinates"):
        trace_ray(on_grid, MODEL, RECEIVER)
    # The type checker finds it first where it is on.
    with pytest.raises(Exception, match="source_km"):
        trace_ray(FIELD, MODEL, RECEIVER, source_km=jnp.ones(2))
    with pytest.raises(ValueError, match="the grid 3 dimensions"):
        trace_ray(on_grid, MODEL, jnp.asarray([3.0, 2.0]), grid=DEEP)
    with pytest.raises(ValueError, match="outside the grid"):
        trace_ray(on_grid, MODEL, jnp.asarray([3.0, 40.0]))
    with pytest.raises(ValueError, match="num_points"):
        trace_ray(on_grid, MODEL, jnp.asarray([3.0, 4.0]), num_points=2)
    round_earth = eqx.tree_at(lambda t: t.metric, on_grid, Spherical())
    with pytest.raises(ValueError, match="flat space"):
        trace_ray(round_earth, MODEL, jnp.asarray([3.0, 4.0]))
