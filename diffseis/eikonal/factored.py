"""The factored eikonal equation on a grid, and its local solution at one node."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from diffseis.core.grids import RegularGrid
from diffseis.eikonal.metric import AbstractMetric, Straight
from diffseis.eikonal.slowness_surface import SlownessSurface
from diffseis.velocity.anisotropic import group_slowness_ratio

FAR_S_PER_KM = 1e6
"""Mean slowness of nodes that no wave has reached yet."""

LEAST_SLOPE = 0.25
"""Nodes whose factored difference weighs their own tau by less count as near; in cubic cells it is 1.5 at the nearest others."""


BESIDE = 1.75
"""Nodes this many spacings from the source along an axis have neighbours on its other side; from 1.5 on the nearer one is earlier, too."""

MOST_BENDING = 0.1
"""Largest share of the mean slowness that a ray to a near node may save on the straight line."""


class Factored(eqx.Module):
    """The factored eikonal equation ``|tau grad T0 + T0 grad tau| = s`` on a grid, ``T = T0 tau``, T0 the
    distance.

    The factor takes the kink at the source out of the unknown: tau is smooth there, whether or not the
    source is a node. T0 and its gradient are computed where they are needed, never stored.

    Attributes:
        squared_slowness: at the nodes, s2/km2.
        near: nodes whose tau is prescribed.
        near_tau: the value there.
        axes_km: coordinates of the nodes along each axis.
        source_km: anywhere in the grid.
        metric: what T0 is.
        weights: per axis and node, by how much derivatives along the axis are multiplied: ``sum_a (w_a dT/dx_a)^2 = s^2``; None where by 1.
        surface: where it is not None, it replaces the equation, of which `weights` then are only a part.
    """

    squared_slowness: Float[Array, "*shape"]
    near: Bool[Array, "*shape"]
    near_tau: Float[Array, "*shape"]
    axes_km: tuple[Float[Array, " _"], ...]
    source_km: Float[Array, " dim"]
    metric: AbstractMetric
    weights: tuple[Float[Array, "*shape"], ...] | None = None
    surface: SlownessSurface | None = None

    @property
    def num_dims(self) -> int:
        return len(self.axes_km)

    @property
    def spacing_km(self) -> list[Float[Array, ""]]:
        """Distance between nodes along each axis."""
        return [axis[1] - axis[0] for axis in self.axes_km]

    def distance(self, position_km: Sequence[Array]) -> tuple[Array, list[Array]]:
        """T0 and its derivatives along the axes at points given axis by axis; all zero at the source."""
        square = self.squared_distance(position_km)
        away = square > 0
        inverse = jnp.where(away, jax.lax.rsqrt(jnp.where(away, square, 1)), 0)
        slopes = self.metric.half_gradient(position_km, list(self.source_km))
        return square * inverse, [g * inverse for g in slopes]

    def squared_distance(self, position_km: Sequence[Array]) -> Array:
        """T0 squared."""
        return self.metric.squared_distance(position_km, list(self.source_km))

    def weigh(self, axis: int, value: Array) -> Array:
        """A derivative along an axis at the nodes, times its weight."""
        return value if self.weights is None else self.weights[axis] * value

    def spacing_at_nodes(self, axis: int) -> Array:
        """Distance in km between neighbours along an axis."""
        h = self.spacing_km[axis]
        return h if self.weights is None else h / self.weights[axis]

    def beside_source(self, axis: int) -> Array:
        """At which nodes, along an axis, the second neighbour may lie on the other side of the source: it counts there if it is earlier than the
        node, though it is later than the first. Otherwise errors would depend on where in its cell the source lies."""
        apart = self.is_beside(axis, self.axes_km[axis])
        return jnp.expand_dims(apart, tuple(b for b in range(self.num_dims) if b != axis))

    def is_beside(self, axis: int, position_km: Array) -> Array:
        """`beside_source` for coordinates along the axis."""
        return jnp.abs(position_km - self.source_km[axis]) < BESIDE * self.spacing_km[axis]

    def at_nodes(self) -> tuple[Float[Array, "*shape"], list[Array]]:
        """T0 and its gradient at all nodes."""
        num = self.num_dims
        return self.distance(
            [
                jnp.expand_dims(axis, tuple(b for b in range(num) if b != a))
                for a, axis in enumerate(self.axes_km)
            ]
        )


class Anisotropy(NamedTuple):
    """`thomsen`: epsilon and delta of a point of the grid; `axis`: a unit vector, the axis of symmetry in true directions."""

    thomsen: Callable[[Array], tuple[Array, Array]]
    axis: Array


def factor(
    speed,
    grid: RegularGrid,
    source_km: Float[Array, " dim"],
    near_nodes: float,
    metric: AbstractMetric | None = None,
    anisotropy: Anisotropy | None = None,
) -> Factored:
    """The equation for a speed given as a function of a point on the grid's axes.

    Within `near_nodes` of the source (further in the long direction of flat cells) tau is the mean slowness of the straight segment (Simpson's
    rule), in isotropic flat media less what a bent ray saves.

    Args:
        speed: of the point; in anisotropic media that along the axis of symmetry.
        grid, source_km, near_nodes: as of `solve_eikonal`, the source on the grid's axes.
        metric: `Straight` by default.
        anisotropy: of a transversely isotropic medium; the metric is then to fit it.
    """
    metric = Straight() if metric is None else metric
    shape, nodes = grid.shape, grid.nodes_km().reshape(-1, grid.num_dims)
    position = [nodes[:, a] for a in range(grid.num_dims)]
    square = metric.squared_distance(position, list(source_km))
    straight = _straight_slowness(speed, nodes, source_km, metric, anisotropy)
    middles = jax.vmap(lambda x: metric.middle(x, source_km))(nodes)
    here = jnp.broadcast_to(source_km, nodes.shape)
    mean = (straight(nodes) + 4 * straight(middles) + straight(here)) / 6
    if isinstance(metric, Straight) and anisotropy is None:
        mean = mean - jnp.minimum(_bending(speed, middles, nodes - source_km[None, :]), MOST_BENDING * mean)
    squared = (1 / jax.vmap(speed)(nodes)) ** 2
    surface = _surface(squared, nodes, metric, anisotropy)
    weights = metric.weights(position) if surface is None else surface.weights()
    slopes = metric.half_gradient(position, list(source_km))
    near = _near(*stop_gradient((grid, nodes, source_km, square, slopes, weights)), near_nodes)
    shaped = lambda tree: jax.tree.map(lambda x: x.reshape(shape), tree)
    return Factored(
        shaped(squared),
        shaped(near),
        shaped(mean),
        tuple(grid.axis_km(a) for a in range(grid.num_dims)),
        source_km,
        metric,
        None if weights is None else shaped(tuple(weights)),
        shaped(surface),
    )


def _bending(speed, middles, offsets):
    """By how much the mean slowness along the ray is less than that along the straight line, where the slowness varies evenly: with g its
    gradient across the line and d the distance ``g^2 d^2 / 24 s``."""
    slowness, gradient = jax.vmap(jax.value_and_grad(lambda x: 1 / speed(x)))(middles)
    along = jnp.sum(gradient * offsets, axis=1)
    across = jnp.sum(gradient**2, axis=1) * jnp.sum(offsets**2, axis=1) - along**2
    return across / (24 * slowness)


def _straight_slowness(speed, nodes, source_km, metric: AbstractMetric, anisotropy: Anisotropy | None):
    """Of points, one per node: time over T0 along the straight line to that node, if the medium were everywhere as at the point."""
    if anisotropy is None:
        return lambda points: 1 / jax.vmap(speed)(points)
    place = jax.vmap(metric.model_point)
    offset = place(nodes) - metric.model_point(source_km)[None, :]
    square = metric.squared_distance([nodes[:, a] for a in range(nodes.shape[1])], list(source_km))
    away = square > 0
    length = jnp.sqrt(jnp.where(away, jnp.sum(offset * offset, axis=1), 1))
    cosine = jnp.where(away, offset @ anisotropy.axis, 1) / length
    stretch = length / jnp.sqrt(jnp.where(away, square, 1))

    def slowness(points):
        ratio = group_slowness_ratio(cosine, *jax.vmap(anisotropy.thomsen)(points))
        return jnp.where(away, ratio * stretch, 1) / jax.vmap(speed)(points)

    return slowness


def _surface(squared, nodes, metric: AbstractMetric, anisotropy: Anisotropy | None) -> SlownessSurface | None:
    """What the equation is at the nodes, where a weighted sum of squares is not enough."""
    shear = metric.shear([nodes[:, a] for a in range(nodes.shape[1])])
    if anisotropy is None and shear is None:
        return None
    thomsen, axis, slopes, stretch = None, None, None, None
    if anisotropy is not None:
        thomsen = jax.vmap(anisotropy.thomsen)(nodes)
        axis = tuple(jnp.broadcast_to(n, squared.shape) for n in anisotropy.axis)
    if shear is not None:
        slopes, stretch = tuple(shear[0]), shear[1]
    return SlownessSurface(squared, thomsen, axis, slopes, stretch)


def _near(grid: RegularGrid, nodes, source_km, square, half_gradient, weights, near_nodes: float):
    """Which nodes' tau is prescribed."""
    inside = jnp.sum(((nodes - source_km[None, :]) / grid.spacing_km[None, :]) ** 2, axis=1) < near_nodes**2
    # In cells much longer than they are high the factored differences need a larger neighbourhood: their slopes, T0 over the
    # spacing less its derivative, must be positive.
    for a, slope in enumerate(half_gradient):
        least = LEAST_SLOPE * jnp.sqrt(square) / (1 if weights is None else weights[a])
        inside = inside | (square < grid.spacing_km[a] * (jnp.abs(slope) + least))
    return inside


