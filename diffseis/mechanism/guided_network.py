"""A physics-guided network: from P amplitudes of hundreds of events to their mechanisms, without a single label.

Dense layers look at an event's amplitudes by station; a scaling and shifting layer turns what comes out into strike, dip, rake and slope; the radiation layer computes the amplitudes of that source in the event's own rays, and
the normalisation layer takes their size away. The network is trained to give back what it was shown, on all events at once: what it learns of one helps the others. Angles that go round (strike, rake) are
made of a sine and a cosine, so that nothing ends at 360 degrees; several heads start from different places, and each event takes the one that fits it best.

References:
    Zhang, Innanen & Eaton (2021), Inversion for shear-tensile focal mechanisms using an unsupervised physics-guided neural network, doi:10.1785/0220200420.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, Float, Key

from diffseis.core import safe
from diffseis.core.results import Solution
from diffseis.inference.optax_steps import optax_updates
from diffseis.mechanism.amplitudes import PAmplitudes
from diffseis.mechanism.training import train_in_pieces
from diffseis.source import scalar_moment, shear_tensile, six_vector

_FEATURES = 6
"""Sine and cosine of strike and of rake, dip, slope."""


class GuidedNetwork(eqx.Module):
    """Amplitudes by station in, strike, dip, rake and slope out, by each of several heads.

    Attributes:
        trunk: dense layers that all heads share.
        heads: one linear layer for all heads.
        kappa: lambda over mu.
        num_heads: how many there are.
        shear_only: whether the slope is 0.
    """

    trunk: eqx.nn.MLP
    heads: eqx.nn.Linear
    kappa: Float[Array, ""]
    num_heads: int = eqx.field(static=True)
    shear_only: bool = eqx.field(static=True)

    def __init__(
        self,
        num_stations: int,
        *,
        kappa: Any = 1.0,
        num_heads: int = 8,
        width: int = 128,
        depth: int = 3,
        shear_only: bool = False,
        key: Key[Array, ""],
    ):
        k_trunk, k_heads = jr.split(key)
        self.trunk = eqx.nn.MLP(
            num_stations, width, width, depth - 1, jax.nn.gelu, final_activation=jax.nn.gelu, key=k_trunk
        )
        heads = eqx.nn.Linear(width, _FEATURES * num_heads, key=k_heads)
        # Heads begin at different sources, spread as biases of random sign and size one.
        start = jr.normal(jr.fold_in(k_heads, 1), heads.weight.shape[:1], heads.weight.dtype)
        self.heads = eqx.tree_at(lambda h: h.bias, heads, start)
        self.kappa = jnp.asarray(kappa, float)
        self.num_heads = num_heads
        self.shear_only = shear_only

    def __call__(self, amplitude: Float[Array, " station"]) -> Float[Array, "head 4"]:
        """Strike, dip, rake and slope in radians."""
        raw = self.heads(self.trunk(amplitude)).reshape(self.num_heads, _FEATURES)
        quarter = jnp.asarray(jnp.pi / 2, raw.dtype)
        strike = safe.arctan2(raw[:, 0], raw[:, 1])
        rake = safe.arctan2(raw[:, 2], raw[:, 3])
        dip = quarter * jax.nn.sigmoid(2 * raw[:, 4])
        slope = jnp.zeros_like(dip) if self.shear_only else quarter * jnp.tanh(0.5 * raw[:, 5])
        return jnp.stack([strike, dip, rake, slope], axis=1)

    def six(self, angles: Float[Array, "4"]) -> Float[Array, "6"]:
        """The six-vector of unit scalar moment: the radiation layer's source."""
        strike, dip, rake, slope = angles
        tensor = shear_tensile(strike, dip, rake, slope, self.kappa.astype(angles.dtype))
        return six_vector(tensor / scalar_moment(tensor))


