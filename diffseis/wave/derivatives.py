"""Derivatives of fields on a domain, with what its faces do to them.

A derivative is a stencil that takes what lies outside the grid as zero, which XLA computes as one loop, and a slab at each face
of what that leaves out: the memory of an absorbing layer, or images of the inside.
"""

from collections.abc import Callable, Iterable

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from diffseis.wave.boundary import Periodic
from diffseis.wave.domain import Domain
from diffseis.wave.images import WRAPPED, Image, second_images, staggered_images
from diffseis.wave.layers import SecondLayer, StaggeredLayer, profile
from diffseis.wave.linear import Side, split

Kinds = dict[type, str]
"""Which images a field has at a free surface, and at a rigid face."""


class Derivative(eqx.Module):
    """What faces add to one derivative of one field: an image or a layer for each."""

    edges: tuple[Image | SecondLayer | StaggeredLayer, ...]

    @property
    def widths(self) -> dict[Side, int]:
        """Where the field is read, and how many nodes deep."""
        found: dict[Side, int] = {}
        for edge in self.edges:
            side, width = (edge.reads, edge.width) if isinstance(edge, Image) else (edge.profile.side, edge.profile.width)
            found[side] = max(found.get(side, 0), width)
        return found

    @property
    def rows(self) -> dict[Side, int]:
        """Where the derivative is added to, and how many nodes deep."""
        return {(e.adds if isinstance(e, Image) else e.profile.side): e.rows for e in self.edges}

    def start(self, shape: tuple[int, ...], dtype) -> tuple[PyTree, ...]:
        """Memories of nothing."""
        return tuple(None if isinstance(e, Image) else e.start(shape, dtype) for e in self.edges)

    def __call__(
        self, near: dict[Side, Float[Array, "..."]], memory: tuple[PyTree, ...]
    ) -> tuple[dict[Side, Float[Array, "..."]], tuple[PyTree, ...]]:
        """Slabs to be added to the derivative, and the memories a step later, of the field's own slabs."""
        pieces: dict[Side, Array] = {}
        later = []
        for edge, remembered in zip(self.edges, memory, strict=True):
            if isinstance(edge, Image):
                pieces[edge.adds] = edge(trim(near[edge.reads], edge.reads, edge.width))
                later.append(None)
            else:
                side = edge.profile.side
                pieces[side], new = edge(trim(near[side], side, edge.profile.width), remembered)
                later.append(new)
        return pieces, tuple(later)


def second_derivative(domain: Domain, axis: int, kinds: Kinds, speed_km_s, dt_s, order: int) -> Derivative:
    """Of a field at nodes, along an axis, at nodes."""
    layer = lambda side: SecondLayer(profile(domain, side, speed_km_s, dt_s, order, between=False))
    return Derivative(_edges(domain, axis, kinds, layer, lambda side, kind: second_images(side, kind, order)))


def staggered_derivative(
    domain: Domain, axis: int, kinds: Kinds, speed_km_s, dt_s, order: int, *, forward: bool
) -> Derivative:
    """Of a field at nodes along an axis, between them (`forward`), or of one between nodes at them."""
    layer = lambda side: StaggeredLayer(profile(domain, side, speed_km_s, dt_s, order, between=forward), forward)
    images = lambda side, kind: staggered_images(side, kind, order, forward)
    return Derivative(_edges(domain, axis, kinds, layer, images))


def _edges(domain: Domain, axis: int, kinds: Kinds, layer: Callable, images: Callable):
    edges = []
    for side in ((axis, False), (axis, True)):
        face = domain.face(side)
        found = images(side, WRAPPED if isinstance(face, Periodic) else kinds[type(face)]) if not domain.is_layer(side) else ()
        if any(max(image.width, image.rows) > domain.shape[axis] for image in found):
            raise ValueError(f"axis {axis} has {domain.shape[axis]} nodes, too few for the images at its faces")
        edges.extend([layer(side)] if domain.is_layer(side) else found)
    return tuple(edges)


def split_for(field: Float[Array, "*shape"], derivatives: Iterable[Derivative]):
    """The field, and its slabs as deep as the derivatives read."""
    widths: dict[Side, int] = {}
    for derivative in derivatives:
        for side, width in derivative.widths.items():
            widths[side] = max(widths.get(side, 0), width)
    return split(field, widths)


def trim(slab: Float[Array, "..."], side: Side, width: int) -> Float[Array, "..."]:
    """The outer nodes of a slab."""
    axis, at_end = side
    num = slab.shape[axis]
    width = min(width, num)
    begin = num - width if at_end else 0
    index = [slice(None)] * slab.ndim
    index[axis] = slice(begin, begin + width)
    return slab[tuple(index)]
