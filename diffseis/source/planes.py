"""Nodal planes and axes.

Strike, dip and rake after Aki & Richards: the plane dips to the right of its strike, the rake is that of the hanging wall's slip.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.source.eigen import principal
from diffseis.source.moment_tensor import slip_and_normal

_ROUNDING = 8
"""Units of the last place that the sum of a few products may be wrong by."""


def plane_angles(slip: Float[Array, "3"], normal: Float[Array, "3"]) -> Float[Array, "3"]:
    """Strike (0 to 2 pi), dip (0 to pi/2) and rake (-pi to pi) of the plane with that normal and slip, unit vectors in north, east, down.

    The pair and its negative are the same plane; the slip may have a part along the normal (an opening), which does not count. A plane that is horizontal within rounding has the
    strike 0, and the derivatives of its strike are given as 0; those of other planes grow with the inverse of the dip's sine.
    """
    down = normal[2] > 0
    slip, normal = jnp.where(down, -slip, slip), jnp.where(down, -normal, normal)
    level = safe.norm(normal[:2])
    dip = safe.arctan2(level, -normal[2])
    # What rounding leaves of a vertical normal has no direction.
    across = jnp.where(level > _ROUNDING * jnp.finfo(normal.dtype).eps, normal[:2], 0)
    strike = safe.arctan2(-across[0], across[1])
    along, up_dip = _in_plane(strike, dip)
    rake = safe.arctan2(slip @ up_dip, slip @ along)
    turn = jnp.asarray(2 * jnp.pi, strike.dtype)
    strike = jnp.where(strike < 0, strike + turn, strike)
    # A hair below north is rounded to a full turn.
    return jnp.stack([jnp.where(strike >= turn, strike - turn, strike), dip, rake])


def _in_plane(strike, dip):
    up, _ = slip_and_normal(strike, dip, jnp.asarray(jnp.pi / 2, strike.dtype))
    along, _ = slip_and_normal(strike, dip, jnp.zeros_like(strike))
    return along, up


def auxiliary_plane(
    strike_rad: Float[Array, ""], dip_rad: Float[Array, ""], rake_rad: Float[Array, ""]
) -> Float[Array, "3"]:
    """Strike, dip and rake of the other nodal plane of a double couple."""
    slip, normal = slip_and_normal(strike_rad, dip_rad, rake_rad)
    return plane_angles(normal, slip)


def nodal_planes(tensor: Float[Array, "3 3"]) -> Float[Array, "2 3"]:
    """Strike, dip and rake of the two planes of the double couple with the tensor's axes."""
    _, axes = principal(tensor)
    half = jnp.sqrt(jnp.asarray(0.5, tensor.dtype))
    slip, normal = half * (axes[:, 0] + axes[:, 2]), half * (axes[:, 0] - axes[:, 2])
    return jnp.stack([plane_angles(slip, normal), plane_angles(normal, slip)])


def trend_and_plunge(axis: Float[Array, "3"]) -> Float[Array, "2"]:
    """Trend (0 to 2 pi) and plunge (0 to pi/2) of the downward end of an axis in north, east, down; a vertical axis has the trend 0."""
    axis = jnp.where(axis[2] < 0, -axis, axis)
    trend = safe.arctan2(axis[1], axis[0])
    turn = jnp.asarray(2 * jnp.pi, trend.dtype)
    return jnp.stack([jnp.where(trend < 0, trend + turn, trend), safe.arctan2(axis[2], safe.norm(axis[:2]))])


def principal_axes(tensor: Float[Array, "3 3"]) -> Float[Array, "3 3"]:
    """Rows T, B, P; columns eigenvalue, trend, plunge."""
    value, axes = principal(tensor)
    rows = [jnp.concatenate([value[i : i + 1], trend_and_plunge(axes[:, i])]) for i in range(3)]
    return jnp.stack(rows)
