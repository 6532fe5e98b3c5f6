"""From an earthquake, a model and records to a map of shaking with its uncertainty: the job of ``diffseis shaking``."""

import time
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.words import plural
from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    LogNormalIM,
    Plane,
    Rupture,
    Site,
    condition_on_records,
    correlation_range_km,
    expected_size,
    ground_motions,
    parse_measures,
    plane_about,
    plane_distances,
    point_distances,
)
from diffseis.io import (
    MotionPlaces,
    MotionRecords,
    Notice,
    read_motion_places_csv,
    read_motion_records_csv,
    read_stations_csv,
    write_json,
)
from diffseis.io.stationxml import read_stationxml
from diffseis.workflows.ground_motions import Progress
from diffseis.workflows.motion_models import caveats, named_model, taken_as_measured
from diffseis.workflows.provenance import made_with
from diffseis.workflows.run_folders import check_folder, folder_of
from diffseis.workflows.shaking_config import ShakingSettings
from diffseis.workflows.shaking_files import Shaking, north_east, vs30_of, write_shaking

COMMAND = "diffseis shaking"
_CHUNK = 8_192
"""Places that are conditioned at once."""
_DEEP_KM = 20.0
"""Depth below which distances along the ground say too little."""
_LARGE = 5.5
"""Magnitude above which the size of the rupture matters for distances."""


def run_shaking(settings: ShakingSettings, out: Path, progress: Progress | None = None) -> dict[str, Any]:
    """The whole job; returns the record of the run.

    Raises:
        InputError: if a setting, a file or a value cannot be.
    """
    say = progress or (lambda *_: None)
    clock = time.perf_counter()
    check_folder(out, COMMAND)
    model = _model(settings)
    # Without records nothing is correlated with anything.
    ranges = {imt: _range(settings, imt) for imt in settings.imts if settings.records is not None}
    frame = LocalFrame(settings.latitude, settings.longitude)
    records, notices = _records(settings)
    notices += caveats({settings.model: model})
    places = _grid(settings, frame)
    plane = _plane(settings)
    if plane is None and settings.magnitude > _LARGE:
        message = f"the rupture is a point: at magnitude {settings.magnitude:g} its size matters; give --strike-deg and --dip-deg"
        notices.append(Notice("point-source", message, count=1))
    if (
        plane is None
        and settings.depth_km > _DEEP_KM
        and not any("rrup" in f or "rhypo" in f for f in model.needs)
    ):
        message = f"{settings.model} knows distances along the ground only (of a point that to the epicentre): above a hypocentre {settings.depth_km:g} km deep it gives far too much"
        notices.append(Notice("deep-source", message, count=1))
    if settings.vs30_measured is None:
        notices += taken_as_measured({settings.model: model}, "--vs30-measured or --vs30-inferred")
    stations = records.places if records is not None else None
    at_stations = _motion(model, settings, plane, frame, stations) if stations is not None else None
    found = []
    motion = _motion(model, settings, plane, frame, places)
    for number, imt in enumerate(settings.imts):
        say("shaking", number, len(settings.imts))
        take = lambda m, n=number: jax.tree.map(lambda x: x[n], m)
        there = None if at_stations is None else take(at_stations)
        found.append(
            _shaking(settings, imt, ranges.get(imt), frame, places, take(motion), records, there, notices)
        )
    say("shaking", len(settings.imts), len(settings.imts))
    with folder_of(out, COMMAND):
        files = write_shaking(settings, plane, frame, places, records, found, out)
        record = {
            "command": COMMAND,
            **made_with(settings),
            "num_places": len(places),
            "correlation_range_km": ranges,
            "measures": {
                s.imt: {
                    "num_records": int(np.sum(np.isfinite(s.recorded))),
                    "num_used": int(np.sum(s.used)),
                    "event_term": s.event_term,
                    "event_sd": s.event_sd,
                    "largest_median": float(np.exp(np.max(s.mean_ln))),
                }
                for s in found
            },
            "notices": [str(n) for n in notices],
            "seconds": round(time.perf_counter() - clock, 3),
            "files": files,
        }
        write_json(out / "run.json", record)
    return record


