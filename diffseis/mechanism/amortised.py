"""An amortised posterior: a network that looks at an event's data and says where its source may be, as a mixture of kernels.

A sum over rays of what a small network makes of each (so that their number and order do not matter) tells a second network the centres, widths and weights of kernels on the space of sources. It is trained on simulated
sources in the rays of real events, by the log density that it gives to the truth; and what it says is only a proposal: draws are weighted by the exact likelihood.

References:
    Kaufl, Valentine, de Wit & Trampert (2016), Solving probabilistic inverse problems rapidly with prior samples, doi:10.1093/gji/ggw108. Steinberg, Vasyura-Bathke, Gaebler, Ohrnberger & Ceranna (2021),
    Estimation of seismic moment tensors using variational inference machine learning, doi:10.1029/2021JB022685. Bishop (1994), Mixture density networks.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Array, Key

from diffseis.core.results import Solution
from diffseis.inference.optax_steps import optax_updates
from diffseis.mechanism.draws import Draws, Kernels, draw, mixture_log_density, next_kernels
from diffseis.mechanism.event_data import EventData
from diffseis.mechanism.noise import Noise
from diffseis.mechanism.spaces import AbstractSourceSpace
from diffseis.mechanism.training import train_in_pieces

_SCALE = 0.1
"""Sums over rays are of the order of their number: this makes them numbers of order one."""

_WIDTH_RAD = 0.3
"""Of kernels before training."""

_LEAST_WIDTH_RAD = 0.01


class ProposalNetwork(eqx.Module):
    """From an event's data to kernels on a space of sources, in single precision.

    Attributes:
        encoders: one network per block of data, for its rays.
        decoder: from the sums over rays to the kernels' numbers.
        space: of the sources.
        num_kernels: of the mixture.
    """

    encoders: tuple[eqx.nn.MLP, ...]
    decoder: eqx.nn.MLP
    space: AbstractSourceSpace
    num_kernels: int = eqx.field(static=True)

    def __init__(
        self,
        space: AbstractSourceSpace,
        data: EventData,
        *,
        num_kernels: int = 8,
        width: int = 64,
        key: Key[Array, ""],
    ):
        """For data of the blocks of `data` (one event's, or a batch's)."""
        keys = jr.split(key, len(data.blocks) + 1)
        sizes = [jax.eval_shape(lambda b=block: _features_of(b)).shape[-1] for block in data.blocks]
        self.encoders = tuple(
            eqx.nn.MLP(size, 2 * width, width, 2, jax.nn.gelu, dtype=jnp.float32, key=k)
            for size, k in zip(sizes, keys[1:], strict=True)
        )
        num = num_kernels * (space.size + space.num_dims * (space.num_dims + 1) // 2 + 1)
        self.decoder = eqx.nn.MLP(
            2 * width * len(sizes), num, 4 * width, 3, jax.nn.gelu, dtype=jnp.float32, key=keys[0]
        )
        self.space = jax.tree.map(lambda x: x.astype(jnp.float32), space)
        self.num_kernels = num_kernels

    def __call__(self, data: EventData) -> Kernels:
        """The kernels of one event."""
        sums = []
        for encoder, block in zip(self.encoders, data.blocks, strict=True):
            each = jnp.where(block.mask[:, None], jax.vmap(encoder)(block.features()), 0)
            sums.append(_SCALE * jnp.sum(each, axis=0))
        raw = self.decoder(jnp.concatenate(sums)).reshape(self.num_kernels, -1)
        size, num_dims = self.space.size, self.space.num_dims
        centre = jax.vmap(self.space.nearest)(raw[:, :size])
        factor = jax.vmap(lambda x: _triangle(x, num_dims))(raw[:, size:-1])
        return Kernels(centre, factor, jax.nn.log_softmax(raw[:, -1]))


def _features_of(block):
    """Of one event, or of the first of a batch."""
    single = block if block.mask.ndim == 1 else jax.tree.map(lambda x: x[0], block)
    return single.features()


def _triangle(numbers, num_dims):
    """A lower triangle whose diagonal is positive."""
    rows, columns = np.tril_indices(num_dims)
    zero = jnp.zeros((num_dims, num_dims), numbers.dtype)
    whole = zero.at[rows, columns].set(_WIDTH_RAD * numbers)
    diagonal = _LEAST_WIDTH_RAD + _WIDTH_RAD * jax.nn.softplus(jnp.diagonal(whole) / _WIDTH_RAD + 0.5)
    return whole - jnp.diag(jnp.diagonal(whole)) + jnp.diag(diagonal)


@eqx.filter_jit
def _train_chunk(network, state, optimiser, data, points, noise, batch_size, num_steps, key):
    """Some steps of the optimiser, each on new simulated events, in one program."""
    arrays, static = eqx.partition(network, eqx.is_inexact_array)
    space = network.space
    num_events = data.num_events

    def simulated(key):
        k_event, k_source, k_move, k_data, k_noise = jr.split(key, 5)
        event = jax.tree.map(lambda x: x[jr.randint(k_event, (), 0, num_events)], data)
        point = points[jr.randint(k_source, (), 0, points.shape[0])]
        # Between the grid's points, too; and noise that is not quite the one that is believed.
        point = space.move(point, 0.2 * jr.normal(k_move, (space.num_dims,), jnp.float32))
        other = jax.tree.map(lambda x: x + 0.2 * jr.normal(k_noise, x.shape, x.dtype), noise)
        return event.simulate(space.six(point), other, key=k_data), point

    def loss(arrays, key):
        network = eqx.combine(arrays, static)
        events, truth = jax.vmap(simulated)(jr.split(key, batch_size))

        def one(event, point):
            return mixture_log_density(space, network(event), point[None])[0]

        return -jnp.mean(jax.vmap(one)(events, truth))

    def step(carry, key):
        arrays, state = carry
        value, slope = jax.value_and_grad(loss)(arrays, key)
        updates, state = optax_updates(optimiser, slope, state, arrays)
        return (optax.apply_updates(arrays, updates), state), value

    (arrays, state), history = jax.lax.scan(step, (arrays, state), jr.split(key, num_steps))
    return eqx.combine(arrays, static), state, history


def train_amortised(
    network: ProposalNetwork,
    data: EventData,
    noise: Noise,
    *,
    num_steps: int = 3000,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    spacing_rad: float = 0.2,
    progress: Callable[[int, int], None] | None = None,
    key: Key[Array, ""],
) -> Solution[ProposalNetwork]:
    """Train on simulated sources in the rays of a batch's events.

    Args:
        network: to begin with.
        data: whose rays are used; what was observed in them is not looked at.
        noise: of the simulated data, varied by a fifth.
        num_steps: of Adam, each on new simulated events.
        batch_size: of these.
        learning_rate: at first; it falls to a hundredth along a cosine.
        spacing_rad: of the grid from which sources are drawn (and moved by as much).
        progress: told about steps made.
        key: of everything random.

    Returns:
        `Solution`: the network; ``stats["loss"]`` by step: minus the mean log density of the truth, by the uniform measure in radians.
    """
    single = lambda x: x.astype(jnp.float32) if jnp.issubdtype(x.dtype, jnp.floating) else x
    data, noise = jax.tree.map(single, (data, noise))
    points = jnp.asarray(network.space.grid(spacing_rad), jnp.float32)
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps, alpha=0.01)),
    )
    # The space's own numbers (kappa) are no weights.
    weights = eqx.filter(network, eqx.is_inexact_array)
    state = optimiser.init(weights)

    def steps(network, state, first, number):
        given = (data, points, noise, batch_size, number, jr.fold_in(key, first))
        return _train_chunk(network, state, optimiser, *given)

    return train_in_pieces(steps, network, state, num_steps, "loss", progress)


@eqx.filter_jit
def amortised_posteriors(
    network: ProposalNetwork,
    data: EventData,
    noise: Noise,
    num_draws: int = 1024,
    num_rounds: int = 1,
    *,
    keys: Key[Array, " event"],
) -> Draws:
    """Draws from the network's kernels, weighted by the exact likelihood.

    Args:
        network: trained.
        data: of a batch of events.
        noise: of the data.
        num_draws: per event.
        num_rounds: 1 for the network alone; more draw again, from kernels about the weighted draws of the round before.
        keys: one per event.
    """
    single = lambda x: x.astype(jnp.float32) if jnp.issubdtype(x.dtype, jnp.floating) else x
    data, noise = jax.tree.map(single, (data, noise))
    space = network.space

    def one(event):
        data, key = event
        likelihood = lambda six: data.log_prob(six, noise)
        draws = draw(space, network(data), likelihood, num_draws, key=key)
        for number in range(1, num_rounds):
            k_next, k_draw = jr.split(jr.fold_in(key, number))
            kernels = next_kernels(space, draws, 32, key=k_next)
            draws = draw(space, kernels, likelihood, num_draws, key=k_draw)
        return draws

    return jax.lax.map(one, (data, keys))
