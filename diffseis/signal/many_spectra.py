"""Response spectra of many records."""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from diffseis.signal.response_spectrum import check_spectrum, response_spectrum


def batched_response_spectra(
    accelerations_m_s2: Float[Array, "record time"],
    dt_s,
    period_s,
    damping=0.05,
    *,
    num_samples: Int[Array, " record"] | None = None,
    at_once: int = 8,
) -> Float[Array, "record period"]:
    """PSA of many records of one sampling rate, a few at a time: what is held is the records, their spectra, and the state of `at_once` records.

    Args:
        accelerations_m_s2: records, padded behind their ends.
        dt_s, period_s, damping: of `response_spectrum`, which looks at samples only here.
        num_samples: of each record.
        at_once: records in one loop.
    """
    check_spectrum(accelerations_m_s2[0], dt_s, period_s, damping)
    num = (
        jnp.full(len(accelerations_m_s2), accelerations_m_s2.shape[1]) if num_samples is None else num_samples
    )
    return _many(accelerations_m_s2, num, dt_s, period_s, damping, at_once)


@eqx.filter_jit
def _many(accelerations, num_samples, dt_s, period_s, damping, at_once):
    def one(pair):
        found = response_spectrum(pair[0], dt_s, period_s, damping, num_samples=pair[1])
        return found.pseudo_acceleration_m_s2

    return lax.map(one, (accelerations, num_samples), batch_size=at_once)
