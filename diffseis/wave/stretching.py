"""Perfectly matched layers at one frequency: coordinates that become complex.

Fields vary as ``exp(i w t)``. Behind a face, ``d/dx`` becomes ``(1 / s) d/dx`` with ``s = 1 + damping / (shift + i w)``: the profiles of the layers of the
time domain (`layer_profile`), whose limit of short steps this is. Outgoing waves, as functions of ``x + integral of (s - 1)``, decay there and are not
reflected.

References:
    Chew & Weedon (1994), A 3D perfectly matched medium from modified Maxwell's equations with stretched coordinates,
    doi:10.1002/mop.4650071304. Komatitsch & Martin (2007), doi:10.1190/1.2757586.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float

from diffseis.wave.boundary import Absorbing
from diffseis.wave.complex_numbers import as_complex
from diffseis.wave.domain import Domain


class Stretch(eqx.Module):
    """How the axes of a domain are stretched.

    Attributes:
        low_km, high_km: the faces of the medium's grid.
        thickness_km: of the layers at the beginning and the end of each axis; 0 where there is none.
        damping: at their ends, in 1/s.
        shift: at their beginnings, in 1/s.
        angular_hz: ``w``.
    """

    low_km: Float[Array, " dim"]
    high_km: Float[Array, " dim"]
    thickness_km: Float[Array, "dim 2"]
    damping: Float[Array, "dim 2"]
    shift: Float[Array, "dim 2"]
    angular_hz: Float[Array, ""]

    def share(self, x_km: Float[Array, "... dim"]) -> Float[Array, "... dim 2"]:
        """How deep in either layer of each axis points are, over its thickness."""
        depth = jnp.stack([_like(self.low_km, x_km) - x_km, x_km - _like(self.high_km, x_km)], axis=-1)
        thick = jnp.broadcast_to(jnp.where(self.thickness_km > 0, self.thickness_km, 1), depth.shape)
        there = jnp.broadcast_to(self.thickness_km > 0, depth.shape)
        return jnp.where(there, jnp.maximum(depth, 0) / thick, 0)

    def excess(self, x_km: Float[Array, "... dim"]) -> Complex[Array, "... dim"]:
        """``1 / s - 1`` of each axis."""
        share = self.share(x_km)
        damping = jnp.broadcast_to(self.damping, share.shape) * share**2
        shift = jnp.broadcast_to(self.shift, share.shape) * jnp.clip(1 - share, 0, None)
        below = lax.complex(damping + shift, jnp.broadcast_to(self.angular_hz, share.shape))
        return jnp.sum(-as_complex(damping) / below, axis=-1)

    def slope(self, x_km: Float[Array, "... dim"]) -> Complex[Array, "... dim"]:
        """The derivative of ``1 / s`` along each axis, per km."""
        share = self.share(x_km)
        sign = jnp.broadcast_to(jnp.asarray([-1.0, 1.0], x_km.dtype), share.shape)
        thick = jnp.broadcast_to(jnp.where(self.thickness_km > 0, self.thickness_km, 1), share.shape)
        top = jnp.broadcast_to(self.damping, share.shape)
        shift = jnp.broadcast_to(self.shift, share.shape)
        damping, grows = top * share**2, 2 * top * share
        rest = shift * jnp.clip(1 - share, 0, None)
        falls = jnp.where(share < 1, -shift, 0)
        omega = jnp.broadcast_to(self.angular_hz, share.shape)
        below = lax.complex(damping + rest, omega)
        # Of -damping / below, by the quotient rule; the squares of the damping cancel.
        above = lax.complex(damping * falls - grows * rest, -grows * omega)
        return jnp.sum(above / below**2 * as_complex(sign / thick), axis=-1)

    def stretched(self, x_km: Float[Array, "... dim"]) -> Complex[Array, "... dim"]:
        """``x + integral of (s - 1)``: where an outgoing field is to be continued to. For layers without a shift."""
        share = self.share(x_km)
        sign = jnp.broadcast_to(jnp.asarray([-1.0, 1.0], x_km.dtype), share.shape)
        reach = jnp.broadcast_to(self.damping * self.thickness_km / (3 * self.angular_hz), share.shape)
        return lax.complex(x_km, -jnp.sum(sign * reach * share**3, axis=-1))


def stretch_of(domain: Domain, fastest_km_s: Float[Array, ""], angular_hz: Float[Array, ""]) -> Stretch:
    """Of a domain, in whose layers the fastest waves are to be absorbed."""
    dtype = fastest_km_s.dtype
    spacing = domain.grid.spacing_km.astype(dtype)
    low = domain.grid.origin_km.astype(dtype)
    high = low + spacing * jnp.asarray(np.asarray(domain.grid.shape) - 1, dtype)
    faces = [[domain.face((a, end)) for end in (False, True)] for a in range(domain.grid.num_dims)]
    absorb = lambda of: jnp.asarray(
        [[of(f) if isinstance(f, Absorbing) else 0.0 for f in pair] for pair in faces], dtype
    )
    thickness = absorb(lambda f: f.num_nodes) * spacing[:, None]
    strength = absorb(lambda f: -1.5 * math.log(f.reflection))
    damping = jnp.where(thickness > 0, fastest_km_s * strength / jnp.where(thickness > 0, thickness, 1), 0)
    shift = absorb(lambda f: math.pi * (f.frequency_hz or 0.0))
    return Stretch(low, high, thickness, damping, shift, angular_hz.astype(dtype))


def _like(vector, x):
    return jnp.broadcast_to(vector, x.shape)
