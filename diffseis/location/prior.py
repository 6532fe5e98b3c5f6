"""Where an earthquake can be: a box under the ground, with or without an opinion about its depth.

Samplers move in an unbounded space. `SearchVolume` maps it onto the volume smoothly, so that walls (the surface above all)
need no special care anywhere else, and densities keep their meaning through the determinant of the map. Inside, the map is the
identity in km, so that a normal posterior stays normal; only within about a hundredth of the width from a wall does it bend. (With a logistic
map of the whole width the posteriors of shallow events became long and curved, and samplers lost their tails.)
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class AbstractSurface(eqx.Module):
    """The ground: depth of the surface (negative above sea level) at a horizontal place."""

    @abc.abstractmethod
    def depth_km(self, north_km: Float[Array, ""], east_km: Float[Array, ""]) -> Float[Array, ""]:
        """Depth below sea level of the ground."""


class FlatSurface(AbstractSurface):
    """The same depth everywhere."""

    level_km: Float[Array, ""]

    def __init__(self, level_km):
        self.level_km = jnp.asarray(level_km, float)

    def depth_km(self, north_km, east_km):
        return self.level_km + 0 * north_km


class StationSurface(AbstractSurface):
    """Ground interpolated from the elevations of the stations, weighted by the inverse square of distance.

    It stands in for a terrain model where none is given: it removes the air above a network in the mountains, and no rock that matters.

    Attributes:
        stations_ned_km: station by 3.
        smoothing_km: distance within which the weights level off.
    """

    stations_ned_km: Float[Array, "station 3"]
    smoothing_km: Float[Array, ""]

    def __init__(self, stations_ned_km, *, smoothing_km=2.0):
        self.stations_ned_km = jnp.asarray(stations_ned_km, float)
        self.smoothing_km = jnp.asarray(smoothing_km, float)

    def depth_km(self, north_km, east_km):
        s = self.stations_ned_km
        distance2 = (s[:, 0] - north_km) ** 2 + (s[:, 1] - east_km) ** 2
        weight = 1 / (distance2 + self.smoothing_km**2)
        return jnp.sum(weight * s[:, 2]) / jnp.sum(weight)


class AbstractDepthPrior(eqx.Module):
    """An opinion about depth, on top of the uniform box."""

    @abc.abstractmethod
    def log_prob(self, depth_km: Float[Array, ""]) -> Float[Array, ""]:
        """Log density, up to a constant."""


class UniformDepth(AbstractDepthPrior):
    """No opinion."""

    def log_prob(self, depth_km):
        return jnp.zeros_like(depth_km)


class NormalDepth(AbstractDepthPrior):
    """Normal about `mean_km`."""

    mean_km: Float[Array, ""]
    sd_km: Float[Array, ""]

    def __init__(self, mean_km, sd_km):
        if not sd_km > 0:
            raise ValueError(f"`sd_km` must be > 0, got {sd_km}")
        self.mean_km = jnp.asarray(mean_km, float)
        self.sd_km = jnp.asarray(sd_km, float)

    def log_prob(self, depth_km):
        return -0.5 * ((depth_km - self.mean_km) / self.sd_km) ** 2


class SearchVolume(eqx.Module):
    """A box whose top is the ground; the prior is uniform in it, times the depth prior.

    Attributes:
        lower_km, upper_km: corners, north-east-down; the top of the box is replaced by the surface.
        surface: the ground.
        depth_prior: an opinion about depth.
    """

    lower_km: Float[Array, "3"]
    upper_km: Float[Array, "3"]
    surface: AbstractSurface
    depth_prior: AbstractDepthPrior

    def __init__(self, lower_km, upper_km, *, surface: AbstractSurface | None = None, depth_prior=None):
        self.lower_km = jnp.asarray(lower_km, float)
        self.upper_km = jnp.asarray(upper_km, float)
        self.surface = FlatSurface(self.lower_km[2]) if surface is None else surface
        self.depth_prior = UniformDepth() if depth_prior is None else depth_prior

    def _limits(self, north, east):
        top = self.surface.depth_km(north, east)
        bottom = jnp.maximum(self.upper_km[2], top + 1.0)
        return top, bottom

    def to_ned(self, u: Float[Array, "3"]) -> tuple[Float[Array, "3"], Float[Array, ""]]:
        """The place of an unbounded point (both in km), and the log of the map's volume ratio."""
        horizontal, log_slope = _into(u[:2], self.lower_km[:2], self.upper_km[:2])
        top, bottom = self._limits(horizontal[0], horizontal[1])
        down, log_slope_down = _into(u[2], top, bottom)
        return jnp.concatenate([horizontal, down[None]]), jnp.sum(log_slope) + log_slope_down

    def from_ned(self, x: Float[Array, "3"], *, margin: float = 1e-6) -> Float[Array, "3"]:
        """The unbounded point of a place; places outside are moved inside by `margin` of the width."""
        low, high = self.lower_km[:2], self.upper_km[:2]
        horizontal = jnp.clip(x[:2], low + margin * (high - low), high - margin * (high - low))
        top, bottom = self._limits(horizontal[0], horizontal[1])
        down = jnp.clip(x[2], top + margin * (bottom - top), bottom - margin * (bottom - top))
        return jnp.concatenate([_out_of(horizontal, low, high), _out_of(down, top, bottom)[None]])

    def log_prob(self, x: Float[Array, "3"]) -> Float[Array, ""]:
        """Log prior density per km3 up to a constant; -inf outside."""
        top, bottom = self._limits(x[0], x[1])
        inside = (
            jnp.all((x[:2] >= self.lower_km[:2]) & (x[:2] <= self.upper_km[:2]))
            & (x[2] >= top)
            & (x[2] <= bottom)
        )
        return jnp.where(inside, self.depth_prior.log_prob(x[2]), -jnp.inf)


_BEND = 0.01
"""Length over which the map bends at a wall, as a fraction of the width."""


def _into(u, low, high):
    """Smooth clipping: the identity inside, exponential approach to the walls; and the log of its slope.

    The slope is sigmoid(below) - sigmoid(above), which is sigmoid(below) sigmoid(-above) (1 - exp(above - below)), and above - below is
    -1 / _BEND: the last factor is one to rounding.
    """
    scale = _BEND * (high - low)
    bend_low, bend_high = _softplus((low - u) / scale), _softplus((u - high) / scale)
    return jnp.clip(u + scale * (bend_low - bend_high), low, high), -(bend_low + bend_high)


def _softplus(x):
    """log(1 + exp(x)); few operations, because every one of them is compiled many times."""
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def _out_of(x, low, high):
    """Inverse of `_into` (the two walls do not feel each other: exp(-1 / _BEND) is far below rounding)."""
    scale = _BEND * (high - low)
    from_low, from_high = (x - low) / scale, (high - x) / scale
    nearer_low = from_low < from_high
    distance = jnp.where(nearer_low, from_low, from_high)
    # log(exp(d) - 1), written so that it neither overflows nor loses digits
    bent = distance + jnp.log(-jnp.expm1(-jnp.maximum(distance, 1e-12)))
    return jnp.where(nearer_low, low + scale * bent, high - scale * bent)
