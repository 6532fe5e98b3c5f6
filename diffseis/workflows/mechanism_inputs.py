"""What ``diffseis mechanism`` works on: observations of any format, with angles where these can be had."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax.random as jr
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable, StationTable, VelocityTable
from diffseis.io import (
    Notice,
    is_velocity_text,
    read_events_csv,
    read_focmec,
    read_fpfit,
    read_hash,
    read_hypoinverse_polarities,
    read_nonlinloc_hyp,
    read_observations_csv,
    read_quakeml_polarities,
    read_skhash,
    read_stations_csv,
    read_stationxml,
    read_velocity,
    read_velocity_text,
)
from diffseis.io.observations_csv import COLUMNS
from diffseis.workflows.hypocentre_clouds import clouds_of, hypocentres
from diffseis.workflows.located_angles import (
    check_run,
    located_clouds,
    located_events,
    setup_leaving,
    setup_of_run,
)
from diffseis.workflows.located_picks import angles_of_picks
from diffseis.workflows.mechanism_checks import (
    drop_repeats,
    idle_options,
    not_for_hash,
    not_located,
    odd_angles,
    one_sided,
    unread_columns,
)
from diffseis.workflows.mechanism_config import MechanismConfig
from diffseis.workflows.takeoff import give_angles, layered_leaving

Progress = Callable[[str, int, int], None]
_WITH_PLACES = ("hash", "skhash")
_SAME_RATIO = 1e-9


@dataclass(frozen=True)
class MechanismInputs:
    """Observations of a run, with what the readers had to say.

    Attributes:
        rays: with angles, where these are known.
        places: hypocentres of the events, where known.
        stations: their places, where known.
        notices: of readers, and of what looks odd.
    """

    rays: RadiationTable
    places: EventTable | None = None
    stations: StationTable | None = None
    notices: list[Notice] = field(default_factory=list)


def read_mechanism_inputs(config: MechanismConfig, progress: Progress | None = None) -> MechanismInputs:
    """Reads everything, computes angles that are missing, and refuses what cannot be used.

    Raises:
        InputError: also where no ray at all has angles.
    """
    found = _read(config)
    if not len(found.rays):
        raise InputError(
            "holds no observations", file=config.observations, fix="add rows, or name another file"
        )
    rays, notices = drop_repeats(found.rays, found.notices, config.observations)
    notices = [*notices, *odd_angles(rays, config.observations)]
    if config.format == "csv":
        notices += unread_columns(rays, COLUMNS, config.observations)
    if config.method == "hash":
        notices += not_for_hash(rays)
    found = _with_places(config, replace(found, rays=rays, notices=notices))
    without = ~(np.isfinite(found.rays.azimuth_deg) & np.isfinite(found.rays.takeoff_deg))
    if without.any():
        if progress is not None:
            progress("angles of rays", 0, 0)
        found = _with_angles(config, found, progress)
    else:
        found = replace(found, notices=[*found.notices, *idle_options(config)])
    known = np.isfinite(found.rays.azimuth_deg) & np.isfinite(found.rays.takeoff_deg)
    if not known.any():
        raise InputError(
            "no ray has angles: "
            + ("; ".join(n.message for n in found.notices) or "no station or hypocentre is known"),
            file=config.observations,
            field="takeoff_deg",
            fix="give azimuth_deg and takeoff_deg (0 = down), or --stations and --velocity with hypocentres (--events, or a format that has them), or --located",
        )
    if config.composite is not None:
        names = np.full(len(found.rays), config.composite, object)
    else:
        names = found.rays.event_id
    places = _places_of(names, found.rays, found.places)
    rays = replace(found.rays, event_id=names)
    return replace(found, rays=rays, places=places, notices=[*found.notices, *one_sided(rays)])


def _read(config: MechanismConfig) -> MechanismInputs:
    path, kind = config.observations, config.format
    extra: dict[str, Any] = {
        name: getattr(config, name)
        for name in ("stations", "reversals", "amplitudes", "corrections", "angles")
        if getattr(config, name) is not None
    }
    if kind.startswith("hash"):
        return MechanismInputs(*read_hash(path, int(kind[-1]), **extra))
    if kind == "skhash":
        return MechanismInputs(*read_skhash(path, **extra))
    if kind in ("csv", "focmec"):
        rays, notices = read_observations_csv(path) if kind == "csv" else read_focmec(path)
        return MechanismInputs(rays, notices=notices)
    reader = {
        "fpfit": read_fpfit,
        "nonlinloc": read_nonlinloc_hyp,
        "quakeml": read_quakeml_polarities,
        "hypoinverse": read_hypoinverse_polarities,
    }[kind]
    rays, places, notices = reader(path)
    return MechanismInputs(rays, places, notices=notices)


def _with_places(config: MechanismConfig, found: MechanismInputs) -> MechanismInputs:
    """With stations and hypocentres of their own files, and of a located run, which come first."""
    stations, places, notices = found.stations, found.places, list(found.notices)
    if config.stations is not None and not config.format.startswith(_WITH_PLACES):
        is_xml = config.stations.suffix.lower() in (".xml", ".stationxml")
        stations, said = (read_stationxml if is_xml else read_stations_csv)(config.stations)
        notices += said
    if config.events is not None:
        places = read_events_csv(config.events)
    if config.located is not None:
        check_run(config.located)
        places = located_events(config.located)
        notices += not_located(found.rays, places, config.located)
    return MechanismInputs(found.rays, places, stations, notices)


def _with_angles(config: MechanismConfig, found: MechanismInputs, progress) -> MechanismInputs:
    """With angles of rays that had none, as far as stations, hypocentres and velocities are known."""
    stations, models = found.stations, [_velocity(path, config) for path in config.velocity]
    if config.located is not None and (stations is None or not models):
        return _as_located(config, config.located, found, progress)
    if stations is None or not models:
        lack = [o for o, known in (("--stations", stations is not None), ("--velocity", models)) if not known]
        message = f"rays without angles cannot get them without {' and '.join(lack)}"
        return replace(found, notices=[*found.notices, Notice("no-angles", message)])
    if config.located is not None:
        clouds = located_clouds(found.rays, config.located)
    else:
        clouds = clouds_of(found.rays, found.places, key=jr.key(config.seed))
    rays, said = give_angles(
        found.rays,
        clouds,
        stations,
        layered_leaving(stations, models),
        model_error_deg=config.angle_error_deg,
        s_differs=any(np.ptp(m.vp_km_s / m.vs_km_s) > _SAME_RATIO for m in models),
    )
    return replace(found, rays=rays, notices=[*found.notices, *said])


def _as_located(config: MechanismConfig, folder: Path, found: MechanismInputs, progress) -> MechanismInputs:
    """In the travel times of a located run; where these cannot be had anew, as its picks are said to leave."""
    clouds, error = located_clouds(found.rays, folder), config.angle_error_deg
    try:
        setup = setup_of_run(folder, progress)
    except InputError as problem:
        message = (
            f"the travel times of {folder} cannot be made anew ({problem.why}): angles are those of its picks"
        )
        rays = angles_of_picks(found.rays, clouds, folder, model_error_deg=error)
        return replace(found, rays=rays, notices=[*found.notices, Notice("angles-of-picks", message)])
    rays, said = give_angles(found.rays, clouds, setup.stations, setup_leaving(setup), model_error_deg=error)
    return replace(found, rays=rays, stations=setup.stations, notices=[*found.notices, *said])


def _velocity(path, config: MechanismConfig) -> VelocityTable:
    """As HASH's and SKHASH's where there is no header, else as any other model."""
    if path.suffix.lower() not in (".nd", ".tvel") and is_velocity_text(path):
        return read_velocity_text(path, vp_vs=config.vp_vs)
    try:
        return read_velocity(path, config.velocity_kind)
    except InputError as error:
        if error.field != "vs_km_s":
            raise
        return read_velocity(path, config.velocity_kind, vp_vs=config.vp_vs)


def _places_of(names: np.ndarray, rays: RadiationTable, places: EventTable | None) -> EventTable | None:
    """A place for each event that has rays, by its name: the middle of what these rays' hypocentres are, which of a composite are several.

    Args:
        names: of the event of each ray, which may be another than it is in `rays`.
        rays: observations.
        places: hypocentres.
    """
    at, _ = hypocentres(rays, places)
    known = np.all(np.isfinite(at), axis=1)
    if places is None and not known.any():
        return None
    own = {str(name): i for i, name in enumerate(places.event_id)} if places is not None else {}
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(str(name), []).append(row)
    found = []
    for name, mine in rows.items():
        inside = [row for row in mine if known[row]]
        middle = np.median(at[inside], axis=0) if inside else np.full(3, np.nan)
        i = own.get(name)
        when = np.datetime64("NaT", "ns") if i is None or places is None else places.time[i]
        size = np.nan if i is None or places is None else float(places.magnitude[i])
        found.append((name, when, *middle, size))
    column = lambda i, kind: np.array([row[i] for row in found], kind)
    return EventTable(
        event_id=column(0, object),
        time=column(1, "datetime64[ns]"),
        latitude=column(2, np.float64),
        longitude=column(3, np.float64),
        depth_km=column(4, np.float64),
        magnitude=column(5, np.float64),
    )
