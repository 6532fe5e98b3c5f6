"""Perfectly matched layers, computed in slabs at the faces.

In a layer ``d/dx`` becomes ``d/dx + psi``, where ``psi`` is a memory of the derivative that decays in time: ``psi <- decay psi + gain d/dx``. A second
derivative becomes ``u'' + psi' + zeta`` (Pasalic & McGarry 2010), with ``psi`` the memory of ``u'`` and ``zeta`` that of ``u'' + psi'``. Memories
are zero outside the layer; what they add to a second derivative reaches as far into the interior as a stencil does.

References:
    Komatitsch & Martin (2007), doi:10.1190/1.2757586. Pasalic & McGarry (2010), Convolutional perfectly matched layer for
    isotropic and anisotropic acoustic wave equations, doi:10.1190/1.3513453.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from diffseis.wave.boundary import Absorbing, layer_profile
from diffseis.wave.domain import Domain
from diffseis.wave.linear import Side
from diffseis.wave.stencils import central_difference, second_difference, staggered_difference


class Profile(eqx.Module):
    """What a layer's memory keeps and takes per step.

    Attributes:
        decay, gain: one value for each node of the layer, in the order of nodes.
        side: its face (static).
        order: of the differences (static).
    """

    decay: Float[Array, " node"]
    gain: Float[Array, " node"]
    side: Side = eqx.field(static=True)
    order: int = eqx.field(static=True)

    @property
    def num_nodes(self) -> int:
        return self.decay.shape[0]

    @property
    def width(self) -> int:
        """Nodes of the field that are read: a stencil's half more than the layer's."""
        return self.num_nodes + self.order // 2

    def start(self, shape: tuple[int, ...], dtype) -> Float[Array, "..."]:
        """A memory of nothing, for a field of some shape."""
        axis = self.side[0]
        return jnp.zeros([self.num_nodes if a == axis else n for a, n in enumerate(shape)], dtype)

    def remember(self, memory, derivative):
        """The memory a step later, of a derivative at the layer's nodes."""
        along = [-1 if a == self.side[0] else 1 for a in range(memory.ndim)]
        return self.decay.reshape(along) * memory + self.gain.reshape(along) * derivative

    def outer(self, values):
        """The layer's nodes, of some that reach further in."""
        axis, at_end = self.side
        num = values.shape[axis]
        begin = num - self.num_nodes if at_end else 0
        return slice_in_dim(values, begin, begin + self.num_nodes, axis=axis)

    def widen(self, values):
        """Zeros for the nodes between a layer's and those that a stencil reaches."""
        axis, at_end = self.side
        half = self.order // 2
        return jnp.pad(values, [((half, 0) if at_end else (0, half)) if a == axis else (0, 0) for a in range(values.ndim)])


class SecondLayer(eqx.Module):
    """A layer for second differences."""

    profile: Profile

    @property
    def rows(self) -> int:
        """Nodes of the derivative that are changed."""
        return self.profile.width

    def start(self, shape, dtype):
        empty = self.profile.start(shape, dtype)
        return empty, empty

    def __call__(self, near, memory):
        """What to add to ``h^2 u''`` near the face, and the memories a step later."""
        profile, axis, order = self.profile, self.profile.side[0], self.profile.order
        psi, zeta = memory
        # A stencil takes what lies beyond the slab as zero: so it is beyond the face, and inside only the layer's own nodes are used.
        psi = profile.remember(psi, profile.outer(central_difference(near, axis=axis, order=order)))
        slope = central_difference(profile.widen(psi), axis=axis, order=order)
        second = profile.outer(second_difference(near, axis=axis, order=order) + slope)
        zeta = profile.remember(zeta, second)
        return slope + profile.widen(zeta), (psi, zeta)


class StaggeredLayer(eqx.Module):
    """A layer for differences of fields at nodes (`forward`) or between them."""

    profile: Profile
    forward: bool = eqx.field(static=True)

    @property
    def rows(self) -> int:
        """Nodes of the derivative that are changed."""
        return self.profile.num_nodes

    def start(self, shape, dtype):
        return self.profile.start(shape, dtype)

    def __call__(self, near, memory):
        """What to add to ``h u'`` near the face, and the memory a step later."""
        profile = self.profile
        slope = staggered_difference(near, axis=profile.side[0], order=profile.order, forward=self.forward)
        memory = profile.remember(memory, profile.outer(slope))
        return memory, memory


def profile(domain: Domain, side: Side, speed_km_s, dt_s, order: int, *, between: bool) -> Profile:
    """The layer at a face, for derivatives at nodes or `between` them."""
    axis, at_end = side
    face = domain.boundary.faces[axis][at_end]
    assert isinstance(face, Absorbing)
    shift = 0.5 if between else 0.0
    if at_end:
        num = face.num_nodes + between
        depth = np.arange(num) + 1 - shift
    else:
        num = face.num_nodes
        depth = face.num_nodes - np.arange(num) - shift
    spacing = domain.grid.spacing_km[axis].astype(dt_s.dtype)
    decay, gain = layer_profile(face, depth, spacing, speed_km_s, dt_s)
    return Profile(decay.astype(dt_s.dtype), gain.astype(dt_s.dtype), side, order)
