"""Chiou & Youngs (2014), for shallow crustal earthquakes: NGA-West2.

References:
    Chiou & Youngs (2014), Earthquake Spectra 30, 1117-1153, doi:10.1193/072813EQS219M.
"""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.groundmotion.base import (
    AbstractGroundMotionModel,
    LogNormalIM,
    Rupture,
    Site,
    in_precision_of,
)
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table
from diffseis.groundmotion.terms import Scalar, expected_z1_km, or_default, ramp, within_deg

_STIFF_M_S = 1130.0

Region = Literal["california", "japan", "italy", "china"]


class CY14(AbstractGroundMotionModel):
    """Median of the average horizontal component (RotD50).

    Unknown depths of the upper edge and depths to 1 km/s are those that the authors expect of magnitude, style and VS30; a depth to 1 km/s of 0 stands for an unknown one, as in the authors' program.

    Args:
        measures: PGA, PGV, SA from 0.01 to 10 s.
        region: of attenuation (Japan's and Italy's between magnitudes 6 and 6.9, China's of Wenchuan) and, for Japan, of the site and of deviations.
        sigma: one standard deviation, all within events, in place of the paper's (0.65 in PEER's tests of hazard codes).
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    peak: Coefficients
    region: Region = eqx.field(static=True)
    sigma: Float[Array, ""] | None

    def __init__(
        self,
        measures: Sequence[str | Measure],
        *,
        region: Region = "california",
        sigma: float | None = None,
    ):
        if region not in ("california", "japan", "italy", "china"):
            raise ValueError(f"`region` must be california, japan, italy or china, got {region!r}")
        self.measures = parse_measures(measures)
        table = coefficient_table("cy14")
        self.rows = table.rows(self.measures)
        self.peak = table.of(Measure("PGA"))
        self.region = region
        self.sigma = None if sigma is None else jnp.asarray(sigma, float)

    @property
    def considers(self) -> tuple[str, ...]:
        return ("vs30_measured",)

    @property
    def needs(self) -> tuple[str, ...]:
        return (
            *("magnitude", "rake_rad", "dip_rad"),
            *("rrup_km", "rjb_km", "rx_km", "vs30_m_s"),
        )

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, ""]:
        """ln of the peak acceleration at the site."""
        return self._means(in_precision_of(rupture, self.peak), rupture, site)[0]

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        mean, nonlinear = self._means(c, rupture, site)
        # Oscillators of short periods move no less than the ground.
        short = (c["period_s"] > 0) & (c["period_s"] <= 0.3)
        mean = jnp.where(short, jnp.maximum(mean, reference), mean)
        if self.sigma is not None:
            sigma = jnp.broadcast_to(self.sigma.astype(mean.dtype), mean.shape)
            return LogNormalIM(mean, jnp.zeros_like(sigma), sigma)
        return LogNormalIM(mean, *self._deviations(c, rupture, site, nonlinear))

    def _means(self, c: Coefficients, rupture: Rupture, site: Site) -> tuple[Scalar, Scalar]:
        """Of the logarithm, and how it grows less than the rock's (derivative of ln amplification by ln rock motion)."""
        log_rock = _source(c, rupture) + self._path(c, rupture, site) + _hanging_wall(c, rupture, site)
        rock = jnp.exp(log_rock)
        softness = _softness(c, site)
        mean = log_rock + self._linear_site(c, site) + softness * jnp.log1p(rock / c["phi_4"])
        return mean, softness * rock / (rock + c["phi_4"])

    def _path(self, c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
        m, r = rupture.magnitude, site.rrup_km
        near = r + c["c_5"] * jnp.cosh(c["c_6"] * jnp.maximum(m - c["c_hm"], 0))
        spreading = c["c_4"] * jnp.log(near)
        spreading = spreading + (c["c_4a"] - c["c_4"]) * jnp.log(jnp.sqrt(r**2 + c["c_rb"] ** 2))
        attenuation = c["c_gamma1"] + c["c_gamma2"] / jnp.cosh(jnp.maximum(m - c["c_gamma3"], 0))
        if self.region in ("japan", "italy"):
            attenuation = attenuation * jnp.where((m > 6) & (m < 6.9), c["gamma_ji"], 1)
        if self.region == "china":
            attenuation = attenuation * c["gamma_c"]
        directed = c["c_8"] * (1 - ramp(r, 40.0, 70.0)) * ramp(m, 5.5, 6.3)
        directed = directed * jnp.exp(-c["c_8a"] * (m - c["c_8b"]) ** 2) * site.directivity
        return spreading + attenuation * r + directed

    def _local(self, c: Coefficients, name: str) -> Scalar:
        return c[f"{name}jp"] if self.region == "japan" else c[name]

    def _linear_site(self, c: Coefficients, site: Site) -> Scalar:
        expected = expected_z1_km(site.vs30_m_s, japan=self.region == "japan")
        known = site.z1_km > 0
        deeper_m = 1000 * jnp.where(known, jnp.where(known, site.z1_km, 1) - expected, 0)
        basin = self._local(c, "phi_5") * (1 - jnp.exp(-deeper_m / self._local(c, "phi_6")))
        slow = jnp.log(jnp.minimum(site.vs30_m_s / _STIFF_M_S, 1))
        return self._local(c, "phi_1") * slow + basin

    def _deviations(self, c: Coefficients, rupture: Rupture, site: Site, nonlinear: Scalar):
        large = ramp(rupture.magnitude, 5.0, 6.5)
        tau = c["tau_1"] + (c["tau_2"] - c["tau_1"]) * large
        within = c["sigma_1"] + (self._local(c, "sigma_2") - c["sigma_1"]) * large
        change = 1 + nonlinear
        known = c["sigma_3"] + (0.7 - c["sigma_3"]) * site.vs30_measured
        return jnp.abs(change) * tau, within * jnp.sqrt(known + change**2)


def _styles(rupture: Rupture) -> tuple[Scalar, Scalar]:
    """Normal (rake of -120 to -60 degrees) and reverse (30 to 150)."""
    return within_deg(rupture.rake_rad, -120.0, -60.0), within_deg(rupture.rake_rad, 30.0, 150.0)


def _expected_top_km(rupture: Rupture) -> Scalar:
    m = rupture.magnitude
    _, reverse = _styles(rupture)
    thrust = jnp.maximum(2.704 - 1.226 * jnp.maximum(m - 5.849, 0), 0) ** 2
    others = jnp.maximum(2.673 - 1.136 * jnp.maximum(m - 4.970, 0), 0) ** 2
    return jnp.where(reverse > 0, thrust, others)


def _source(c: Coefficients, rupture: Rupture) -> Scalar:
    m = rupture.magnitude
    small = 1 / jnp.cosh(2 * jnp.maximum(m - 4.5, 0))
    normal, reverse = _styles(rupture)
    style = (c["c_1a"] + c["c_1c"] * small) * reverse + (c["c_1b"] + c["c_1d"] * small) * normal
    bend = jnp.logaddexp(jnp.zeros_like(m), c["c_n"] * (c["c_m"] - m))
    scaling = c["c_2"] * (m - 6) + (c["c_2"] - c["c_3"]) / c["c_n"] * bend
    expected = _expected_top_km(rupture)
    deeper = or_default(rupture.top_depth_km, expected) - expected
    depth = (c["c_7"] + c["c_7b"] * small) * deeper
    dip = (c["c_11"] + c["c_11b"] * small) * jnp.cos(rupture.dip_rad) ** 2
    return c["c_1"] + style + scaling + depth + dip


def _hanging_wall(c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
    top = or_default(rupture.top_depth_km, _expected_top_km(rupture))
    beside = safe.sqrt(site.rjb_km**2 + top**2) / (site.rrup_km + 1)
    over = c["c_9a"] + (1 - c["c_9a"]) * jnp.tanh(site.rx_km / c["c_9b"])
    term = c["c_9"] * jnp.cos(rupture.dip_rad) * over * (1 - beside)
    return jnp.where(site.rx_km >= 0, term, 0)


def _softness(c: Coefficients, site: Site) -> Scalar:
    slow = jnp.minimum(site.vs30_m_s, _STIFF_M_S) - 360
    return c["phi_2"] * (jnp.exp(c["phi_3"] * slow) - jnp.exp(c["phi_3"] * (_STIFF_M_S - 360)))
