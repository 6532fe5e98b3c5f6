"""Coordinates about a point of a sphere or of the double couples: algebraic, so that thousands of pairs cost little.

They agree with radians of arc (of rotation, for double couples) near the point; a chart's volume says what it does to volumes farther away. Written by component:
mapped over pairs of points this is plain arithmetic of long arrays.

References:
    Absil, Mahony & Sepulchre (2008), Optimization algorithms on matrix manifolds, chapter 4 (retractions). Cayley's coordinates of a rotation by the angle a are 2 tan(a / 2)
    along its axis.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.source import multiply

Scalar = Float[Array, ""]


def turned_parts(centre: Float[Array, "4"], q: Float[Array, "4"]) -> tuple[Scalar, Scalar, Scalar]:
    """From one double couple to the nearest image of another: Cayley's coordinates in the axes of the first."""
    a, b, c, d = centre
    w, x, y, z = q
    w, x, y, z = (
        a * w + b * x + c * y + d * z,
        a * x - b * w - c * z + d * y,
        a * y + b * z - c * w - d * x,
        a * z - b * y + c * x - d * w,
    )
    # Half turns about the axes exchange the components: the nearest image has the largest of them first.
    best = (w, x, y, z)
    for image in ((-x, w, z, -y), (-y, -z, w, x), (-z, y, -x, w)):
        better = jnp.abs(image[0]) > jnp.abs(best[0])
        best = tuple(jnp.where(better, new, old) for new, old in zip(image, best, strict=True))
    # Of a unit quaternion the largest component is at least a half.
    scale = 2 / best[0]
    return best[1] * scale, best[2] * scale, best[3] * scale


def turn(q: Float[Array, "4"], tangent: Float[Array, "3"]) -> Float[Array, "4"]:
    """The inverse of `turned_parts`."""
    one = jnp.ones_like(tangent[:1])
    turned = multiply(q, jnp.concatenate([one, 0.5 * tangent]))
    return turned / safe.norm(turned)


def turn_volume(square: Scalar) -> Scalar:
    """Of Cayley's coordinates, by the square of their length."""
    return 1 / (1 + 0.25 * square) ** 2


def _reflection(x):
    """The vector whose mirror takes the first axis to a unit vector (or its negative), without cancellation."""
    sign = jnp.where(x[0] >= 0, 1, -1).astype(x.dtype)
    return [x[0] + sign, *(x[i] for i in range(1, x.shape[0]))]


def stereographic_parts(centre: Float[Array, " size"], point: Float[Array, " size"]) -> tuple[Scalar, ...]:
    """From one unit vector to another: projected from the centre's antipode onto the plane at the centre. At the antipode the coordinates are large, but numbers."""
    num = centre.shape[0]
    v = _reflection(centre)
    square = sum(part**2 for part in v)
    share = 2 * sum(v[i] * point[i] for i in range(num)) / square
    cosine = sum(centre[i] * point[i] for i in range(num))
    scale = 2 / jnp.maximum(1 + cosine, 1e-6)
    return tuple(scale * (point[i] - share * v[i]) for i in range(1, num))


def stereographic_move(centre: Float[Array, " size"], tangent: Float[Array, " dim"]) -> Float[Array, " size"]:
    """The inverse of `stereographic_parts`."""
    v = jnp.stack(_reflection(centre))
    flat = jnp.concatenate([jnp.zeros_like(tangent[:1]), tangent])
    mirrored = flat - 2 * v * (v @ flat) / (v @ v)
    quarter = 0.25 * jnp.sum(tangent**2)
    moved = ((1 - quarter) * centre + mirrored) / (1 + quarter)
    return moved / safe.norm(moved)


def stereographic_volume(square: Scalar, num_dims: int) -> Scalar:
    """Of stereographic coordinates, by the square of their length."""
    return 1 / (1 + 0.25 * square) ** num_dims
