"""Attenuation with distance from the rupture of a scenario, for ``diffseis groundmotion --attenuation``."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.groundmotion import (
    Plane,
    Rupture,
    Site,
    expected_size,
    ground_motions,
    plane_distances,
    point_distances,
)
from diffseis.io import ScenarioTable
from diffseis.plot import Curve, Panel, curves_figure
from diffseis.plot.measures import measure_unit
from diffseis.workflows.motion_models import measures_of, named_model

_DISTANCES_KM = np.geomspace(1, 300, 60)


def attenuation_figure(table: ScenarioTable, models: Sequence[str], imts: Sequence[str]):
    """All measures along a line square to the strike of the first scenario's rupture, a panel each.

    What the scenario does not state of its rupture is what Wells & Coppersmith expect of the magnitude: a vertical plane with the hypocentre in its middle. The line runs over the hanging wall where the scenario's `rx` is positive, else over the footwall.

    Args:
        table: scenarios, with all that the models need.
        models: names.
        imts: measures, which all models give.
    """
    rupture, site = _profile(table)
    x = np.asarray(site.rjb_km, float)
    panels = []
    found = {name: ground_motions(named_model(name, imts), rupture, site) for name in models}
    for row, measure in enumerate(measures_of(imts)):
        of = lambda values, k=row: np.asarray(values, float)[k]
        curves = [Curve(name, x, of(motion.mean_ln), of(motion.sigma)) for name, motion in found.items()]
        panels.append(Panel(f"{measure} ({measure_unit(str(measure))})", curves))
    return curves_figure(
        panels,
        x_label="Joyner-Boore distance (km)",
        y_label="Median",
        share_y=False,
        title=_title(rupture, site),
    )


def _title(rupture: Rupture, site: Site) -> str:
    """Of the scenario, and on which side of it the line runs."""
    parts = [f"M {float(rupture.magnitude):.1f}", f"dip {np.degrees(float(rupture.dip_rad)):.0f}°"]
    if np.isfinite(float(rupture.rake_rad)):
        parts.append(f"rake {np.degrees(float(rupture.rake_rad)):.0f}°")
    parts.append(f"upper edge {float(rupture.top_depth_km):.1f} km deep")
    if np.isfinite(float(site.vs30_m_s)):
        parts.append(f"VS30 {float(site.vs30_m_s):.0f} m/s")
    side = "over the hanging wall" if float(site.rx_km[0]) > 0 else "over the footwall"
    return ", ".join([*parts, side if rupture.dip_rad < 1.57 else "square to the strike"])


def _of(table: ScenarioTable, field: str) -> float:
    """Of the first scenario; NaN where it is not stated."""
    values = table.values.get(field)
    return np.nan if values is None else float(values[0])


def _profile(table: ScenarioTable) -> tuple[Rupture, Site]:
    """The rupture, and sites along a line from it."""
    magnitude, rake = _of(table, "magnitude"), _of(table, "rake_rad")
    length, width = (float(x) for x in expected_size(jnp.asarray(magnitude, float), jnp.asarray(rake, float)))
    known = lambda field, other: x if np.isfinite(x := _of(table, field)) else other
    width = known("width_km", width)
    dip = known("dip_rad", np.pi / 2)
    top = known("top_depth_km", max(known("hypocentre_depth_km", 10.0) - width / 2 * np.sin(dip), 0.0))
    depth = known("hypocentre_depth_km", top + width / 2 * np.sin(dip))
    number = lambda x: jnp.asarray(x, float)
    plane = Plane(number([0.0, 0.0, top]), number(0.0), number(dip), number(length), number(width))
    # To the east lies the hanging wall.
    hanging = _of(table, "rx_km") > 0
    east = width * np.cos(dip) + _DISTANCES_KM if hanging else -_DISTANCES_KM
    places = number(np.stack([0 * east, east, 0 * east], axis=-1))
    d = eqx.filter_jit(jax.vmap(plane_distances, (None, 0)))(plane, places)
    middle = number([0.0, 0.5 * width * np.cos(dip), depth])
    repi, rhypo = eqx.filter_jit(jax.vmap(point_distances, (None, 0)))(middle, places)
    rupture = Rupture(
        magnitude=magnitude,
        rake_rad=rake,
        dip_rad=dip,
        top_depth_km=top,
        hypocentre_depth_km=depth,
        width_km=width,
    )
    stated = {f: _of(table, f) for f in ("vs30_m_s", "z1_km", "z2p5_km", "slope")}
    others = {
        f: x
        for f in ("vs30_measured", "backarc", "geology", "attenuation_region")
        if np.isfinite(x := _of(table, f))
    }
    site = Site(
        rjb_km=d.rjb_km,
        rrup_km=d.rrup_km,
        rx_km=d.rx_km,
        ry0_km=d.ry0_km,
        rhypo_km=rhypo,
        repi_km=repi,
        **stated,
        **others,
    )
    return rupture, site
