"""What surrounds the part of a grid that can be run backwards."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from diffseis.wave.base import State
from diffseis.wave.boundary import Absorbing
from diffseis.wave.domain import Domain
from diffseis.wave.linear import Band, Slabs, slabs_of


class Rims(eqx.Module):
    """The nodes on either side of the faces between the grid and its absorbing layers, half a stencil deep.

    Attributes:
        layers: of each axis, how many nodes its layers have (static).
        half: nodes of half a stencil (static).
    """

    layers: tuple[Band, ...] = eqx.field(static=True)
    half: int = eqx.field(static=True)

    def read(self, state: State) -> PyTree:
        """Of all fields."""
        return {name: tuple(self._rim(field, b) for b in self.layers) for name, field in state.fields.items()}

    def write(self, state: State, rims: PyTree) -> State:
        """A state with other values there, and none beyond."""
        fields = {}
        for name, field in state.fields.items():
            for band, (low, high) in zip(self.layers, rims[name], strict=True):
                for at_end, rim in ((False, low), (True, high)):
                    field = field if rim is None else _overwrite(field, band, rim, at_end)
            fields[name] = field
        return State(fields, state.carried)

    def keep_inside(self, operands: PyTree, shape: tuple[int, ...]) -> PyTree:
        """Cotangents of coefficients without those from the layers and the rim: of arrays over all nodes, and of their slabs."""
        mask = self._inside(shape)

        def keep(x):
            if isinstance(x, Slabs):
                return Slabs(x.values * slabs_of(mask, x.band).values.astype(x.values.dtype), x.band)
            return x * mask.astype(x.dtype) if eqx.is_array(x) and x.shape == shape else x

        return jax.tree.map(keep, operands, is_leaf=lambda x: isinstance(x, Slabs))

    def known_inside(self, values: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The same values, without derivatives in the layers and the rim."""
        inside = self._inside(values.shape) > 0
        return jnp.where(inside, values, jax.lax.stop_gradient(values))

    def _inside(self, shape: tuple[int, ...]) -> Float[Array, "..."]:
        """1 where the wavefield is restored, 0 in the layers and the rim."""
        mask = jnp.ones(shape)
        for band in self.layers:
            num = shape[band.axis]
            at = jnp.arange(num)
            low, high = (n + self.half if n else 0 for n in (band.low, band.high))
            inside = ((at >= low) & (at < num - high)).astype(mask.dtype)
            mask = mask * inside.reshape([-1 if a == band.axis else 1 for a in range(len(shape))])
        return mask

    @staticmethod
    def moving(coefficients: PyTree, shape: tuple[int, ...]) -> PyTree:
        """Which of coefficients are of the medium: arrays over all nodes, and their slabs; not those of layers and of the grid."""
        is_slabs = lambda x: isinstance(x, Slabs)
        of_medium = lambda x: is_slabs(x) or (eqx.is_inexact_array(x) and x.shape == shape)
        return jax.tree.map(lambda x: jax.tree.map(lambda _: of_medium(x), x), coefficients, is_leaf=is_slabs)

    def _rim(self, field: Float[Array, "*shape"], band: Band):
        num = field.shape[band.axis]
        cut = lambda begin: jax.lax.slice_in_dim(field, begin, begin + 2 * self.half, axis=band.axis)
        low = cut(band.low - self.half) if band.low else None
        return low, cut(num - band.high - self.half) if band.high else None


def rims_of(domain: Domain, order: int, *, check: bool) -> Rims:
    """Of a domain; its layers must be thicker than half a stencil."""
    layers = []
    for axis, pair in enumerate(domain.boundary.faces):
        widths = [face.num_nodes if isinstance(face, Absorbing) else 0 for face in pair]
        if check and any(0 < w < order // 2 for w in widths):
            raise ValueError(
                f"absorbing layers on axis {axis} are thinner than half a stencil of order {order}: {widths} nodes"
            )
        layers.append(Band(axis, *widths))
    return Rims(tuple(layers), order // 2)


def _overwrite(field, band: Band, rim, at_end: bool):
    """The rim, and zeros in the rest of the layer."""
    half = rim.shape[band.axis] // 2
    width = band.high if at_end else band.low
    extra = width - half
    slab = jnp.pad(
        rim, [((0, extra) if at_end else (extra, 0)) if a == band.axis else (0, 0) for a in range(rim.ndim)]
    )
    begin = [0] * field.ndim
    begin[band.axis] = field.shape[band.axis] - width - half if at_end else 0
    return jax.lax.dynamic_update_slice(field, slab, begin)
