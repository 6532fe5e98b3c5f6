"""Point sources: where they are, and what they do at which time."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.wave.time_axis import TimeAxis


class AbstractSources(eqx.Module):
    """Points that drive a wavefield. Their series, at the times of a `TimeAxis`, should begin and end at rest."""

    position_km: eqx.AbstractVar[Float[Array, "source dim"]]
    series: eqx.AbstractVar[Float[Array, "source time"]]

    @property
    def num_sources(self) -> int:
        return self.position_km.shape[0]


def _check(sources: AbstractSources) -> None:
    if sources.position_km.ndim != 2:
        raise ValueError(
            f"`position_km` needs a row for each source, got an array of shape {sources.position_km.shape}"
        )
    if sources.series.ndim != 2 or sources.series.shape[0] != sources.position_km.shape[0]:
        raise ValueError(
            f"`series` needs a row for each of {sources.position_km.shape[0]} sources, got an array of shape {sources.series.shape}"
        )


class PressureSources(AbstractSources):
    """Sources of pressure: in a fluid of constant density the ``s`` of its equation, in others the rate of pressure times
    volume, GPa km^dim / s.

    Attributes:
        position_km: on the axes of the grid.
        series: what each does.
    """

    position_km: Float[Array, "source dim"]
    series: Float[Array, "source time"]

    def __check_init__(self):
        _check(self)


class ForceSources(AbstractSources):
    """Point forces.

    Attributes:
        position_km: on the axes of the grid.
        force: along the axes, in GPa km^2 = 1e15 N (per km out of the plane in two dimensions).
        series: what each force is multiplied by.
    """

    position_km: Float[Array, "source dim"]
    force: Float[Array, "source dim"]
    series: Float[Array, "source time"]

    def __check_init__(self):
        _check(self)
        if self.force.shape != self.position_km.shape:
            raise ValueError(f"`force` has shape {self.force.shape}, `position_km` {self.position_km.shape}")


class MomentSources(AbstractSources):
    """Moment tensors with a moment rate.

    Attributes:
        position_km: on the axes of the grid.
        moment: along its axes (north, east, down in three dimensions), in GPa km^3 = 1e18 N m (per km out of the plane in two).
        series: moment rate over moment, in 1/s.
    """

    position_km: Float[Array, "source dim"]
    moment: Float[Array, "source dim dim"]
    series: Float[Array, "source time"]

    def __check_init__(self):
        _check(self)
        num, dim = self.position_km.shape
        if self.moment.shape != (num, dim, dim):
            raise ValueError(
                f"`moment` has shape {self.moment.shape}, for these positions it must have {(num, dim, dim)}"
            )


def time_series(
    time_function: Callable[[Float[Array, ""]], Float[Array, ""]], time_axis: TimeAxis, origin_time_s
) -> Float[Array, "source time"]:
    """A time function that acts at several origin times: rows for sources. Differentiable in both."""
    origin = jnp.atleast_1d(jnp.asarray(origin_time_s, time_axis.dt_s.dtype))
    times = time_axis.times_s()
    return jax.vmap(lambda t0: jax.vmap(time_function)(times - t0))(origin)
