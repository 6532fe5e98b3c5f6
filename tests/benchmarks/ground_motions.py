"""Ground motions of many scenarios by BSSA14: rows per second beside OpenQuake's hazardlib on the same rows in the same run.

python -m tests.benchmarks.ground_motions [--peers PYTHON] [--rows N] [--out FILE]

Five measures, rows of random magnitudes, styles, distances and VS30. PYTHON is an interpreter with the packages of tests/benchmarks/ground_motion_peers.txt; without it only this project runs. Each line is a process of its own, on the cores that the machine gives; `cpu_s` is of all threads, the best of `REPEATS`,
without compilation (`first_s` is with it). The peer's slopes are differences forward, by magnitude, distance and VS30. `largest_percent` is the largest difference between the two codes' medians, of all rows.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MEASURES = ("PGA", "PGV", "SA(0.2)", "SA(1.0)", "SA(3.0)")
BY = ("magnitude", "rjb_km", "vs30_m_s")
REPEATS = 5

PEER = """
import json, sys, time
import numpy as np
from openquake.hazardlib.contexts import simple_cmaker
from openquake.hazardlib.gsim.boore_2014 import BooreEtAl2014
data = np.load(sys.argv[1])
num = len(data["mag"])
maker = simple_cmaker([BooreEtAl2014()], json.loads(sys.argv[3]), truncation_level=3)
context = maker.new_ctx(num)
for name in ("mag", "rake", "rjb", "vs30"):
    context[name] = data[name]
steps = {"mag": 1e-4, "rjb": 1e-3, "vs30": 1e-2}

def motions(ctx):
    # Rows of many magnitudes, so without OpenQuake's splitting by magnitude.
    return maker.get_mean_stds([ctx], split_by_mag=False)

def best(function):
    times = []
    for _ in range(3):
        clock, wall = time.process_time(), time.perf_counter()
        function()
        times.append((time.process_time() - clock, time.perf_counter() - wall))
    return min(times)

def slopes():
    base = motions(context)[0]
    for name, step in steps.items():
        moved = context.copy().view(np.recarray)
        moved[name] = moved[name] + step
        (motions(moved)[0] - base) / step

found = motions(context)
np.save(sys.argv[2], found[:, 0].astype(np.float64))
cpu, wall = best(lambda: motions(context))
slope_cpu, slope_wall = best(slopes)
print(json.dumps({"cpu_s": cpu, "wall_s": wall, "slopes_cpu_s": slope_cpu, "slopes_wall_s": slope_wall}))
"""


def scenarios(num: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "mag": random.uniform(4, 8, num),
        # Half degrees: where styles of faulting meet, single precision may find the other one.
        "rake": random.integers(-180, 180, num) + 0.5,
        "rjb": random.uniform(0, 300, num),
        "vs30": random.uniform(200, 1200, num),
    }


def own(path: Path, answer: Path, double: bool) -> dict:
    """A line of this project; in a process of its own."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", double)
    from diffseis import groundmotion as gm

    data = {name: jnp.asarray(x, float) for name, x in np.load(path).items()}
    model = gm.BSSA14(MEASURES, basin="none")
    rupture = gm.Rupture(magnitude=data["mag"], rake_rad=jnp.radians(data["rake"]))
    site = gm.Site(rjb_km=data["rjb"], vs30_m_s=data["vs30"])
    mean = eqx.filter_jit(lambda m, r, s: gm.ground_motions(m, r, s).mean_ln)
    line = {}
    for name, function in (
        ("", lambda: gm.ground_motions(model, rupture, site)),
        ("mean_", lambda: mean(model, rupture, site)),
        ("slopes_", lambda: gm.means_and_slopes(model, rupture, site, BY)),
    ):
        wall = time.perf_counter()
        found = jax.block_until_ready(function())
        line[f"{name}first_s"] = time.perf_counter() - wall
        if not name:
            np.save(
                answer,
                np.stack([np.asarray(x, float) for x in (found.mean_ln, found.sigma, found.tau, found.phi)]),
            )
        times = []
        for _ in range(REPEATS):
            clock, wall = time.process_time(), time.perf_counter()
            jax.block_until_ready(function())
            times.append((time.process_time() - clock, time.perf_counter() - wall))
        line[f"{name}cpu_s"], line[f"{name}wall_s"] = min(times)
    return line | {"device": jax.devices()[0].device_kind}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=None, help="interpreter with OpenQuake")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", default=None, help="JSON file to write")
    parser.add_argument("--one", nargs=3, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        path, answer, precision = arguments.one
        print(json.dumps(own(Path(path), Path(answer), precision == "64")))
        return
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, **scenarios(arguments.rows))
        answers = {}
        for code in ("64", "32", "peer"):
            answers[code] = Path(folder) / f"{code}.npy"
            if code == "peer" and not arguments.peers:
                continue
            own_words = [
                sys.executable,
                "-m",
                "tests.benchmarks.ground_motions",
                "--one",
                str(path),
                str(answers[code]),
                code,
            ]
            peer_words = [
                str(arguments.peers),
                "-W",
                "ignore",
                "-c",
                PEER,
                str(path),
                str(answers[code]),
                json.dumps(MEASURES),
            ]
            done = subprocess.run(
                peer_words if code == "peer" else own_words, capture_output=True, text=True, check=False
            )
            told = [text for text in done.stdout.splitlines() if text.startswith("{")]
            line = json.loads(told[-1]) if told else {"failed": done.stderr.strip().splitlines()[-1:]}
            name = "OpenQuake" if code == "peer" else f"diffseis, float{code}"
            line = {"code": name, "rows": arguments.rows, "load": round(os.getloadavg()[0], 1)} | line
            if "cpu_s" in line:
                line["rows_per_cpu_s"] = round(arguments.rows / line["cpu_s"])
            lines.append(line)
            print(json.dumps(line), flush=True)
        if answers["peer"].exists():
            theirs = np.load(answers["peer"])
            print(json.dumps(compared(lines, theirs, {c: np.load(answers[c]) for c in ("64", "32")})))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(lines, indent=1) + "\n")


def compared(lines: list[dict], theirs: np.ndarray, ours: dict[str, np.ndarray]) -> dict:
    """Ratios of CPU time, and how far the answers are apart."""
    double, single, peer = lines
    medians = {
        f"largest_percent_{c}": float(100 * np.abs(np.expm1(x[0] - theirs[0])).max()) for c, x in ours.items()
    }
    deviations = {
        f"deviations_percent_{c}": float(100 * np.abs(x[1:] / theirs[1:] - 1).max()) for c, x in ours.items()
    }
    return {
        "times_as_fast": peer["cpu_s"] / double["cpu_s"],
        "times_as_fast_float32": peer["cpu_s"] / single["cpu_s"],
        "slopes_times_as_fast": peer["slopes_cpu_s"] / double["slopes_cpu_s"],
        "slopes_over_mean": double["slopes_cpu_s"] / double["mean_cpu_s"],
        "times_as_fast_by_the_clock": peer["wall_s"] / double["wall_s"],
        **medians,
        **deviations,
    }  # fmt: skip


if __name__ == "__main__":
    main()
