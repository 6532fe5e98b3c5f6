"""Bindi et al. (2014), for shallow crustal earthquakes of Europe and the Middle East.

References:
    Bindi, Massa, Luzi, Ameri, Pacor, Puglia & Augliera (2014), Bulletin of Earthquake Engineering 12, 391-430, doi:10.1007/s10518-013-9525-5.
"""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table
from diffseis.groundmotion.terms import Scalar, styles

_CM_S2 = 980.665
_HINGE = 6.75

Distance = Literal["rjb", "rhypo"]
Ground = Literal["vs30", "ec8"]
Style = Literal["rake", "unspecified"]


class Bindi14(AbstractGroundMotionModel):
    """Geometric mean of the horizontal components.

    Args:
        measures: PGA, PGV, SA from 0.02 to 3 s (of the classes: from 0.1 s).
        distance: whose form: "rjb" or "rhypo".
        ground: the site by its VS30, or by the class of Eurocode 8 that its VS30 is in.
        style: "unspecified" for none.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    distance: Distance = eqx.field(static=True)
    ground: Ground = eqx.field(static=True)
    style: Style = eqx.field(static=True)

    def __init__(
        self,
        measures: Sequence[str | Measure],
        *,
        distance: Distance = "rjb",
        ground: Ground = "vs30",
        style: Style = "rake",
    ):
        if distance not in ("rjb", "rhypo"):
            raise ValueError(f"`distance` must be rjb or rhypo, got {distance!r}")
        if ground not in ("vs30", "ec8"):
            raise ValueError(f"`ground` must be vs30 or ec8, got {ground!r}")
        if style not in ("rake", "unspecified"):
            raise ValueError(f"`style` must be rake or unspecified, got {style!r}")
        self.measures = parse_measures(measures)
        self.rows = coefficient_table(f"bindi14_{distance}_{ground}").rows(self.measures)
        self.distance = distance
        self.ground = ground
        self.style = style

    @property
    def needs(self) -> tuple[str, ...]:
        style = ("rake_rad",) if self.style == "rake" else ()
        return ("magnitude", *style, "vs30_m_s", f"{self.distance}_km")

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        m = rupture.magnitude
        bend = m - _HINGE
        scaling = jnp.where(bend <= 0, c["b1"] * bend + c["b2"] * bend**2, c["b3"] * bend)
        epicentral = {"rjb": site.rjb_km, "rhypo": site.rhypo_km}[self.distance]
        r = jnp.sqrt(epicentral**2 + c["h"] ** 2)
        path = (c["c1"] + c["c2"] * (m - 5.5)) * jnp.log10(r) - c["c3"] * (r - 1)
        log10 = c["e1"] + scaling + path + self._ground(c, site) + self._style(c, rupture)
        acceleration = jnp.log(_CM_S2).astype(m.dtype)
        ten = jnp.log(10.0).astype(m.dtype)
        mean = ten * log10 - jnp.where(c["velocity"] > 0, 0, acceleration)
        return LogNormalIM(mean, ten * c["tau"], ten * c["phi"])

    def _ground(self, c: Coefficients, site: Site) -> Scalar:
        v = site.vs30_m_s
        if self.ground == "vs30":
            return c["gamma"] * jnp.log10(v / 800)
        soft = jnp.where(v >= 180, c["eC"], c["eD"])
        return jnp.where(v >= 800, c["eA"], jnp.where(v >= 360, c["eB"], soft))

    def _style(self, c: Coefficients, rupture: Rupture) -> Scalar:
        if self.style == "unspecified":
            return jnp.zeros_like(rupture.magnitude)
        normal, reverse = styles(rupture.rake_rad, 60.0, closed=False)
        return c["sofN"] * normal + c["sofR"] * reverse + c["sofS"] * (1 - normal - reverse)
