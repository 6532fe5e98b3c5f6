"""Rays: down the gradient of a travel-time field, from the receiver to the source."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from diffseis.core import safe
from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS, Solution
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.eikonal.metric import Straight
from diffseis.eikonal.solve import GridTime
from diffseis.eikonal.straight import mean_slowness
from diffseis.velocity.base import AbstractVelocityModel

SourceTime = Callable[[Float[Array, " dim"]], Float[Array, ""]]

BALL = 0.1
"""Rays are followed until this share of the time between two of their points is left; the rest is straight."""

ARRIVED = 3.0
"""Rays that end within this many times the distance that is then to be expected have arrived."""

OUTSIDE = 0.1
"""By how many cells rays may leave the grid: those that run along its faces waver."""


class Ray(eqx.Module):
    """A ray as a chain of straight pieces.

    Attributes:
        points_km: from the receiver to the source, at equal steps of travel time.
        length_km: of the chain; shorter than the curved ray by a part of second order in the step.
        time_s: travel time along the chain. By Fermat's principle it is no earlier than the first arrival, and later by a part of
            second order both in the step and in how far the ray is out of place.
    """

    points_km: Float[Array, "point dim"]
    length_km: Float[Array, ""]
    time_s: Float[Array, ""]


def trace_ray(
    time: GridTime | AbstractTravelTimeField | SourceTime,
    model: AbstractVelocityModel,
    receiver_km: Float[Array, " dim"],
    *,
    source_km: Float[Array, " dim"] | None = None,
    grid: RegularGrid | None = None,
    num_points: int = 129,
    solver: diffrax.AbstractSolver | None = None,
    tolerance: float = 1e-5,
    max_steps: int = 1024,
    throw: bool = True,
) -> Solution[Ray]:
    """The ray of the first arrival at one receiver.

    The curve ``dx/du = -T/(1 - u) grad T / |grad T|^2`` is followed from u = 0, the receiver, to u = 1: along it ``T = T(receiver) (1 - u)``,
    so that every ray arrives at the end of one interval, known beforehand, and errors shrink with T instead of missing the source.

    Differentiable with respect to the field, the model and both ends. Map over receivers by `equinox.filter_vmap` with `throw` off.

    Args:
        time: a solution of `solve_eikonal`; a field of two points; or any function of a point that gives the time in s from `source_km`
            (keep it: another function compiles anew).
        model: the medium of these times.
        receiver_km: in three dimensions north, east, down; in two distance and down.
        source_km: where the times start; not needed with a `GridTime`, which knows.
        grid: what the ray shall not leave; with a `GridTime` its own.
        num_points: of the ray, both ends included.
        solver: of the differential equation; `diffrax.Tsit5()`. Its steps adapt.
        tolerance: of the differential equation, relative to the distance of the ends.
        max_steps: largest number of steps.
        throw: raise when the ray left the grid or did not arrive.

    Returns:
        `Solution` with a `Ray`, ``stats["num_steps"]`` and ``stats["time_s"]``, the time of the field. A ray that did not arrive
        (`max_steps_reached`) ends where it came to; `left_grid` when it left the grid; `non_finite` where the field is.

    Raises:
        ValueError: for points of other than 2 or 3 coordinates, ends outside the grid, a metric other than straight.

    References:
        Cerveny (2001), Seismic ray theory, doi:10.1017/CBO9780511529399, section 3.1; Podvin & Lecomte (1991), Finite difference computation
        of traveltimes in very contrasted velocity models, doi:10.1111/j.1365-246X.1991.tb03461.x (rays by the gradient of times). Kidger (2022),
        On neural differential equations, doi:10.48550/arXiv.2202.02435 (diffrax).

    !!! Example
        ```python
        times = solve_eikonal(model, grid, source_km=source).value
        ray = trace_ray(times, model, receiver).value
        ```
    """
    receiver_km = jnp.asarray(receiver_km)
    if isinstance(time, GridTime):
        if not isinstance(time.metric, Straight):
            raise ValueError(
                f"rays are traced in a flat space, not with the metric {type(time.metric).__name__}"
            )
        source_km = time.source_km if source_km is None else source_km
        grid = time.grid if grid is None else grid
    if source_km is None:
        raise ValueError("give `source_km`: only a `GridTime` knows where its times start")
    source_km = jnp.asarray(source_km)
    _check_ends(source_km, receiver_km, grid)
    if num_points < 3:
        raise ValueError(f"`num_points` must be at least 3, got {num_points}")
    ray, result, stats = _trace(
        time,
        model,
        source_km,
        receiver_km,
        grid,
        num_points,
        diffrax.Tsit5() if solver is None else solver,
        jnp.asarray(tolerance, receiver_km.dtype),
        max_steps,
    )
    if throw:
        ray = result.error_if(ray, result != RESULTS.successful)
    return Solution(value=ray, result=result, stats=stats)


def ray_time(model: AbstractVelocityModel, ray: Ray) -> Float[Array, ""]:
    """Travel time in s along a ray that is held fixed, as a function of the medium.

    Its derivatives with respect to the model are those of the first arrival, ``dT/dm = - integral of (dv/dm) / v^2 ds``: that the ray itself
    moves counts in second order only (Fermat). Its derivatives with respect to the ray are zero; for those by the ends take the field's.

    Args:
        model: any medium; exact in uniform and layered ones, else by three Gauss nodes to every piece of the ray.
        ray: from `trace_ray`, or any other path.

    References:
        Aki & Lee (1976), doi:10.1029/JB081i023p04381; Nolet (2008), A breviary of seismic tomography, doi:10.1017/CBO9780511984709, chapter 4.
    """
    return _path_time(model, stop_gradient(ray.points_km))


@eqx.filter_jit
def _trace(
    time, model, source_km, receiver_km, grid, num_points, solver, tolerance, max_steps
) -> tuple[Ray, RESULTS, dict]:
    field = _from_source(time, source_km)
    places = np.arange(num_points - 1) / (num_points - 1)
    # The gradient has no direction at the source: the ray is followed to a small ball round it.
    left = BALL / (num_points - 1)
    saved = jnp.asarray(np.append(places, 1 - left), receiver_km.dtype)
    distance_km = safe.norm(receiver_km - source_km)
    number = lambda x: jnp.asarray(x, receiver_km.dtype)
    least = jnp.finfo(receiver_km.dtype)
    allowed_km = jnp.maximum(tolerance, 64 * float(least.eps)) * stop_gradient(distance_km) + float(
        least.tiny
    )
    descent = diffrax.diffeqsolve(
        diffrax.ODETerm(_downhill),
        solver,
        t0=number(0.0),
        t1=number(1 - left),
        dt0=number(1 / (num_points - 1)),
        y0=receiver_km,
        args=field,
        saveat=diffrax.SaveAt(ts=saved),
        stepsize_controller=diffrax.PIDController(rtol=0.0, atol=allowed_km),
        # Forward and reverse; measured to cost no more than the adjoint that is for reverse mode alone.
        adjoint=diffrax.DirectAdjoint(),
        max_steps=max_steps,
        throw=False,
    )
    path, finished = _finite(jnp.asarray(descent.ys), receiver_km)
    # Where the source is met, as far from it as the time that is left allows.
    ball_km = left * distance_km
    nearby = source_km + left * (receiver_km - source_km)
    expected_km = left * field(receiver_km) * safe.divide(ball_km, field(nearby))
    apart_km = safe.norm(path[-1] - source_km)
    arrived = finished & (apart_km <= ARRIVED * expected_km)
    # The last place was for looking only; the source takes it.
    points = path.at[-1].set(jnp.where(arrived, source_km, path[-1]))
    length_km = jnp.sum(safe.norm(points[1:] - points[:-1]))
    ray = Ray(points, length_km, _path_time(model, points))
    result = RESULTS.where(arrived, RESULTS.successful, RESULTS.max_steps_reached)
    if grid is not None:
        result = RESULTS.where(_within(points, grid), result, RESULTS.left_grid)
    sound = jnp.isfinite(field(receiver_km)) & jnp.isfinite(ray.time_s)
    result = RESULTS.where(sound, result, RESULTS.non_finite)
    return ray, result, {"num_steps": descent.stats["num_steps"], "time_s": field(receiver_km)}


def _downhill(u, x_km, field):
    """Towards the source, such that the time falls in proportion to what is left of the interval."""
    time_s, slope = jax.value_and_grad(field)(x_km)
    return -safe.divide(time_s, (1 - u) * jnp.sum(slope * slope)) * slope


def _from_source(time, source_km):
    """The time as a function of the receiver alone, on the ray's axes."""
    if not isinstance(time, AbstractTravelTimeField):
        return time
    return lambda x_km: time(_to_ned(source_km), _to_ned(x_km))


