"""Small records beside the results: JSON (``run.json``), checksums, station terms, GeoJSON."""

import csv
import hashlib
import io
import json
import math
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.tables import PHASES
from diffseis.io.atomic import write_text
from diffseis.io.guards import read_text
from diffseis.io.times import format_time
from diffseis.location.catalogue import LocatedCatalogue


def write_json(path: str | Path, record: Any) -> None:
    """Write a record as JSON with sorted keys; NumPy values, times, paths and dataclasses are converted,
    NaN becomes null.
    """
    write_text(path, json.dumps(to_plain(record), indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read what `write_json` wrote."""
    from diffseis.core.errors import InputError

    try:
        return json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise InputError(f"is no valid JSON ({error})", file=path, line=line, fix="copy it again") from error


def to_plain(value: Any) -> Any:
    """Only dictionaries, lists, strings, finite numbers, booleans and None."""
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    if isinstance(value, np.datetime64):
        return format_time(value, digits=9) or None
    if isinstance(value, np.ndarray):
        return [to_plain(item) for item in (value if value.dtype.kind == "M" else value.tolist())]
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [to_plain(item) for item in items]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return None if value is None else str(value)


def sha256_of(path: str | Path) -> str:
    """Checksum of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while piece := stream.read(1024**2):
            digest.update(piece)
    return digest.hexdigest()


def write_station_terms_csv(path: str | Path, catalogue: LocatedCatalogue) -> None:
    """Station terms and the number of picks behind each: ``network,station,phase,term_s,num_picks``."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["network", "station", "phase", "term_s", "num_picks"])
    for row in range(len(catalogue.stations)):
        for column, phase in enumerate(PHASES):
            writer.writerow(
                [
                    catalogue.stations.network[row],
                    catalogue.stations.station[row],
                    phase,
                    f"{float(catalogue.station_terms_s[row, column]):.6f}",
                    int(catalogue.station_terms_count[row, column]),
                ]
            )
    write_text(path, stream.getvalue())


def write_geojson(path: str | Path, catalogue: LocatedCatalogue) -> None:
    """Events that have a place, as GeoJSON points (longitude, latitude, height in m) with their numbers as
    properties.
    """
    events = catalogue.events
    times = events.time
    features = []
    for i in range(len(events)):
        if not np.isfinite(events.latitude[i]):
            continue
        properties = {
            "event_id": str(events.event_id[i]),
            "time": times[i],
            "depth_km": events.depth_km[i],
            "status": str(events.status[i]),
            "horizontal_error_km": events.horizontal_error_km[i],
            "vertical_error_km": events.vertical_error_km[i],
            "rms_s": events.rms_s[i],
            "num_phases": events.num_phases[i],
            "gap_deg": events.gap_deg[i],
        }
        place = [float(events.longitude[i]), float(events.latitude[i]), -1000.0 * float(events.depth_km[i])]
        geometry = {"type": "Point", "coordinates": [round(v, 7) for v in place]}
        features.append({"type": "Feature", "geometry": geometry, "properties": to_plain(properties)})
    write_json(path, {"type": "FeatureCollection", "features": features})
