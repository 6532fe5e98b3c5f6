"""Reading what a location run needs, and refusing what cannot be meant, before anything is computed."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import geodesic
from diffseis.core.tables import PHASES, EventTable, PickTable, StationTable, VelocityGrid, VelocityTable
from diffseis.core.words import plural
from diffseis.io import (
    Notice,
    assign_networks,
    nonlinloc_files,
    read_events,
    read_events_csv,
    read_medium,
    read_picks_csv,
    read_stations_csv,
    read_stationxml,
    resolve_epochs,
    sha256_of,
)
from diffseis.location import prepare_picks
from diffseis.workflows.config import LocateConfig

FAR_ORIGIN_KM = 1000.0
"""Beyond this distance from every station, an origin that came with the data is said to be odd."""

_EARTH_RADIUS_KM = 6371.0
_SAME_PICK_S = 1.0
"""Two readings of one arrival differ by less."""


@dataclass(frozen=True)
class Inputs:
    """Tables of a run, with what the readers had to say."""

    picks: PickTable
    stations: StationTable
    velocity: VelocityTable | VelocityGrid
    reference: EventTable | None = None
    notices: list[Notice] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict)


def read_inputs(config: LocateConfig) -> Inputs:
    """Reads and cross-checks picks, stations and velocity."""
    notices: list[Notice] = []
    picks, bulletin = _read_picks(config, notices)
    stations, said = _read_stations(config.stations)
    notices += said
    picks, said = assign_networks(picks, stations)
    notices += said
    stations, said = resolve_epochs(stations, picks)
    notices += said
    velocity = read_medium(config.velocity, config.velocity_kind, vp_vs=config.vp_vs)
    reference = bulletin
    if config.reference is not None:
        reference = _read_reference(config.reference, notices)
    notices += check_together(picks, stations)
    if reference is not None:
        notices += far_origins(reference, stations)
    files = {"picks": config.picks, "stations": config.stations, "velocity": config.velocity}
    if config.reference is not None:
        files["reference"] = config.reference
    if config.network is not None:
        files["network"] = config.network
    if config.velocity.suffix.lower() in (".hdr", ".buf"):
        files |= {f"velocity {p.name}": p for p in nonlinloc_files(config.velocity)}
    digests = {name: sha256_of(path) for name, path in files.items()}
    return Inputs(picks, stations, velocity, reference, notices, digests)


def _read_picks(config: LocateConfig, notices: list) -> tuple[PickTable, EventTable | None]:
    path = config.picks
    given = config.default_uncertainty_s
    default = dict(zip([*map(str, PHASES)], given, strict=True)) if isinstance(given, tuple) else given
    chosen = (
        config.picks_format or ("csv" if path.suffix.lower() in (".csv", ".txt", ".tsv") else "")
    ).lower()
    if chosen == "csv":
        picks, said = read_picks_csv(path, default_uncertainty_s=default)
        notices += said
        return picks, None
    if default is None:
        picks, events, said = read_events(path, config.picks_format)
    else:
        picks, events, said = read_events(path, config.picks_format, default_uncertainty_s=default)
    notices += said
    located = np.isfinite(events.latitude) & np.isfinite(events.longitude)
    return picks, events if np.any(located) else None


def _read_stations(path: Path):
    if path.suffix.lower() in (".xml", ".stationxml"):
        return read_stationxml(path)
    return read_stations_csv(path)


def _read_reference(path: Path, notices: list) -> EventTable:
    if path.suffix.lower() == ".csv":
        return read_events_csv(path)
    _, events, said = read_events(path)
    notices += said
    return events


def check_together(picks: PickTable, stations: StationTable) -> list[Notice]:
    """Refuses inputs that do not belong together; returns notices about the rest."""
    notices = []
    if len(stations) == 0:
        raise InputError("the station file holds no stations", field="stations", fix="add at least one row")
    known = set(stations.ids)
    ids = picks.station_ids
    unknown = sorted({i for i in ids if i not in known})
    if unknown:
        count = int(np.sum([i in set(unknown) for i in ids]))
        shown = ", ".join(u.lstrip(".") for u in unknown[:8]) + (
            f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        )
        if len(picks) and count == len(picks):
            raise InputError(
                f"no pick belongs to a known station (picks name {shown}; stations are {', '.join(k.lstrip('.') for k in sorted(known)[:5])} ...)",
                field="network,station",
                fix="give both files the same network and station codes",
            )
        notices.append(
            Notice(
                "unknown-station",
                f"{plural(count, 'pick')} at {plural(len(unknown), 'unknown station')}: {shown}",
                count,
            )
        )
    other = [str(p) for p in picks.phase if p not in ("P", "S")]
    if other:
        kinds = ", ".join(sorted(set(other))[:8])
        notices.append(
            Notice(
                "unknown-phase",
                f"{plural(len(other), 'pick')} of phases that are not used: {kinds}",
                len(other),
            )
        )
    notices += odd_picks(picks, stations)
    lat, lon = np.asarray(stations.latitude), np.asarray(stations.longitude)
    distance, _, _ = geodesic(lat, lon, np.median(lat), lon[len(lat) // 2])
    if np.max(distance) > 2500:
        far = stations.ids[int(np.argmax(distance))]
        raise InputError(
            f"station {far} is {np.max(distance):.0f} km from the rest of the network",
            field="latitude,longitude",
            fix="correct its coordinates, or remove it: the local frame serves networks up to about 1000 km wide",
        )
    return notices


def odd_picks(picks: PickTable, stations: StationTable) -> list[Notice]:
    """Notices about picks that will not be used although station and phase are known: strays in time, and repetitions."""
    prepared = prepare_picks(picks, stations)
    notices = []
    far = np.flatnonzero(prepared.status == "far-in-time")
    if len(far):
        first = far[0]
        message = (
            f"{plural(len(far), 'pick')} over two hours from the other picks of the event left out (the first: event "
            f"{picks.event_id[first]}, {picks.station_ids[first]} {picks.phase[first]}, {np.datetime_as_string(picks.time[first], unit='s')}): check "
            "their dates, and that no two earthquakes share an id"
        )
        notices.append(Notice("far-in-time", message, len(far)))
    repeated = np.flatnonzero(prepared.status == "duplicate")
    if not len(repeated):
        return notices
    message = f"{plural(len(repeated), 'pick')} with event, station and phase of another, of which the more certain (of equals the earlier) one is used"
    key = lambda i: (prepared.event_row[i], prepared.station_row[i], prepared.phase_idx[i])
    used = {key(i): i for i in np.flatnonzero(prepared.status == "used")}
    apart = np.array(
        [abs(picks.time[i] - picks.time[used[key(i)]]) / np.timedelta64(1, "s") for i in repeated]
    )
    contradict = repeated[apart >= _SAME_PICK_S]
    if len(contradict):
        names, counts = np.unique(picks.event_id[contradict].astype(str), return_counts=True)
        worst = int(np.argmax(counts))
        message += (
            f"; {len(contradict)} of them are {_SAME_PICK_S:g} s or more from it (event {names[worst]}: {counts[worst]}): "
            "do two earthquakes share an id?"
        )
    notices.append(Notice("duplicate", message, len(repeated)))
    return notices


def far_origins(events: EventTable, stations: StationTable) -> list[Notice]:
    """A notice if origins that came with the data are more than `FAR_ORIGIN_KM` from every station.

    A station table with latitude and longitude exchanged may be as possible as the right one; events elsewhere give it
    away.
    """
    located = np.isfinite(events.latitude) & np.isfinite(events.longitude)
    origins = _directions(events.latitude[located], events.longitude[located])
    closest = np.full(len(origins), -1.0)
    for station in _directions(stations.latitude, stations.longitude):
        closest = np.maximum(closest, origins @ station)
    distance = _EARTH_RADIUS_KM * np.arccos(np.clip(closest, -1.0, 1.0))
    far = distance > FAR_ORIGIN_KM
    if not np.any(far):
        return []
    message = (
        f"{np.sum(far)} of {len(far)} origins that came with the data are more than {FAR_ORIGIN_KM:g} km from every station "
        f"(event {events.event_id[located][far][0]}: {distance[far][0]:.0f} km)"
    )
    if np.all(far):
        message += ": do stations and events belong together, or are latitude and longitude exchanged?"
    return [Notice("far-origins", message, int(np.sum(far)))]


def _directions(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Unit vectors of places on a sphere, which is good enough for "far"."""
    north, east = np.radians(latitude), np.radians(longitude)
    return np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
