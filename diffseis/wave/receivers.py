"""Receivers: where they are, and what they record."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

Ask = Callable[[str, Array, int | None], Array]
"""``ask(observable, position_km, slope) -> traces``: what to read where; its derivative along the axis `slope`, if given."""


class AbstractReceivers(eqx.Module):
    """Points that record.

    A wavefield is read as pressure or as velocity, or their derivatives in space; what receivers record is a combination of those, made after the
    time loop.
    """

    position_km: eqx.AbstractVar[Float[Array, "receiver dim"]]

    @property
    def num_receivers(self) -> int:
        return self.position_km.shape[0]

    @abc.abstractmethod
    def wanted(self) -> tuple[tuple[str, Float[Array, "receiver dim"], int | None], ...]:
        """Observables, the points where, and the axes along which they are differentiated."""

    @abc.abstractmethod
    def combine(
        self, traces: tuple[Float[Array, "receiver time"], ...], integrate: Callable
    ) -> Float[Array, "..."]:
        """What is recorded, of traces of what is `wanted`; `integrate` does so over time."""


def _axes(position_km) -> range:
    return range(position_km.shape[1])


class PressureReceivers(AbstractReceivers):
    """Record pressure (in a fluid of constant density its ``u``; else in GPa): ``"receiver time"``."""

    position_km: Float[Array, "receiver dim"]

    def wanted(self):
        return (("pressure", self.position_km, None),)

    def combine(self, traces, integrate):
        return traces[0]


class VelocityReceivers(AbstractReceivers):
    """Record particle velocity in km/s along the axes: ``"receiver dim time"``."""

    position_km: Float[Array, "receiver dim"]

    def wanted(self):
        return tuple((f"velocity {a}", self.position_km, None) for a in _axes(self.position_km))

    def combine(self, traces, integrate):
        return jnp.stack(traces, axis=1)


class DisplacementReceivers(AbstractReceivers):
    """Record displacement in km along the axes: ``"receiver dim time"``."""

    position_km: Float[Array, "receiver dim"]

    def wanted(self):
        return VelocityReceivers(self.position_km).wanted()

    def combine(self, traces, integrate):
        return integrate(jnp.stack(traces, axis=1))


class StrainReceivers(AbstractReceivers):
    """Record the strain tensor: ``"receiver dim dim time"``."""

    position_km: Float[Array, "receiver dim"]

    def wanted(self):
        return tuple(
            (f"velocity {i}", self.position_km, j)
            for i in _axes(self.position_km)
            for j in _axes(self.position_km)
        )

    def combine(self, traces, integrate):
        gradient = _gradient(traces, self.position_km, integrate)
        return (gradient + jnp.swapaxes(gradient, 1, 2)) / 2


class RotationReceivers(AbstractReceivers):
    """Record rotation in radians, ``curl u / 2``: about all axes in three dimensions, ``"receiver dim time"``; about the axis that is out of
    the plane in two, ``"receiver time"``."""

    position_km: Float[Array, "receiver dim"]

    def __check_init__(self):
        if self.position_km.shape[1] < 2:
            raise ValueError("nothing rotates in one dimension")

    def wanted(self):
        return StrainReceivers(self.position_km).wanted()

    def combine(self, traces, integrate):
        g = _gradient(traces, self.position_km, integrate)
        if self.position_km.shape[1] == 2:
            return (g[:, 1, 0] - g[:, 0, 1]) / 2
        return (
            jnp.stack([g[:, 2, 1] - g[:, 1, 2], g[:, 0, 2] - g[:, 2, 0], g[:, 1, 0] - g[:, 0, 1]], axis=1) / 2
        )


class FiberReceivers(AbstractReceivers):
    """Record strain along a fibre (distributed acoustic sensing), averaged over a gauge: ``"receiver time"``.

    Attributes:
        position_km: the gauges' middles.
        direction: unit vectors along the fibre.
        gauge_km: their length.
    """

    position_km: Float[Array, "receiver dim"]
    direction: Float[Array, "receiver dim"]
    gauge_km: Float[Array, ""]

    def __init__(self, position_km, direction, gauge_km):
        self.position_km, self.direction = position_km, direction
        self.gauge_km = jnp.asarray(gauge_km, jnp.result_type(position_km))

    def __check_init__(self):
        if self.direction.shape != self.position_km.shape:
            raise ValueError(
                f"`direction` has shape {self.direction.shape}, `position_km` {self.position_km.shape}"
            )

    def wanted(self):
        # The mean of a derivative along a line is what is gained from its one end to its other.
        half = self.gauge_km / 2 * self.direction
        ends = (self.position_km + half, self.position_km - half)
        return tuple((f"velocity {a}", end, None) for end in ends for a in _axes(self.position_km))

    def combine(self, traces, integrate):
        num = len(traces) // 2
        gained = jnp.stack(traces[:num], 1) - jnp.stack(traces[num:], 1)
        return integrate(jnp.sum(self.direction[:, :, None] * gained, axis=1)) / self.gauge_km


def _gradient(traces, position_km, integrate):
    """``du_i/dx_j``: (receiver, i, j, time)."""
    num = position_km.shape[1]
    stacked = jnp.stack(traces, axis=1)
    return integrate(stacked.reshape(stacked.shape[0], num, num, stacked.shape[-1]))