def _to_ned(x_km: Float[Array, " dim"]) -> Float[Array, "3"]:
    return x_km if x_km.shape[0] == 3 else jnp.stack([x_km[0], jnp.zeros_like(x_km[0]), x_km[1]])


def _finite(
    path: Float[Array, "point dim"], receiver_km
) -> tuple[Float[Array, "point dim"], Bool[Array, ""]]:
    """The path, held where it came to from where it did not go on (marked by infinities), and whether it is complete."""
    good = jnp.all(jnp.isfinite(path), axis=1)
    good = jnp.cumsum(~good) == 0
    last = jnp.maximum(jnp.sum(good) - 1, 0)
    kept = jnp.where(good[:, None], path, receiver_km[None, :])
    return jnp.where(good[:, None], kept, kept[last][None, :]), jnp.all(good)


def _within(points_km: Float[Array, "point dim"], grid: RegularGrid) -> Bool[Array, ""]:
    index = grid.to_index(points_km)
    last = jnp.asarray(grid.shape, index.dtype) - 1
    return jnp.all((index >= -OUTSIDE) & (index <= last[None, :] + OUTSIDE))


def _path_time(model: AbstractVelocityModel, points_km: Float[Array, "point dim"]) -> Float[Array, ""]:
    ned = jax.vmap(_to_ned)(points_km)
    slowness = jax.vmap(lambda a, b: mean_slowness(model, a, b, num_nodes=3))(ned[:-1], ned[1:])
    return jnp.sum(safe.norm(ned[1:] - ned[:-1]) * slowness)


def _check_ends(source_km, receiver_km, grid: RegularGrid | None) -> None:
    for name, x in (("source_km", source_km), ("receiver_km", receiver_km)):
        if x.shape not in ((2,), (3,)) or x.shape != receiver_km.shape:
            raise ValueError(
                f"`source_km` and `receiver_km` must both have 2 or 3 coordinates, got `{name}` of shape {x.shape}"
            )
        if grid is None:
            continue
        if grid.num_dims != x.shape[0]:
            raise ValueError(f"`{name}` has {x.shape[0]} coordinates, the grid {grid.num_dims} dimensions")
        if is_concrete(x, grid.origin_km, grid.spacing_km) and not grid.contains(x):
            raise ValueError(f"`{name}` {x} km lies outside the grid")
