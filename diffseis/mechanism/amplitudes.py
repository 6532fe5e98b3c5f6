"""Amplitudes of P with an event's size that is not known: integrated out.

``a = size (g + noise)`` for amplitudes g of a source of unit moment, with noise of the same standard deviation for all rays of an event, to which the errors of angles add theirs. With a flat
prior on the size (above zero where the amplitudes are signed) the integral over it is a normal one.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, Key

from diffseis.core import safe
from diffseis.mechanism.noise import Noise
from diffseis.mechanism.observables import AbstractObservable
from diffseis.mechanism.rays import RayRows


class PAmplitudes(AbstractObservable):
    """Amplitudes of P.

    Attributes:
        rows: of the rays.
        observed: over their root mean square in the event.
        station_idx: unused as yet by the likelihood; kept for tables.
        mask: which rows there are.
        signed: whether their signs are known, or only their sizes.
    """

    rows: RayRows
    observed: Float[Array, "*event ray"]
    station_idx: Int[Array, "*event ray"]
    mask: Bool[Array, "*event ray"]
    signed: bool = eqx.field(static=True)

    def log_prob(self, six: Float[Array, "source 6"], noise: Noise) -> Float[Array, " source"]:
        noise = noise.astype(six.dtype)
        rows = jax.tree.map(lambda x: jnp.where(self.mask[:, None], x, 0), self.rows)
        data = jnp.where(self.mask, self.observed, 0).astype(six.dtype)[:, None]
        used = self.mask.astype(six.dtype)[:, None]
        found = rows.amplitudes(six)
        radiated = found.value if self.signed else jnp.abs(found.value)
        num = jnp.maximum(jnp.sum(used), 1)
        # The size that would match the event's energy, for what errors of angles do to observed amplitudes.
        size2 = num / (jnp.sum(radiated**2, axis=0) + jnp.finfo(six.dtype).eps)
        variance = noise.amplitude_sd**2 + size2[None, :] * found.variance
        weight = used / variance
        gg = jnp.sum(weight * radiated**2, axis=0) + jnp.finfo(six.dtype).eps
        ga = jnp.sum(weight * radiated * data, axis=0)
        aa = jnp.sum(weight * data**2, axis=0)
        fit = -0.5 * (aa - ga**2 / gg) - 0.5 * jnp.log(gg) - 0.5 * jnp.sum(used * jnp.log(variance), axis=0)
        # A size cannot be negative.
        fit = fit + jax.scipy.special.log_ndtr(ga * jax.lax.rsqrt(gg))
        return jnp.where(jnp.any(self.mask), fit, 0)

    def simulate(self, six: Float[Array, "6"], noise: Noise, *, key: Key[Array, ""]) -> "PAmplitudes":
        keys, shape, dtype = jr.split(key, 3), self.observed.shape, self.observed.dtype
        shift = (jr.normal(keys[0], shape, dtype), jr.normal(keys[1], shape, dtype))
        moved = jnp.where(self.mask, self.rows.misled(six, shift), 0)
        num = jnp.maximum(jnp.sum(self.mask), 1).astype(dtype)
        size = safe.norm(moved) / jnp.sqrt(num)
        observed = moved / jnp.where(size > 0, size, 1)
        observed = observed + noise.amplitude_sd.astype(dtype) * jr.normal(keys[2], shape, dtype)
        observed = observed if self.signed else jnp.abs(observed)
        return eqx.tree_at(lambda a: a.observed, self, jnp.where(self.mask, observed, 0))

    def features(self) -> Float[Array, "ray feature"]:
        value = self.observed[:, None]
        parts = [value * self.rows.value, self.rows.value, self.rows.sizes(), value]
        return jnp.where(self.mask[:, None], jnp.concatenate(parts, axis=1), 0)

    def num_data(self) -> Float[Array, ""]:
        return jnp.sum(self.mask).astype(self.observed.dtype)
