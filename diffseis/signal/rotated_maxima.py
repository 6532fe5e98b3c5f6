"""Largest absolute values of two horizontal components under rotation, at every whole degree, without making the rotated series.

In a few directions the maxima of short chunks of the series are made. They bound what a chunk can reach in between, and the samples that reach farthest in these
directions bound from below what the whole series does there; chunks that cannot reach it at any angle are passed over. What is left, a
few percent of the samples, is rotated by all angles. The result is that of all samples.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

NUM_ANGLES = 180
"""Angles are 0 to 179 degrees: half a turn changes signs only."""
CHUNK = 16
_DIRECTIONS = 8
_CHUNKS_AT_ONCE = 8
_ANGLES_AT_ONCE = 20


def rotated_maxima(
    one: Float[Array, "step block row"], other: Float[Array, "step block row"]
) -> Float[Array, "angle row"]:
    """Maxima over all steps and blocks of ``|one cos + other sin|`` at 0, 1, ... 179 degrees.

    Args:
        one, other: components; rows are oscillators. Steps that follow each other should be neighbours in time, and their number a multiple of `CHUNK`.
    """
    directions = np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    one, other = _in_chunks(one), _in_chunks(other)
    # Group by group, which stays in the processor's cache for all directions.
    reach = lax.map(
        lambda pair: jnp.stack([_chunk_maxima(pair[0], pair[1], d) for d in directions]), (one, other)
    )
    reach = jnp.swapaxes(reach, 0, 1).reshape(_DIRECTIONS, -1, one.shape[-1])
    wanted = _may_be_largest(one, other, reach, directions)
    count = jnp.cumsum(wanted.astype(jnp.int32), axis=0)
    rounds = -(-jnp.max(count[-1]) // _CHUNKS_AT_ONCE)

    def more(state):
        turn, best = state
        rank = turn * _CHUNKS_AT_ONCE + 1 + jnp.arange(_CHUNKS_AT_ONCE, dtype=jnp.int32)
        # The chunk of this rank among the wanted ones; where there is none, any.
        place = jnp.sum(count[:, None, :] < rank[None, :, None], axis=0)
        place = jnp.minimum(place, count.shape[0] - 1)
        here, there = (_chunks_at(v, place).reshape(-1, place.shape[1]) for v in (one, other))
        return turn + 1, jnp.maximum(best, _all_angles(here, there))

    first = jnp.zeros((NUM_ANGLES, count.shape[1]), one.dtype)
    _, best = lax.while_loop(lambda state: state[0] < rounds, more, (jnp.zeros_like(rounds), first))
    return best


def place_of_maximum(
    one: Float[Array, "step block row"],
    other: Float[Array, "step block row"],
    angle_rad: Float[Array, " row"],
) -> tuple[Int[Array, " row"], Int[Array, " row"], Float[Array, " row"]]:
    """Step and block where each row is largest at an angle of its own, and the sign it has there."""
    count = one.shape[1]
    one, other = _in_chunks(one), _in_chunks(other)
    cosine, sine = jnp.cos(angle_rad), jnp.sin(angle_rad)
    reach = lax.map(lambda pair: _largest(pair[0], pair[1], cosine[None, :], sine[None, :]), (one, other))
    chunk = jnp.argmax(reach.reshape(-1, reach.shape[-1]), axis=0)[None, :]
    along = cosine[None, :] * _chunks_at(one, chunk)[0] + sine[None, :] * _chunks_at(other, chunk)[0]
    sample = jnp.argmax(jnp.abs(along), axis=0)
    sign = jnp.sign(jnp.take_along_axis(along, sample[None, :], axis=0)[0])
    return chunk[0] // count * CHUNK + sample, chunk[0] % count, sign


def _in_chunks(values) -> Float[Array, "group sample block row"]:
    return values.reshape(-1, CHUNK, *values.shape[1:])


def _chunk_maxima(one, other, direction) -> Float[Array, "block row"]:
    return _largest(one, other, float(np.cos(direction)), float(np.sin(direction)))


def _largest(one, other, cosine, sine) -> Float[Array, "block row"]:
    # Sample by sample: XLA's reductions over an outer axis are several times slower on CPUs.
    each = [jnp.abs(cosine * one[k] + sine * other[k]) for k in range(CHUNK)]
    return functools.reduce(jnp.maximum, each)


def _chunks_at(values, place) -> Float[Array, "chosen sample row"]:
    row = jnp.arange(values.shape[3])[None, :]
    chosen = values[place // values.shape[2], :, place % values.shape[2], row]
    return jnp.swapaxes(chosen, 1, 2)


def _may_be_largest(one, other, reach, directions) -> Bool[Array, "chunk row"]:
    """Which chunks may hold the largest value at some angle."""
    farthest = jnp.max(reach, axis=1)
    points = [_farthest_point(one, other, reach[k], d) for k, d in enumerate(directions)]
    wanted = jnp.zeros(reach.shape[1:], bool)
    # What rounding may take away.
    slack = 1 - 64 * float(jnp.finfo(one.dtype).eps)
    for k, direction in enumerate(directions):
        after = (k + 1) % _DIRECTIONS
        turn = 1.0 if k + 1 < _DIRECTIONS else -1.0
        # Any direction in between is a sum of this one and the next with positive weights. So what a point reaches there follows from what it reaches
        # along these two, and so does a bound of what a chunk reaches. The bounds from both points are lowest where they are equal.
        here_next = _reach_of(points[k], direction + np.pi / _DIRECTIONS)
        next_here = turn * _reach_of(points[after], direction)
        weight = jnp.maximum(farthest[after] - here_next, 0)
        weight_next = jnp.maximum(farthest[k] - next_here, 0)
        least = weight * farthest[k] + weight_next * here_next
        most = weight[None, :] * reach[k] + weight_next[None, :] * reach[after]
        between = (most >= slack * least[None, :]) & (weight + weight_next > 0)[None, :]
        wanted |= between | (reach[k] >= slack * farthest[k][None, :])
    return wanted


def _reach_of(point, direction):
    return point[0] * float(np.cos(direction)) + point[1] * float(np.sin(direction))


def _farthest_point(one, other, reach, direction):
    """The sample that is farthest in a direction, with the sign that makes it so."""
    chunk = jnp.argmax(reach, axis=0)[None, :]
    x, y = (_chunks_at(v, chunk)[0] for v in (one, other))
    along = _reach_of((x, y), direction)
    sample = jnp.argmax(jnp.abs(along), axis=0)[None, :]
    pick = lambda values: jnp.take_along_axis(values, sample, axis=0)[0]
    sign = jnp.sign(pick(along))
    return sign * pick(x), sign * pick(y)


def _all_angles(one: Float[Array, "sample row"], other: Float[Array, "sample row"]):
    angle = jnp.asarray(np.radians(np.arange(NUM_ANGLES)), one.dtype)

    def some(angles):
        cosine, sine = jnp.cos(angles)[:, None, None], jnp.sin(angles)[:, None, None]
        return jnp.max(jnp.abs(cosine * one[None] + sine * other[None]), axis=1)

    return lax.map(some, angle.reshape(-1, _ANGLES_AT_ONCE)).reshape(NUM_ANGLES, -1)
