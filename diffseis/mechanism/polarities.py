"""First motions: a probit with wrong readings and doubtful ones.

The sign of a first motion is read right with the probability ``w + (1 - 2 w) Phi(A / sigma)``: the amplitude A must rise above a noise sigma, to which the errors of the ray's
angles add what they make of the amplitude; and a share w of readings is the wrong way round, for whatever reason. A doubtful reading is one whose w is larger.

References:
    Pugh, White & Christie (2016), doi:10.1093/gji/ggw186. Weber (2018), Probabilistic joint inversion of waveforms and polarity data for
    double-couple focal mechanisms of local earthquakes, doi:10.1093/gji/ggy096.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, Key

from diffseis.mechanism.noise import Noise
from diffseis.mechanism.observables import AbstractObservable
from diffseis.mechanism.pieces import ray_by_ray, sum_over_rays
from diffseis.mechanism.rays import RayRows

_LEAST = 1e-4


class Polarities(AbstractObservable):
    """First motions of one wave.

    Attributes:
        rows: of the rays.
        sign: +1 or -1.
        right: probability that the sign is what a perfect analyst would have read, 0 to 1.
        station_idx: whose terms count; -1 for none.
        mask: which rows there are.
    """

    rows: RayRows
    sign: Float[Array, "*event ray"]
    right: Float[Array, "*event ray"]
    station_idx: Int[Array, "*event ray"]
    mask: Bool[Array, "*event ray"]

    def wrong(self, noise: Noise) -> Float[Array, "*event ray"]:
        """Probability that a reading is the wrong way round though the motion was clear; a half for masked rows."""
        share = jnp.broadcast_to(noise.mispick, self.sign.shape)
        if noise.station_mispick.shape[0]:
            own = noise.station_mispicks().at[self.station_idx].get(mode="fill", fill_value=0.5)
            share = jnp.where(self.station_idx >= 0, own, share)
        doubt = 1 - self.right.astype(share.dtype)
        share = share + (1 - 2 * share) * doubt
        share = jnp.clip(share, _LEAST, 1 - _LEAST)
        return jnp.where(self.mask, share, 0.5)

    def log_prob(self, six: Float[Array, "source 6"], noise: Noise) -> Float[Array, " source"]:
        noise = noise.astype(six.dtype)

        def piece(rays):
            rows, *readings = rays
            one = functools.partial(_probability, polarity_sd=noise.polarity_sd)
            # One logarithm for the eight factors of a piece, each at least `_LEAST`: even the product is far from the smallest number.
            return jnp.log(functools.reduce(jnp.multiply, ray_by_ray(one, rows.amplitudes(six), *readings)))

        nothing = jnp.zeros(six.shape[0], six.dtype)
        return sum_over_rays(piece, self._readings(noise, six.dtype), self.mask, nothing)

    def _readings(self, noise, dtype):
        """Rows, signs, probabilities of wrong ones and mask, without what masked rows may hold."""
        rows = jax.tree.map(lambda x: jnp.where(self.mask[:, None], x, 0).astype(dtype), self.rows)
        sign = jnp.where(self.mask, self.sign, 0).astype(dtype)
        return rows, sign, self.wrong(noise).astype(dtype), self.mask

    def probabilities(self, six: Float[Array, "source 6"], noise: Noise) -> Float[Array, "ray source"]:
        """Of each reading; 1 for masked rows."""
        noise = noise.astype(six.dtype)
        rows, *readings = self._readings(noise, six.dtype)
        return jax.vmap(functools.partial(_probability, polarity_sd=noise.polarity_sd))(
            rows.amplitudes(six), *readings
        )

    def simulate(self, six: Float[Array, "6"], noise: Noise, *, key: Key[Array, ""]) -> "Polarities":
        keys, shape, dtype = jr.split(key, 4), self.sign.shape, self.sign.dtype
        shift = (jr.normal(keys[0], shape, dtype), jr.normal(keys[1], shape, dtype))
        moved = self.rows.misled(six, shift) + noise.polarity_sd.astype(dtype) * jr.normal(
            keys[2], shape, dtype
        )
        turned = jr.uniform(keys[3], shape, dtype) < self.wrong(noise).astype(dtype)
        sign = jnp.where(moved < 0, -1, 1) * jnp.where(turned, -1, 1)
        return eqx.tree_at(lambda p: p.sign, self, sign.astype(dtype))

    def features(self) -> Float[Array, "ray feature"]:
        certain = (self.sign * (2 * self.right - 1))[:, None]
        rows = self.rows.value
        parts = jnp.concatenate([certain * rows, rows, self.rows.sizes(), certain], axis=1)
        return jnp.where(self.mask[:, None], parts, 0)

    def num_data(self) -> Float[Array, ""]:
        return jnp.sum(self.mask).astype(self.sign.dtype)


def _probability(found, sign, wrong, mask, polarity_sd):
    """Of the reading of one ray, by the amplitudes of sources."""
    low, span = jnp.where(mask, wrong, 1), jnp.where(mask, 1 - 2 * wrong, 0)
    z = sign * found.value * jax.lax.rsqrt(polarity_sd**2 + found.variance)
    return low + span * (0.5 + 0.5 * jax.lax.erf(z * jnp.sqrt(jnp.asarray(0.5, z.dtype))))