def godunov(slopes: Sequence[Array], offsets: Sequence[Array], squared: Array) -> Array:
    """The tau that solves ``sum_i max(a_i tau - b_i, 0)^2 = s^2`` with ``a_i > 0``.

    Axes join in the order of ``b_i / a_i``, as long as the wave comes from there. One with which there is no
    real root (two waves meet) is left out.
    """
    entries = _sorted([(b / a, a, b) for a, b in zip(slopes, offsets, strict=True)])
    _, a, b = entries[0]
    a2, ab, b2 = a * a, a * b, b * b
    tau = (b + jnp.sqrt(squared)) / a
    for enters, a, b in entries[1:]:
        both = a2 + a * a, ab + a * b, b2 + b * b
        root = both[1] * both[1] - both[0] * (both[2] - squared)
        joins = (tau > enters) & (root > 0)
        tau = jnp.where(joins, (both[1] + jnp.sqrt(jnp.where(joins, root, 1))) / both[0], tau)
        a2, ab, b2 = (jnp.where(joins, new, old) for new, old in zip(both, (a2, ab, b2), strict=True))
    return tau


def _sorted(entries: list[tuple]) -> list[tuple]:
    """Two or three tuples of arrays in the order of their first, by compare and exchange."""
    entries = list(entries)
    for i, j in [(0, 1)] if len(entries) == 2 else [(0, 1), (1, 2), (0, 1)]:
        swap = entries[i][0] > entries[j][0]
        pairs = list(zip(entries[i], entries[j], strict=True))
        entries[i] = tuple(jnp.where(swap, q, p) for p, q in pairs)
        entries[j] = tuple(jnp.where(swap, p, q) for p, q in pairs)
    return entries
