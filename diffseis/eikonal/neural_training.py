"""Training of travel-time networks on the eikonal equation."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from diffseis.core.results import Solution
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.eikonal.neural import FORMS, NeuralSourceTime, NeuralTravelTime, Region, input_sizes
from diffseis.eikonal.straight import mean_slowness
from diffseis.inference import AbstractTrainer, Spring, fit_residuals
from diffseis.networks import CoordinateNetwork
from diffseis.velocity import AbstractVelocityModel, Gradient, Gridded, Homogeneous, Layered

START = -3.0
"""Output of a new network: times begin close to those of straight lines, from above, so that first arrivals are found."""

QUADRATURES = (5, 9, 17, 33)
"""Numbers of nodes of the straight line's mean slowness; the first that is right to `QUADRATURE_ERROR` is taken."""
QUADRATURE_ERROR = 1e-3

TOLERANCE = 0.01
"""Relative errors of slowness above this count linearly, not squared: those where wavefronts have corners cannot vanish."""

ROUGH = 3.0
"""Frequency of new networks in media that need more nodes than the second of `QUADRATURES`."""

KNOWN_FLOOR = 0.1
"""Misfits to known times are relative to these times plus this share of the least time across the region."""


class Eikonal(eqx.Module):
    """The residual ``(v^2 |grad T|^2 - 1) / 2`` at the receiver, written without the singularity at the source.

    Attributes:
        field: all of a travel-time network but its weights.
        weight: of the residual.
        tolerance: residuals beyond it count linearly.
    """

    field: NeuralTravelTime | NeuralSourceTime
    weight: Float[Array, ""]
    tolerance: Float[Array, ""]

    def __call__(self, weights, pair) -> Float[Array, ""]:
        field = eqx.tree_at(lambda f: f.network, self.field, weights)
        source, receiver = pair
        tau, gradient = jax.value_and_grad(field.tau, argnums=1)(source, receiver)
        offset = field.offset(source, receiver)
        square = (
            tau * tau
            + 2 * tau * jnp.sum(offset * gradient)
            + jnp.sum(offset * offset) * jnp.sum(gradient * gradient)
        )
        residual = 0.5 * (square * field.model.speed(receiver) ** 2 - 1)
        return self.weight * _shortened(residual, self.tolerance)


def _shortened(residual, tolerance):
    """A residual whose square grows linearly beyond `tolerance` (the pseudo-Huber loss)."""
    return residual * jnp.sqrt(2 / (1 + jnp.sqrt(1 + (residual / tolerance) ** 2)))


class Misfit(eqx.Module):
    """Relative difference to known times.

    Attributes:
        field: all of a travel-time network but its weights.
        known: the times.
        weight: of the residual.
        floor_s: added to the times that misfits are relative to.
    """

    field: NeuralTravelTime | NeuralSourceTime
    known: AbstractTravelTimeField
    weight: Float[Array, ""]
    floor_s: Float[Array, ""]

    def __call__(self, weights, pair) -> Float[Array, ""]:
        field = eqx.tree_at(lambda f: f.network, self.field, weights)
        source, receiver = pair
        offset = field.offset(source, receiver)
        distance = jnp.sqrt(jnp.sum(offset * offset))
        known = self.known(source, receiver)
        return self.weight * (distance * field.tau(source, receiver) - known) / (known + self.floor_s)


class RandomPairs(eqx.Module):
    """Random sources and receivers of a region, half of them drawn together to any part of their distance.

    Attributes:
        field: for its region, form and source.
        num_points: pairs per batch.
        num_terms: equal batches for as many residuals.
    """

    field: NeuralTravelTime | NeuralSourceTime
    num_points: int = eqx.field(static=True)
    num_terms: int = eqx.field(static=True, default=1)

    def __call__(self, key: Key[Array, ""]):
        return [self._pairs(jr.fold_in(key, n)) for n in range(self.num_terms)]

    def _pairs(self, key):
        """One end among the receivers, the other anywhere: there the equation is asked to hold."""
        k_anywhere, k_end, k_nearer = jr.split(key, 3)
        region = self.field.region
        low, high = region.low_km, region.high_km
        shape = (self.num_points, 3)
        draw = lambda k: low[None, :] + (high - low)[None, :] * jr.uniform(k, shape, low.dtype)
        anywhere, end = draw(k_anywhere), draw(k_end)
        if isinstance(self.field, NeuralSourceTime):
            end = jnp.broadcast_to(self.field.source_ned_km, shape)
        else:
            top, bottom = region.receiver_depth_km
            end = end.at[:, 2].set(top + (bottom - top) * (end[:, 2] - low[2]) / (high[2] - low[2]))
            if self.field.form == "depth":
                # Distances are uniform up to the largest: it is they, not places, that matter.
                fraction = jr.uniform(jr.fold_in(key, 7), (self.num_points,), low.dtype)
                end = end.at[:, :2].set(0.5 * (low + high)[None, :2])
                anywhere = anywhere.at[:, :2].set(end[:, :2])
                anywhere = anywhere.at[:, 0].add(region.max_distance_km * fraction)
        nearer = jnp.minimum(2 * jr.uniform(k_nearer, (self.num_points, 1), low.dtype), 1)
        return end, end + nearer * (anywhere - end)


