"""What the two faces of an axis add to a derivative, computed in slabs.

An absorbing layer turns ``d/dx`` into ``d/dx + psi``, where ``psi`` is a memory of the derivative that decays in time: ``psi <- decay psi + gain d/dx``. A
second derivative becomes ``u'' + psi' + zeta`` (Pasalic & McGarry 2010), with ``psi`` the memory of ``u'`` and ``zeta`` that of ``u'' + psi'``. Memories
are zero outside the layer; what they add to a second derivative reaches as far into the interior as a stencil does. Other faces add images of the
inside, by a small matrix. The slabs of both faces are one array: less to compile, and to call.

References:
    Komatitsch & Martin (2007), doi:10.1190/1.2757586. Pasalic & McGarry (2010), Convolutional perfectly matched layer for
    isotropic and anisotropic acoustic wave equations, doi:10.1190/1.3513453.
"""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from diffseis.wave.boundary import Absorbing, Periodic, layer_profile
from diffseis.wave.domain import Domain
from diffseis.wave.images import WRAPPED, Image, second_image, staggered_image
from diffseis.wave.linear import Band, Slabs
from diffseis.wave.stencils import central_difference, second_difference, staggered_difference

Kinds = dict[type, str]
"""Which images a field has at a free surface, and at a rigid face."""


class Edges(eqx.Module):
    """The faces of one axis, for one derivative of one field.

    Attributes:
        decay, gain: what layers keep and take per step, of each node that is read; None where there are no layers.
        images: (nodes added to, nodes read), as nested tuples (static); None where there are none.
        reads, adds: how deep the field is read, and the derivative changed (static).
        order: of the differences (static).
        forward: whether they are those of a field at nodes between them, or of one between them at nodes; None for second differences (static).
        here: of each node that is added to, 1 if its face is on this device and 0 if not; None where every face is.
    """

    decay: Float[Array, " node"] | None
    gain: Float[Array, " node"] | None
    images: tuple[tuple[float, ...], ...] | None = eqx.field(static=True)
    reads: Band = eqx.field(static=True)
    adds: Band = eqx.field(static=True)
    order: int = eqx.field(static=True)
    forward: bool | None = eqx.field(static=True)
    here: Float[Array, " node"] | None = None

    def start(self, shape: tuple[int, ...], dtype) -> PyTree:
        """Memories of nothing, for a field of some shape."""
        if self.decay is None:
            return ()
        empty = jnp.zeros(
            [self.decay.shape[0] if a == self.reads.axis else n for a, n in enumerate(shape)], dtype
        )
        return (empty, empty) if self.forward is None else (empty,)

    def __call__(self, near: Slabs, memory: PyTree) -> tuple[Slabs, PyTree]:
        """What to add to the derivative (times the spacing, or its square), and the memories a step later."""
        added = None
        if self.decay is not None and self.gain is not None:
            # A stencil takes what lies beyond the slabs as zero: so it is beyond the faces; and where the slabs meet nothing is used.
            along = [-1 if a == self.reads.axis else 1 for a in range(near.values.ndim)]
            decay, gain = self.decay.reshape(along), self.gain.reshape(along)
            remember = lambda memory, derivative: decay * memory + gain * derivative
            added, memory = (self._second if self.forward is None else self._first)(
                near.values, memory, remember
            )
            added = Slabs(added, self.reads).outer(self.adds).values
        if self.images is not None:
            matrix, axis = jnp.asarray(self.images, near.values.dtype), self.reads.axis
            mirrored = jnp.moveaxis(jnp.tensordot(matrix, near.values, ((1,), (axis,))), 0, axis)
            added = mirrored if added is None else added + mirrored
        if added is not None and self.here is not None:
            added = added * self.here.reshape([-1 if a == self.adds.axis else 1 for a in range(added.ndim)])
        # Without layers or images nothing is read, and nothing added.
        return Slabs(near.values if added is None else added, self.adds), memory

    def _first(self, near, memory, remember: Callable):
        slope = staggered_difference(near, axis=self.reads.axis, order=self.order, forward=bool(self.forward))
        psi = remember(memory[0], slope)
        return psi, (psi,)

    def _second(self, near, memory, remember: Callable):
        how = {"axis": self.reads.axis, "order": self.order}
        psi = remember(memory[0], central_difference(near, **how))
        slope = central_difference(psi, **how)
        zeta = remember(memory[1], second_difference(near, **how) + slope)
        return slope + zeta, (psi, zeta)


