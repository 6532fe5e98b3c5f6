"""Campbell & Bozorgnia (2019): Arias intensity and cumulative absolute velocity of shallow crustal earthquakes.

References:
    Campbell & Bozorgnia (2019), Ground motion models for the horizontal components of Arias intensity (AI) and cumulative absolute velocity (CAV) using the NGA-West2 database, Earthquake Spectra 35, 1289-1310, doi:10.1193/090818EQS212M.
"""

from collections.abc import Sequence

import equinox as eqx
from jaxtyping import Array, Float

from diffseis.groundmotion.base import (
    AbstractGroundMotionModel,
    LogNormalIM,
    Rupture,
    Site,
    in_precision_of,
)
from diffseis.groundmotion.cb14 import CB14, Ground, Region, deviations
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table


class CB19(AbstractGroundMotionModel):
    """Arias intensity in m/s and cumulative absolute velocity in g s, of the average horizontal component. The form is that of `CB14`, whose peak acceleration of rock decides how the ground weakens.

    Args:
        measures: IA, CAV.
        region, ground: as of `CB14`.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    form: CB14

    def __init__(
        self,
        measures: Sequence[str | Measure],
        *,
        region: Region = "california",
        ground: Ground = "by-region",
    ):
        self.measures = parse_measures(measures)
        self.rows = coefficient_table("cb19").rows(self.measures)
        self.form = CB14(["PGA"], region=region, ground=ground)

    @property
    def needs(self) -> tuple[str, ...]:
        return self.form.needs

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, ""]:
        """Peak acceleration of rock."""
        return self.form.reference(rupture, site)[0]

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        mean = self.form.everywhere(c, rupture, site)
        mean = mean + self.form.site_term(c, site.vs30_m_s, self.form.depth_km(site), reference)
        peak = in_precision_of(rupture, self.form.peak)
        return LogNormalIM(mean, *deviations(c, peak, rupture, site, reference))
