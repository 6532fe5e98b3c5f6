"""The ways to a posterior, by name: all end in draws that the exact likelihood has weighted."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Key

from diffseis.mechanism.amortised import ProposalNetwork, amortised_posteriors, train_amortised
from diffseis.mechanism.amplitudes import PAmplitudes
from diffseis.mechanism.draws import Draws, draw, equal_kernels, next_kernels
from diffseis.mechanism.event_data import EventData
from diffseis.mechanism.guided_network import GuidedNetwork, by_station, guided_sources, train_guided
from diffseis.mechanism.noise import Noise
from diffseis.mechanism.posterior import GridSearch, posteriors, source_grid
from diffseis.mechanism.spaces import AbstractSourceSpace, DoubleCouples, ShearTensile
from diffseis.mechanism.svgd import SteinSearch, stein_posteriors
from diffseis.source import axes_quaternion, shear_tensile

SPACINGS_DEG = {"dc": 10.0, "shear-tensile": 14.0, "deviatoric": 18.0, "mt": 20.0}
"""Of the exhaustive grids: 3,700, 18,000, 4,096 and 8,192 sources."""

Steps = Callable[[int, int], None]


@runtime_checkable
class Method(Protocol):
    """Draws of the posteriors of a batch of events."""

    def __call__(
        self, space: AbstractSourceSpace, data: EventData, noise: Noise, keys: Key[Array, " event"]
    ) -> Draws:
        """One row of draws per event."""
        ...


def grid_search(
    source: str, space: AbstractSourceSpace, *, num_draws: int = 1024, spacing_deg: float | None = None
) -> GridSearch:
    """How the sources of a kind are searched.

    Args:
        source: "dc", "shear-tensile", "deviatoric" or "mt".
        space: of the sources.
        num_draws: of double couples; of the others twice as many.
        spacing_deg: of the grid; by default `SPACINGS_DEG`.
    """
    if num_draws < 64 or num_draws % 32:
        raise ValueError(f"`num_draws` must be a multiple of 32 of at least 64, got {num_draws}")
    grid = source_grid(space, SPACINGS_DEG[source] if spacing_deg is None else spacing_deg)
    # More dimensions need more draws to find what the coarser grid leaves.
    many = 1 if source == "dc" else 2
    return GridSearch(
        grid, num_draws=many * num_draws, num_first=256 * many, num_rounds=3 if source == "dc" else 6
    )


def grid_method(
    source: str, space: AbstractSourceSpace, *, num_draws: int = 1024, spacing_deg: float | None = None
) -> Method:
    """Exhaustive grid search, then weighted draws: see `GridSearch`."""
    search = grid_search(source, space, num_draws=num_draws, spacing_deg=spacing_deg)

    def run(space, data, noise, keys):
        return posteriors(space, search, data, noise, keys=keys)

    return run


def svgd_method(source: str, space: AbstractSourceSpace, *, num_draws: int = 1024) -> Method:
    """Stein particles, then weighted draws: see `SteinSearch`."""
    search = SteinSearch(source_grid(space, 1.5 * SPACINGS_DEG[source]), num_draws=num_draws)

    def run(space, data, noise, keys):
        return stein_posteriors(space, search, data, noise, keys=keys)

    return run


def amortised_method(
    source: str,
    space: AbstractSourceSpace,
    *,
    num_draws: int = 1024,
    num_steps: int = 2000,
    num_rounds: int = 2,
    progress: Steps | None = None,
    key: Key[Array, ""],
) -> Method:
    """A network that is trained on simulated sources in the rays of the first batch (once for each set of kinds of data), then weighted draws."""
    trained: dict[Any, ProposalNetwork] = {}

    def run(space, data, noise, keys):
        kinds = tuple(block.features().shape[-1] for block in jax.tree.map(_first, data).blocks)
        if kinds not in trained:
            k_start, k_train = jr.split(jr.fold_in(key, len(trained)))
            network = ProposalNetwork(space, data, key=k_start)
            found = train_amortised(network, data, noise, num_steps=num_steps, progress=progress, key=k_train)
            trained[kinds] = found.value
        return amortised_posteriors(trained[kinds], data, noise, num_draws, num_rounds, keys=keys)

    return run


def _first(x):
    return x[0]


def guided_method(
    source: str,
    space: AbstractSourceSpace,
    *,
    num_draws: int = 1024,
    num_steps: int = 3000,
    num_rounds: int = 3,
    progress: Steps | None = None,
    key: Key[Array, ""],
) -> Method:
    """The physics-guided network, trained on the batch's own P amplitudes; then draws about each event's source, weighted by all its data.

    Events need amplitudes, and stations that many of them share.
    """
    if not isinstance(space, DoubleCouples | ShearTensile):
        raise ValueError(
            f"the physics-guided network knows sources of the kinds dc and shear-tensile, not {source}"
        )

    def run(space, data, noise, keys):
        blocks = [b for b in data.blocks if isinstance(b, PAmplitudes)]
        if not blocks:
            raise ValueError("the physics-guided network needs P amplitudes, and the events have none")
        block = jax.tree.map(_single, blocks[0])
        num_stations = int(jnp.max(block.station_idx)) + 1
        if num_stations < 1:
            raise ValueError("the physics-guided network needs to know the rays' stations")
        kappa = space.kappa if isinstance(space, ShearTensile) else 1.0
        network = GuidedNetwork(
            num_stations, kappa=kappa, shear_only=isinstance(space, DoubleCouples), key=key
        )
        network = jax.tree.map(lambda x: _single(x) if eqx.is_array(x) else x, network)
        network = train_guided(network, block, num_stations, num_steps=num_steps, progress=progress).value
        angles, _ = guided_sources(network, jnp.asarray(by_station(block, num_stations)), block)
        return _about(
            _single_tree(space), angles, _single_tree(data), _single_tree(noise), num_draws, num_rounds, keys
        )

    return run


@eqx.filter_jit
def _about(space, angles, data, noise, num_draws, num_rounds, keys):
    """Weighted draws about one source per event."""

    def one(event):
        angle, data, key = event
        likelihood = lambda six: data.log_prob(six, noise)
        kappa = space.kappa if isinstance(space, ShearTensile) else jnp.ones_like(angle[0])
        axes = axes_quaternion(shear_tensile(angle[0], angle[1], angle[2], angle[3], kappa))
        point = axes if space.size == 4 else jnp.concatenate([axes, angle[3:]])
        width = _ABOUT_RAD * jnp.eye(space.num_dims, dtype=point.dtype)
        draws = draw(space, equal_kernels(point[None], width), likelihood, num_draws, key=key)
        for number in range(1, num_rounds):
            k_next, k_draw = jr.split(jr.fold_in(key, number))
            draws = draw(space, next_kernels(space, draws, 32, key=k_next), likelihood, num_draws, key=k_draw)
        return draws

    return jax.lax.map(one, (angles, data, keys))


_ABOUT_RAD = 0.15


def _single(x):
    return x.astype(jnp.float32) if jnp.issubdtype(x.dtype, jnp.floating) else x


def _single_tree(tree):
    return jax.tree.map(_single, tree)
