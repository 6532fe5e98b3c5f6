"""Perfectly matched layers for second derivatives, computed in slabs at the faces.

In a layer ``d/dx`` becomes ``d/dx + psi*`` with a memory that decays in time. Of ``u'' `` that makes ``u'' + psi' + zeta`` (Pasalic &
McGarry 2010), with ``psi`` the memory of ``u'`` and ``zeta`` that of ``u'' + psi'``. Both are zero outside the layer; what they add reaches as far
into the interior as a stencil does.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from diffseis.wave.boundary import Absorbing, layer_profile
from diffseis.wave.domain import Domain
from diffseis.wave.stencils import central_coefficients, second_coefficients


class Layer(eqx.Module):
    """The absorbing layer at one face: what its memory keeps and takes per step, over its nodes and a stencil's half beyond.

    Attributes:
        decay, gain: from the face inwards or, at an axis's end, outwards: in the order of nodes.
        axis, at_end: which face (static).
    """

    decay: Float[Array, " node"]
    gain: Float[Array, " node"]
    axis: int = eqx.field(static=True)
    at_end: bool = eqx.field(static=True)


class Memory(eqx.Module):
    """What a layer remembers, and what it adds to the second derivative (times the spacing squared)."""

    psi: Float[Array, "..."]
    zeta: Float[Array, "..."]
    added: Float[Array, "..."]


def layers(domain: Domain, speed_km_s, dt_s, order: int) -> tuple[Layer, ...]:
    """The layers at all faces that have one."""
    found = []
    for axis, pair in enumerate(domain.boundary.faces):
        for at_end, face in enumerate(pair):
            if not isinstance(face, Absorbing):
                continue
            num = face.num_nodes + order
            depth = face.num_nodes - np.arange(num, dtype=float)
            spacing = domain.grid.spacing_km[axis].astype(dt_s.dtype)
            decay, gain = layer_profile(face, depth[::-1] if at_end else depth, spacing, speed_km_s, dt_s)
            found.append(Layer(decay.astype(dt_s.dtype), gain.astype(dt_s.dtype), axis, bool(at_end)))
    return tuple(found)


def start_memory(field, layers: tuple[Layer, ...], order: int) -> tuple[Memory, ...]:
    """Nothing, of the right shapes."""

    def empty(layer: Layer) -> Memory:
        def zeros(num):
            return jnp.zeros([num if a == layer.axis else n for a, n in enumerate(field.shape)], field.dtype)

        num = layer.decay.shape[0]
        return Memory(zeros(num), zeros(num - order // 2), zeros(num - order // 2))

    return tuple(empty(layer) for layer in layers)


def remember(field, memory: tuple[Memory, ...], layers: tuple[Layer, ...], order: int) -> tuple[Memory, ...]:
    """The memories a step later, given the field now."""
    return tuple(_remember(field, m, layer, order) for m, layer in zip(memory, layers, strict=True))


def _remember(field, memory: Memory, layer: Layer, order: int) -> Memory:
    half, axis, at_end = order // 2, layer.axis, layer.at_end
    num_psi, num_zeta = memory.psi.shape[axis], memory.zeta.shape[axis]
    total = field.shape[axis]
    # A stencil's half of zeros beyond the face, and a half of the interior on the other side.
    beyond = [((0, half) if at_end else (half, 0)) if a == axis else (0, 0) for a in range(field.ndim)]
    reach = num_psi + half
    near = (
        slice_in_dim(field, total - reach, total, axis=axis)
        if at_end
        else slice_in_dim(field, 0, reach, axis=axis)
    )
    near = jnp.pad(near, beyond)
    shape = [-1 if a == axis else 1 for a in range(field.ndim)]
    decay, gain = layer.decay.reshape(shape), layer.gain.reshape(shape)
    psi = decay * memory.psi + gain * _central(near, axis, num_psi, order)
    outer = slice(half, None) if at_end else slice(0, num_zeta)
    decay, gain = layer.decay[outer].reshape(shape), layer.gain[outer].reshape(shape)
    begin = half if at_end else 0
    slope = _central(jnp.pad(psi, beyond), axis, num_zeta, order)
    second = _second(slice_in_dim(near, begin, begin + num_zeta + order, axis=axis), axis, num_zeta, order)
    zeta = decay * memory.zeta + gain * (second + slope)
    return Memory(psi, zeta, slope + zeta)


def add_layers(field, factor, memory: tuple[Memory, ...], layers: tuple[Layer, ...], weights):
    """The field with what the layers add to its second derivatives, times a factor."""
    for m, layer in zip(memory, layers, strict=True):
        num = m.added.shape[layer.axis]
        begin = [0] * field.ndim
        begin[layer.axis] = field.shape[layer.axis] - num if layer.at_end else 0
        part, scale = (jax.lax.dynamic_slice(x, begin, m.added.shape) for x in (field, factor))
        # Not `.at[].add`: that is a scatter.
        field = jax.lax.dynamic_update_slice(field, part + (weights[layer.axis] * scale) * m.added, begin)
    return field


def _central(padded, axis: int, num: int, order: int):
    """``h u'`` on nodes, of an array with a stencil's half more on both sides."""
    half = order // 2
    at = lambda shift: slice_in_dim(padded, half + shift, half + shift + num, axis=axis)
    return sum(c * (at(k) - at(-k)) for k, c in enumerate(central_coefficients(order), 1))


def _second(padded, axis: int, num: int, order: int):
    half = order // 2
    at = lambda shift: slice_in_dim(padded, half + shift, half + shift + num, axis=axis)
    centre, *sides = second_coefficients(order)
    return centre * at(0) + sum(c * (at(k) + at(-k)) for k, c in enumerate(sides, 1))
