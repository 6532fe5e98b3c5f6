"""What equations of second order on one grid share.

Pressure lies at nodes and whole steps; a face runs through nodes.
"""

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from diffseis.wave.base import Place
from diffseis.wave.boundary import FreeSurface
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Edges
from diffseis.wave.linear import Slabs, slabs_of
from diffseis.wave.stencils import laplacian, second_coefficients


class Curvature(eqx.Module):
    """The sum of second derivatives times the square of the first axis's spacing, but for what faces add.

    Attributes:
        weights: of each axis: that square over its own.
        order: in space (static).
        shared: the axis of a mesh of devices that the first axis is divided among (static); None where one device has all of it.
    """

    weights: Float[Array, " dim"]
    order: int = eqx.field(static=True)
    shared: str | None = eqx.field(static=True, default=None)

    def __call__(
        self, u: Float[Array, "*shape"], axes: tuple[int, ...] | None = None
    ) -> Float[Array, "*shape"]:
        """Along all axes, or some."""
        axes = tuple(range(u.ndim)) if axes is None else axes
        weights = self.weights[axes[0] : axes[-1] + 1]
        return laplacian(u, weights, order=self.order, axes=axes, shared=self.shared)


def largest_second_difference(order: int) -> float:
    """The largest eigenvalue of minus ``h^2 u''``: that of the shortest wave on the grid."""
    centre, *sides = second_coefficients(order)
    return -centre - 2 * sum(c * (-1) ** k for k, c in enumerate(sides, 1))


def at_nodes(domain: Domain) -> Place:
    """A field at nodes and whole steps that is zero on free surfaces."""
    return Place(
        (False,) * domain.grid.num_dims,
        tuple(
            (isinstance(low, FreeSurface), isinstance(high, FreeSurface))
            for low, high in domain.boundary.faces
        ),
        early=False,
    )


def near_faces(values, edges: tuple[Edges, ...], weights) -> tuple[Slabs, ...]:
    """Values near the faces of each axis, as deep as edges add there, times the axis's weight."""
    return tuple(slabs_of(weights[e.adds.axis] * values, e.adds) for e in edges)


def at_faces(edges: tuple[Edges, ...], near: tuple[Slabs, ...], memory: PyTree, *factors: tuple[Slabs, ...]):
    """What edges add to derivatives, times each of several sets of factors; and what they remember."""
    found = [edge(slabs, m) for edge, slabs, m in zip(edges, near, memory, strict=True)]
    several = [tuple(f * added for f, (added, _) in zip(fs, found, strict=True)) for fs in factors]
    return *several, tuple(m for _, m in found)
