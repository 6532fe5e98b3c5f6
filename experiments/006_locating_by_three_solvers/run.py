"""Do exact times, swept times and networks of times put real earthquakes in the same places? See README.md.

    python experiments/006_locating_by_three_solvers/run.py

Central Italy needs DIFFSEIS_REFERENCE_DATA; the demonstration's earthquakes come with the package.
"""

import json
import os
import tempfile
import time
import tomllib
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax
import jax.random as jr
import numpy as np

from diffseis.workflows.config import LocateConfig
from diffseis.workflows.demonstration import demo_config, demo_inputs
from diffseis.workflows.inputs import read_inputs
from diffseis.workflows.locating import make_setup
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
SOLVERS = ("grid", "layered", "neural")
PAIRS = (("neural", "grid"), ("layered", "grid"), ("neural", "layered"))


def cases(out: Path):
    """Name, settings and inputs of each data set."""
    config = demo_config(out)
    inputs, synthetic = demo_inputs(config)
    yield "demonstration (synthetic)" if synthetic else "demonstration", config, inputs
    data = os.environ.get("DIFFSEIS_REFERENCE_DATA")
    if data:
        folder = Path(data) / "central_italy_20161014"
        files = {name: folder / f"{name}.csv" for name in ("picks", "stations", "velocity")}
        config = LocateConfig(**files, out=out)
        yield "central Italy", config, read_inputs(config)


def compare(one, other, sigmas: float) -> dict[str, float]:
    """Differences of posterior medians over standard deviations of the other, event by event and axis by axis."""
    both = (one.events.status == "located") & (other.events.status == "located")
    found: dict[str, float] = {"events": int(both.sum())}
    axes = {
        "north": (one.particles.ned_km[..., 0], other.particles.ned_km[..., 0]),
        "east": (one.particles.ned_km[..., 1], other.particles.ned_km[..., 1]),
        "depth": (one.particles.ned_km[..., 2], other.particles.ned_km[..., 2]),
        "origin time": (one.particles.origin_time_s, other.particles.origin_time_s),
    }
    for name, (a, b) in axes.items():
        a, b = a[both], b[both]
        shift = np.abs(np.median(a, axis=1) - np.median(b, axis=1)) / np.std(b, axis=1)
        found[f"{name}: share within"] = round(float(np.mean(shift < sigmas)), 3)
        found[f"{name}: 95 %"] = round(float(np.quantile(shift, 0.95)), 3)
    return found


def main() -> None:
    settings = tomllib.loads((HERE / "config.toml").read_text())
    results: dict = {"versions": versions(), "settings": settings, "load": os.getloadavg()}
    with tempfile.TemporaryDirectory() as folder:
        for name, config, inputs in cases(Path(folder)):
            catalogues, told = {}, {}
            for solver in SOLVERS:
                start = time.perf_counter()
                chosen = config.model_copy(update={"traveltimes": solver})
                setup = make_setup(chosen, inputs.stations, inputs.velocity)
                jax.block_until_ready(jax.tree.leaves(setup.times))
                told[f"{solver}: seconds for the tables"] = round(time.perf_counter() - start, 1)
                catalogues[solver] = setup.locate(inputs.picks, key=jr.key(settings["seed"])).value
            for one, other in PAIRS:
                told[f"{one} against {other}"] = compare(
                    catalogues[one], catalogues[other], settings["sigmas"]
                )
            results[name] = told
            print(name, json.dumps(told, indent=1), flush=True)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
