"""Housner's spectrum intensity.

References:
    Housner (1959), Behavior of structures during earthquakes, Journal of the Engineering Mechanics Division ASCE 85, 109-129, doi:10.1061/JMCEA3.0000102.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.signal.cumulative import Samples
from diffseis.signal.response_spectrum import response_spectrum
from diffseis.signal.substeps import AT_SAMPLES, AbstractSubsteps

FROM_S, TO_S = 0.1, 2.5
_PERIOD_S = np.linspace(FROM_S, TO_S, 97)


def housner_intensity(
    acceleration_m_s2: Float[Array, " time"],
    dt_s,
    damping: float = 0.05,
    *,
    substeps: AbstractSubsteps = AT_SAMPLES,
    num_samples: Samples = None,
) -> Float[Array, ""]:
    """The integral in m of pseudo-velocity over periods from 0.1 to 2.5 s, by the trapezoid rule in steps of 0.025 s.

    Args:
        acceleration_m_s2, dt_s, substeps, num_samples: of `diffseis.signal.response_spectrum`.
        damping: 0.05; Housner himself had 0 and 0.2.
    """
    found = response_spectrum(
        acceleration_m_s2, dt_s, _PERIOD_S, damping, substeps=substeps, num_samples=num_samples
    )
    return jnp.trapezoid(found.pseudo_velocity_m_s, dx=float(_PERIOD_S[1] - _PERIOD_S[0]))
