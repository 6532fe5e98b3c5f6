"""The cases of `tests.benchmarks.mechanisms`: rays and what answers are compared with, and the same for SKHASH to read."""

import csv
from pathlib import Path

import numpy as np

EXAMPLES = {f"Northridge {number}": {"kind": "northridge", "number": number} for number in range(1, 6)}
CASES: dict[str, dict] = {
    "synthetic, first motions": {"kind": "synthetic", "ratios": False},
    "synthetic, first motions and S/P": {"kind": "synthetic", "ratios": True},
    **{f"{name}, HASH mode": case | {"hash": True} for name, case in EXAMPLES.items()},
    "Maacama, HASH mode": {"kind": "maacama", "hash": True},
    "Maacama, grid": {"kind": "maacama"},
}
Planes = dict[str, list[float]]
"""Strike, dip and rake in degrees by event."""


def read(folder: Path, case: dict):
    """The table of rays, and what the answers are compared with."""
    return {"synthetic": _synthetic, "northridge": _northridge, "maacama": _maacama}[case["kind"]](
        folder, case
    )


def _synthetic(folder: Path, case: dict):
    folder = folder / "synth_northridge_geom"
    rows = _rows(folder / "pol.csv")
    ratio = {(r["event_id"], r["station"]): r["sp_ratio"] for r in _rows(folder / "amp.csv")}
    if not case["ratios"]:
        ratio = {}
    sp = [float(ratio.get((r["event_id"], r["station"]), "nan")) for r in rows]
    table = _table(rows, [r["station"] for r in rows], log10_sp=np.log10(sp))
    return table, _planes(_rows(folder / "truth.csv"))


def _northridge(folder: Path, case: dict):
    from tests.mechanism.northridge import read_example

    table, published = read_example(folder / "northridge_flat", case["number"])
    return table, _planes(published.values(), "hash_")


def _maacama(folder: Path, case: dict):
    folder = folder / "maacama_skhash/EXPECTED"
    rows = _rows(folder / "out_polinfo.csv")
    # Rays of many hypocentres are one event here: each is a station of its own.
    return _table(rows, [f"R{i:04d}" for i in range(len(rows))]), _planes(_rows(folder / "out.csv"))


def _table(rows, stations, **columns):
    """The files count take-off angles from up."""
    from diffseis.core.radiation_table import RadiationTable

    column = lambda name: np.array([float(row[name]) for row in rows])
    return RadiationTable.of(
        [row["event_id"] for row in rows],
        stations,
        azimuth_deg=column("azimuth"),
        takeoff_deg=180 - column("takeoff"),
        azimuth_sigma_deg=np.abs(column("azimuth_uncertainty")),
        takeoff_sigma_deg=column("takeoff_uncertainty"),
        polarity=column("p_polarity"),
        **columns,
    )


def _planes(rows, prefix: str = "") -> Planes:
    names = [f"{prefix}{name}" for name in ("strike", "dip", "rake")]
    return {row["event_id"]: [float(row[name]) for name in names] for row in rows}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_for_peer(folder: Path, table, case: dict, num_events: int) -> None:
    """The first events' rays as SKHASH reads them, and its settings."""
    kept = set(list(dict.fromkeys(str(e) for e in table.event_id))[:num_events])
    own = table.take(np.array([str(e) in kept for e in table.event_id]))
    number = {name: i for i, name in enumerate(dict.fromkeys(str(s) for s in own.station))}
    files = (("pol.csv", "p_polarity", own.polarity), ("amp.csv", "sp_ratio", 10**own.log10_sp))
    for name, column, value in files:
        rows = np.flatnonzero(np.isfinite(value))
        if not len(rows):
            continue
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            write = csv.writer(stream)
            angles = ["takeoff", "azimuth", "takeoff_uncertainty", "azimuth_uncertainty"]
            write.writerow(["event_id", "station", "network", "location", "channel", column, *angles])
            for i in rows:
                code = [f"S{number[str(own.station[i])]:04d}", "XX", "--", "EHZ"]
                direction = [180 - own.takeoff_deg[i], own.azimuth_deg[i]]
                errors = [own.takeoff_sigma_deg[i], own.azimuth_sigma_deg[i]]
                write.writerow([own.event_id[i], *code, value[i], *direction, *errors])
    settings = {
        "input_format": "skhash",
        "fpfile": "pol.csv",
        "outfile1": "out.csv",
        "output_angle_precision": 4,
        "min_polarity_weight": 0,
        "allow_duplicate_stations": True,
        "nmc": 30,
        "maxout": 500,
        "badfrac": 0.1,
        "qbadfrac": 0.3,
        "prob_max": 0.2,
    }
    if (folder / "amp.csv").exists():
        settings["ampfile"] = "amp.csv"
    if case["kind"] == "northridge":
        settings["prob_max"] = 0.25
        # HASH's program for S/P looks at no gaps.
        settings |= {"max_agap": 360, "max_pgap": 90} if case["number"] == 3 else {}
    text = "".join(f"${name}\n{value}\n\n" for name, value in settings.items())
    (folder / "control.txt").write_text(text, encoding="utf-8")


def compared(ours: Planes, theirs: Planes, events) -> dict:
    """Kagan's angles over the events that both have."""
    from tests.mechanism.northridge import kagan_deg

    both = [e for e in events if e in ours and e in theirs and np.all(np.isfinite([*ours[e], *theirs[e]]))]
    angles = [kagan_deg(ours[e], theirs[e]) for e in both]
    if not angles:
        return {"compared": 0}
    return {
        "compared": len(angles),
        "median_deg": round(float(np.median(angles)), 2),
        "p90_deg": round(float(np.percentile(angles, 90)), 2),
        "within_20_deg": round(float(np.mean(np.array(angles) <= 20)), 3),
    }
