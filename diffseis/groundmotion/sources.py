"""Sources of earthquakes: where they are, how large and how often.

A source is enumerated into scenarios, each with a yearly rate and a rupture. Ruptures are rectangles, whose area is that of their magnitude, or points.

References:
    Wells & Coppersmith (1994), Bulletin of the Seismological Society of America 84, 974-1002.
    Pagani et al. (2014), OpenQuake engine: an open hazard (and risk) software, doi:10.1785/0220130087 (floating ruptures, seismogenic depths).
"""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from diffseis.groundmotion.base import Rupture, Site
from diffseis.groundmotion.planes import (
    Plane,
    down_dip,
    expected_area,
    plane_distances,
    point_distances,
)
from diffseis.groundmotion.terms import Scalar


class AbstractMagnitudes(eqx.Module):
    """How often earthquakes of which magnitudes happen."""

    @abc.abstractmethod
    def rates(self, num: int) -> tuple[Float[Array, " magnitude"], Float[Array, " magnitude"]]:
        """Magnitudes and the yearly rates of earthquakes that they stand for.

        Args:
            num: of bins, for laws that are continuous.
        """


class GutenbergRichter(AbstractMagnitudes):
    """Rates that fall exponentially with magnitude, between two limits.

    Attributes:
        a: log10 of the yearly number of earthquakes above magnitude 0 in all of the source.
        b: decrease of log10 of the number per unit of magnitude.
        least, largest: magnitudes between which there are any.
    """

    a: Float[Array, "..."]
    b: Float[Array, "..."]
    least: Float[Array, "..."]
    largest: Float[Array, "..."]

    def rates(self, num: int) -> tuple[Float[Array, " magnitude"], Float[Array, " magnitude"]]:
        """Middles of `num` equal bins, and the yearly rates in them."""
        edges = self.least + (self.largest - self.least) * jnp.linspace(0, 1, num + 1, dtype=self.a.dtype)
        above = lambda m: 10 ** (self.a - self.b * m)
        return 0.5 * (edges[1:] + edges[:-1]), above(edges[:-1]) - above(edges[1:])


class MagnitudeTable(AbstractMagnitudes):
    """Rates as they are.

    Attributes:
        magnitude: each.
        rate: per year; 0 where a row only fills a table up.
    """

    magnitude: Float[Array, "... magnitude"]
    rate: Float[Array, "... magnitude"]

    def rates(self, num: int) -> tuple[Float[Array, " magnitude"], Float[Array, " magnitude"]]:
        """The table, however many bins were asked for."""
        return self.magnitude, self.rate


class Scenarios(eqx.Module):
    """Earthquakes; arrays of one length.

    Attributes:
        rate: per year.
        rupture: as ground-motion models see it.
        plane: where it is; None for points.
        hypocentre_ned_km: local north, east, down.
    """

    rate: Float[Array, "..."]
    rupture: Rupture
    plane: Plane | None
    hypocentre_ned_km: Float[Array, "... 3"]

    def at(self, site: Site, site_ned_km: Float[Array, "3"]) -> Site:
        """A site with its distances to all of them. Points have no hanging wall: `rx_km` is negative."""
        where = lambda x: jax.vmap(point_distances, (0, None))(x, site_ned_km)
        repi, rhypo = where(self.hypocentre_ned_km)
        if self.plane is None:
            others = (repi, rhypo, -repi, jnp.zeros_like(repi))
        else:
            d = jax.vmap(plane_distances, (0, None))(self.plane, site_ned_km)
            others = (d.rjb_km, d.rrup_km, d.rx_km, d.ry0_km)
        fields = lambda s: (s.repi_km, s.rhypo_km, s.rjb_km, s.rrup_km, s.rx_km, s.ry0_km)
        return eqx.tree_at(fields, site, (repi, rhypo, *others))