def by_station(data: PAmplitudes, num_stations: int) -> Float[np.ndarray, "event station"]:
    """Amplitudes of a batch in columns of stations, 0 where there is none; each event has the root mean square 1."""
    observed, station = np.asarray(data.observed), np.asarray(data.station_idx)
    table = np.zeros((observed.shape[0], num_stations), observed.dtype)
    event, ray = np.nonzero(np.asarray(data.mask) & (station >= 0))
    table[event, station[event, ray]] = observed[event, ray]
    size = np.sqrt(np.sum(table**2, axis=1) / np.maximum(np.sum(table != 0, axis=1), 1))
    return (table / np.where(size > 0, size, 1)[:, None]).astype(observed.dtype)


def misfits(
    network: GuidedNetwork, amplitude: Float[Array, " station"], data: PAmplitudes
) -> Float[Array, " head"]:
    """Of one event by each head: 0 where normalised amplitudes agree, 1 where they are at right angles to each other."""
    angles = network(amplitude)
    six = jax.vmap(network.six)(angles)
    rows = jnp.where(data.mask[:, None], data.rows.value, 0).astype(six.dtype)
    found = (rows @ six.T).T
    observed = jnp.where(data.mask, data.observed, 0).astype(six.dtype)
    found = found if data.signed else jnp.abs(found)
    sizes = safe.norm(found) * safe.norm(observed)
    return 1 - safe.divide(found @ observed, sizes)


@eqx.filter_jit
def _train_chunk(network, state, optimiser, table, data, first, num_steps, total):
    """Some steps of the optimiser, in one program."""
    arrays, static = eqx.partition(network, eqx.is_inexact_array)

    def loss(arrays, sharpness):
        network = eqx.combine(arrays, static)
        each = jax.vmap(lambda x, d: misfits(network, x, d))(table, data)
        # All heads learn at first, then more and more the one that fits an event best.
        share = jax.lax.stop_gradient(jax.nn.softmax(-sharpness * each, axis=1))
        return jnp.mean(jnp.sum(share * each, axis=1)), each

    def step(carry, number):
        arrays, state = carry
        progress = (first + number).astype(table.dtype) / total
        (_, each), slope = jax.value_and_grad(loss, has_aux=True)(arrays, 100 * progress)
        updates, state = optax_updates(optimiser, slope, state, arrays)
        return (optax.apply_updates(arrays, updates), state), jnp.mean(jnp.min(each, axis=1))

    (arrays, state), history = jax.lax.scan(step, (arrays, state), jnp.arange(num_steps))
    return eqx.combine(arrays, static), state, history


def train_guided(
    network: GuidedNetwork,
    data: PAmplitudes,
    num_stations: int,
    *,
    num_steps: int = 3000,
    learning_rate: float = 2e-3,
    progress: Callable[[int, int], None] | None = None,
) -> Solution[GuidedNetwork]:
    """Train on a batch of events by their own amplitudes.

    Args:
        network: to begin with.
        data: of the batch.
        num_stations: columns of the network's input.
        num_steps: of Adam, each on all events.
        learning_rate: at first; it falls to a hundredth along a cosine.
        progress: told about steps made.

    Returns:
        `Solution`: the network; ``stats["misfit"]`` by step, the mean over events of the best head's.
    """
    table = jnp.asarray(by_station(data, num_stations))
    schedule = optax.cosine_decay_schedule(learning_rate, num_steps, alpha=0.01)
    optimiser = optax.adam(schedule)
    state = optimiser.init(eqx.filter(network, eqx.is_inexact_array))
    total = jnp.asarray(num_steps, table.dtype)

    def steps(network, state, first, number):
        return _train_chunk(network, state, optimiser, table, data, jnp.asarray(first), number, total)

    return train_in_pieces(steps, network, state, num_steps, "misfit", progress)


@eqx.filter_jit
def guided_sources(
    network: GuidedNetwork, table: Float[Array, "event station"], data: PAmplitudes
) -> tuple[Float[Array, "event 4"], Float[Array, " event"]]:
    """Strike, dip, rake and slope of each event by its best head, in radians, and their misfits."""

    def one(amplitude, data):
        each = misfits(network, amplitude, data)
        best = jnp.argmin(each)
        return network(amplitude)[best], each[best]

    return jax.vmap(one)(table, data)
