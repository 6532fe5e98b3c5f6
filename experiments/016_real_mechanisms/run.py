"""How near are mechanisms of real earthquakes to those of HASH, SKHASH and a moment tensor? See README.md.

    python experiments/016_real_mechanisms/run.py [--part northridge|sakhalin|maacama ...]

Needs DIFFSEIS_REFERENCE_DATA.
"""

import argparse
import csv
import dataclasses
import json
import os
import resource
import sys
import tomllib
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.io import read_focmec
from diffseis.mechanism import HashOptions, hash_mechanisms, invert
from diffseis.source import axes_quaternion, double_couple_of, double_couple_quaternion, kagan_angle_of
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.mechanism.northridge import read_example

CONFIG = tomllib.loads((HERE / "config.toml").read_text())
DATA = Path(os.environ["DIFFSEIS_REFERENCE_DATA"])
EXAMPLE = HashOptions(max_probability=0.25, original_amplitudes=True)
NO_GAPS = dataclasses.replace(EXAMPLE, max_azimuthal_gap_deg=360.0, max_takeoff_gap_deg=90.0)


@jax.jit
def quaternion(planes_deg):
    return double_couple_quaternion(*jnp.radians(planes_deg))


@jax.jit
def apart_deg(a, b):
    return jnp.degrees(kagan_angle_of(a, b))


def told(angles) -> dict:
    return {
        "median": round(float(np.median(angles)), 2),
        "90 %": round(float(np.percentile(angles, 90)), 1),
        "largest": round(float(np.max(angles)), 1),
    }


def northridge() -> dict:
    """HASH's five examples: one run; the mean mechanism of ten; angles moved by a standard deviation, which the flat files of two examples lack."""
    out, every = {}, {}
    for number in range(1, 6):
        table, published = read_example(DATA / CONFIG["northridge"], number)
        options = NO_GAPS if number == 3 else EXAMPLE
        theirs = {
            name: quaternion(jnp.asarray([float(row[f"hash_{x}"]) for x in ("strike", "dip", "rake")]))
            for name, row in published.items()
        }
        ways = {
            "one run": runs(table, published, options, 1),
            "mean of ten runs": runs(table, published, options, CONFIG["seeds"]),
        }
        moved = dataclasses.replace(table, takeoff_deg=table.takeoff_deg - table.takeoff_sigma_deg)
        ways["angles moved up by their errors"] = runs(moved, published, NO_GAPS, 1)
        bayes = invert(table, key=jr.key(0))
        rows = bayes.value.mechanisms
        ways["posterior, noise learned"] = {
            str(name): axes_quaternion(jnp.asarray(t))
            for name, t in zip(rows.event_id, rows.tensor, strict=True)
        }
        result = {}
        for way, found in ways.items():
            angles = [float(apart_deg(q, theirs[name])) for name, q in found.items() if name in theirs]
            every.setdefault(way, []).extend(angles)
            result[way] = told(angles)
        out[f"example {number}"] = result
        print(number, json.dumps(result), flush=True)
    out["all examples"] = {way: told(angles) for way, angles in every.items()}
    print(json.dumps(out["all examples"], indent=1))
    return out


def runs(table, published, options, num) -> dict:
    """Preferred mechanisms of HASH's search; of several runs the mean tensor's axes."""
    tensors: dict[str, list] = {}
    for seed in range(num):
        for found in hash_mechanisms(table, list(published), options=options, key=jr.key(seed)):
            if len(found.strike_deg):
                planes = jnp.asarray([found.strike_deg[0], found.dip_deg[0], found.rake_deg[0]])
                tensors.setdefault(found.event_id, []).append(double_couple_of(quaternion(planes)))
    return {name: axes_quaternion(jnp.mean(jnp.stack(each), axis=0)) for name, each in tensors.items()}


def sakhalin() -> dict:
    """By P, SV and SH, for several errors of angles."""
    rays, *_ = read_focmec(DATA / CONFIG["sakhalin"])
    cmt = quaternion(jnp.asarray(CONFIG["sakhalin_cmt"]))
    out = {}
    for sigma in CONFIG["sakhalin_angles"]:
        found = invert(rays, default_takeoff_sigma_deg=sigma, default_azimuth_sigma_deg=sigma, key=jr.key(0))
        row = found.value.mechanisms
        out[f"angles within {sigma:g}"] = {
            "to the CMT": round(float(apart_deg(axes_quaternion(jnp.asarray(row.tensor[0])), cmt)), 2),
            "kagan50": round(float(row.kagan50_deg[0]), 1),
            "kagan90": round(float(row.kagan90_deg[0]), 1),
        }
    print(json.dumps(out, indent=1), flush=True)
    return out


def maacama() -> dict:
    """Composites of thousands of rays, to SKHASH's mechanisms, in HASH's mode and by the posterior; and the memory that both took."""
    rows = read_csv(DATA / CONFIG["maacama"] / "out_polinfo.csv")
    column = lambda name: np.array([float(row[name]) for row in rows])
    table = RadiationTable.of(
        [row["event_id"] for row in rows],
        [f"R{i:04d}" for i in range(len(rows))],
        azimuth_deg=column("azimuth"),
        takeoff_deg=180 - column("takeoff"),
        azimuth_sigma_deg=np.abs(column("azimuth_uncertainty")),
        takeoff_sigma_deg=column("takeoff_uncertainty"),
        polarity=column("p_polarity"),
    )
    theirs = [
        quaternion(jnp.asarray([float(row[x]) for x in ("strike", "dip", "rake")]))
        for row in read_csv(DATA / CONFIG["maacama"] / "out.csv")
    ]
    options = HashOptions(weighted=True, max_probability=0.2)
    hashed = runs(table, ["1", "2"], options, 1)
    posterior = invert(table, key=jr.key(0)).value.mechanisms
    out = {
        "HASH mode": [
            round(float(apart_deg(hashed[name], q)), 2) for name, q in zip("12", theirs, strict=True)
        ],
        "posterior": [
            round(float(apart_deg(axes_quaternion(jnp.asarray(t)), q)), 2)
            for t, q in zip(posterior.tensor, theirs, strict=True)
        ],
        "peak of both MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(out, indent=1), flush=True)
    return out


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


PARTS = {"northridge": northridge, "sakhalin": sakhalin, "maacama": maacama}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for part in parser.parse_args().part:
        results[part] = PARTS[part]()
        results["versions"] = versions()
        path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
