"""Travasarou, Bray & Abrahamson (2003): Arias intensity of shallow crustal earthquakes.

References:
    Travasarou, Bray & Abrahamson (2003), Earthquake Engineering & Structural Dynamics 32, 1133-1155, doi:10.1002/eqe.270.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows
from diffseis.groundmotion.terms import Scalar, within_deg


class Travasarou03(AbstractGroundMotionModel):
    """Arias intensity in m/s, mean of the two horizontal components.

    Site classes (Rodriguez-Marek et al. 2001: B rock, C shallow stiff soil, D deep stiff soil) are taken from VS30: B from 760 m/s, D below 360 m/s.

    Args:
        measures: IA.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows

    def __init__(self, measures: Sequence[str | Measure] = ("IA",)):
        self.measures = parse_measures(measures)
        if self.measures != (Measure("IA"),):
            told = ", ".join(str(m) for m in self.measures)
            raise ValueError(f"Travasarou et al. (2003) give IA alone, got {told}")
        self.rows = Rows({"period_s": jnp.zeros(1, float)}, (0,), (0,), jnp.zeros(1, float))

    @property
    def needs(self) -> tuple[str, ...]:
        return ("magnitude", "rake_rad", "rrup_km", "vs30_m_s")

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        m = rupture.magnitude
        stiff = ((site.vs30_m_s < 760) & (site.vs30_m_s >= 360)).astype(m.dtype)
        soft = (site.vs30_m_s < 360).astype(m.dtype)
        normal, reverse = (
            within_deg(rupture.rake_rad, -112.5, -67.5),
            within_deg(rupture.rake_rad, 22.5, 157.5),
        )
        mean = 2.800 - 1.981 * (m - 6) + 20.72 * jnp.log(m / 6)
        mean = mean - 1.703 * jnp.log(jnp.sqrt(site.rrup_km**2 + 8.78**2))
        mean = mean + (0.454 + 0.101 * (m - 6)) * stiff + (0.479 + 0.334 * (m - 6)) * soft
        mean = mean - 0.166 * normal + 0.512 * reverse
        return LogNormalIM(mean, _tau(m), _phi(mean, stiff, soft))


def _tau(m: Scalar) -> Scalar:
    return jnp.where(m <= 4.7, 0.611, jnp.where(m >= 7.6, 0.475, 0.611 - 0.047 * (m - 4.7)))


def _phi(mean: Scalar, stiff: Scalar, soft: Scalar) -> Scalar:
    """Less for strong shaking: the largest up to 0.013 m/s, the least from 0.125 m/s. (The line between them passes the least by up to 0.008, as published.)"""
    largest = 1.18 - 0.01 * stiff - 0.22 * soft
    least = 0.94 - 0.01 * stiff - 0.21 * soft
    between = largest - 0.106 * (mean - jnp.log(0.0132))
    strong = jnp.where(mean >= jnp.log(0.125), least, between)
    return jnp.where(mean <= jnp.log(0.013), largest, strong)
