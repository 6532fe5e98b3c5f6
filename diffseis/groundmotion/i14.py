"""Idriss (2014), for shallow crustal earthquakes at stiff sites: NGA-West2.

References:
    Idriss (2014), Earthquake Spectra 30, 1155-1177, doi:10.1193/070613EQS195M.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, Rows, coefficient_table
from diffseis.groundmotion.terms import within_deg


class I14(AbstractGroundMotionModel):
    """Median of the average horizontal component (RotD50), of sites with a VS30 of at least 450 m/s; above 1,200 m/s nothing changes.

    The paper gives one standard deviation, between and within events together: here it is all within.

    Args:
        measures: PGA, SA from 0.01 to 10 s.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows

    def __init__(self, measures: Sequence[str | Measure]):
        self.measures = parse_measures(measures)
        small, large = (coefficient_table(f"i14_{size}").rows(self.measures) for size in ("small", "large"))
        both = {f"{name}_large": x for name, x in large.columns.items()} | small.columns
        self.rows = eqx.tree_at(lambda r: r.columns, small, both)

    @property
    def needs(self) -> tuple[str, ...]:
        return ("magnitude", "rake_rad", "rrup_km", "vs30_m_s")

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        m, r = rupture.magnitude, site.rrup_km
        of = lambda name: jnp.where(m <= 6.75, c[name], c[f"{name}_large"])
        source = of("alpha_1") + of("alpha_2") * m + of("alpha_3") * (8.5 - m) ** 2
        path = -(of("beta_1") + of("beta_2") * m) * jnp.log(r + 10) + of("gamma") * r
        speed = of("epsilon") * jnp.log(jnp.minimum(site.vs30_m_s, 1200))
        style = of("phi") * within_deg(rupture.rake_rad, 30.0, 150.0)
        period = jnp.clip(c["period_s"], 0.05, 3)
        sigma = 1.18 + 0.035 * jnp.log(period) - 0.06 * jnp.clip(m, 5, 7.5)
        return LogNormalIM(source + path + speed + style, jnp.zeros_like(sigma), sigma)