def _model(settings: ShakingSettings) -> AbstractGroundMotionModel:
    model = named_model(settings.model, settings.imts)
    given = {"magnitude", "hypocentre_depth_km", "top_depth_km", "rjb_km", "rrup_km", "rx_km", "ry0_km", "rhypo_km", "repi_km", "vs30_m_s", "vs30_measured", "backarc", "directivity"}  # fmt: skip
    given |= {"rake_rad"} if settings.rake_deg is not None else set()
    given |= {"dip_rad", "width_km"} if settings.dip_deg is not None else set()
    lacking = [name for name in model.needs if name not in given]
    options = {"rake_rad": "--rake-deg", "dip_rad": "--dip-deg", "width_km": "--dip-deg"}
    if lacking:
        fix = f"give {options[lacking[0]]}" if lacking[0] in options else "choose a model that does not"
        raise InputError(f"{settings.model} needs {', '.join(lacking)}", field="--model", fix=fix)
    return model


def _range(settings: ShakingSettings, imt: str) -> float:
    if settings.range_km is not None:
        return settings.range_km
    try:
        return correlation_range_km(parse_measures([imt])[0])
    except ValueError as error:
        raise InputError(str(error), field="--imts", fix="give --range-km") from error


def _records(settings: ShakingSettings) -> tuple[MotionRecords | None, list[Notice]]:
    if settings.records is None:
        if settings.stations is not None:
            raise InputError(
                "is for the stations of --records", field="--stations", fix="give --records, or leave it out"
            )
        return None, []
    said: list[Notice] = []
    stations = None
    if settings.stations is not None:
        xml = settings.stations.suffix.lower() in (".xml", ".stationxml")
        stations, said = read_stationxml(settings.stations) if xml else read_stations_csv(settings.stations)
    records, more = read_motion_records_csv(settings.records, stations, settings.component)
    return records, [*said, *more]


def _grid(settings: ShakingSettings, frame: LocalFrame) -> MotionPlaces:
    if settings.places is not None:
        return read_motion_places_csv(settings.places)
    steps = round(settings.extent_km / settings.spacing_km)
    axis = np.arange(-steps, steps + 1) * settings.spacing_km
    north, east = (x.ravel() for x in np.meshgrid(axis, axis, indexing="ij"))
    latitude, longitude, _ = frame.to_geographic(np.stack([north, east, 0 * north], axis=-1))
    empty = np.full(len(north), np.nan)
    return MotionPlaces("grid", np.full(len(north), "", object), latitude, longitude, empty)


def _plane(settings: ShakingSettings) -> Plane | None:
    if settings.strike_deg is None or settings.dip_deg is None:
        return None
    rake = np.nan if settings.rake_deg is None else np.radians(settings.rake_deg)
    length, width = expected_size(jnp.asarray(settings.magnitude, float), jnp.asarray(rake, float))
    hypocentre = jnp.asarray([0.0, 0.0, settings.depth_km], float)
    strike, dip = (jnp.asarray(np.radians(x), float) for x in (settings.strike_deg, settings.dip_deg))
    return plane_about(hypocentre, strike, dip, length, width)


