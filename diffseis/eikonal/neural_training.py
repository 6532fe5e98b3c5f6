"""Training of travel-time networks on the eikonal equation."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from diffseis.core.concrete import is_concrete
from diffseis.core.results import Solution
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.eikonal.medium import Medium, of_depth_alone
from diffseis.eikonal.neural import FORMS, NeuralSourceTime, NeuralTravelTime, input_sizes
from diffseis.eikonal.neural_ground import make_ground
from diffseis.eikonal.neural_region import QUADRATURES, choose_quadrature, make_region
from diffseis.eikonal.neural_residuals import Eikonal, Misfit, Outflow, RandomPairs
from diffseis.inference import AbstractTrainer, Spring, fit_residuals
from diffseis.networks import CoordinateNetwork
from diffseis.velocity import TransverselyIsotropic

START = -3.0
"""Output of a new network: times begin close to those of straight lines, from above, so that first arrivals are found."""

TOLERANCE = 0.01
"""Relative errors of slowness above this count linearly, not squared: those where wavefronts have corners cannot vanish."""

ROUGH = 3.0
"""Frequency of new networks in media that need more nodes than the second of `QUADRATURES`."""

KNOWN_FLOOR = 0.1
"""Misfits to known times are relative to these times plus this share of the least time across the region."""


def train_travel_times(
    model: Medium,
    low_km: Float[Array, "3"],
    high_km: Float[Array, "3"],
    *,
    form: str | None = None,
    source_ned_km: Float[Array, "3"] | None = None,
    network: CoordinateNetwork | None = None,
    width: int = 48,
    depth: int = 3,
    frequency: float | None = None,
    trainer: AbstractTrainer | None = None,
    num_points: int = 1024,
    num_steps: int = 300,
    max_seconds: float | None = None,
    focus: int = 1,
    receiver_depth_km: tuple[float, float] | None = None,
    ground: Callable | None = None,
    known: AbstractTravelTimeField | None = None,
    known_weight: float = 1.0,
    equation_weight: float = 1.0,
    progress: Callable[[int, float], None] | None = None,
    key: Key[Array, ""],
) -> Solution:
    """A network of first-arrival times between all points of a box.

    Rays of some pairs leave the box; the medium there must be what the model says it is.

    Args:
        model: the medium.
        low_km, high_km: corners of the box in north, east, down.
        form: "depth", "plane" or "space" (`NeuralTravelTime`); by default what the model asks for: "depth" for media of depth alone.
        source_ned_km: train for this one source only (`NeuralSourceTime`; "plane" or "space").
        network: weights to start from (another medium's, for example); by default random ones of `width` and `depth`.
        width, depth, frequency: of a new network (`CoordinateNetwork`).
        trainer: how; `Spring()` by default.
        num_points: random pairs per step.
        num_steps, max_seconds: when to stop.
        focus: see `fit_residuals`.
        receiver_depth_km: draw receivers from these depths only (those of a network's stations); times from other depths, but for those
            back to them, are not learnt.
        ground: depth in km of the ground at a place (north, and east in "space"), such as `Surface`: the medium ends there, waves go round. The
            box must hold all of it; sources and receivers lie below. That no ray comes in from the air is asked for at as many points on the
            ground.
        known: times that are known (a table, another solver), taken into the loss beside the equation. In layers of constant speed the
            equation alone is slower to learn and can settle on waves that are not the first.
        known_weight: of their relative misfit.
        equation_weight: of the eikonal equation; with 0 only known times are learnt.
        progress: called with the number of steps and the loss.
        key: of the weights and points.

    Returns:
        `Solution` with the `NeuralTravelTime` (or `NeuralSourceTime`), the history in `stats`, and ``stats["residual"]``: the root mean
        square of the relative error of slowness at new points.

    Memory: `num_points` times the number of weights, 8 bytes each, and twice that while a step is made.
    """
    low, high = (jnp.asarray(x, float) for x in (low_km, high_km))
    form = _form_of(model, source_ned_km) if form is None else form
    if form not in FORMS:
        raise ValueError(f"`form` must be one of {', '.join(FORMS)}, got {form!r}")
    if not np.all(np.asarray(low) < np.asarray(high)):
        raise ValueError(f"`low_km` must be below `high_km` on every axis, got {low} and {high}")
    _check_medium(model, form)
    if (
        receiver_depth_km is not None
        and not low[2] <= receiver_depth_km[0] <= receiver_depth_km[1] <= high[2]
    ):
        raise ValueError(
            f"`receiver_depth_km` must be (top, bottom) within the box, {low[2]} to {high[2]}, got {receiver_depth_km}"
        )
    if num_points < 8:
        raise ValueError(f"`num_points` must be >= 8, got {num_points}")
    k_network, k_fit, k_test, k_region = jr.split(key, 4)
    below = None if ground is None else make_ground(ground, low, high, form)
    if below is not None and receiver_depth_km is not None:
        raise ValueError("`receiver_depth_km` cannot be had together with a `ground`; leave one of them out")
    if (
        below is not None
        and source_ned_km is not None
        and bool(below.above(jnp.asarray(source_ned_km, float)))
    ):
        raise ValueError(
            f"`source_ned_km` = {source_ned_km} lies above the `ground`; give a source at or below it"
        )
    region = make_region(model, low, high, receiver_depth_km=receiver_depth_km, ground=below)
    nodes = choose_quadrature(model, region, form, ground=below, key=k_region)
    if network is None:
        sizes = input_sizes(form, model, region) if source_ned_km is None else ({"plane": 2}.get(form, 3), 0)
        frequency = (ROUGH if nodes > QUADRATURES[1] else 1.0) if frequency is None else frequency
        network = CoordinateNetwork(
            *sizes, width=width, depth=depth, frequency=frequency, start=START, key=k_network
        )
    if source_ned_km is None:
        field = NeuralTravelTime(network, model, region, form, nodes, below)
    else:
        field = NeuralSourceTime(
            network, model, region, jnp.asarray(source_ned_km, float), form, nodes, below
        )

    number = lambda x: jnp.asarray(x, float)
    terms: list = []
    if equation_weight > 0:
        terms.append(Eikonal(field, number(equation_weight), number(TOLERANCE)))
    if known is not None:
        floor = KNOWN_FLOOR * region.max_distance_km * region.least_slowness
        terms.append(Misfit(field, number(known_weight), floor))
    bounded = below is not None and equation_weight > 0
    if bounded:
        terms.append(Outflow(field, number(equation_weight), number(TOLERANCE)))
    if not terms:
        raise ValueError("there is nothing to learn from: `equation_weight` is 0 and no times are `known`")
    fitted = fit_residuals(
        terms,
        network,
        RandomPairs(field, num_points, len(terms), bounded, known, int(equation_weight > 0)),
        Spring() if trainer is None else trainer,
        num_steps=num_steps,
        max_seconds=max_seconds,
        focus=focus,
        progress=progress,
        key=k_fit,
    )
    field = eqx.tree_at(lambda f: f.network, field, fitted.value)
    stats = {**fitted.stats, "residual": slowness_error(field, key=k_test)}
    return Solution(value=field, result=fitted.result, stats=stats, state=fitted.state)


@eqx.filter_jit
def slowness_error(
    field: NeuralTravelTime | NeuralSourceTime, *, num_points: int = 8192, key: Key[Array, ""]
) -> Float[Array, ""]:
    """Root mean square over random pairs of the relative error of the slowness ``|grad T|``."""
    (pairs,) = RandomPairs(field, num_points)(key)
    residual = jax.vmap(
        lambda pair: Eikonal(field, jnp.ones(()), jnp.full((), jnp.inf))(field.network, pair)
    )(pairs)
    return jnp.sqrt(jnp.mean(residual**2))


def _check_medium(model: Medium, form: str) -> None:
    """Raises ValueError where the medium is not one of the form."""
    if form == "depth" and not of_depth_alone(model):
        also = " with an upright axis" if isinstance(model, TransverselyIsotropic) else ""
        raise ValueError(
            f"the form 'depth' is for media of depth alone{also}, not for this {type(model).__name__}; use 'space'"
        )
    if form != "plane" or not isinstance(model, TransverselyIsotropic):
        return
    if is_concrete(model.axis_ned) and abs(float(model.axis_ned[1])) > 1e-9:
        raise ValueError(
            f"in a vertical plane the axis of symmetry must lie in it, got `axis_ned` = {model.axis_ned}; use 'space'"
        )


def _form_of(model, source_ned_km) -> str:
    return "depth" if of_depth_alone(model) and source_ned_km is None else "space"
