"""What drives a wavefield of one frequency."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from diffseis.wave.base import Place
from diffseis.wave.complex_numbers import as_complex, complex_dtype
from diffseis.wave.domain import Domain
from diffseis.wave.harmonic_operator import HarmonicOperator
from diffseis.wave.points import check_inside, spread


class HarmonicSources(eqx.Module):
    """Point sources, of which each makes a field of its own.

    Attributes:
        position_km: on the axes of the grid.
        amplitude: the spectra of their series at the frequency, ``sum of series exp(-i w t) dt``.
    """

    position_km: Float[Array, "source dim"]
    amplitude: Complex[Array, " source"]

    def __init__(self, position_km: Any, amplitude: Any = 1.0):
        self.position_km = jnp.asarray(position_km, float)
        amplitude = jnp.asarray(amplitude).astype(complex_dtype(self.position_km.dtype))
        self.amplitude = jnp.broadcast_to(amplitude, self.position_km.shape[:1])

    def __check_init__(self):
        if self.position_km.ndim != 2:
            raise ValueError(
                f"`position_km` needs a row for each source, got an array of shape {self.position_km.shape}"
            )


class DistributedSources(eqx.Module):
    """Right-hand sides at nodes: the ``s`` of the equation for each source.

    Attributes:
        values: over the medium's grid, or over all nodes, layers included; in VTI media with one axis more after the first they are the
            right-hand sides of the equations of horizontal and vertical stress.
    """

    values: Complex[Array, "source ..."]


def right_hand_side(
    sources: HarmonicSources | DistributedSources, operator: HarmonicOperator, domain: Domain, place: Place
) -> Complex[Array, "source field *shape"]:
    """Of the operator's equations at all nodes."""
    dtype = operator.square.dtype
    if isinstance(sources, HarmonicSources):
        check_inside("source", sources.position_km, domain.grid)
        stencil = spread(sources.position_km, domain, place, dtype, reading=False)
        density = 1 / jnp.prod(domain.grid.spacing_km).astype(dtype)

        def one(first, *weights):
            alone = type(stencil)(first[None], tuple(w[None] for w in weights))
            return alone.add(jnp.zeros(domain.shape, dtype), alone.patches(density), jnp.ones(1, dtype))

        real = jax.vmap(one)(stencil.first, *stencil.weights)
        amplitude = sources.amplitude.astype(complex_dtype(dtype))
        values = as_complex(real) * amplitude.reshape(-1, *[1] * len(domain.shape))
    else:
        values = _everywhere(sources.values.astype(complex_dtype(dtype)), domain)
    if values.ndim == len(domain.shape) + 1:
        factors = (jnp.broadcast_to(f, domain.shape) for f in operator.driven)
        values = jnp.stack([values * as_complex(f)[None] for f in factors], axis=1)
    if values.shape[1] != operator.num_fields:
        raise ValueError(
            f"right-hand sides are of {values.shape[1]} equations, the medium has {operator.num_fields}"
        )
    alive = jnp.broadcast_to(operator.alive, values.shape)
    return values * as_complex(alive)


def _everywhere(values, domain: Domain):
    """With zeros in the layers, where there are no values for them."""
    num = len(domain.shape)
    shape = values.shape[-num:]
    if values.ndim not in (num + 1, num + 2) or shape not in (domain.shape, domain.grid.shape):
        raise ValueError(
            f"`values` have shape {values.shape}: they need a row for each source over {domain.grid.shape} nodes, or with layers {domain.shape}"
        )
    if shape == domain.shape:
        return values
    return jnp.pad(values, [(0, 0)] * (values.ndim - num) + list(domain.boundary.widths))


def spectrum(series, dt_s, frequency_hz) -> np.ndarray:
    """``sum of series exp(-i w t) dt`` over the last axis: amplitudes of `HarmonicSources` of series, and fields of records."""
    series = np.asarray(series)
    times = float(dt_s) * np.arange(series.shape[-1])
    return series @ np.exp(-2j * np.pi * float(frequency_hz) * times) * float(dt_s)
