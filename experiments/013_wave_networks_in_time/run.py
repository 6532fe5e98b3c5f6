"""How exact are networks of waves in time, and what do they cost? See README.md.

    OPENBLAS_NUM_THREADS=2 python experiments/013_wave_networks_in_time/run.py [--part homogeneous|layered|marmousi|features ...]

Needs DIFFSEIS_REFERENCE_DATA.
"""

import argparse
import json
import os
import tomllib
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from scipy.io import loadmat

from diffseis.core.grids import RegularGrid
from diffseis.plot import figure_png, network_figure
from diffseis.source import Ricker
from diffseis.wave import (
    AcousticMedium,
    Boundary,
    PressureSources,
    TimeAxis,
    judge_waves,
    time_series,
    train_waves,
)
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
CONFIG = tomllib.loads((HERE / "config.toml").read_text())
MODELS = ("homogeneous", "layered", "marmousi")


def medium_of(name: str) -> AcousticMedium:
    shape, settings = tuple(CONFIG["shape"]), CONFIG[name]
    folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "wave"
    if name == "homogeneous":
        speed = np.full(shape, settings["speed_km_s"])
    elif name == "layered":
        speed = loadmat(folder / settings["file"])["v"].T.astype(float) / 1000
    else:
        whole = np.load(folder / settings["file"]).T.astype(float)
        whole = whole / 1000 if whole.max() > 100 else whole
        (i, j), step = settings["first"], settings["every"]
        speed = whole[i : i + step * shape[0] : step, j : j + step * shape[1] : step]
    return AcousticMedium(RegularGrid([0.0, 0.0], CONFIG["spacing_km"], speed.shape), jnp.asarray(speed))


def setting():
    """Sources, twice the window, and thick layers for the truth."""
    axis = TimeAxis(2 * round(CONFIG["window_s"] / CONFIG["sample_s"]) + 1, CONFIG["sample_s"])
    places = jnp.asarray(CONFIG["sources_km"])
    series = time_series(Ricker(CONFIG["peak_hz"]), axis, CONFIG["delay_s"]).reshape(1, -1)
    sources = PressureSources(places, jnp.broadcast_to(series, (len(places), axis.num_samples)))
    return sources, axis, Boundary.absorbing(2, num_nodes=CONFIG["truth_layer"])


def trained_and_judged(medium, num_features=None):
    sources, axis, boundary = setting()
    trained = train_waves(medium, CONFIG["pass_hz"], num_features=num_features, key=jr.key(CONFIG["seed"]))
    return trained, judge_waves(trained, medium, sources, axis, boundary=boundary)


def told(trained, report) -> dict:
    num = (report.error_at.shape[0] + 1) // 2
    found, truth = np.asarray(report.found), np.asarray(report.truth)
    off = lambda part: float(np.linalg.norm((found - truth)[..., part]) / np.linalg.norm(truth[..., part]))
    return {
        "error in the window": round(off(slice(num)), 5),
        "worst source in the window": round(
            max(
                float(np.linalg.norm(f - t) / np.linalg.norm(t))
                for f, t in zip(found[..., :num], truth[..., :num], strict=True)
            ),
            5,
        ),
        "error beyond it": round(off(slice(num, None)), 5),
        "error beyond it, over the largest norm": round(float(np.max(report.error_at[num:])), 5),
        **{k: int(trained.stats[k]) for k in ("num_features", "num_modes", "num_points")},
        "seconds": round(float(trained.stats["seconds"]), 1),
        "training cpu_seconds": round(float(report.training_cpu_s), 1),
        "network cpu_seconds, all sources": round(float(report.query_cpu_s), 1),
        "finite-difference cpu_seconds, all sources": round(float(report.direct_cpu_s), 1),
        "solver equivalents": round(report.solver_equivalents, 1),
    }


def draw(medium, report, name: str) -> None:
    """Snapshots of the first source."""
    shown = [round(at / CONFIG["sample_s"]) for at in CONFIG["shown_s"]]
    truth, found = (np.moveaxis(np.asarray(a[0])[..., shown], -1, 0) for a in (report.truth, report.found))
    figure = network_figure(
        truth,
        found,
        [f"{at - CONFIG['delay_s']:.2f} s" for at in CONFIG["shown_s"]],
        x_km=np.asarray(medium.grid.axis_km(0)),
        depth_km=np.asarray(medium.grid.axis_km(1)),
        source_km=np.asarray(CONFIG["sources_km"][0]),
        speed_km_s=np.asarray(medium.speed_km_s),
    )
    (HERE / f"{name}.png").write_bytes(figure_png(figure, dpi=110))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=[*MODELS, "features"])
    parts = parser.parse_args().part or [*MODELS, "features"]
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for part in parts:
        if part == "features":
            default = results["layered"]["num_features"]
            results[part] = [
                told(*trained_and_judged(medium_of("layered"), round(share * default)))
                for share in CONFIG["features"]["shares"]
            ]
        else:
            medium = medium_of(part)
            trained, report = trained_and_judged(medium)
            print(part, report)
            draw(medium, report, part)
            results[part] = told(trained, report)
        results["versions"] = versions()
        print(part, json.dumps(results[part], indent=2))
        path.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
