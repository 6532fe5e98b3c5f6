"""Times of samples."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class TimeAxis(eqx.Module):
    """When sources act and receivers record: every `dt_s` from the time 0.

    Attributes:
        num_samples: their number (static).
        dt_s: the interval.
    """

    num_samples: int = eqx.field(static=True)
    dt_s: Float[Array, ""]

    def __init__(self, num_samples: int, dt_s):
        self.num_samples = int(num_samples)
        self.dt_s = jnp.asarray(dt_s, float)

    def __check_init__(self):
        if self.num_samples < 2:
            raise ValueError(f"`num_samples` must be at least 2, got {self.num_samples}")

    def times_s(self) -> Float[Array, " time"]:
        """The times of all samples."""
        return self.dt_s * jnp.arange(self.num_samples, dtype=self.dt_s.dtype)