def train_travel_times(
    model: AbstractVelocityModel,
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
    if form == "depth" and not _of_depth_alone(model):
        raise ValueError(
            f"the form 'depth' is for media of depth alone, not for a {type(model).__name__}; use 'space'"
        )
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
    region = make_region(model, low, high, receiver_depth_km=receiver_depth_km)
    nodes = _quadrature(model, region, form, key=k_region)
    if network is None:
        sizes = input_sizes(form, model, region) if source_ned_km is None else ({"plane": 2}.get(form, 3), 0)
        frequency = (ROUGH if nodes > QUADRATURES[1] else 1.0) if frequency is None else frequency
        network = CoordinateNetwork(
            *sizes, width=width, depth=depth, frequency=frequency, start=START, key=k_network
        )
    if source_ned_km is None:
        field = NeuralTravelTime(network, model, region, form, nodes)
    else:
        field = NeuralSourceTime(network, model, region, jnp.asarray(source_ned_km, float), form, nodes)

    number = lambda x: jnp.asarray(x, float)
    terms: list = []
    if equation_weight > 0:
        terms.append(Eikonal(field, number(equation_weight), number(TOLERANCE)))
    if known is not None:
        floor = KNOWN_FLOOR * region.max_distance_km * region.least_slowness
        terms.append(Misfit(field, known, number(known_weight), floor))
    if not terms:
        raise ValueError("there is nothing to learn from: `equation_weight` is 0 and no times are `known`")
    fitted = fit_residuals(
        terms,
        network,
        RandomPairs(field, num_points, len(terms)),
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


def make_region(
    model: AbstractVelocityModel,
    low_km: Float[Array, "3"],
    high_km: Float[Array, "3"],
    *,
    receiver_depth_km: tuple[float, float] | None = None,
    num_samples: int = 24,
) -> Region:
    """The box, with the largest speed in it and around it (half its longest side further each way, where rays may go)."""
    around = 0.5 * jnp.max(high_km - low_km)
    edges = [jnp.linspace(a - around, b + around, num_samples) for a, b in zip(low_km, high_km, strict=True)]
    if isinstance(model, Layered):
        edges = [edges[0][:1], edges[1][:1], jnp.concatenate([edges[2], model.depth_km])]
    nodes = jnp.stack(jnp.meshgrid(*edges, indexing="ij"), axis=-1).reshape(-1, 3)
    speed = jax.jit(jax.vmap(model.speed))(nodes)
    inside = jnp.all((nodes[:, 2:] >= low_km[2]) & (nodes[:, 2:] <= high_km[2]), axis=1)
    # Between samples speeds may go a little further.
    margin = 1.0 if isinstance(model, Layered | Homogeneous | Gradient) else 1.05
    least = 1 / (margin * jnp.max(speed))
    greatest = margin / jnp.min(jnp.where(inside, speed, jnp.inf))
    thickness = (high_km - low_km)[2]
    layered = isinstance(model, Layered)
    reach = (0.1 if layered else 0.5) * thickness
    straight = 0.05 * thickness if layered else jnp.full_like(thickness, jnp.inf)
    depths = (low_km[2], high_km[2]) if receiver_depth_km is None else receiver_depth_km
    receivers = jnp.stack([jnp.asarray(z, low_km.dtype) for z in depths])
    return Region(low_km, high_km, least, greatest, reach, straight, receivers)


def _quadrature(model, region, form, *, key) -> int:
    """How many nodes the mean slowness of straight lines needs."""
    if isinstance(model, Homogeneous | Layered):
        return QUADRATURES[0]
    a, b = (
        region.low_km[None, :] + (region.high_km - region.low_km)[None, :] * jr.uniform(k, (256, 3), float)
        for k in jr.split(key)
    )
    if form == "plane":
        b = b.at[:, 1].set(a[:, 1])
    mean = lambda n: jax.jit(jax.vmap(lambda p, q: mean_slowness(model, p, q, num_nodes=n)))(a, b)
    best = mean(2 * QUADRATURES[-1])
    for nodes in QUADRATURES[:-1]:
        if float(jnp.max(jnp.abs(mean(nodes) / best - 1))) < QUADRATURE_ERROR:
            return nodes
    return QUADRATURES[-1]


def _of_depth_alone(model) -> bool:
    return isinstance(model, Homogeneous | Gradient | Layered) or (
        isinstance(model, Gridded) and model.grid.num_dims == 1
    )


def _form_of(model, source_ned_km) -> str:
    return "depth" if _of_depth_alone(model) and source_ned_km is None else "space"