def _motion(
    model, settings: ShakingSettings, plane: Plane | None, frame: LocalFrame, places: MotionPlaces
) -> LogNormalIM:
    """Of the model at places, measure by place; the ground is at a depth of 0."""
    ned = jnp.asarray(np.pad(north_east(frame, places), [(0, 0), (0, 1)]), float)
    hypocentre = jnp.asarray([0.0, 0.0, settings.depth_km], float)
    repi, rhypo = eqx.filter_jit(jax.vmap(point_distances, (None, 0)))(hypocentre, ned)
    if plane is None:
        rjb, rrup, rx, ry0, top, width = repi, rhypo, -repi, jnp.zeros_like(repi), settings.depth_km, jnp.nan
    else:
        d = eqx.filter_jit(jax.vmap(plane_distances, (None, 0)))(plane, ned)
        rjb, rrup, rx, ry0 = d.rjb_km, d.rrup_km, d.rx_km, d.ry0_km
        top, width = plane.top_ned_km[2], plane.width_km
    radians = lambda x: jnp.nan if x is None else np.radians(x)
    full = lambda x: jnp.full(len(ned), x, float)
    rupture = Rupture(
        magnitude=full(settings.magnitude),
        rake_rad=full(radians(settings.rake_deg)),
        dip_rad=full(radians(settings.dip_deg)),
        top_depth_km=full(top),
        hypocentre_depth_km=full(settings.depth_km),
        width_km=full(width),
    )
    site = Site(
        vs30_m_s=jnp.asarray(vs30_of(settings, places), float),
        vs30_measured=0.0 if settings.vs30_measured is False else 1.0,
        rjb_km=rjb,
        rrup_km=rrup,
        rx_km=rx,
        ry0_km=ry0,
        rhypo_km=rhypo,
        repi_km=repi,
    )
    return ground_motions(model, rupture, site)


def _shaking(settings, imt, range_km, frame, places, motion, records, there, notices) -> Shaking:
    own = lambda x: np.asarray(x, np.float64)
    model_mean, model_sigma = own(motion.mean_ln), own(motion.sigma)
    nothing = np.zeros(0)
    if records is None:
        return Shaking(
            imt,
            model_mean,
            model_sigma,
            model_mean,
            model_sigma,
            nothing,
            nothing.astype(bool),
            nothing,
            nothing,
            0.0,
            1.0,
        )
    name = str(parse_measures([imt])[0])
    recorded = np.log(records.observed.get(name, np.full(len(records.places), np.nan)))
    station_mean, station_sigma = own(there.mean_ln), own(there.sigma)
    used = _not_outliers(recorded - station_mean, own(there.tau), own(there.phi), settings.outlier_sigma)
    if not np.any(np.isfinite(recorded)):
        notices.append(
            Notice(
                "no-records", f"{imt}: no records; the map is the model's", count=1, file=records.places.path
            )
        )
    left = int(np.sum(np.isfinite(recorded) & ~used))
    if left:
        message = f"{imt}: {plural(left, 'record')} left out, more than {settings.outlier_sigma:g} standard deviations from the others"
        notices.append(Notice("outlier", message, count=left, file=records.places.path))
    if not used.any():
        return Shaking(
            imt,
            model_mean,
            model_sigma,
            model_mean,
            model_sigma,
            recorded,
            used,
            station_mean,
            station_sigma,
            0.0,
            1.0,
        )
    kept = np.flatnonzero(used)
    at = jax.tree.map(lambda x: x[kept], there)
    here, stations = (jnp.asarray(north_east(frame, x), float) for x in (places, records.places))
    condition = eqx.filter_jit(condition_on_records)
    parts = []
    for first in range(0, len(places), _CHUNK):
        rows = slice(first, first + _CHUNK)
        part = jax.tree.map(lambda x, rows=rows: x[rows], motion)
        parts.append(
            condition(
                here[rows],
                part,
                stations[kept],
                jnp.asarray(recorded[kept], float),
                at,
                jnp.asarray(range_km, float),
            )
        )
    mean, sigma = (np.concatenate([own(getattr(p, n)) for p in parts]) for n in ("mean_ln", "sigma"))
    term, sd = float(parts[0].event_term), float(parts[0].event_sd)
    return Shaking(
        imt, mean, sigma, model_mean, model_sigma, recorded, used, station_mean, station_sigma, term, sd
    )


def _not_outliers(apart: np.ndarray, tau: np.ndarray, phi: np.ndarray, most: float) -> np.ndarray:
    """Records within `most` deviations phi of the earthquake's own level: the median of what is over the model, but no more than `most` tau from it. Against the model
    alone an earthquake that is strong or weak as a whole would lose half of its records, and its term be cut.
    """
    there = np.isfinite(apart)
    if not there.any():
        return there
    level = np.clip(np.median(apart[there]), -most * tau.mean(), most * tau.mean())
    with np.errstate(invalid="ignore"):
        return there & (np.abs(apart - level) <= most * phi)
