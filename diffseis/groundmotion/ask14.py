"""Abrahamson, Silva & Kamai (2014), for shallow crustal earthquakes: NGA-West2.

References:
    Abrahamson, Silva & Kamai (2014), Earthquake Spectra 30, 1025-1055, doi:10.1193/070913EQS198M.
"""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table
from diffseis.groundmotion.terms import (
    Scalar,
    expected_z1_ask14_km,
    or_default,
    ramp,
    styles,
    through_points,
)

_REFERENCE_M_S = 1180.0
_SITE_SIGMA = 0.4
"""Of the amplification, whatever the period; not reduced by its nonlinearity."""

Region = Literal["california", "japan", "taiwan", "china"]


class ASK14(AbstractGroundMotionModel):
    """Median of the average horizontal component (RotD50), main shocks.

    Unknown depths of the upper edge, widths and depths to 1 km/s are those that the authors expect of magnitude, dip and VS30; an unknown `ry0_km` tapers the hanging wall by `rjb_km`.

    Args:
        measures: PGA, PGV, SA from 0.01 to 10 s.
        region: of attenuation, VS30 scaling, basins and, for Japan, deviations within events.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    region: Region = eqx.field(static=True)

    def __init__(self, measures: Sequence[str | Measure], *, region: Region = "california"):
        if region not in ("california", "japan", "taiwan", "china"):
            raise ValueError(f"`region` must be california, japan, taiwan or china, got {region!r}")
        self.measures = parse_measures(measures)
        self.rows = coefficient_table("ask14").rows(self.measures)
        self.region = region

    @property
    def considers(self) -> tuple[str, ...]:
        return ("vs30_measured",)

    @property
    def needs(self) -> tuple[str, ...]:
        return (
            *("magnitude", "rake_rad", "dip_rad"),
            *("rrup_km", "rjb_km", "rx_km", "vs30_m_s"),
        )

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        everywhere = _source_and_path(c, rupture, site) + _hanging_wall(c, rupture, site)
        everywhere = everywhere + self._regional_path(c, site)
        at_reference = jnp.asarray(_REFERENCE_M_S, rupture.magnitude.dtype)
        rock = everywhere + _linear_site(c, at_reference) + self._regional_site(c, at_reference)
        rock = jnp.exp(rock)
        mean = everywhere + _site(c, site.vs30_m_s, rock)
        mean = mean + self._regional_site(c, site.vs30_m_s) + self._basin(c, site)
        return LogNormalIM(mean, *self._deviations(c, rupture, site, rock))

    def _regional_path(self, c: Coefficients, site: Site) -> Scalar:
        name = {"taiwan": "a25", "china": "a28", "japan": "a29"}.get(self.region)
        return jnp.zeros_like(site.rrup_km) if name is None else c[name] * site.rrup_km

    def _regional_site(self, c: Coefficients, vs30_m_s: Scalar) -> Scalar:
        if self.region == "taiwan":
            return c["a31"] * jnp.log(_limited(c, vs30_m_s) / c["v_lin"])
        if self.region == "japan":
            speeds = (150.0, 250.0, 350.0, 450.0, 600.0, 850.0, 1150.0)
            return through_points(vs30_m_s, speeds, tuple(c[f"a{i}"] for i in range(36, 43)))
        return jnp.zeros_like(vs30_m_s)

    def _basin(self, c: Coefficients, site: Site) -> Scalar:
        expected = expected_z1_ask14_km(site.vs30_m_s, japan=self.region == "japan")
        depth = jnp.maximum(or_default(site.z1_km, expected), 0)
        slopes = tuple(c[name] for name in ("a43", "a44", "a45", "a46"))
        slope = through_points(site.vs30_m_s, (150.0, 250.0, 400.0, 700.0), slopes)
        return slope * jnp.log((depth + 0.01) / (expected + 0.01))

    def _deviations(self, c: Coefficients, rupture: Rupture, site: Site, rock: Scalar):
        if self.region == "japan":
            phi = c["s5"] + (c["s6"] - c["s5"]) * ramp(site.rrup_km, 30.0, 80.0)
        else:
            measured = site.vs30_measured
            small, large = (c[f"s{i}e"] + (c[f"s{i}m"] - c[f"s{i}e"]) * measured for i in (1, 2))
            phi = small + (large - small) * ramp(rupture.magnitude, 4.0, 6.0)
        tau = c["s3"] + (c["s4"] - c["s3"]) * ramp(rupture.magnitude, 5.0, 7.0)
        change = 1 + _nonlinearity(c, site.vs30_m_s, rock)
        source = safe.sqrt(jnp.maximum(phi**2 - _SITE_SIGMA**2, 0))
        return tau * change, safe.sqrt((source * change) ** 2 + _SITE_SIGMA**2)


def _source_and_path(c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
    m = rupture.magnitude
    fictitious = c["c4"] - (c["c4"] - 1) * jnp.clip(5 - m, 0, 1)
    log_distance = jnp.log(jnp.sqrt(site.rrup_km**2 + fictitious**2))
    # Below m2 the quadratic term and the spreading stay at their values there.
    held = jnp.maximum(m, c["m2"])
    scaling = jnp.where(held <= c["m1"], c["a4"], c["a5"]) * (held - c["m1"]) + c["a8"] * (8.5 - held) ** 2
    below = jnp.minimum(m - c["m2"], 0)
    scaling = scaling + c["a6"] * below + c["a7"] * below**2
    spreading = (c["a2"] + c["a3"] * (held - c["m1"])) * log_distance
    normal, reverse = styles(rupture.rake_rad, 60.0, closed=False)
    style = (c["a11"] * reverse + c["a12"] * normal) * jnp.clip(m - 4, 0, 1)
    top = c["a15"] * jnp.clip(_top_km(rupture) / 20, 0, 1)
    return c["a1"] + scaling + spreading + c["a17"] * site.rrup_km + style + top


def _top_km(rupture: Rupture) -> Scalar:
    """Known, or of the authors' spreadsheet: 7.8 km at magnitude 5, the ground at 7.2."""
    return or_default(rupture.top_depth_km, 7.8 * (1 - ramp(rupture.magnitude, 5.0, 7.2)))


