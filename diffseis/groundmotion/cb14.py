"""Campbell & Bozorgnia (2014), for shallow crustal earthquakes: NGA-West2.

References:
    Campbell & Bozorgnia (2014), Earthquake Spectra 30, 1087-1115, doi:10.1193/062913EQS175M.
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
from diffseis.groundmotion.terms import Scalar, or_default, styles

_C, _N = 1.88, 1.18
_ROCK_M_S = 1100.0
_DEEPEST_KM = 15.0
"""Bottom of the seismogenic crust, for widths that are not known."""

Region = Literal["california", "japan", "italy", "china"]
Ground = Literal["by-region", "california", "japan"]


class CB14(AbstractGroundMotionModel):
    """Median of the average horizontal component (RotD50).

    Unknown widths, depths of the hypocentre and depths to 2.5 km/s are those that the authors expect of magnitude, dip and VS30.

    Args:
        measures: PGA, PGV, SA from 0.01 to 10 s.
        region: of attenuation; Italy's is Japan's.
        ground: whose VS30 scaling and basins: Japan's with its attenuation, California's otherwise, unless it is said.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    peak: Coefficients
    region: Region = eqx.field(static=True)
    japan: bool = eqx.field(static=True)

    def __init__(
        self,
        measures: Sequence[str | Measure],
        *,
        region: Region = "california",
        ground: Ground = "by-region",
    ):
        if region not in ("california", "japan", "italy", "china"):
            raise ValueError(f"`region` must be california, japan, italy or china, got {region!r}")
        if ground not in ("by-region", "california", "japan"):
            raise ValueError(f"`ground` must be by-region, california or japan, got {ground!r}")
        self.measures = parse_measures(measures)
        table = coefficient_table("cb14")
        self.rows = table.rows(self.measures)
        self.peak = table.of(Measure("PGA"))
        self.region = region
        self.japan = ground == "japan" or (ground == "by-region" and region == "japan")

    @property
    def needs(self) -> tuple[str, ...]:
        return (
            *("magnitude", "rake_rad", "dip_rad", "top_depth_km"),
            *("rrup_km", "rjb_km", "rx_km", "vs30_m_s"),
        )

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, " level"]:
        """Peak acceleration of rock (VS30 of 1,100 m/s) and ln of that at the site."""
        c = in_precision_of(rupture, self.peak)
        everywhere = self.everywhere(c, rupture, site)
        speed = jnp.asarray(_ROCK_M_S, rupture.magnitude.dtype)
        depth = self._expected_depth_km(speed)
        # Rock is stiffer than every k_1, so that its own acceleration does not matter.
        rock = everywhere + self.site_term(c, speed, depth, jnp.zeros_like(speed))
        rock = jnp.exp(rock)
        own = everywhere + self.site_term(c, site.vs30_m_s, self.depth_km(site), rock)
        return jnp.stack([rock, own])

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, " level"]
    ) -> LogNormalIM:
        rock, peak = reference
        mean = self.everywhere(c, rupture, site)
        mean = mean + self.site_term(c, site.vs30_m_s, self.depth_km(site), rock)
        # Oscillators of short periods move no less than the ground.
        short = (c["period_s"] > 0) & (c["period_s"] < 0.25)
        mean = jnp.where(short, jnp.maximum(mean, peak), mean)
        return LogNormalIM(mean, *deviations(c, in_precision_of(rupture, self.peak), rupture, site, rock))

    def everywhere(self, c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
        """Everything but the ground: source, path, hanging wall."""
        attenuation = {"japan": "dc_20jp", "italy": "dc_20jp", "china": "dc_20ch"}.get(self.region, "dc_20ca")
        far = (c["c_20"] + c[attenuation]) * jnp.maximum(site.rrup_km - 80, 0)
        return _source_and_path(c, rupture, site) + _hanging_wall(c, rupture, site) + far

    def _expected_depth_km(self, vs30_m_s: Scalar) -> Scalar:
        intercept, slope = (5.359, 1.102) if self.japan else (7.089, 1.144)
        return jnp.exp(intercept - slope * jnp.log(vs30_m_s))

    def depth_km(self, site: Site) -> Scalar:
        """Depth to 2.5 km/s, known or expected of VS30."""
        return or_default(site.z2p5_km, self._expected_depth_km(site.vs30_m_s))

    def site_term(self, c: Coefficients, vs30_m_s: Scalar, depth_km: Scalar, rock: Scalar) -> Scalar:
        """Of VS30 and of the depth to 2.5 km/s, given the peak acceleration of rock."""
        ratio = vs30_m_s / c["k_1"]
        soft = jnp.minimum(ratio, 1)
        change = jnp.log(rock + _C * soft**_N) - jnp.log(rock + _C)
        stiff = (c["c_11"] + c["k_2"] * _N) * jnp.log(ratio)
        site = jnp.where(ratio <= 1, c["c_11"] * jnp.log(soft) + c["k_2"] * change, stiff)
        japan = 1.0 if self.japan else 0.0
        if self.japan:
            softest = (c["c_12"] + c["k_2"] * _N) * jnp.log(jnp.minimum(vs30_m_s, 200) / 200)
            site = site + softest + (c["c_13"] + c["k_2"] * _N) * jnp.log(ratio)
        shallow = (c["c_14"] + c["c_15"] * japan) * jnp.minimum(depth_km - 1, 0)
        deep = c["c_16"] * c["k_3"] * jnp.exp(-0.75) * (1 - jnp.exp(-0.25 * jnp.maximum(depth_km - 3, 0)))
        return site + shallow + deep


def _source_and_path(c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
    m, dip_deg = rupture.magnitude, jnp.degrees(rupture.dip_rad)
    scaling = c["c_0"] + c["c_1"] * m
    for name, start in (("c_2", 4.5), ("c_3", 5.5), ("c_4", 6.5)):
        scaling = scaling + c[name] * jnp.maximum(m - start, 0)
    spreading = (c["c_5"] + c["c_6"] * m) * jnp.log(jnp.sqrt(site.rrup_km**2 + c["c_7"] ** 2))
    normal, reverse = styles(rupture.rake_rad, 60.0, closed=False)
    style = (c["c_8"] * reverse + c["c_9"] * normal) * jnp.clip(m - 4.5, 0, 1)
    depth = jnp.clip(_hypocentre_km(rupture) - 7, 0, 13)
    depth = depth * (c["c_17"] + (c["c_18"] - c["c_17"]) * jnp.clip(m - 5.5, 0, 1))
    dip = c["c_19"] * dip_deg * jnp.clip(5.5 - m, 0, 1)
    return scaling + spreading + style + depth + dip


def _width_km(rupture: Rupture) -> Scalar:
    """Known, or by magnitude down to the bottom of the crust."""
    by_magnitude = jnp.sqrt(10 ** ((rupture.magnitude - 4.07) / 0.98))
    down = jnp.maximum(_DEEPEST_KM - rupture.top_depth_km, 0) / jnp.sin(rupture.dip_rad)
    return or_default(rupture.width_km, jnp.minimum(by_magnitude, down))


def _hypocentre_km(rupture: Rupture) -> Scalar:
    """Known, or the authors' median below the upper edge."""
    dip_deg = jnp.degrees(rupture.dip_rad)
    extent = jnp.maximum(_width_km(rupture) * jnp.sin(rupture.dip_rad), 1e-3)
    by_size = jnp.minimum(-4.317 + 0.984 * rupture.magnitude, 2.325) + jnp.minimum(0.0445 * (dip_deg - 40), 0)
    below = jnp.exp(jnp.minimum(by_size, jnp.log(0.9 * extent)))
    return or_default(rupture.hypocentre_depth_km, rupture.top_depth_km + below)


def _hanging_wall(c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
    m, dip_deg = rupture.magnitude, jnp.degrees(rupture.dip_rad)
    near = jnp.maximum(_width_km(rupture) * jnp.cos(rupture.dip_rad), 1e-6)
    far = 62 * m - 350
    x = jnp.maximum(site.rx_km, 0)
    over = x / near
    # Magnitudes for which the plane would end behind its own projection have no hanging wall.
    beyond = (x - near) / jnp.maximum(far - near, 1e-3)
    inside = c["h_1"] + c["h_2"] * over + c["h_3"] * over**2
    outside = jnp.maximum(c["h_4"] + c["h_5"] * beyond + c["h_6"] * beyond**2, 0)
    across = jnp.where(x <= near, inside, outside)
    distance = jnp.where(site.rrup_km > 0, safe.divide(site.rrup_km - site.rjb_km, site.rrup_km), 1)
    size = jnp.clip(m - 5.5, 0, 1) * (1 + c["a_2"] * (m - 6.5))
    depth = jnp.maximum(1 - 0.06 * rupture.top_depth_km, 0)
    term = c["c_10"] * across * distance * size * depth * (90 - dip_deg) / 45
    return jnp.where(site.rx_km >= 0, term, 0)


def deviations(
    c: Coefficients, peak: Coefficients, rupture: Rupture, site: Site, rock: Scalar
) -> tuple[Scalar, Scalar]:
    """Between and within events: those of rock, and of its peak acceleration as far as it changes the ground. The two are correlated, for some measures by magnitude."""
    small = jnp.clip(5.5 - rupture.magnitude, 0, 1)
    by_magnitude = lambda x, name: x[f"{name}_2"] + (x[f"{name}_1"] - x[f"{name}_2"]) * small
    tau, peak_tau = by_magnitude(c, "tau"), by_magnitude(peak, "tau")
    within = lambda x: safe.sqrt(by_magnitude(x, "phi") ** 2 - x["phi_lnAF"] ** 2)
    phi, peak_phi = within(c), within(peak)
    soft = jnp.minimum(site.vs30_m_s / c["k_1"], 1)
    alpha = c["k_2"] * rock * (1 / (rock + _C * soft**_N) - 1 / (rock + _C))
    rho = by_magnitude(c, "rho") if "rho_1" in c else c["rho_lnPGAlnY"]
    together = lambda own, other: own**2 + (alpha * other) ** 2 + 2 * alpha * rho * own * other
    return safe.sqrt(together(tau, peak_tau)), safe.sqrt(together(phi, peak_phi) + c["phi_lnAF"] ** 2)
