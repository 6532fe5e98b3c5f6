"""Where the instruments of rays stand: lists with one row per channel, as HASH and SKHASH have them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.tables import StationTable
from diffseis.core.words import plural
from diffseis.io.notices import Notice
from diffseis.io.rays import Ray, shown
from diffseis.io.reversals import code_of

_ANY = "XX"
_MOVED_DEG = 1e-4


def check_instrument(
    latitude: float, longitude: float, elevation_m: float, path: str | Path, line: int
) -> None:
    """Refuse a place that is none on Earth."""
    for field, value, largest, fix in (
        ("latitude", latitude, 90.0, "give degrees from -90 to 90"),
        ("longitude", longitude, 360.0, "give degrees from -180 to 180"),
        ("elevation", elevation_m, 9000.0, "give metres above sea level"),
    ):
        if not abs(value) <= largest:
            raise InputError(f"{value:g} is no {field}", file=path, line=line, field=field, fix=fix)


def instrument_table(rows: Sequence[Mapping]) -> StationTable:
    """One row per channel of a station; `extra` has ``channel``, ``start`` and ``end`` (NaT where it is open)."""
    column = lambda name, kind: np.array([row[name] for row in rows], kind)
    longitude = column("longitude", np.float64)
    return StationTable(
        network=column("network", object),
        station=column("station", object),
        latitude=column("latitude", np.float64),
        longitude=np.where(longitude > 180.0, longitude - 360.0, longitude),
        elevation_m=column("elevation_m", np.float64),
        extra={
            "channel": column("channel", object),
            "start": column("start", "datetime64[ns]"),
            "end": column("end", "datetime64[ns]"),
        },
    )


def place_rays(
    rays: Sequence[Ray], instruments: StationTable, *, by_band: bool, path: str | Path
) -> tuple[list[Ray], StationTable, list[Notice]]:
    """The rays whose station is in the list, or that have angles already, and one row for each of these stations.

    Codes of network and station have to agree where both have them; of several rows the first that agrees in the band of the
    channel, or in the time as well, is taken.

    Args:
        rays: the rays.
        instruments: of `instrument_table`.
        by_band: leave out rays of which no row agrees in the band, as HASH does.
        path: the file of the list, for notices.

    Raises:
        InputError: if no ray is left.
    """
    rows_of: dict[str, list[int]] = {}
    for row, station in enumerate(instruments.station):
        rows_of.setdefault(str(station), []).append(row)
    kept: list[Ray] = []
    missing: list[str] = []
    place: dict[str, int] = {}
    moved: list[str] = []
    for ray in rays:
        row = _row(ray, instruments, rows_of.get(code_of(ray, "station"), []), by_band)
        if row is None and np.isnan(ray.takeoff_deg):
            missing.append(ray.station)
            continue
        kept.append(ray)
        if (
            row is not None
            and _distance_deg(instruments, place.setdefault(ray.station, row), row) > _MOVED_DEG
        ):
            moved.append(ray.station)
    if rays and not kept:
        why = f"has none of the stations of {plural(len(rays), 'row')}, such as {shown(missing)}"
        fix = "check that the codes of networks, stations and channels are the same in both files"
        raise InputError(why, file=path, field="station", fix=fix)
    notices = []
    if missing:
        message = (
            f"{plural(len(missing), 'row')} of stations that are not in the list left out: {shown(missing)}"
        )
        notices.append(Notice("unknown-station", message, count=len(missing), file=str(path)))
    if moved:
        message = f"stations with several places, of which the first is used: {shown(moved)}"
        notices.append(Notice("moved-station", message, count=len(set(moved)), file=str(path)))
    found = instruments.take(np.array(list(place.values()), np.intp))
    names = [name.rpartition(".") for name in place]
    table = StationTable(
        network=np.array([n[0] for n in names], object),
        station=np.array([n[2] for n in names], object),
        latitude=found.latitude,
        longitude=found.longitude,
        elevation_m=found.elevation_m,
    )
    return kept, table, notices


def _row(ray: Ray, instruments: StationTable, rows: Sequence[int], by_band: bool) -> int | None:
    network = instruments.network
    rows = [r for r in rows if not ray.network or not network[r] or ray.network in (_ANY, network[r])]
    band = [r for r in rows if _same_band(ray.channel, str(instruments.extra["channel"][r]))]
    choice = band or ([] if by_band else rows)
    then = [r for r in choice if _holds(instruments, r, ray.time)]
    return (then or choice or [None])[0]


def _same_band(one: str, other: str) -> bool:
    """Whether the channels may be of one instrument."""
    if not one or not other or one[:2] == _ANY:
        return True
    return band_of(one) == band_of(other)


def band_of(channel: str) -> str:
    """The first two letters of a channel; short-period instruments are called E or V, here E."""
    return "E" + channel[1:2] if channel[:1] == "V" else channel[:2]


def _holds(instruments: StationTable, row: int, time: np.datetime64) -> bool:
    start, end = instruments.extra["start"][row], instruments.extra["end"][row]
    if np.isnat(time):
        return True
    return bool((np.isnat(start) or start <= time) and (np.isnat(end) or time < end))


def _distance_deg(instruments: StationTable, one: int, other: int) -> float:
    latitude, longitude = instruments.latitude, instruments.longitude
    return float(np.hypot(latitude[one] - latitude[other], longitude[one] - longitude[other]))
