"""Speed, memory and compilations of locating. Not a test: ``make benchmark`` prints the figures.

python -m tests.benchmarks.location [--events 1000] [--particles 150] [--case many-events|dense-event|many-sizes] [--out FILE]
"""

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax
import jax.random as jr
import numpy as np

from diffseis.core.frames import LocalFrame, geodesic
from diffseis.core.tables import StationTable, VelocityTable
from diffseis.eikonal import build_layered_tables
from diffseis.inference import SVGD
from diffseis.location import SearchVolume, TravelTimeError, default_volume, locate
from diffseis.location.event import locate_chunk
from diffseis.synthesis import synthetic_picks
from diffseis.velocity import layered_pair
from diffseis.workflows.provenance import versions

VELOCITY = VelocityTable(
    np.array([-3.0, 1.0, 4.0, 15.0, 32.0]),
    np.array([4.8, 5.4, 5.9, 6.4, 7.8]),
    np.array([2.7, 3.1, 3.4, 3.7, 4.4]),
)


def network(num: int, seed: int = 0) -> StationTable:
    rng = np.random.default_rng(seed)
    return StationTable(
        network=np.full(num, "XX", dtype=object),
        station=np.array([f"S{i:04d}" for i in range(num)], dtype=object),
        latitude=42.0 + 0.4 * rng.uniform(-1, 1, num),
        longitude=13.0 + 0.5 * rng.uniform(-1, 1, num),
        elevation_m=rng.uniform(100, 1800, num),
    )


def setup(stations):
    frame = LocalFrame.centred_on(stations.latitude, stations.longitude)
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    volume = default_volume(stations, frame)
    models = layered_pair(VELOCITY)
    # As `diffseis locate` does for large networks.
    compact = len(stations) > 200
    tables = build_layered_tables(
        *models, position, max_distance_km=250.0, depth_range_km=(-2.5, 41.0), single_precision=compact
    )
    return frame, volume, tables


def events(num, frame, volume, tables, stations, picks_per_event, seed=0):
    rng = np.random.default_rng(seed)
    places = np.column_stack([rng.uniform(-30, 30, (num, 2)), rng.uniform(2, 15, num)])
    half = picks_per_event // 2
    return synthetic_picks(
        places, tables, stations, frame, error=TravelTimeError(), sigma_s={"P": 0.05, "S": 0.1},
        num_stations=(half, half), s_fraction=1.0, outlier_fraction=0.02, key=jr.key(seed),
    )  # fmt: skip


def timed(picks, stations, tables, frame, volume: SearchVolume, sampler) -> dict:
    start, cpu = time.perf_counter(), time.process_time()
    solution = locate(picks, stations, tables, prior=volume, frame=frame, sampler=sampler, key=jr.key(0))
    return {
        "wall_s": round(time.perf_counter() - start, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "events": len(solution.value),
        "located": int(np.sum(solution.value.events.status == "located")),
        "catalogue": solution.value,
    }


def report(name: str, run: dict, truth) -> dict:
    ev = run.pop("catalogue").events
    distance, _, _ = geodesic(ev.latitude, ev.longitude, truth.latitude, truth.longitude)
    row = {
        "case": name,
        **run,
        "median_epicentral_error_km": round(float(np.nanmedian(distance)), 3),
        "median_depth_error_km": round(float(np.nanmedian(np.abs(ev.depth_km - truth.depth_km))), 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(row), flush=True)
    return row


def many_events(arguments) -> list[dict]:
    """A catalogue of events with 32 picks, with and without compilation."""
    stations = network(40)
    frame, volume, tables = setup(stations)
    picks, truth = events(arguments.events, frame, volume, tables, stations, 32)
    name = f"{arguments.events} events x 32 picks x {arguments.particles} particles"
    rows = []
    for words in ("with compilation", "warm"):
        run = timed(picks, stations, tables, frame, volume, SVGD(arguments.particles))
        rows.append(report(f"{name}, {words}", run, truth))
    return rows


def dense_event(arguments) -> list[dict]:
    """One event that a thousand stations saw."""
    stations = network(1020, seed=1)
    frame, volume, tables = setup(stations)
    picks, truth = events(1, frame, volume, tables, stations, 2040)
    picks = picks.take(np.arange(2039))
    rows = []
    for words in ("with compilation", "warm", "warm again"):
        run = timed(picks, stations, tables, frame, volume, SVGD(arguments.particles))
        rows.append(report(f"one event x 2039 picks x {arguments.particles} particles, {words}", run, truth))
    return rows


def many_sizes(arguments) -> list[dict]:
    """Events of all sizes: how many programs are compiled."""
    stations = network(160, seed=2)
    frame, volume, tables = setup(stations)
    parts = [events(4, frame, volume, tables, stations, n, seed=n)[0] for n in (6, 14, 30, 60, 119, 200, 300)]
    parts = [
        dataclasses.replace(p, event_id=np.array([f"{i}-{e}" for e in p.event_id], dtype=object))
        for i, p in enumerate(parts)
    ]
    merged = dataclasses.replace(
        parts[0],
        **{
            f.name: np.concatenate([getattr(p, f.name) for p in parts])
            for f in dataclasses.fields(parts[0])
            if f.name != "extra"
        },
    )
    # Equinox and JAX have no public count of compiled programs; without it none is reported.
    cache_size = getattr(getattr(locate_chunk, "_cached", None), "_cache_size", None)
    before = cache_size() if cache_size else None
    run = timed(merged, stations, tables, frame, volume, SVGD(arguments.particles))
    run.pop("catalogue")
    row = {
        "case": "28 events of 6 to 300 picks, with compilation",
        **run,
        "compilations": cache_size() - before if cache_size and before is not None else None,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(row), flush=True)
    return [row]


CASES = {"many-events": many_events, "dense-event": dense_event, "many-sizes": many_sizes}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--particles", type=int, default=150)
    parser.add_argument("--case", choices=[*CASES, "all"], default="all")
    parser.add_argument("--out", default=None, help="JSON file to write")
    arguments = parser.parse_args()
    rows = [
        {
            "device": str(jax.devices()[0].device_kind),
            "cores": os.cpu_count(),
            "dtype": "float64",
            "versions": versions(),
        }
    ]
    if arguments.case != "all":
        rows += CASES[arguments.case](arguments)
    else:  # each in a process of its own, so that its peak of memory is its own
        for case in CASES:
            with tempfile.NamedTemporaryFile(suffix=".json") as stream:
                command = [
                    sys.executable,
                    "-m",
                    "tests.benchmarks.location",
                    "--case",
                    case,
                    "--out",
                    stream.name,
                ]
                command += ["--events", str(arguments.events), "--particles", str(arguments.particles)]
                subprocess.run(command, check=True)
                rows += json.loads(Path(stream.name).read_text(encoding="utf-8"))[1:]
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
