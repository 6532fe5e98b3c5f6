"""HASH's preferred mechanism: the average of those accepted, without outliers, and others that the outliers speak for.

Averages are of rotations: the images of the accepted quaternions that are nearest to the average, whose sum is its direction. HASH averages normals and slips in the same way; the two
agree to first order in the spread, and this one needs no repair of its right angles.

References:
    Hardebeck & Shearer (2002), doi:10.1785/0120010200.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffseis.core import safe
from diffseis.mechanism.catalogue import MAX_MODES
from diffseis.mechanism.hash_grid import planes_of_quaternion
from diffseis.source import axes_quaternion, double_couple_of

_STEPS = 100
"""Averages that are taken at most after the last outlier."""


class PreferredMechanisms(eqx.Module):
    """Of one event; rows beyond `num_solutions` mean nothing.

    Attributes:
        quaternions: of the averages' axes.
        probability: share of the accepted mechanisms within the cutoff angle.
        uncertainty_rad: root mean square angle between the normals, and between the slips, of the accepted mechanisms and the average's.
        num_solutions: 1, or more.
    """

    quaternions: Float[Array, "solution 4"]
    probability: Float[Array, " solution"]
    uncertainty_rad: Float[Array, "solution 2"]
    num_solutions: Int[Array, ""]


def spread_rows(
    mask: Bool[Array, " mechanism"], capacity: int
) -> tuple[Int[Array, " row"], Bool[Array, " row"]]:
    """Indices of at most `capacity` true entries, evenly spaced among them where there are more, and which of the rows are used."""
    count = jnp.cumsum(mask.astype(jnp.int32))
    num = count[-1]
    row = jnp.arange(capacity, dtype=jnp.int32)
    # Half-way points, which are whole ranks where all fit. In double the product of two int32 would do; in single only a fraction does.
    share = (row.astype(jnp.float32) + 0.5) / capacity
    rank = jnp.where(num <= capacity, row, jnp.floor(share * num.astype(jnp.float32)).astype(jnp.int32))
    index = jnp.searchsorted(count, rank + 1)
    return jnp.minimum(index, mask.shape[0] - 1), row < num


def preferred_mechanisms(
    quaternions: Float[Array, "row 4"],
    there: Bool[Array, " row"],
    cutoff_rad: Float[Array, ""],
    max_probability: Float[Array, ""],
) -> PreferredMechanisms:
    """The average of a set, after its farthest members were taken out one by one, and averages of what was taken out.

    Args:
        quaternions: of the set.
        there: which rows are used.
        cutoff_rad: mechanisms farther from the average are outliers.
        max_probability: share of all that a further solution needs.
    """
    images = jax.vmap(_images)(quaternions)
    total = jnp.maximum(jnp.sum(there), 1).astype(quaternions.dtype)

    def one(state, rank):
        left, alive = state
        average, near = _settle(images, left, cutoff_rad)
        average = _named_after(images[jnp.argmax(left), 0], average)
        probability = jnp.sum(near).astype(total.dtype) / total
        keep = alive & jnp.any(left) & ((rank == 0) | (probability >= max_probability))
        spread = _spread(images, there, average)
        return (left & ~near & keep, keep), (average, probability, spread, keep)

    start = (there, jnp.asarray(True))
    _, (average, probability, spread, keep) = jax.lax.scan(one, start, jnp.arange(MAX_MODES))
    return PreferredMechanisms(average, probability, spread, jnp.sum(keep))


def _nearest(images, average):
    """Of each mechanism the image nearest to a rotation, and the cosine of half the angle to it."""
    cosine = images @ average
    which = jnp.argmax(jnp.abs(cosine), axis=1)[:, None]
    best = jnp.take_along_axis(cosine, which, axis=1)[:, 0]
    image = jnp.take_along_axis(images, which[:, :, None], axis=1)[:, 0]
    return jnp.where(best < 0, -1, 1).astype(best.dtype)[:, None] * image, jnp.abs(best)


def _settle(images, left, cutoff_rad):
    """An average and the members about it: each step takes out the farthest outlier, if there is one, and moves to the average of those that stay."""
    weight = left.astype(images.dtype)
    tensor = jnp.einsum("i,ijk->jk", weight, jax.vmap(double_couple_of)(images[:, 0]))
    least = jnp.cos(0.5 * cutoff_rad)
    still = 8 * jnp.finfo(images.dtype).eps

    def step(state):
        average, members, _, steps = state
        image, cosine = _nearest(images, average)
        farthest = jnp.argmin(jnp.where(members, cosine, jnp.inf))
        out = members[farthest] & (cosine[farthest] < least)
        members = members & ~(out & (jnp.arange(members.shape[0], dtype=farthest.dtype) == farthest))
        mean = members.astype(images.dtype) @ image
        length = safe.norm(mean)
        mean = jnp.where(length > 0, mean / jnp.where(length > 0, length, 1), average)
        moved = jnp.sum((mean - average) ** 2) > still
        return mean, members, out | moved, steps + 1

    # Averages of a set that stays settle in a few steps; a set wider than the symmetry allows might never.
    most = left.shape[0] + _STEPS
    unsettled = lambda state: state[2] & (state[3] < most)
    start = (axes_quaternion(tensor), left, jnp.any(left), jnp.asarray(0, jnp.int32))
    average, members, *_ = jax.lax.while_loop(unsettled, step, start)
    return average, members


def _images(q):
    """The four rotations that are one mechanism: by itself, and by half turns about its axes."""
    w, x, y, z = q
    return jnp.stack([w, x, y, z, -x, w, z, -y, -y, -z, w, x, -z, y, -x, w]).reshape(4, 4)


def _named_after(first, average):
    """The image of an average whose normal is next to the first mechanism's."""
    return _nearest(_images(average)[None], first)[0][0]


def _spread(images, there, average):
    image, _ = _nearest(images, average)
    apart = jax.vmap(planes_of_quaternion)(image) - planes_of_quaternion(average)[None, :, :]
    angle = 2 * jnp.arcsin(jnp.clip(0.5 * jnp.sqrt(jnp.sum(apart**2, axis=-1)), 0, 1))
    num = jnp.maximum(jnp.sum(there), 1).astype(angle.dtype)
    return jnp.sqrt(jnp.sum(jnp.where(there[:, None], angle**2, 0), axis=0) / num)
