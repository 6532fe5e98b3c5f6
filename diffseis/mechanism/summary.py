"""Draws of a posterior as numbers: the preferred source, how far the others are from it, and how it fits."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from diffseis.core import safe
from diffseis.mechanism.batches import first_events, grown, map_there, size_of_batch
from diffseis.mechanism.catalogue import MAX_MODES
from diffseis.mechanism.draws import Draws, comb
from diffseis.mechanism.spaces import AbstractSourceSpace, sixes
from diffseis.source import (
    axes_quaternion,
    kagan_angle_of,
    nodal_planes,
    planes_of,
    scalar_moment,
    shear_tensile_angles,
    slip_and_normal,
    tensor_of_six,
)

_MODE_RAD = 0.7853981633974483
"""Mechanisms farther apart than 45 degrees are different ones."""


class Summary(eqx.Module):
    """Of one event.

    Attributes:
        tensor: the preferred source, of unit scalar moment.
        planes: strike, dip and rake of its two planes, radians.
        slope_rad: of its slip out of the plane.
        kagan_rad: of equally weighted draws, from the preferred axes.
        plane_errors: of the draws' planes from the preferred ones: strike, dip and rake, radians; draw by plane by 3.
        mode_share: probability of each of the separate mechanisms, most probable first.
        mode_planes: their planes, as `planes`, which the first are.
        six: of the equally weighted draws.
    """

    tensor: Float[Array, "3 3"]
    planes: Float[Array, "2 3"]
    slope_rad: Float[Array, ""]
    kagan_rad: Float[Array, " draw"]
    plane_errors: Float[Array, "draw 2 3"]
    mode_share: Float[Array, " mode"]
    mode_planes: Float[Array, "mode 2 3"]
    six: Float[Array, "draw 6"]


def summarise(
    space: AbstractSourceSpace, draws: Draws, num: int, is_double_couple: bool, *, key: Key[Array, ""]
) -> Summary:
    """Numbers of one event's posterior.

    The preferred source is the mean tensor of the most probable mode (draws within 45 degrees of its own axes), which for a double couple is turned into one.

    Args:
        space: of the sources.
        draws: weighted.
        num: of equally weighted draws that are kept.
        is_double_couple: whether the space holds nothing else.
        key: of the choice of draws.
    """
    six = sixes(space, draws.point)
    axes = jax.vmap(space.axes)(draws.point)
    weight = jnp.exp(draws.log_weight)
    share, member = _modes(axes, draws.log_likelihood, weight)
    order = jnp.argsort(-share)
    share, member = share[order], member[order]

    def centre(found, _):
        near = jax.vmap(lambda q: kagan_angle_of(found[1], q))(axes) < _MODE_RAD
        return _mean(six, jnp.where(near, weight, 0)), None

    best = jnp.argmax(jnp.where(member[0], draws.log_likelihood, -jnp.inf))
    start = (tensor_of_six(six[best]), axes[best])
    (tensor, quaternion), _ = jax.lax.scan(centre, start, None, length=3)
    others, turned = jax.vmap(lambda one: _mean(six, jnp.where(one, weight, 0)))(member)
    if is_double_couple:
        planes = planes_of(quaternion)
        tensor = tensor_of_six(space.six(quaternion))
        other_planes = jax.vmap(planes_of)(turned)
        slope = jnp.zeros_like(planes[0, 0])
    else:
        planes, slope = _slipping(tensor)
        other_planes, _ = jax.vmap(_slipping)(others)
    kept = comb(draws.log_weight, num, key=key)
    kagan = jax.vmap(lambda q: kagan_angle_of(quaternion, q))(axes[kept])
    errors = jax.vmap(lambda q: _plane_errors(planes, q))(axes[kept])
    modes = other_planes.at[0].set(planes)
    return Summary(tensor, planes, slope, kagan, errors, share, modes, six[kept])


def _slipping(tensor):
    """The planes of a source that may open, along which it slips, and its slope; of a pure opening, those of its axes."""
    opened, slope, _ = shear_tensile_angles(tensor)
    return jnp.where(jnp.abs(slope) < 1.5, opened, nodal_planes(tensor)), slope


def _mean(six, weight):
    """The mean tensor at unit scalar moment, and its axes."""
    mean = safe.divide(weight @ six, jnp.broadcast_to(jnp.sum(weight), six.shape[1:]))
    tensor = tensor_of_six(mean)
    size = scalar_moment(tensor)
    tensor = tensor / jnp.where(size > 0, size, 1)
    return tensor, axes_quaternion(tensor)


def _modes(axes, value, weight) -> tuple[Float[Array, " mode"], Bool[Array, "mode draw"]]:
    """Separate mechanisms: the best draw with all within 45 degrees of it, the best of the rest, and so on. The probability of each, and the draws that are its."""

    def pick(left, _):
        best = jnp.argmax(jnp.where(left, value, -jnp.inf))
        near = left & (jax.vmap(lambda q: kagan_angle_of(axes[best], q))(axes) < _MODE_RAD)
        return left & ~near, (jnp.sum(jnp.where(near, weight, 0)), near)

    _, (share, member) = jax.lax.scan(pick, jnp.isfinite(value), None, length=MAX_MODES)
    return share, member


def _plane_errors(planes, quaternion):
    """Differences of the planes of a double couple from two given ones, each from the one nearer to it."""
    theirs = planes_of(quaternion)
    vectors = lambda plane: jnp.concatenate(slip_and_normal(*plane))
    ours = jax.vmap(vectors)(planes)
    other = jax.vmap(vectors)(theirs)
    # The same plane has slip and normal, or both reversed.
    likeness = jnp.abs(ours @ other.T)
    straight = likeness[0, 0] + likeness[1, 1] >= likeness[0, 1] + likeness[1, 0]
    theirs = jnp.where(straight, theirs, theirs[::-1])
    # Steep planes change their strike by half a turn as they pass the vertical.
    mirrored = jnp.stack([theirs[:, 0] + jnp.pi, jnp.pi - theirs[:, 1], -theirs[:, 2]], axis=1)
    turn = 2 * jnp.pi
    wrap = lambda x: x - turn * jnp.round(x / turn)
    far, near = (wrap(x - planes) for x in (theirs, mirrored))
    use = jnp.sum(far**2, axis=1, keepdims=True) <= jnp.sum(near**2, axis=1, keepdims=True)
    return jnp.where(use, far, near)


def summaries(
    space: AbstractSourceSpace, draws: Draws, num: int, is_double_couple: bool, *, keys: Key[Array, " event"]
) -> Summary:
    """`summarise` a batch."""
    num_events = keys.shape[0]
    size = size_of_batch(draws)
    draws, keys = grown((draws, keys), size)
    there = jnp.arange(size) < num_events
    return first_events(_summaries(space, draws, num, is_double_couple, there, keys), num_events)


@eqx.filter_jit
def _summaries(space, draws, num, is_double_couple, there, keys):
    one = lambda event: summarise(space, event[0], num, is_double_couple, key=event[1])
    return map_there(one, (draws, keys), there)
