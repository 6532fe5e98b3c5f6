"""First motions: a probit with wrong readings and doubtful ones.

The sign of a first motion is read right with the probability ``w + (1 - 2 w) Phi(A / sigma)``: the amplitude A must rise above a noise sigma, to which the errors of the ray's
angles add what they make of the amplitude; and a share w of readings is the wrong way round, for whatever reason. A doubtful reading is one whose w is larger.

References:
    Pugh, White & Christie (2016), doi:10.1093/gji/ggw186. Weber (2018), Probabilistic joint inversion of waveforms and polarity data for
    double-couple focal mechanisms of local earthquakes, doi:10.1093/gji/ggy096.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, Key

from diffseis.mechanism.noise import Noise
from diffseis.mechanism.observables import AbstractObservable
from diffseis.mechanism.rays import RayRows

_CHUNK = 32
"""Rays at once: what they need of all sources of a grid stays in a core's cache."""

_FACTORS = 8
"""Probabilities that are multiplied before a logarithm is taken: each is at least about 1e-4."""

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
        """Probability that a reading is the wrong way round though the motion was clear; a half for masked rows, which says nothing."""
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
        wrong = self.wrong(noise)
        sign = jnp.where(self.mask, self.sign, 0).astype(six.dtype)
        rows = jax.tree.map(lambda x: jnp.where(self.mask[:, None], x, 0).astype(six.dtype), self.rows)
        num = sign.shape[0]
        if num <= 2 * _CHUNK:
            return _log_prob(rows, sign, wrong, noise.polarity_sd, six)
        # Rows that are added say nothing: their wrong readings are as likely as right ones.
        missing = -num % _CHUNK
        pieces = jax.tree.map(
            lambda x: jnp.pad(x, ((0, missing), (0, 0))).reshape(-1, _CHUNK, x.shape[-1]), rows
        )
        sign = jnp.pad(sign, (0, missing)).reshape(-1, _CHUNK)
        wrong = jnp.pad(wrong, (0, missing), constant_values=0.5).reshape(-1, _CHUNK)

        @jax.checkpoint
        def add(total, piece):
            rows, sign, wrong = piece
            return total + _log_prob(rows, sign, wrong, noise.polarity_sd, six), None

        return jax.lax.scan(add, jnp.zeros(six.shape[0], six.dtype), (pieces, sign, wrong))[0]

    def probabilities(self, six: Float[Array, "source 6"], noise: Noise) -> Float[Array, "ray source"]:
        """Of each reading; a half for masked rows."""
        noise = noise.astype(six.dtype)
        return _probability(self.rows, self.sign.astype(six.dtype), self.wrong(noise), noise.polarity_sd, six)

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


def _probability(rows, sign, wrong, polarity_sd, six):
    found = rows.amplitudes(six)
    z = sign[:, None] * found.value * jax.lax.rsqrt(polarity_sd**2 + found.variance)
    agree = 0.5 + 0.5 * jax.lax.erf(z * jnp.sqrt(jnp.asarray(0.5, six.dtype)))
    return wrong[:, None] + (1 - 2 * wrong[:, None]) * agree


def _log_prob(rows, sign, wrong, polarity_sd, six):
    """One logarithm for several factors, of which even the product is far from the smallest number."""
    num = sign.shape[0]
    missing = -num % _FACTORS
    probability = _probability(rows, sign, wrong, polarity_sd, six)
    probability = jnp.pad(probability, ((0, missing), (0, 0)), constant_values=1)
    groups = probability.reshape(-1, _FACTORS, six.shape[0])
    product = groups[:, 0]
    for factor in range(1, _FACTORS):
        product = product * groups[:, factor]
    return jnp.sum(jnp.log(product), axis=0)
