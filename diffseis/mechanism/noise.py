"""What is not known of the data beside the source: rates of wrong readings, scatter, terms of stations. All of it can be learned."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_PRIOR_SD = {
    "mispick": 1.0,
    "polarity_sd": 0.7,
    "ratio_sd": 0.7,
    "ratio_bias": 0.3,
    "amplitude_sd": 1.0,
}
"""Standard deviations about `default_noise`: of a logit, of logarithms, of a number in log10."""

MAX_MISPICK = 0.5


class Noise(eqx.Module):
    """Parameters of the likelihoods, as unbounded numbers.

    Attributes:
        mispick_logit: of the share of readings whose sign has nothing to do with the first motion's being right (0 to a half).
        log_polarity_sd: of the amplitude, over that of a double couple's largest, below which a first motion drowns.
        log_ratio_sd: of the scale of log10 amplitude ratios.
        ratio_bias: added to log10 ratios of S to P: attenuation, response, a Vp/Vs that is another.
        log_amplitude_sd: of amplitudes, over the root mean square of their event's.
        station_mispick: added to the logit by station: far above zero where a station is reversed.
        station_ratio: added to log10 ratios of S to P by station.
    """

    mispick_logit: Float[Array, ""]
    log_polarity_sd: Float[Array, ""]
    log_ratio_sd: Float[Array, ""]
    ratio_bias: Float[Array, ""]
    log_amplitude_sd: Float[Array, ""]
    station_mispick: Float[Array, " station"]
    station_ratio: Float[Array, " station"]

    @property
    def mispick(self) -> Float[Array, ""]:
        """Share of wrong readings."""
        return MAX_MISPICK * jax.nn.sigmoid(self.mispick_logit)

    @property
    def polarity_sd(self) -> Float[Array, ""]:
        return jnp.exp(self.log_polarity_sd)

    @property
    def ratio_sd(self) -> Float[Array, ""]:
        return jnp.exp(self.log_ratio_sd)

    @property
    def amplitude_sd(self) -> Float[Array, ""]:
        return jnp.exp(self.log_amplitude_sd)

    def station_mispicks(self) -> Float[Array, " station"]:
        """Share of wrong readings by station, 0 to 1: above a half the station is more likely reversed than not."""
        share = self.mispick
        return jax.nn.sigmoid(jnp.log(share) - jnp.log1p(-share) + self.station_mispick)

    def astype(self, dtype) -> "Noise":
        """The same in another precision."""
        return jax.tree.map(lambda x: x.astype(dtype), self)


def default_noise(
    num_stations: int = 0,
    *,
    mispick: float = 0.1,
    polarity_sd: float = 0.1,
    ratio_sd: float = 0.4,
    ratio_bias: float = 0.0,
    amplitude_sd: float = 0.15,
    dtype=None,
) -> Noise:
    """What is assumed before anything is learned.

    Args:
        num_stations: whose terms there are.
        mispick: share of wrong readings, above 0 and below a half.
        polarity_sd: over the largest amplitude of a double couple.
        ratio_sd, ratio_bias: in log10. The scatter of S/P that is really observed is 0.3 to 1.
        amplitude_sd: over the root mean square of an event's amplitudes.
        dtype: of the numbers.
    """
    if not 0 < mispick < MAX_MISPICK:
        raise ValueError(f"`mispick` must lie between 0 and {MAX_MISPICK}, got {mispick}")
    for name, value in (("polarity_sd", polarity_sd), ("ratio_sd", ratio_sd), ("amplitude_sd", amplitude_sd)):
        if not value > 0:
            raise ValueError(f"`{name}` must be above 0, got {value}")
    number = lambda x: jnp.asarray(x, float if dtype is None else dtype)
    share = number(mispick / MAX_MISPICK)
    return Noise(
        mispick_logit=jnp.log(share) - jnp.log1p(-share),
        log_polarity_sd=jnp.log(number(polarity_sd)),
        log_ratio_sd=jnp.log(number(ratio_sd)),
        ratio_bias=number(ratio_bias),
        log_amplitude_sd=jnp.log(number(amplitude_sd)),
        station_mispick=jnp.zeros_like(share, shape=num_stations),
        station_ratio=jnp.zeros_like(share, shape=num_stations),
    )


class NoisePrior(eqx.Module):
    """Normal priors of the parameters about what was assumed, wide; those of stations about zero, as wide as is told.

    Attributes:
        centre: what was assumed.
        station_mispick_sd: of stations' logits.
        station_ratio_sd: of stations' terms in log10.
    """

    centre: Noise
    station_mispick_sd: Float[Array, ""]
    station_ratio_sd: Float[Array, ""]

    def log_density(self, noise: Noise) -> Float[Array, ""]:
        """Unnormalised."""
        far = (
            (noise.mispick_logit - self.centre.mispick_logit) / _PRIOR_SD["mispick"],
            (noise.log_polarity_sd - self.centre.log_polarity_sd) / _PRIOR_SD["polarity_sd"],
            (noise.log_ratio_sd - self.centre.log_ratio_sd) / _PRIOR_SD["ratio_sd"],
            (noise.ratio_bias - self.centre.ratio_bias) / _PRIOR_SD["ratio_bias"],
            (noise.log_amplitude_sd - self.centre.log_amplitude_sd) / _PRIOR_SD["amplitude_sd"],
            noise.station_mispick / self.station_mispick_sd,
            noise.station_ratio / self.station_ratio_sd,
        )
        return -0.5 * jnp.sum(jnp.stack([jnp.sum(x**2) for x in far]))
