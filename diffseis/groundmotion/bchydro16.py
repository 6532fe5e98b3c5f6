"""Abrahamson, Gregor & Addo (2016), for subduction: the BC Hydro model.

References:
    Abrahamson, Gregor & Addo (2016), Earthquake Spectra 32, 23-44, doi:10.1193/051712EQS188MR.
"""

from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
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
from diffseis.groundmotion.tables import Coefficients, CoefficientTable, Rows, coefficient_table
from diffseis.groundmotion.terms import Scalar

Event = Literal["interface", "slab"]
Branch = Literal["low", "central", "high"]

_C1 = 7.8
_ROCK_M_S = 1000.0
_BRANCHES = {"low": -1, "central": 0, "high": 1}
_SINGLE_STATION = 0.60
"""Total standard deviation at a known station, whatever the period."""


class BCHydro16(AbstractGroundMotionModel):
    """Geometric mean of the horizontal components.

    Args:
        measures: PGA, SA from 0.02 to 10 s.
        event: "interface" (by `rrup_km`), or "slab" (by `rhypo_km` and the depth of the hypocentre).
        branch: of the adjustment of large magnitudes, delta C1: epistemic.
        ergodic: whether `phi` has the differences between stations.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    peak: Coefficients
    event: Event = eqx.field(static=True)
    ergodic: bool = eqx.field(static=True)

    def __init__(
        self,
        measures: Sequence[str | Measure],
        *,
        event: Event = "interface",
        branch: Branch = "central",
        ergodic: bool = True,
    ):
        if event not in ("interface", "slab"):
            raise ValueError(f"`event` must be interface or slab, got {event!r}")
        if branch not in _BRANCHES:
            raise ValueError(f"`branch` must be low, central or high, got {branch!r}")
        self.measures = parse_measures(measures)
        table = _with_adjustment(coefficient_table("bchydro16"), event, branch)
        self.rows = table.rows(self.measures)
        self.peak = table.of(Measure("PGA"))
        self.event = event
        self.ergodic = ergodic

    @property
    def needs(self) -> tuple[str, ...]:
        where = ("rhypo_km", "hypocentre_depth_km") if self.event == "slab" else ("rrup_km",)
        return ("magnitude", "vs30_m_s", *where)

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, ""]:
        """Peak acceleration of rock (VS30 of 1,000 m/s)."""
        c = in_precision_of(rupture, self.peak)
        stiff = (c["t_12"] + c["b"] * c["n"]) * jnp.log(_ROCK_M_S / c["v_lin"])
        return jnp.exp(self._everywhere(c, rupture, site) + stiff)

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        mean = self._everywhere(c, rupture, site) + _site(c, site, reference)
        phi = c["phi"] if self.ergodic else safe.sqrt(_SINGLE_STATION**2 - c["tau"] ** 2)
        return LogNormalIM(mean, c["tau"], phi)

    def _everywhere(self, c: Coefficients, rupture: Rupture, site: Site) -> Scalar:
        m = rupture.magnitude
        slab = self.event == "slab"
        r = site.rhypo_km if slab else site.rrup_km
        bend = m - (_C1 + c["dc_1"])
        scaling = jnp.where(bend <= 0, c["t_4"], c["t_5"]) * bend + c["t_13"] * (10 - m) ** 2
        slope = c["t_2"] + c["t_3"] * (m - 7.8) + (c["t_14"] if slab else 0)
        path = slope * jnp.log(r + c["c_4"] * jnp.exp(c["t_9"] * (m - 6))) + c["t_6"] * r
        total = c["t_1"] + c["t_4"] * c["dc_1"] + scaling + path
        if slab:
            depth = c["t_11"] * (jnp.minimum(rupture.hypocentre_depth_km, 120) - 60)
            behind = c["t_7"] + c["t_8"] * jnp.log(jnp.maximum(r, 85) / 40)
            return total + c["t_10"] + depth + behind * site.backarc
        behind = c["t_15"] + c["t_16"] * jnp.log(jnp.maximum(r, 100) / 40)
        return total + behind * site.backarc


def _with_adjustment(table: CoefficientTable, event: Event, branch: Branch) -> CoefficientTable:
    """With delta C1: by period for interfaces, -0.3 for slabs, 0.2 less or more in the other branches."""
    if event == "slab":
        central = np.full(len(table.measures), -0.3)
    else:
        periods = np.log([max(m.period_s, 0.01) for m in table.measures])
        central = np.interp(periods, np.log([0.3, 0.5, 1.0, 2.0, 3.0]), [0.2, 0.1, 0.0, -0.1, -0.2])
    adjusted = central + 0.2 * _BRANCHES[branch]
    return CoefficientTable(table.name, table.source, table.measures, table.columns | {"dc_1": adjusted})


def _site(c: Coefficients, site: Site, rock: Scalar) -> Scalar:
    ratio = jnp.minimum(site.vs30_m_s, _ROCK_M_S) / c["v_lin"]
    soft = jnp.minimum(ratio, 1)
    nonlinear = c["t_12"] * jnp.log(soft) - c["b"] * jnp.log(rock + c["c"])
    nonlinear = nonlinear + c["b"] * jnp.log(rock + c["c"] * soft ** c["n"])
    return jnp.where(site.vs30_m_s < c["v_lin"], nonlinear, (c["t_12"] + c["b"] * c["n"]) * jnp.log(ratio))
