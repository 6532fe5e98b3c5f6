"""P and S times from two travel-time fields."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from diffseis.eikonal.base import AbstractPhaseTimes, AbstractTravelTimeField


class FieldTimes(AbstractPhaseTimes):
    """Times straight from two fields, without tables: exact, and slower (both fields are evaluated).

    Attributes:
        p_field, s_field: times of P and S.
    """

    p_field: AbstractTravelTimeField
    s_field: AbstractTravelTimeField

    def __call__(
        self,
        source_ned_km: Float[Array, "3"],
        receiver_ned_km: Float[Array, "3"],
        receiver_row: Int[Array, ""],
        phase_idx: Int[Array, ""],
    ) -> Float[Array, ""]:
        del receiver_row
        p_time = self.p_field(source_ned_km, receiver_ned_km)
        s_time = self.s_field(source_ned_km, receiver_ned_km)
        return jnp.where(phase_idx == 0, p_time, s_time)