def _hanging_wall(c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
    m, dip_deg = rupture.magnitude, jnp.degrees(rupture.dip_rad)
    by_spreadsheet = jnp.minimum(18 / jnp.sin(rupture.dip_rad), 10 ** (-1.75 + 0.45 * m))
    width = or_default(rupture.width_km, by_spreadsheet)
    dip = jnp.minimum(90 - dip_deg, 60) / 45
    large = jnp.maximum(m, 5.5) - 6.5
    size = jnp.where(m > 5.5, 1 + 0.2 * large - jnp.where(large < 0, 0.8 * large**2, 0), 0)
    # The plane's projection to the ground: none of an upright one, which has no hanging wall.
    across = jnp.maximum(width * jnp.cos(rupture.dip_rad), 1e-6)
    x = site.rx_km / across
    over = jnp.where(x < 1, 0.25 + 1.5 * x - 0.75 * x**2, jnp.maximum(1 - (x - 1) / 2, 0))
    depth = jnp.clip(1 - _top_km(rupture) ** 2 / 100, 0, 1)
    beside = jnp.clip(1 - (site.ry0_km - site.rx_km * jnp.tan(jnp.radians(20.0))) / 5, 0, 1)
    aside = or_default(beside, jnp.clip(1 - site.rjb_km / 30, 0, 1))
    term = c["a13"] * dip * size * over * depth * aside
    return jnp.where((site.rx_km >= 0) & (dip_deg < 90), term, 0)


def _limited(c: Coefficients, vs30_m_s: Scalar) -> Scalar:
    """VS30 up to a limit that falls from 1,500 m/s at 0.5 s to 800 m/s at 3 s."""
    period = jnp.clip(c["period_s"], 0.5, 3)
    limit = jnp.where(c["period_s"] >= 3, 800.0, 1500 * jnp.exp(-0.35 * jnp.log(period / 0.5)))
    return jnp.minimum(vs30_m_s, limit.astype(vs30_m_s.dtype))


def _linear_site(c: Coefficients, vs30_m_s: Scalar) -> Scalar:
    return (c["a10"] + c["b"] * c["n"]) * jnp.log(_limited(c, vs30_m_s) / c["v_lin"])


def _site(c: Coefficients, vs30_m_s: Scalar, rock: Scalar) -> Scalar:
    ratio = _limited(c, vs30_m_s) / c["v_lin"]
    soft = jnp.minimum(ratio, 1)
    nonlinear = c["a10"] * jnp.log(soft) - c["b"] * jnp.log(rock + c["c"])
    nonlinear = nonlinear + c["b"] * jnp.log(rock + c["c"] * soft ** c["n"])
    return jnp.where(ratio < 1, nonlinear, _linear_site(c, vs30_m_s))


def _nonlinearity(c: Coefficients, vs30_m_s: Scalar, rock: Scalar) -> Scalar:
    """Derivative of ln amplification by ln rock motion."""
    soft = jnp.minimum(vs30_m_s / c["v_lin"], 1)
    return c["b"] * rock * (1 / (rock + c["c"] * soft ** c["n"]) - 1 / (rock + c["c"]))
