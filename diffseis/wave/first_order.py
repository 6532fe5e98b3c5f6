"""What equations of first order on staggered grids share.

Velocities and stresses (or pressure) lie at nodes or half-way between them along each axis, so that every difference is central. Velocities are
those of half steps. A face runs through nodes.

References:
    Virieux (1986), P-SV wave propagation in heterogeneous media, doi:10.1190/1.1442147. Graves (1996), Simulating seismic
    wave propagation in 3D elastic media using staggered-grid finite differences, doi:10.1785/BSSA0860041091.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from diffseis.wave.base import Place
from diffseis.wave.boundary import Absorbing, FreeSurface, Rigid, layer_fading
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Edges, Kinds, staggered_edges
from diffseis.wave.images import ODD
from diffseis.wave.linear import Slabs, slabs_of, split
from diffseis.wave.stencils import staggered_coefficients, staggered_differences


class Slopes(eqx.Module):
    """The derivatives of one field along some axes.

    Attributes:
        edges: what faces add, by axis.
        inverse_spacing: of each axis, 1/km.
        whole: by axis, 1 where stencils reach no air and 0 where they are replaced by those of two nodes; None where there is no air.
        order: in space (static).
        shared: the axis of a mesh of devices that the first axis is divided among (static); None where one device has all of it.
    """

    edges: dict[int, Edges]
    inverse_spacing: Float[Array, " dim"]
    whole: dict[int, Float[Array, "..."]] | None
    order: int = eqx.field(static=True)
    shared: str | None = eqx.field(static=True, default=None)

    def start(self, shape, dtype) -> dict[int, PyTree]:
        """Memories of nothing."""
        return {axis: e.start(shape, dtype) for axis, e in self.edges.items()}

    def __call__(self, field, memory: dict[int, PyTree]):
        """The field, to go on with (its cotangents are then summed before slabs are added to them); by axis its derivative but for what
        faces add, and that; the memories a step later."""
        axes = tuple(self.edges)
        field, near = split(field, tuple(self.edges[a].reads for a in axes))
        forward = {a: bool(self.edges[a].forward) for a in axes}
        differences = staggered_differences(field, forward, order=self.order, shared=self.shared)
        if self.whole is not None:
            short = staggered_differences(field, forward, order=2, shared=self.shared)
            differences = [
                s + self.whole[a] * (d - s) for a, s, d in zip(axes, short, differences, strict=True)
            ]
        inner = {a: self.inverse_spacing[a] * d for a, d in zip(axes, differences, strict=True)}
        outer, later = {}, {}
        for axis, slabs in zip(axes, near, strict=True):
            outer[axis], later[axis] = self.edges[axis](slabs, memory[axis])
        return field, inner, outer, later


def slopes(
    domain: Domain, between: tuple[bool, ...], axes, kinds: dict[int, Kinds], speed_km_s, dt_s, order: int
) -> Slopes:
    """Of a field that lies between nodes along some axes, with its images at the faces of each."""
    edges = {
        axis: staggered_edges(domain, axis, kinds[axis], speed_km_s, dt_s, order, forward=not between[axis])
        for axis in axes
    }
    return Slopes(edges, 1 / domain.grid.spacing_km.astype(dt_s.dtype), None, order)


def place_of(domain: Domain, between: tuple[bool, ...], kinds: dict[int, Kinds], *, early: bool) -> Place:
    """Where a field lies, by its images."""
    odd = lambda side: kinds.get(side[0], {}).get(type(domain.face(side))) == ODD
    num = len(between)
    return Place(between, tuple((odd((a, False)), odd((a, True))) for a in range(num)), early)


def largest_staggered_difference(order: int) -> float:
    """Of ``h u'``: that of the shortest wave on the grid."""
    return 2 * sum(abs(c) for c in staggered_coefficients(order))


def largest_step_s(fastest_km_s, spacing_km, order: int) -> Float[Array, ""]:
    """The step at which the leapfrog of velocities and stresses becomes unstable."""
    return 2 / (
        fastest_km_s
        * largest_staggered_difference(order)
        * jnp.sqrt(jnp.sum(spacing_km.astype(fastest_km_s.dtype) ** -2))
    )


def fading(domain: Domain, between: tuple[bool, ...], fastest_km_s, dt_s) -> tuple[Float[Array, "..."], ...]:
    """What a step leaves of a velocity in layers that take from all motion: a factor for each axis that has some (it broadcasts against fields)."""
    found = []
    num = len(between)
    for axis, pair in enumerate(domain.boundary.faces):
        if not any(isinstance(face, Absorbing) and face.sideways for face in pair):
            continue
        nodes = np.arange(domain.shape[axis]) + 0.5 * between[axis]
        factor = jnp.ones(domain.shape[axis], dt_s.dtype)
        for at_end, face in enumerate(pair):
            if isinstance(face, Absorbing):
                first = domain.shape[axis] - 1 - face.num_nodes
                depth = nodes - first if at_end else face.num_nodes - nodes
                spacing = domain.grid.spacing_km[axis].astype(dt_s.dtype)
                factor = factor * layer_fading(face, depth, spacing, fastest_km_s, dt_s)
        found.append(factor.reshape([-1 if a == axis else 1 for a in range(num)]))
    return tuple(found)


def alive(
    domain: Domain, values: Float[Array, "*all"], between: tuple[bool, ...], axes
) -> Float[Array, "*all"]:
    """Coefficients with zeros beyond the last face of some axes, where a field between nodes has no more place."""
    for axis in axes:
        if between[axis] and isinstance(domain.face((axis, True)), FreeSurface | Rigid):
            values = values * (1 - domain.on_face((axis, True)).astype(values.dtype))
    return values


def fixed(domain: Domain, values: Float[Array, "*all"], between: tuple[bool, ...], kinds: dict[int, Kinds]):
    """Coefficients with zeros on faces where a field at nodes is held at zero: those with images of the opposite sign."""
    for axis, axis_kinds in kinds.items():
        for side in ((axis, False), (axis, True)):
            if not between[axis] and axis_kinds.get(type(domain.face(side))) == ODD:
                values = values * (1 - domain.on_face(side).astype(values.dtype))
    return values


def mean_over_corners(domain: Domain, values: Float[Array, "*all"], axes) -> Float[Array, "*all"]:
    """Means of neighbours along some axes."""
    for axis in axes:
        values = domain.between(values, axis)
    return values


def near_faces(values: Float[Array, "*all"], slopes: Slopes, axis: int) -> Slabs:
    """Coefficients of a derivative near faces, as deep as its edges add there, over the spacing."""
    return slabs_of(slopes.inverse_spacing[axis] * values, slopes.edges[axis].adds)


def negative(coefficients: PyTree) -> PyTree:
    """The same with their signs changed: they run a leapfrog backwards."""
    return jax.tree.map(jnp.negative, coefficients)
