"""Afshari & Stewart (2016): significant durations of shallow crustal earthquakes.

References:
    Afshari & Stewart (2016), Earthquake Spectra 32, 2057-2081, doi:10.1193/063015EQS106M.
"""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table
from diffseis.groundmotion.terms import Scalar, expected_z1_km, ramp, styles

Basin = Literal["california", "japan"]
Depths = Literal["program", "metres"]


class AS16(AbstractGroundMotionModel):
    """Durations RSD575, RSD595 and RSD2080: between 5 and 75, 5 and 95, 20 and 80 % of the Arias intensity, of RotD50-like averages.

    Unknown depths to 1 km/s are those expected of VS30.

    The paper's depth beyond what is expected counts in metres, while its formula of the expected depth gives kilometres; the authors' program subtracts the one from the other as they are, so that
    hardly anything is expected. `depths` chooses.

    Args:
        measures: RSD575, RSD595, RSD2080.
        basin: whose depths to 1 km/s go with a VS30.
        depths: "program", as in the authors' tables of results, or "metres", both in the same unit.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    basin: Basin = eqx.field(static=True)
    depths: Depths = eqx.field(static=True)

    def __init__(
        self,
        measures: Sequence[str | Measure],
        *,
        basin: Basin = "california",
        depths: Depths = "program",
    ):
        if basin not in ("california", "japan"):
            raise ValueError(f"`basin` must be california or japan, got {basin!r}")
        if depths not in ("program", "metres"):
            raise ValueError(f"`depths` must be program or metres, got {depths!r}")
        self.measures = parse_measures(measures)
        self.rows = coefficient_table("as16").rows(self.measures)
        self.basin = basin
        self.depths = depths

    @property
    def needs(self) -> tuple[str, ...]:
        return ("magnitude", "rake_rad", "rrup_km", "vs30_m_s")

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        r = site.rrup_km
        path = c["c_1"] * jnp.minimum(r, 10) + c["c_2"] * (jnp.clip(r, 10, 50) - 10)
        path = path + c["c_3"] * jnp.maximum(r - 50, 0)
        expected = expected_z1_km(site.vs30_m_s, japan=self.basin == "japan")
        scale = 1000 if self.depths == "metres" else 1
        known = jnp.isfinite(site.z1_km)
        deeper_m = jnp.where(known, 1000 * jnp.where(known, site.z1_km, 0) - scale * expected, 0)
        ground = c["c_4"] * jnp.log(jnp.minimum(site.vs30_m_s, 600) / c["v_ref"])
        ground = ground + c["c_5"] * jnp.minimum(deeper_m, 200)
        mean = jnp.log(_source_s(c, rupture) + path) + ground
        tau = c["tau_1"] + (c["tau_2"] - c["tau_1"]) * ramp(rupture.magnitude, 6.5, 7.0)
        phi = c["phi_1"] + (c["phi_2"] - c["phi_1"]) * ramp(rupture.magnitude, 5.5, 5.75)
        return LogNormalIM(mean, tau, phi)


def _source_s(c: Coefficients, rupture: Rupture) -> Scalar:
    """Duration of the source: constant for small events, the inverse of a corner frequency for others."""
    m = rupture.magnitude
    normal, reverse = styles(rupture.rake_rad, 45.0)
    unknown = jnp.isnan(rupture.rake_rad)
    by_style = lambda name: jnp.where(
        unknown,
        c[f"{name}_unspecified"],
        c[f"{name}_normal"] * normal
        + c[f"{name}_reverse"] * reverse
        + c[f"{name}_strike_slip"] * (1 - normal - reverse),
    )
    log_stress = by_style("b_1") + c["b_2"] * (jnp.minimum(m, c["m_2"]) - 6)
    log_stress = log_stress + c["b_3"] * jnp.maximum(m - c["m_2"], 0)
    # Of Brune's corner frequency, 4.9e6 times 3.2 km/s times the cube root of stress drop (bar) by moment (dyne cm).
    log_moment = (1.5 * m + 16.05) * jnp.log(10.0).astype(m.dtype)
    corner_hz = 4.9e6 * 3.2 * jnp.exp((log_stress - log_moment) / 3)
    return jnp.where(m <= c["m_1"], by_style("b_0"), 1 / corner_hz)
