"""What every ground-motion model takes and gives: an earthquake, a site, and a log-normal intensity.

A model is written for one earthquake, one site and one measure. `AbstractGroundMotionModel.__call__` maps it over the model's measures, `ground_motions` over pairs of earthquakes and sites, too, in the order
that keeps memory contiguous.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffseis.core import safe
from diffseis.groundmotion.measures import Measure
from diffseis.groundmotion.tables import Coefficients, Rows


def _number(value: ArrayLike) -> Float[Array, "..."]:
    value = jnp.asarray(value)
    return value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(float)


class Rupture(eqx.Module):
    """An earthquake as ground-motion models see it; NaN for what is not known. One, or arrays of equally many.

    Attributes:
        magnitude: of moment.
        rake_rad: of the slip, after Aki & Richards. Models sort it into styles of faulting.
        dip_rad: of the plane.
        top_depth_km: of the rupture's upper edge, below the ground.
        hypocentre_depth_km: below the ground.
        width_km: of the rupture, down its dip.
    """

    magnitude: Float[Array, "..."]
    rake_rad: Float[Array, "..."]
    dip_rad: Float[Array, "..."]
    top_depth_km: Float[Array, "..."]
    hypocentre_depth_km: Float[Array, "..."]
    width_km: Float[Array, "..."]

    def __init__(
        self,
        *,
        magnitude: ArrayLike,
        rake_rad: ArrayLike = jnp.nan,
        dip_rad: ArrayLike = jnp.nan,
        top_depth_km: ArrayLike = jnp.nan,
        hypocentre_depth_km: ArrayLike = jnp.nan,
        width_km: ArrayLike = jnp.nan,
    ):
        self.magnitude = _number(magnitude)
        self.rake_rad = _number(rake_rad)
        self.dip_rad = _number(dip_rad)
        self.top_depth_km = _number(top_depth_km)
        self.hypocentre_depth_km = _number(hypocentre_depth_km)
        self.width_km = _number(width_km)


class Site(eqx.Module):
    """A place, and how far it is from an earthquake; NaN for what is not known. One, or arrays of equally many.

    Attributes:
        vs30_m_s: mean speed of S waves over the upper 30 m.
        vs30_measured: 1 where it was measured, 0 where it was inferred.
        z1_km: depth at which S waves reach 1 km/s. NaN: what the model expects of the VS30.
        z2p5_km: depth at which they reach 2.5 km/s. NaN: likewise.
        rjb_km: distance to the rupture's projection to the surface (Joyner & Boore).
        rrup_km: nearest distance to the rupture.
        rx_km: distance from the upper edge's projection, across the strike; positive down the dip (hanging wall).
        ry0_km: distance along the strike beyond the rupture's end; 0 beside it.
        rhypo_km, repi_km: distances to the hypocentre and to the epicentre.
        directivity: centred direct point parameter (Chiou & Youngs 2014); 0 for the average.
        backarc: 1 behind a volcanic arc, 0 elsewhere.
        slope: of the ground, m/m.
        geology: era of the ground, counted as in `kotha20.ERAS`.
        attenuation_region: of the European hazard model of 2020, 0 to 5; 0 for the average.
    """

    vs30_m_s: Float[Array, "..."]
    vs30_measured: Float[Array, "..."]
    z1_km: Float[Array, "..."]
    z2p5_km: Float[Array, "..."]
    rjb_km: Float[Array, "..."]
    rrup_km: Float[Array, "..."]
    rx_km: Float[Array, "..."]
    ry0_km: Float[Array, "..."]
    rhypo_km: Float[Array, "..."]
    repi_km: Float[Array, "..."]
    directivity: Float[Array, "..."]
    backarc: Float[Array, "..."]
    slope: Float[Array, "..."]
    geology: Float[Array, "..."]
    attenuation_region: Float[Array, "..."]

    def __init__(
        self,
        *,
        vs30_m_s: ArrayLike = jnp.nan,
        vs30_measured: ArrayLike = 1.0,
        z1_km: ArrayLike = jnp.nan,
        z2p5_km: ArrayLike = jnp.nan,
        rjb_km: ArrayLike = jnp.nan,
        rrup_km: ArrayLike = jnp.nan,
        rx_km: ArrayLike = jnp.nan,
        ry0_km: ArrayLike = jnp.nan,
        rhypo_km: ArrayLike = jnp.nan,
        repi_km: ArrayLike = jnp.nan,
        directivity: ArrayLike = 0.0,
        backarc: ArrayLike = 0.0,
        slope: ArrayLike = jnp.nan,
        geology: ArrayLike = 7.0,
        attenuation_region: ArrayLike = 0.0,
    ):
        self.vs30_m_s = _number(vs30_m_s)
        self.vs30_measured = _number(vs30_measured)
        self.z1_km = _number(z1_km)
        self.z2p5_km = _number(z2p5_km)
        self.rjb_km = _number(rjb_km)
        self.rrup_km = _number(rrup_km)
        self.rx_km = _number(rx_km)
        self.ry0_km = _number(ry0_km)
        self.rhypo_km = _number(rhypo_km)
        self.repi_km = _number(repi_km)
        self.directivity = _number(directivity)
        self.backarc = _number(backarc)
        self.slope = _number(slope)
        self.geology = _number(geology)
        self.attenuation_region = _number(attenuation_region)


class LogNormalIM(eqx.Module):
    """Intensity measures whose logarithms are normal.

    Attributes:
        mean_ln: mean of the natural logarithm (so that its exponential is the median), in the units of `measures.UNITS`.
        tau: standard deviation between events.
        phi: within events.
    """

    mean_ln: Float[Array, "..."]
    tau: Float[Array, "..."]
    phi: Float[Array, "..."]

    @property
    def sigma(self) -> Float[Array, "..."]:
        """The total standard deviation."""
        return safe.sqrt(self.tau**2 + self.phi**2)


class AbstractGroundMotionModel(eqx.Module):
    """A published model.

    Attributes:
        measures: that it was asked for.
        rows: coefficients of its equations.
    """

    measures: eqx.AbstractVar[tuple[Measure, ...]]
    rows: eqx.AbstractVar[Rows]

    @property
    @abc.abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Fields of `Rupture` and `Site` without which it gives nothing."""

    @property
    def considers(self) -> tuple[str, ...]:
        """Of the fields that have a value where nobody states one those that change what it gives."""
        return ()

    @property
    def caveat(self) -> str:
        """What users are told of this form of the model; empty for most."""
        return ""

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, ""]:
        """What all measures of one pair share, such as the acceleration on rock; 0 where a model says nothing else."""
        return jnp.zeros_like(rupture.magnitude)

    @abc.abstractmethod
    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, ""]
    ) -> LogNormalIM:
        """One measure: its coefficients, all scalars, one earthquake, one site, and what `reference` gave for them."""

    def __call__(self, rupture: Rupture, site: Site) -> LogNormalIM:
        """All measures of one earthquake at one site; arrays have an axis of measures."""
        reference = self.reference(rupture, site)
        one = lambda c: self.measure(c, rupture, site, reference)
        published = jax.vmap(one)(in_precision_of(rupture, self.rows.columns))
        return jax.tree.map(self.rows.between, published)


def in_precision_of(rupture: Rupture, coefficients: Coefficients) -> Coefficients:
    """Coefficients in the precision of an input."""
    return {name: x.astype(rupture.magnitude.dtype) for name, x in coefficients.items()}


@eqx.filter_jit
def ground_motions(model: AbstractGroundMotionModel, rupture: Rupture, site: Site) -> LogNormalIM:
    """All measures of many pairs of earthquakes and sites.

    Args:
        model: any.
        rupture: arrays of one length, or scalars that hold for all pairs.
        site: likewise.

    Returns:
        Arrays of measure by pair.
    """
    pairs = (rupture, site)
    axes = jax.tree.map(lambda x: 0 if x.ndim else None, pairs)
    over_pairs = lambda function: jax.vmap(function, in_axes=axes)
    reference = over_pairs(model.reference)(rupture, site)
    measure = lambda c: jax.vmap(lambda r, s, ref: model.measure(c, r, s, ref), in_axes=(*axes, 0))(
        rupture, site, reference
    )
    published = jax.vmap(measure)(in_precision_of(rupture, model.rows.columns))
    return jax.tree.map(model.rows.between, published)
