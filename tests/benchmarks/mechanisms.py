"""Focal mechanisms: how near to the truth, how fast, in how much memory, beside SKHASH on the same rays.

python -m tests.benchmarks.mechanisms [--peers PYTHON] [--data FOLDER] [--fast] [--only WORDS] [--out FILE]

Events with known mechanisms on the rays of Northridge, HASH's five examples, and the composites of Maacama (2,995 and 4,168 first motions in one event). FOLDER holds the reference data's `mechanism` folder; by default
that of DIFFSEIS_REFERENCE_DATA. PYTHON is an interpreter with the packages of tests/benchmarks/mechanism_peers.txt; without it only this project runs.

Each line is a process of its own, on one core, so that its CPU time and its largest memory are its own. The peer's memory is limited by the system to --peer-gib, its CPU time to --peer-limit-s: that it was stopped is its result. Of many
events it is given the first --peer-events.

In a line, `first_cpu_s` is with compilation; `learned_cpu_s` the same again without it, the noise learned and the mechanisms found; `cpu_s` that of all `events` with the noise known, from arrays to posteriors (SKHASH's from files to files).
`to_reference` is Kagan's angle to the truth, to HASH's published mechanisms, or to SKHASH's published composites, by kind of case.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.mechanism_cases import CASES, Planes, compared, read, write_for_peer
from tests.benchmarks.waves import alone

REPEATS = 10
"""Times that the synthetic events are solved in one catalogue."""


def peak_mb() -> float | None:
    """The largest memory that this process has had, where the system tells. (`ru_maxrss` may be that of its parent.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = status.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def own_core() -> None:
    """The last of the cores that this process may use, alone (where the system can)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def spent(compute: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of all threads, and what came out."""
    begin = time.process_time()
    found = compute()
    return time.process_time() - begin, found


def run(folder: Path, case: dict, answer: Path) -> dict:
    """One line of this project; in a process of its own."""
    own_core()
    import jax

    from diffseis.core.precision import enable_x64

    enable_x64()
    table, _ = read(folder, case)
    row = _by_hash(table, case, answer) if case.get("hash") else _by_grid(table, case, answer)
    return {"code": "diffseis", **row, "peak_mb": peak_mb(), "device": str(jax.devices()[0].device_kind)}


def _by_grid(table, case: dict, answer: Path) -> dict:
    """With the noise learned from the events where there are many; composites, of which there are two, with what is assumed."""
    import jax.random as jr

    from diffseis.mechanism import invert

    many = case["kind"] == "synthetic"
    noise = None
    row: dict = {}
    if many:
        row["first_cpu_s"], found = spent(lambda: invert(table, key=jr.key(0)))
        row["learned_cpu_s"], found = spent(lambda: invert(table, key=jr.key(0)))
        noise = found.stats["noise"]
        row["noise"] = found.value.noise
        _write_planes(answer, _catalogue_planes(found.value))
        table = _repeated(table, REPEATS)
    run = lambda: invert(table, noise=noise, learn=False, key=jr.key(0))
    first, found = spent(run)
    if not many:
        row["first_cpu_s"] = first
        _write_planes(answer, _catalogue_planes(found.value))
    row["cpu_s"], found = spent(run)
    return row | {"events": len(found.value)}


def _by_hash(table, case: dict, answer: Path) -> dict:
    """As HASH's examples and SKHASH's are set up."""
    import jax.random as jr

    from diffseis.mechanism import HashOptions, hash_mechanisms

    if case["kind"] == "maacama":
        options = HashOptions(weighted=True, max_probability=0.2)
    else:
        # HASH's program for S/P looks at no gaps.
        most = (360.0, 90.0) if case["number"] == 3 else (90.0, 60.0)
        options = HashOptions(
            max_probability=0.25,
            original_amplitudes=True,
            max_azimuthal_gap_deg=most[0],
            max_takeoff_gap_deg=most[1],
        )
    events = list(dict.fromkeys(str(e) for e in table.event_id))
    run = lambda: hash_mechanisms(table, events, options=options, key=jr.key(0))
    first, found = spent(run)
    planes = {
        s.event_id: [float(x[0]) for x in (s.strike_deg, s.dip_deg, s.rake_deg)]
        for s in found
        if len(s.strike_deg)
    }
    _write_planes(answer, planes)
    return {"first_cpu_s": first, "cpu_s": spent(run)[0], "events": len(events)}


def _catalogue_planes(catalogue) -> Planes:
    rows = catalogue.mechanisms
    angles = np.column_stack([rows.strike_deg, rows.dip_deg, rows.rake_deg])
    return {str(e): list(map(float, a)) for e, a in zip(rows.event_id, angles, strict=True)}


def _write_planes(path: Path, planes: Planes) -> None:
    path.write_text(json.dumps(planes), encoding="utf-8")


def _repeated(table, times: int):
    """The same events under new names."""
    rows = table.take(np.tile(np.arange(len(table)), times))
    number = np.repeat(np.arange(times), len(table))
    names = np.array([f"{e}-{n}" for e, n in zip(rows.event_id, number, strict=True)], object)
    return dataclasses.replace(rows, event_id=names)


def lines(name: str, case: dict, arguments, folder: Path) -> list[dict]:
    """This project's line of a case, the peer's, and what is between them."""
    table, truth = read(arguments.data, case)
    mine, other = folder / "mine.json", folder / "peer.json"
    words = [name, str(arguments.data), str(mine)]
    own = alone([sys.executable, "-m", "tests.benchmarks.mechanisms", "--one", *words], one_thread=True)
    rows = [own | _rates(own)]
    ours = json.loads(mine.read_text(encoding="utf-8")) if mine.exists() else {}
    rows[0]["to_reference"] = compared(ours, truth, truth)
    if arguments.peers and not (case["kind"] == "maacama" and not case.get("hash")):
        many = arguments.peer_events if case["kind"] == "synthetic" else 10**6
        write_for_peer(folder, table, case, many)
        script = str(Path(__file__).with_name("mechanism_peers.py"))
        limits = [str(arguments.peer_gib), str(arguments.peer_limit_s)]
        peer = alone([arguments.peers, script, str(folder), str(other), *limits], one_thread=True)
        theirs = json.loads(other.read_text(encoding="utf-8")) if other.exists() else {}
        peer = {"code": "SKHASH", **peer, **_rates(peer), "to_reference": compared(theirs, truth, truth)}
        rows.append(peer)
        between: dict[str, Any] = {"code": "between", "kagan": compared(ours, theirs, truth)}
        between["ours_on_the_peers_events"] = compared(ours, truth, theirs)
        if "events_per_cpu_s" in peer and "events_per_cpu_s" in rows[0]:
            between["times_as_fast"] = round(rows[0]["events_per_cpu_s"] / peer["events_per_cpu_s"], 1)
        if peer.get("peak_mb") and own.get("peak_mb"):
            between["times_the_memory"] = round(own["peak_mb"] / peer["peak_mb"], 2)
        rows.append(between)
    return [{"case": name, **row, "load": round(os.getloadavg()[0], 1)} for row in rows]


def _rates(row: dict) -> dict:
    if not row.get("cpu_s"):
        return {}
    return {"events_per_cpu_s": round(row["events"] / row["cpu_s"], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("DIFFSEIS_REFERENCE_DATA")
    parser.add_argument("--peers", default=None, help="interpreter with SKHASH")
    parser.add_argument("--data", type=Path, default=Path(data) / "mechanism" if data else None)
    parser.add_argument("--fast", action="store_true", help="eight of the synthetic events for the peer")
    parser.add_argument("--only", default="", help="lines that contain this")
    parser.add_argument("--peer-events", type=int, default=120, help="of the synthetic ones")
    parser.add_argument("--peer-gib", type=float, default=8.0, help="largest address space of the peer")
    parser.add_argument("--peer-limit-s", type=int, default=1800, help="largest CPU time of the peer")
    parser.add_argument("--out", default=None, help="JSON file to write")
    parser.add_argument("--one", nargs=3, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, folder, answer = arguments.one
        print(json.dumps(run(Path(folder), CASES[name], Path(answer))))
        return
    if arguments.data is None or not arguments.data.is_dir():
        parser.error("--data or DIFFSEIS_REFERENCE_DATA must name the reference data")
    if arguments.fast:
        arguments.peer_events = 8
    rows: list[dict] = []
    for name, case in CASES.items():
        if arguments.only in name:
            with tempfile.TemporaryDirectory() as folder:
                for row in lines(name, case, arguments, Path(folder)):
                    print(json.dumps(row), flush=True)
                    rows.append(row)
    if arguments.out:
        from diffseis.workflows.provenance import versions

        rows.insert(0, {"cores": os.cpu_count(), "versions": versions()})
        Path(arguments.out).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
