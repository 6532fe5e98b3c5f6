"""The best hypocentre as a differentiable function of picks, velocities and everything else that decides it.

The maximum of a density is where its gradient vanishes; the implicit function theorem gives its derivative without
differentiating the search that found it: ``du/dtheta = -H^-1 d(grad)/dtheta``. It appears here as one Newton step from the
maximum, whose value is the maximum and whose derivative is the theorem's.

References:
    Blondel et al. (2022), Efficient and modular implicit differentiation, arXiv:2105.15183.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.inference import climb
from diffseis.location.catalogue import LocatedCatalogue
from diffseis.location.data import EventData, event_arrays, prepare_picks
from diffseis.location.posterior import Context, Problem, pick_weights


def best_hypocentre(
    problem: Problem, data: EventData, start_ned_km: Float[Array, "3"], *, num_steps: int = 60
) -> tuple[Float[Array, "3"], Float[Array, ""]]:
    """Place (km) and origin time (s) of highest posterior density, differentiable in `problem` and `data`.

    Travel-time tables pass derivatives on to the velocities they were built from, if they are built inside the function that
    is differentiated. Travel-time errors of different picks are taken as independent.

    Args:
        problem: travel times, likelihood and prior.
        data: picks of one event.
        start_ned_km: where the search starts (a located hypocentre: the nearest maximum is followed).
        num_steps: largest number of Newton steps.

    Example:
        ``jax.grad(lambda t: best_hypocentre(problem, eqx.tree_at(lambda d: d.time_s, data, t), x0)[0][2])(data.time_s)``
        is the change of depth per second of each pick.
    """
    reduced, predicted = problem.reduced(start_ned_km, data)
    origin, _ = problem.likelihood.origin_time(reduced, predicted, data, None)
    start = problem.volume.from_ned(start_ned_km)
    zero = jnp.zeros((), start.dtype)
    context = Context(None, pick_weights(problem, start_ned_km, origin, data, zero))
    if problem.num_dims == 4:
        start = jnp.concatenate([start, (origin - jnp.sum(context.weights * reduced))[None]])
    start = jax.lax.stop_gradient(start)

    def density(u, softness, p, d):
        return p.log_density(u, softness, d, context) - p.volume.to_ned(u[:3])[1]

    still_problem, still_data = jax.lax.stop_gradient((problem, data))
    # To the last digit: the theorem holds where the gradient vanishes, and every distance from there is an error of the derivative.
    peak = climb(
        lambda v, s: density(v, s, still_problem, still_data),
        start,
        jnp.zeros(1, start.dtype),
        (num_steps,),
        tolerance=1e-24,
    )
    u = jax.lax.stop_gradient(peak.location)
    hessian = jax.lax.stop_gradient(jax.hessian(density)(u, zero, still_problem, still_data))
    u = u - jnp.linalg.solve(hessian, jax.grad(density)(u, zero, problem, data))
    x, _ = problem.volume.to_ned(u[:3])
    reduced, predicted = problem.reduced(x, data)
    if problem.num_dims == 4:
        return x, problem.origin_time(u, reduced, context)
    return x, problem.likelihood.origin_time(reduced, predicted, data, None)[0]


def hypocentre_by_picks(
    problem: Problem, catalogue: LocatedCatalogue, event: int
) -> tuple[
    Callable[[Float[Array, " pick"]], tuple[Float[Array, "3"], Float[Array, ""]]], Float[Array, " pick"]
]:
    """The best hypocentre of a located event as a function of its pick times, and these times.

    Args:
        problem: what it was located with.
        catalogue: from `locate`.
        event: its row.

    Returns:
        A differentiable function from pick times (s after the event's reference time, in order of time) to place (km,
        north-east-down) and origin time (s); and the times it was located with.

    Example:
        ``f, t = hypocentre_by_picks(problem, catalogue, 0); jax.grad(lambda t: f(t)[0][2])(t)`` is km of depth per second of each pick.
    """
    prepared = prepare_picks(catalogue.picks, catalogue.stations)
    data = event_arrays(
        prepared,
        catalogue.picks,
        catalogue.stations,
        catalogue.frame,
        event,
        station_terms_s=catalogue.station_terms_s,
    )
    data = jax.tree.map(jnp.asarray, data)
    num_picks = len(prepared.rows[event])
    start = jnp.asarray(catalogue.particles.ned_km[event].mean(axis=0))

    @jax.jit
    def hypocentre(time_s):
        padded = data.time_s.at[:num_picks].set(time_s)
        return best_hypocentre(problem, eqx.tree_at(lambda d: d.time_s, data, padded), start)

    return hypocentre, data.time_s[:num_picks]
