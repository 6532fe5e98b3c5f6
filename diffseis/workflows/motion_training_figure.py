"""A learned model beside the records that it was learned from, as a figure."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.words import plural
from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    NeuralModel,
    Rupture,
    Site,
    ground_motions,
    parse_measure,
)
from diffseis.plot import Attenuation, DeviationCurves, learned_motion_figure
from diffseis.workflows.motion_training_config import MotionTraining
from diffseis.workflows.motion_training_records import TrainingRecords

_QUANTILES = (0.15, 0.55, 0.95)
"""Of the records' magnitudes, that are shown."""
_NEARBY = 0.25
"""Magnitudes of records that are shown beside a curve."""
_NEAREST_KM = 0.5
"""Records above the rupture are drawn here: the axis is logarithmic."""
_POINTS = 60


def learned_figure(
    settings: MotionTraining,
    records: TrainingRecords,
    model: NeuralModel,
    base: AbstractGroundMotionModel | None,
    row: int,
):
    """Of one measure: curves of small, usual and large magnitudes, at what is usual among their records, and deviations by magnitude.

    Args:
        settings: of the run.
        records: that were learned from.
        model: the learned one.
        base: the published one below.
        row: of the measure.
    """
    imt = records.imts[row]
    magnitude = records.table.values["magnitude"]
    distance = np.maximum(records.table.values["rjb_km"], _NEAREST_KM)
    panels = []
    for m in np.unique(np.round(np.quantile(magnitude, _QUANTILES), 1)):
        near = np.abs(magnitude - m) <= _NEARBY
        grid = np.geomspace(distance.min(), distance.max(), _POINTS)
        rupture, site = _scenario(records, near, float(m), grid)
        motion = ground_motions(model, rupture, site)
        mean, sigma = (np.asarray(x, float)[row] for x in (motion.mean_ln, motion.sigma))
        spread = np.asarray(_epistemic(model, rupture, site), float)[:, row]
        below = None if base is None else np.asarray(ground_motions(base, rupture, site).mean_ln, float)[row]
        seen = np.stack([distance[near], records.table.observed[imt][near]], axis=1)
        words = f"M {m:.1f}, VS30 {float(site.vs30_m_s[0]):.0f} m/s"
        panels.append(Attenuation(words, grid, mean, spread, sigma, below, seen))
    counts = (
        (len(records), "record"),
        (len(records.event_id), "event"),
        (len(records.station_id), "station"),
    )
    told = [plural(*c) for c in counts]
    return learned_motion_figure(
        panels,
        _curves(records, model, row),
        y_label=f"{imt} ({parse_measure(imt).unit})",
        base=settings.base,
        title=f"{imt}: {told[0]} of {told[1]} at {told[2]}",
    )


@eqx.filter_jit
def _epistemic(model: NeuralModel, rupture: Rupture, site: Site):
    axes = jax.tree.map(lambda x: 0 if x.ndim else None, (rupture, site))
    return jax.vmap(lambda r, s: model.epistemic_sd(r, s), in_axes=axes)(rupture, site)


def _scenario(
    records: TrainingRecords, near: np.ndarray, magnitude: float, distance_km: np.ndarray
) -> tuple[Rupture, Site]:
    """What is usual of some records, along distance, beside the rupture's foot wall."""
    known = {k: x[near][np.isfinite(x[near])] for k, x in records.table.values.items()}
    usual = {k: float(np.median(x)) for k, x in known.items() if len(x)}
    rakes, counts = np.unique(np.round(known["rake_rad"] / (np.pi / 2)) * (np.pi / 2), return_counts=True)
    usual |= {"magnitude": magnitude, "rake_rad": float(rakes[np.argmax(counts)])}
    depth = usual["hypocentre_depth_km"]
    along = {k: np.full(len(distance_km), x) for k, x in usual.items()}
    along |= {
        "rjb_km": distance_km,
        "repi_km": distance_km,
        "rhypo_km": np.hypot(distance_km, depth),
        "rrup_km": np.hypot(distance_km, usual.get("top_depth_km", depth)),
        "rx_km": -distance_km,
        "ry0_km": 0 * distance_km,
    }
    arrays = {k: jnp.asarray(x, float) for k, x in along.items()}
    of = lambda kind: kind(**{k: v for k, v in arrays.items() if k in kind.__dataclass_fields__})
    return of(Rupture), of(Site)


def _curves(records: TrainingRecords, model: NeuralModel, row: int) -> DeviationCurves:
    """Deviations over the magnitudes of the records."""
    c = {name: float(x[row]) for name, x in model.rows.columns.items()}
    low, high = (float(x) for x in model.limits["magnitude"])
    grid = np.linspace(low, high, _POINTS)
    above = grid - c["magnitude_centre"]
    tau, phi_ss = (c[name] * np.exp(c[f"{name}_slope"] * above) for name in ("tau", "phi_ss"))
    return DeviationCurves(grid, tau, np.full(_POINTS, c["phi_s2s"]), phi_ss, records.magnitude)
