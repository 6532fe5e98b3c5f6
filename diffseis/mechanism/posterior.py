"""The posterior of one event's source: an exhaustive grid, then draws that are weighted exactly."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from diffseis.mechanism.batches import first_events, grown, map_there, size_of_batch
from diffseis.mechanism.draws import Draws, draw, grid_kernels, next_kernels
from diffseis.mechanism.event_data import EventData
from diffseis.mechanism.noise import Noise
from diffseis.mechanism.spaces import AbstractSourceSpace, sixes


class SourceGrid(eqx.Module):
    """Sources that are spread evenly over a space, in single precision: what is exhaustive need not be exact.

    Attributes:
        point: in the space's own numbers.
        six: their six-vectors of unit scalar moment.
        spacing_rad: between neighbours.
    """

    point: Float[Array, "point size"]
    six: Float[Array, "point 6"]
    spacing_rad: float = eqx.field(static=True)


def source_grid(space: AbstractSourceSpace, spacing_deg: float) -> SourceGrid:
    """A grid of a space; 10 degrees are 3,700 double couples, 8,000 deviatoric or 35,000 shear-tensile sources at 15."""
    if not 1 <= spacing_deg <= 45:
        raise ValueError(f"`spacing_deg` must lie between 1 and 45, got {spacing_deg}")
    points = np.asarray(space.grid(float(np.radians(spacing_deg))), np.float32)
    single = jax.tree.map(lambda x: x.astype(jnp.float32), space)
    return SourceGrid(
        jnp.asarray(points),
        eqx.filter_jit(sixes)(single, jnp.asarray(points)),
        float(np.radians(spacing_deg)),
    )


class GridSearch(eqx.Module):
    """How the posterior of each event is found: every source of a grid, then rounds of weighted draws.

    Attributes:
        grid: of sources.
        num_draws: of the last round.
        num_first: of the rounds before it.
        num_rounds: of draws; three find posteriors of half a degree from a grid of ten.
        num_centres: kernels of the proposals.
    """

    grid: SourceGrid
    num_draws: int = eqx.field(static=True, default=1024)
    num_first: int = eqx.field(static=True, default=256)
    num_rounds: int = eqx.field(static=True, default=3)
    num_centres: int = eqx.field(static=True, default=32)

    def __check_init__(self):
        for name in ("num_draws", "num_first"):
            if getattr(self, name) % self.num_centres:
                raise ValueError(
                    f"`{name}` must be a multiple of `num_centres`, got {getattr(self, name)} and {self.num_centres}"
                )
        if self.num_rounds < 1:
            raise ValueError(f"`num_rounds` must be at least 1, got {self.num_rounds}")


def grid_posterior(
    space: AbstractSourceSpace, search: GridSearch, data: EventData, noise: Noise, *, key: Key[Array, ""]
) -> Draws:
    """Draws of one event's posterior.

    Args:
        space: of the sources.
        search: how.
        data: of one event.
        noise: of the data.
        key: of the draws.
    """
    value = data.log_prob(search.grid.six, noise)
    dtype = noise.mispick_logit.dtype
    k_grid, k_last, k_rounds = jr.split(key, 3)
    likelihood = lambda six: data.log_prob(six, noise)
    kernels = grid_kernels(
        space,
        search.grid.point.astype(dtype),
        value.astype(dtype),
        search.grid.spacing_rad,
        search.num_centres,
        key=k_grid,
    )

    def narrow(kernels, key):
        k_draw, k_next = jr.split(key)
        draws = draw(space, kernels, likelihood, search.num_first, key=k_draw)
        return next_kernels(space, draws, search.num_centres, key=k_next), None

    # One program for all rounds but the last.
    kernels, _ = jax.lax.scan(narrow, kernels, jr.split(k_rounds, search.num_rounds - 1))
    return draw(space, kernels, likelihood, search.num_draws, key=k_last)


def posteriors(
    space: AbstractSourceSpace,
    search: GridSearch,
    data: EventData,
    noise: Noise,
    *,
    batch_size: int = 1,
    keys: Key[Array, " event"],
) -> Draws:
    """Draws of a batch of events, one event after another (what one needs of a grid then stays in a CPU's cache), or a few at once on an accelerator.

    In the noise's precision: single precision is enough for thousands of rays, and twice as fast.

    Args:
        space: of the sources.
        search: how.
        data: with a leading axis of events.
        noise: of the data.
        batch_size: events at once.
        keys: one per event.
    """
    num = keys.shape[0]
    size = size_of_batch(data)
    data, keys = grown((data, keys), size)
    return first_events(
        _posteriors(space, search, data, noise, jnp.arange(size) < num, keys, batch_size), num
    )


@eqx.filter_jit
def _posteriors(space, search, data, noise, there, keys, batch_size):
    dtype = noise.mispick_logit.dtype
    cast = lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x
    space, data = jax.tree.map(cast, (space, data))
    one = lambda event: grid_posterior(space, search, event[0], noise, key=event[1])
    return map_there(one, (data, keys), there, batch_size)
