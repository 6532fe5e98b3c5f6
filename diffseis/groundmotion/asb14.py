"""Akkar, Sandikkaya & Bommer (2014), for shallow crustal earthquakes of Europe and the Middle East.

References:
    Akkar, Sandikkaya & Bommer (2014), Bulletin of Earthquake Engineering 12, 359-387, doi:10.1007/s10518-013-9461-4, and its erratum, doi:10.1007/s10518-013-9508-6.
"""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.groundmotion.base import (
    AbstractGroundMotionModel,
    LogNormalIM,
    Rupture,
    Site,
    in_precision_of,
)
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table
from diffseis.groundmotion.terms import Scalar, styles

Distance = Literal["rjb", "repi", "rhypo"]
_STIFF_M_S = 750.0


class ASB14(AbstractGroundMotionModel):
    """Geometric mean of the horizontal components.

    Args:
        measures: PGA, PGV, SA from 0.01 to 4 s.
        distance: whose form: "rjb", "repi" or "rhypo".
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    peak: Coefficients
    distance: Distance = eqx.field(static=True)

    def __init__(self, measures: Sequence[str | Measure], *, distance: Distance = "rjb"):
        if distance not in ("rjb", "repi", "rhypo"):
            raise ValueError(f"`distance` must be rjb, repi or rhypo, got {distance!r}")
        self.measures = parse_measures(measures)
        table = coefficient_table(f"asb14_{distance}")
        self.rows = table.rows(self.measures)
        self.peak = table.of(Measure("PGA"))
        self.distance = distance

    @property
    def needs(self) -> tuple[str, ...]:
        return ("magnitude", "rake_rad", "vs30_m_s", f"{self.distance}_km")

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, ""]:
        """Peak acceleration of rock (VS30 of 750 m/s)."""
        return jnp.exp(self._rock(in_precision_of(rupture, self.peak), rupture, site))

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        mean = self._rock(c, rupture, site) + _site(c, site, reference)
        return LogNormalIM(mean, c["sd_between"], c["sd_within"])

    def _rock(self, c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
        distance = {"rjb": site.rjb_km, "repi": site.repi_km, "rhypo": site.rhypo_km}[self.distance]
        m = rupture.magnitude - c["c_1"]
        scaling = jnp.where(m <= 0, c["a_2"], c["a_7"]) * m + c["a_3"] * (8.5 - rupture.magnitude) ** 2
        path = (c["a_4"] + c["a_5"] * m) * jnp.log(jnp.sqrt(distance**2 + c["a_6"] ** 2))
        normal, reverse = styles(rupture.rake_rad, 45.0, closed=False)
        return c["a_1"] + scaling + path + c["a_8"] * normal + c["a_9"] * reverse


def _site(c: Coefficients, site: Site, rock: Scalar) -> Scalar:
    ratio = jnp.minimum(site.vs30_m_s, c["v_con"]) / _STIFF_M_S
    soft = jnp.minimum(ratio, 1)
    softening = jnp.log((rock + c["c"] * soft ** c["n"]) / ((rock + c["c"]) * soft ** c["n"]))
    return c["b_1"] * jnp.log(ratio) + c["b_2"] * softening
