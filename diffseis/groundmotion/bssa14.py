"""Boore, Stewart, Seyhan & Atkinson (2014), for shallow crustal earthquakes: NGA-West2.

References:
    Boore, Stewart, Seyhan & Atkinson (2014), Earthquake Spectra 30, 1057-1085, doi:10.1193/070113EQS184M.
"""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site, in_precision_of
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table
from diffseis.groundmotion.terms import Scalar, expected_z1_km, or_default, ramp, styles

_DC3 = {"california": "dc_3global", "taiwan": "dc_3global", "china": "dc_3ct", "turkey": "dc_3ct"}
_DC3 |= {"japan": "dc_3ij", "italy": "dc_3ij", "global": "dc_3global"}

Region = Literal["global", "california", "taiwan", "china", "turkey", "japan", "italy"]
Basin = Literal["none", "california", "japan"]


class BSSA14(AbstractGroundMotionModel):
    """Median of the average horizontal component (RotD50).

    Args:
        measures: PGA, PGV, SA from 0.01 to 10 s.
        region: of the anelastic attenuation.
        basin: whose depths to 1 km/s go with a VS30, for the term of deep or shallow basins; "none" leaves it out.
        style: "unspecified" for the model without style of faulting.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    rock: Coefficients
    basin: Basin = eqx.field(static=True)
    style: Literal["rake", "unspecified"] = eqx.field(static=True)

    def __init__(
        self,
        measures: Sequence[str | Measure],
        *,
        region: Region = "california",
        basin: Basin = "california",
        style: Literal["rake", "unspecified"] = "rake",
    ):
        if region not in _DC3:
            raise ValueError(f"`region` must be one of {', '.join(_DC3)}, got {region!r}")
        self.measures = parse_measures(measures)
        table = coefficient_table("bssa14")
        rows = table.rows(self.measures)
        self.rows = eqx.tree_at(lambda r: r.columns, rows, _regional(rows.columns, _DC3[region]))
        self.rock = _regional(table.of(Measure("PGA")), _DC3[region])
        self.basin = basin
        self.style = style

    @property
    def needs(self) -> tuple[str, ...]:
        style = ("rake_rad",) if self.style == "rake" else ()
        return ("magnitude", *style, "rjb_km", "vs30_m_s")

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, ""]:
        """ln of the acceleration of rock (VS30 of 760 m/s)."""
        rock = in_precision_of(rupture, self.rock)
        return self._source(rock, rupture) + _path(rock, rupture, site)

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        mean = self._source(c, rupture) + _path(c, rupture, site) + _site(c, site, reference)
        mean = mean + self._basin(c, site)
        return LogNormalIM(mean, *_deviations(c, rupture, site))

    def _source(self, c: Coefficients, rupture: Rupture) -> Scalar:
        m = rupture.magnitude - c["M_h"]
        scaling = jnp.where(m <= 0, c["e_4"] * m + c["e_5"] * m**2, c["e_6"] * m)
        if self.style == "unspecified":
            return c["e_0"] + scaling
        normal, reverse = styles(rupture.rake_rad, 60.0, closed=False)
        strike_slip = 1 - normal - reverse
        return c["e_1"] * strike_slip + c["e_2"] * normal + c["e_3"] * reverse + scaling

    def _basin(self, c: Coefficients, site: Site) -> Scalar:
        if self.basin == "none":
            return jnp.zeros_like(site.vs30_m_s)
        expected = expected_z1_km(site.vs30_m_s, japan=self.basin == "japan")
        deeper = or_default(site.z1_km, expected) - expected
        return jnp.minimum(c["f_6"] * deeper, c["f_7"])


def _regional(c: Coefficients, dc3: str) -> Coefficients:
    """With the attenuation of the region."""
    left = {k: v for k, v in c.items() if not k.startswith("dc_3")}
    return left | {"c_3": c["c_3"] + c[dc3]}


def _path(c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
    r = jnp.sqrt(site.rjb_km**2 + c["h"] ** 2)
    spreading = c["c_1"] + c["c_2"] * (rupture.magnitude - c["M_ref"])
    return spreading * jnp.log(r / c["R_ref"]) + c["c_3"] * (r - c["R_ref"])


def _site(c: Coefficients, site: Site, ln_rock: Scalar) -> Scalar:
    linear = c["c"] * jnp.log(jnp.minimum(site.vs30_m_s, c["V_c"]) / c["V_ref"])
    softness = jnp.exp(c["f_5"] * (jnp.minimum(site.vs30_m_s, 760) - 360)) - jnp.exp(c["f_5"] * (760 - 360))
    return linear + c["f_1"] + c["f_4"] * softness * jnp.log1p(jnp.exp(ln_rock) / c["f_3"])


def _deviations(c: Coefficients, rupture: Rupture, site: Site) -> tuple[Scalar, Scalar]:
    large = ramp(rupture.magnitude, 4.5, 5.5)
    tau = c["tau_1"] + (c["tau_2"] - c["tau_1"]) * large
    phi = c["phi_1"] + (c["phi_2"] - c["phi_1"]) * large
    # Logarithms of distance and speed, held at their limits.
    far = ramp(jnp.log(jnp.maximum(site.rjb_km, 1)), jnp.log(c["R_1"]), jnp.log(c["R_2"]))
    soft = 1 - ramp(jnp.log(site.vs30_m_s), jnp.log(c["V_1"]), jnp.log(c["V_2"]))
    return tau, phi + c["dphi_R"] * far - c["dphi_V"] * soft
