"""Hazard of a small source model: rates at which levels are exceeded, with derivatives by everything that they depend on.

A source is a set of places with rates of earthquakes; magnitudes follow a Gutenberg-Richter law between two limits. Everything is a sum over magnitudes, places and, for models with styles or depths, what the source states: no sampling.

References:
    Cornell (1968), Bulletin of the Seismological Society of America 58, 1583-1606.
    McGuire (2004), Seismic hazard and risk analysis, EERI MNO-10.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.distribution import exceedance


class GutenbergRichter(eqx.Module):
    """Magnitudes of a source.

    Attributes:
        a: log10 of the yearly number of earthquakes above magnitude 0 in all of the source.
        b: decrease of log10 of the number per unit of magnitude.
        least, largest: magnitudes between which there are any.
    """

    a: Float[Array, ""]
    b: Float[Array, ""]
    least: Float[Array, ""]
    largest: Float[Array, ""]

    def rates(self, num: int) -> tuple[Float[Array, " magnitude"], Float[Array, " magnitude"]]:
        """Middles of `num` equal bins, and the yearly rates in them."""
        edges = self.least + (self.largest - self.least) * jnp.linspace(0, 1, num + 1, dtype=self.a.dtype)
        above = lambda m: 10 ** (self.a - self.b * m)
        return 0.5 * (edges[1:] + edges[:-1]), above(edges[:-1]) - above(edges[1:])


class PointSources(eqx.Module):
    """Places of earthquakes, all with the magnitudes of one law.

    Attributes:
        place_ned_km: hypocentres, local north, east, down.
        share: of the rate at each place, summing to 1.
        magnitudes: of all of them together.
        rake_rad, dip_rad: of the slip.
    """

    place_ned_km: Float[Array, "place 3"]
    share: Float[Array, " place"]
    magnitudes: GutenbergRichter
    rake_rad: Float[Array, ""]
    dip_rad: Float[Array, ""]


def hazard_curve(
    model: AbstractGroundMotionModel,
    source: PointSources,
    site: Site,
    site_ned_km: Float[Array, "3"],
    log_levels: Float[Array, "measure level"],
    *,
    num_magnitudes: int = 20,
    truncation: float | None = None,
) -> Float[Array, "measure level"]:
    """Yearly rates at which levels are exceeded at one site.

    Earthquakes are points: all distances of a rupture are those to its hypocentre, its upper edge is there.

    Args:
        model: any.
        source: of earthquakes.
        site: its ground (distances are computed here).
        site_ned_km: its place.
        log_levels: natural logarithms of levels, by measure of the model.
        num_magnitudes: bins.
        truncation: of the distribution, in standard deviations; see `exceedance`.
    """
    magnitude, rate = source.magnitudes.rates(num_magnitudes)

    def one(m, place):
        apart = site_ned_km - place
        level, straight = safe.norm(apart[:2]), safe.norm(apart)
        rupture = Rupture(
            magnitude=m,
            rake_rad=source.rake_rad,
            dip_rad=source.dip_rad,
            top_depth_km=place[2],
            hypocentre_depth_km=place[2],
            width_km=jnp.ones_like(m),
        )
        where = (level, straight, level, straight, -level, jnp.zeros_like(level))
        fields = lambda s: (s.repi_km, s.rhypo_km, s.rjb_km, s.rrup_km, s.rx_km, s.ry0_km)
        motion = model(rupture, eqx.tree_at(fields, site, where))
        wide = LogNormalIM(*(x[:, None] for x in (motion.mean_ln, motion.tau, motion.phi)))
        return exceedance(wide, log_levels, truncation=truncation)

    # Place by place, so that memory does not grow with the source.
    def add(total, place_share):
        place, share = place_share
        chance = jax.vmap(lambda m: one(m, place))(magnitude)
        return total + share * jnp.tensordot(rate, chance, axes=1), None

    start = jnp.zeros_like(log_levels)
    rates, _ = jax.lax.scan(add, start, (source.place_ned_km, source.share))
    return rates


def probability_in(rate: Float[Array, "..."], years: float) -> Float[Array, "..."]:
    """Of at least one exceedance in some years, of a Poisson process."""
    return -jnp.expm1(-rate * years)
