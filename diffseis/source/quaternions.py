"""Double couples as unit quaternions: no edges, no preferred plane, derivatives everywhere.

The quaternion q = (w, x, y, z) turns the axes x, y, z into T, B, P, so that the tensor is T T' - P P'. Half turns about the axes change nothing: q, q i, q j and q k,
and their negatives, are one mechanism (the group D2).

References:
    Kagan (1991), 3-D rotation of double-couple earthquake sources, doi:10.1111/j.1365-246X.1991.tb06343.x.
    Tape & Tape (2012), Angle between principal axis triples, doi:10.1111/j.1365-246X.2012.05658.x.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.source.eigen import principal
from diffseis.source.planes import plane_angles

_ROUNDING = 8
"""Units of the last place that products of rotations may be wrong by."""


def multiply(a: Float[Array, "4"], b: Float[Array, "4"]) -> Float[Array, "4"]:
    """Hamilton's product: the rotation `b`, then `a`."""
    w, v = a[0], a[1:]
    s, u = b[0], b[1:]
    return jnp.concatenate([(w * s - v @ u)[None], w * u + s * v + jnp.cross(v, u)])


def conjugate(q: Float[Array, "4"]) -> Float[Array, "4"]:
    """The rotation back."""
    return q * jnp.asarray([1.0, -1.0, -1.0, -1.0], q.dtype)


def rotation_of(q: Float[Array, "4"]) -> Float[Array, "3 3"]:
    """The rotation matrix of a unit quaternion; its columns are T, B, P in north, east, down."""
    w, x, y, z = q
    return jnp.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ]
    ).reshape(3, 3)  # fmt: skip


def quaternion_of_rotation(rotation: Float[Array, "3 3"]) -> Float[Array, "4"]:
    """The unit quaternion of a rotation matrix, by the largest of its four components (Shepperd's method), so that nothing small is divided by."""
    m = rotation
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    # Rows are four times the products of one component with all four.
    rows = jnp.stack(
        [
            jnp.stack([1 + trace, m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]),
            jnp.stack([m[2, 1] - m[1, 2], 1 + 2 * m[0, 0] - trace, m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]]),
            jnp.stack([m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], 1 + 2 * m[1, 1] - trace, m[1, 2] + m[2, 1]]),
            jnp.stack([m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], 1 + 2 * m[2, 2] - trace]),
        ]
    )
    row = rows[jnp.argmax(jnp.diagonal(rows))]
    return row / safe.norm(row)


def double_couple_quaternion(
    strike_rad: Float[Array, ""], dip_rad: Float[Array, ""], rake_rad: Float[Array, ""]
) -> Float[Array, "4"]:
    """Of a nodal plane: turns by strike about down, by dip about north and back by rake about down, from slip and normal to the axes."""
    quarter = jnp.asarray(jnp.pi / 4, strike_rad.dtype)
    return multiply(
        multiply(_about(2, strike_rad), _about(0, dip_rad)),
        multiply(_about(2, -rake_rad), _about(1, quarter)),
    )


def _about(axis: int, angle: Float[Array, ""]) -> Float[Array, "4"]:
    zero = jnp.zeros_like(angle)
    parts = [jnp.cos(angle / 2), zero, zero, zero]
    parts[axis + 1] = jnp.sin(angle / 2)
    return jnp.stack(parts)


def double_couple_of(q: Float[Array, "4"]) -> Float[Array, "3 3"]:
    """The tensor of unit scalar moment."""
    axes = rotation_of(q)
    return axes[:, :1] * axes[None, :, 0] - axes[:, 2:] * axes[None, :, 2]


def planes_of(q: Float[Array, "4"]) -> Float[Array, "2 3"]:
    """Strike, dip and rake of the two nodal planes."""
    axes = rotation_of(q)
    half = jnp.sqrt(jnp.asarray(0.5, q.dtype))
    slip, normal = half * (axes[:, 0] + axes[:, 2]), half * (axes[:, 0] - axes[:, 2])
    return jnp.stack([plane_angles(slip, normal), plane_angles(normal, slip)])


def axes_quaternion(tensor: Float[Array, "3 3"]) -> Float[Array, "4"]:
    """Of the principal axes of any tensor: its double couple's."""
    _, axes = principal(tensor)
    return quaternion_of_rotation(axes)


def kagan_angle_of(a: Float[Array, "4"], b: Float[Array, "4"]) -> Float[Array, ""]:
    """The smallest rotation in radians, 0 to 2 pi/3, that takes the axes of one double couple to those of the other.

    Of two that are the same within rounding it is 0, and so are its derivatives (the angle has a corner there, like the length of a vector at the origin).
    """
    apart = jnp.abs(multiply(conjugate(a), b))
    largest = jnp.argmax(apart)
    rest = jnp.where(jnp.arange(4) == largest, 0, apart)
    rest = jnp.where(safe.norm(rest) > _ROUNDING * jnp.finfo(rest.dtype).eps, rest, 0)
    return 2 * safe.arctan2(safe.norm(rest), apart[largest])


def kagan_angle(a: Float[Array, "3 3"], b: Float[Array, "3 3"]) -> Float[Array, ""]:
    """`kagan_angle_of` the axes of two tensors, in radians."""
    return kagan_angle_of(axes_quaternion(a), axes_quaternion(b))
