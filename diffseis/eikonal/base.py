"""The interface of travel times."""

import abc

import equinox as eqx
from jaxtyping import Array, Float, Int


class AbstractTravelTimeField(eqx.Module):
    """First-arrival time of one phase between any two points.

    Laws, tested on every implementation: zero and finite gradient where source and receiver coincide; never
    negative; reciprocal; the length of the gradient is the slowness at the source; smooth enough for two
    derivatives almost everywhere; JAX-transformable in all arguments.
    """

    @abc.abstractmethod
    def __call__(
        self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]
    ) -> Float[Array, ""]:
        """Travel time in s from one source to one receiver, both north-east-down in km."""


class AbstractPhaseTimes(eqx.Module):
    """Travel times of P and S: what locating needs."""

    @abc.abstractmethod
    def __call__(
        self,
        source_ned_km: Float[Array, "3"],
        receiver_ned_km: Float[Array, "3"],
        receiver_row: Int[Array, ""],
        phase_idx: Int[Array, ""],
    ) -> Float[Array, ""]:
        """Travel time in s of one phase (0 is P, 1 is S; `core.tables.PHASES`) from a source to a station.

        Args:
            source_ned_km: the trial hypocentre.
            receiver_ned_km: the station's position.
            receiver_row: the station's row in the station table (used by fields that keep one table per
            station).
            phase_idx: 0 for P, 1 for S.
        """