class AbstractSources(eqx.Module):
    """Sources with magnitudes of one kind of law; `magnitudes` has a leading axis of sources, all else one of units, which are places or faults.

    Attributes:
        source: which source each unit belongs to, from 0.
        share: of the source's rate that falls to each unit.
        magnitudes: of the sources.
    """

    source: eqx.AbstractVar[Int[Array, " unit"]]
    share: eqx.AbstractVar[Float[Array, " unit"]]
    magnitudes: eqx.AbstractVar[AbstractMagnitudes]

    @abc.abstractmethod
    def ruptures(self, magnitude: Scalar) -> Scenarios:
        """Of one magnitude: several rows, whose rates sum to 1. Called on a single unit, whose values have no axis."""


class PointSources(AbstractSources):
    """Places of earthquakes.

    Attributes:
        source, share, magnitudes: see `AbstractSources`.
        place_ned_km: hypocentres, local north, east, down.
        strike_rad, dip_rad, rake_rad: of the slip.
        aspect: length over width of ruptures.
        upper_km, lower_km: depths between which ruptures stay: where the plane is as wide as that allows, it becomes longer.
        finite: whether ruptures have a size; without, all distances are to the hypocentre.
    """

    source: Int[Array, " unit"]
    share: Float[Array, " unit"]
    magnitudes: AbstractMagnitudes
    place_ned_km: Float[Array, "unit 3"]
    strike_rad: Float[Array, " unit"]
    dip_rad: Float[Array, " unit"]
    rake_rad: Float[Array, " unit"]
    aspect: Float[Array, " unit"]
    upper_km: Float[Array, " unit"]
    lower_km: Float[Array, " unit"]
    finite: bool = eqx.field(static=True, default=True)

    def ruptures(self, magnitude: Scalar) -> Scenarios:
        """One rupture, its middle at the place if depths allow."""
        area = expected_area(magnitude, self.rake_rad)
        width = jnp.sqrt(area / self.aspect)
        one, place = jnp.ones_like(magnitude), self.place_ned_km
        if not self.finite:
            return _rows(one, magnitude, self.rake_rad, self.dip_rad, None, place, width)
        direction = down_dip(self.strike_rad, self.dip_rad)
        sine = jnp.maximum(direction[2], 1e-6)
        width = jnp.minimum(width, (self.lower_km - self.upper_km) / sine)
        top = place - 0.5 * width * direction
        # Along the dip until it lies between the depths.
        out = jnp.maximum(self.upper_km - top[2], 0) - jnp.maximum(top[2] + width * sine - self.lower_km, 0)
        plane = Plane(top + out / sine * direction, self.strike_rad, self.dip_rad, area / width, width)
        return _rows(one, magnitude, self.rake_rad, self.dip_rad, plane, place, width)


class FaultSources(AbstractSources):
    """Rectangular faults, on which ruptures float: all positions are equally likely, and no rupture reaches beyond its fault.

    Attributes:
        source, share, magnitudes: see `AbstractSources`.
        top_ned_km: middles of the upper edges.
        strike_rad, dip_rad, rake_rad: of the faults.
        length_km, width_km: along the strike and down the dip.
        aspect: length over width of ruptures, where the fault allows.
        num_along, num_down: positions of each rupture.
    """

    source: Int[Array, " unit"]
    share: Float[Array, " unit"]
    magnitudes: AbstractMagnitudes
    top_ned_km: Float[Array, "unit 3"]
    strike_rad: Float[Array, " unit"]
    dip_rad: Float[Array, " unit"]
    rake_rad: Float[Array, " unit"]
    length_km: Float[Array, " unit"]
    width_km: Float[Array, " unit"]
    aspect: Float[Array, " unit"]
    num_along: int = eqx.field(static=True, default=20)
    num_down: int = eqx.field(static=True, default=5)

    def ruptures(self, magnitude: Scalar) -> Scenarios:
        """At all positions; the hypocentre is the middle of the rupture."""
        area = expected_area(magnitude, self.rake_rad)
        width = jnp.minimum(jnp.sqrt(area / self.aspect), self.width_km)
        length = jnp.minimum(area / width, self.length_km)
        # A rupture as long as its fault may be wider than its shape would have it.
        width = jnp.minimum(jnp.maximum(width, area / length), self.width_km)
        middles = lambda num: (jnp.arange(num, dtype=width.dtype) + 0.5) / num
        along = (middles(self.num_along) - 0.5) * (self.length_km - length)
        down = middles(self.num_down) * (self.width_km - width)
        axis = jnp.stack([jnp.cos(self.strike_rad), jnp.sin(self.strike_rad), 0 * magnitude])
        dipping = down_dip(self.strike_rad, self.dip_rad)

        def at(along, down):
            top = self.top_ned_km + along * axis + down * dipping
            plane = Plane(top, self.strike_rad, self.dip_rad, length, width)
            share = jnp.ones_like(width) / (self.num_along * self.num_down)
            middle = top + 0.5 * width * dipping
            return _rows(share, magnitude, self.rake_rad, self.dip_rad, plane, middle, width)

        found = jax.vmap(lambda a: jax.vmap(lambda d: at(a, d))(down))(along)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[3:]), found)