def second_edges(domain: Domain, axis: int, kinds: Kinds, speed_km_s, dt_s, order: int) -> Edges:
    """For second differences of a field at nodes."""
    image = lambda kind, at_end: second_image(kind, order, at_end=at_end)
    return _edges(domain, axis, kinds, speed_km_s, dt_s, order, image, None)


def staggered_edges(
    domain: Domain, axis: int, kinds: Kinds, speed_km_s, dt_s, order: int, *, forward: bool
) -> Edges:
    """For differences of a field at nodes between them (`forward`), or of one between nodes at them."""
    image = lambda kind, at_end: staggered_image(kind, order, at_end=at_end, forward=forward)
    return _edges(domain, axis, kinds, speed_km_s, dt_s, order, image, forward)


def _edges(domain, axis, kinds, speed_km_s, dt_s, order, image: Callable, forward: bool | None) -> Edges:
    half = order // 2
    reads, adds = [0, 0], [0, 0]
    found: dict[bool, Image] = {}
    for at_end in (False, True):
        face = domain.face((axis, at_end))
        if isinstance(face, Absorbing):
            num = _num_layer(face, at_end, forward)
            reads[at_end] = max(reads[at_end], num + half)
            adds[at_end] = num + half if forward is None else num
            continue
        found[at_end] = image(WRAPPED if isinstance(face, Periodic) else kinds[type(face)], at_end)
        rows, columns = found[at_end].matrix.shape
        source = at_end != found[at_end].opposite
        reads[source] = max(reads[source], columns)
        adds[at_end] = rows
    if max(sum(reads), sum(adds)) > domain.shape[axis]:
        raise ValueError(
            f"axis {axis} has {domain.shape[axis]} nodes, layers included: its faces need {max(sum(reads), sum(adds))}; use a larger grid "
            f"or a lower order"
        )
    decay, gain = _layers(domain, axis, reads, speed_km_s, dt_s, forward)
    return Edges(
        decay, gain, _images(found, reads, adds), Band(axis, *reads), Band(axis, *adds), order, forward
    )


def _num_layer(face: Absorbing, at_end: bool, forward: bool | None) -> int:
    """Nodes of a derivative within a layer: between nodes at an axis's end there is one more."""
    return face.num_nodes + (1 if at_end and forward else 0)


def _layers(domain: Domain, axis: int, reads: list[int], speed_km_s, dt_s, forward: bool | None):
    decays, gains = [], []
    shift = 0.5 if forward else 0.0
    for at_end in (False, True):
        face = domain.face((axis, at_end))
        if isinstance(face, Absorbing):
            steps = np.arange(reads[at_end])
            depth = (
                (steps - (reads[at_end] - 1) + _num_layer(face, at_end, forward))
                if at_end
                else face.num_nodes - steps
            )
            spacing = domain.grid.spacing_km[axis].astype(dt_s.dtype)
            decay, gain = layer_profile(face, depth - shift, spacing, speed_km_s, dt_s)
        else:
            decay = gain = jnp.zeros(reads[at_end])
        decays.append(decay.astype(dt_s.dtype))
        gains.append(gain.astype(dt_s.dtype))
    if not any(isinstance(domain.face((axis, e)), Absorbing) for e in (False, True)):
        return None, None
    return jnp.concatenate(decays), jnp.concatenate(gains)


def _images(found: dict[bool, Image], reads: list[int], adds: list[int]):
    """One matrix for both faces."""
    if not any(image.matrix.size for image in found.values()):
        return None
    total = np.zeros((sum(adds), sum(reads)))
    for at_end, (matrix, opposite) in found.items():
        rows, columns = matrix.shape
        row = sum(adds) - rows if at_end else 0
        column = sum(reads) - columns if at_end != opposite else 0
        total[row : row + rows, column : column + columns] += matrix
    return tuple(tuple(float(x) for x in line) for line in total)