def point_sources(
    place_ned_km: ArrayLike | Sequence[Sequence[float]],
    magnitudes: AbstractMagnitudes,
    *,
    rake_rad: ArrayLike = jnp.nan,
    dip_rad: ArrayLike = jnp.nan,
    strike_rad: ArrayLike | None = None,
    share: ArrayLike | Sequence[float] | None = None,
    aspect: ArrayLike = 1.0,
    upper_km: ArrayLike = 0.0,
    lower_km: ArrayLike = 800.0,
) -> PointSources:
    """One source of several places.

    Args:
        place_ned_km: hypocentres, a row each.
        magnitudes: of all of them together, a law without further axes.
        rake_rad, dip_rad: of the slip, one for all or one each.
        strike_rad: likewise; without it earthquakes are points.
        share: of the rate at each place; equal ones if not given.
        aspect, upper_km, lower_km: see `PointSources`.
    """
    place = jnp.asarray(place_ned_km, float)
    num = place.shape[0]
    each = lambda x: jnp.broadcast_to(jnp.asarray(x, float), (num,))
    return PointSources(
        source=jnp.zeros(num, int),
        share=each(1 / num if share is None else share),
        magnitudes=jax.tree.map(lambda x: x[None], magnitudes),
        place_ned_km=place,
        strike_rad=each(0.0 if strike_rad is None else strike_rad),
        dip_rad=each(dip_rad),
        rake_rad=each(rake_rad),
        aspect=each(aspect),
        upper_km=each(upper_km),
        lower_km=each(lower_km),
        finite=strike_rad is not None,
    )


def _rows(rate, magnitude, rake_rad, dip_rad, plane: Plane | None, hypocentre, width) -> Scenarios:
    """One scenario, as arrays of one row."""
    rupture = Rupture(
        magnitude=magnitude,
        rake_rad=rake_rad,
        dip_rad=dip_rad,
        top_depth_km=hypocentre[2] if plane is None else plane.top_ned_km[2],
        hypocentre_depth_km=hypocentre[2],
        width_km=width,
    )
    return jax.tree.map(lambda x: x[None], Scenarios(rate, rupture, plane, hypocentre))


def scenarios_of(sources: AbstractSources, unit: Int[Array, ""], num_magnitudes: int) -> Scenarios:
    """All earthquakes of one unit.

    Args:
        sources: all.
        unit: its number.
        num_magnitudes: bins of continuous laws.
    """
    law = jax.tree.map(lambda x: x[sources.source[unit]], sources.magnitudes)
    magnitude, rate = law.rates(num_magnitudes)
    units = eqx.tree_at(lambda s: s.magnitudes, sources, None)
    own = jax.tree.map(lambda x: x[unit], units)
    found = jax.vmap(lambda m: own.ruptures(m))(magnitude)
    rates = own.share * rate[:, None] * found.rate
    found = eqx.tree_at(lambda f: f.rate, found, rates)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), found)
