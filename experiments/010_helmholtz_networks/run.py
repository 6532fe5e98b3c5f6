"""How exact are networks of waves of one frequency, and what do they cost? See README.md.

    OPENBLAS_NUM_THREADS=2 python experiments/010_helmholtz_networks/run.py [--part truth|layered|training|vti|high|three|figure ...]

Needs DIFFSEIS_REFERENCE_DATA.
"""

import argparse
import json
import os
import time
import tomllib
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np
from scipy.io import loadmat

from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    AcousticMedium,
    Boundary,
    HarmonicSources,
    VTIMedium,
    add_sources,
    judge_helmholtz,
    rescaled,
    scattered_sources,
    solve_helmholtz,
    train_helmholtz,
)
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
CONFIG = tomllib.loads((HERE / "config.toml").read_text())


def relative(found, truth, where=None) -> float:
    """L2 error over the truth's norm."""
    where = np.ones(truth.shape, bool) if where is None else where
    return float(np.linalg.norm((found - truth)[where]) / np.linalg.norm(truth[where]))


class Layered:
    """The layered model of the data, its sources, and fields that others computed by finite differences."""

    def __init__(self):
        data, folder = CONFIG["data"], Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "wave"
        speed = loadmat(folder / data["velocity"])["v"].T / 1000
        fields = loadmat(folder / data["truth"])
        # Rows go by source, horizontal place and depth.
        shape = (-1, *speed.shape)
        read = lambda name: fields[name].reshape(shape)
        self.truth = read("dU_real_star") + 1j * read("dU_imag_star")
        self.grid = RegularGrid([0.0, 0.0], data["spacing_km"], speed.shape)
        self.medium = AcousticMedium(self.grid, speed)
        across = read("sx_star")[:, 0, 0]
        self.sources = self.sources_at(across)
        offset = np.asarray(self.grid.nodes_km())[None] - np.asarray(self.sources.position_km)[:, None, None]
        self.far = np.linalg.norm(offset, axis=-1) > data["near_km"]

    def sources_at(self, across_km) -> HarmonicSources:
        data = CONFIG["data"]
        depth = np.full(len(across_km), data["source_depth_km"])
        return HarmonicSources(np.stack([across_km, depth], axis=1), data["amplitude"])

    def vti(self) -> VTIMedium:
        speed = np.asarray(self.medium.speed_km_s)
        share = (speed - speed.min()) / (speed.max() - speed.min())
        c = CONFIG["vti"]
        return VTIMedium(self.grid, speed, c["epsilon"] * share, c["delta"] * share)

    def finer(self) -> AcousticMedium:
        """The same medium, linear between nodes, with twice as many along each axis."""
        speed = np.asarray(self.medium.speed_km_s)
        for axis in (0, 1):
            speed = np.moveaxis(speed, axis, 0)
            both = np.zeros((2 * len(speed) - 1, speed.shape[1]))
            both[::2], both[1::2] = speed, (speed[:-1] + speed[1:]) / 2
            speed = np.moveaxis(both, 0, axis)
        return AcousticMedium(RegularGrid([0.0, 0.0], self.grid.spacing_km / 2, speed.shape), speed)

    def of(self, network) -> np.ndarray:
        """What a network scatters, at the nodes."""
        return np.asarray(network.on(self.grid.nodes_km().reshape(-1, 2))).reshape(-1, *self.grid.shape)


def direct(medium, sources, hz) -> np.ndarray:
    return np.asarray(solve_helmholtz(medium, scattered_sources(medium, sources, hz), hz).value.values)


def told(trained, report) -> dict:
    numbers = ("residual", "num_features", "seconds", "cpu_seconds")
    found = {n: round(float(trained.stats[n]), 4) for n in numbers}
    return found | {
        "against direct": round(float(report.error), 4),
        "worst source": round(float(jnp.max(report.errors)), 4),
        "direct cpu_seconds": round(float(report.direct_cpu_s), 1),
        "solver equivalents": round(report.solver_equivalents, 1),
    }


def truth(case: Layered) -> dict:
    """How far the direct solver is from the fields of the data, with and without the freedom of their scale."""
    hz, found = CONFIG["layered"]["frequency_hz"], {}
    for order in (2, 4, 8):
        driven = scattered_sources(case.medium, case.sources, hz)
        fields = np.asarray(solve_helmholtz(case.medium, driven, hz, order=order).value.values)
        scale = np.vdot(fields[case.far], case.truth[case.far]) / np.sum(np.abs(fields[case.far]) ** 2)
        found[f"order {order}"] = {
            "error": round(relative(fields, case.truth, case.far), 5),
            "best scale": [round(scale.real, 4), round(scale.imag, 4)],
            "error, scaled": round(relative(scale * fields, case.truth, case.far), 5),
        }
    fine = direct(case.finer(), case.sources, hz)[:, ::2, ::2]
    found["order 8 against a grid twice as fine"] = round(relative(fields, fine), 5)
    return found


def layered(case: Layered) -> dict:
    c, found = CONFIG["layered"], {}
    for num in c["num_features"]:
        trained = train_helmholtz(
            case.medium, case.sources, c["frequency_hz"], num_features=num, key=jr.key(CONFIG["seed"])
        )
        report = judge_helmholtz(trained, case.medium)
        found[str(num)] = told(trained, report) | {
            "against the data": round(relative(case.of(trained.value), case.truth, case.far), 4)
        }
        print(num, found[str(num)], flush=True)
    unseen = case.sources_at(c["unseen_km"])
    start = time.process_time()
    new = add_sources(trained.state, unseen)
    seconds = time.process_time() - start
    found["unseen sources"] = {
        "against direct": round(relative(case.of(new), direct(case.medium, unseen, c["frequency_hz"])), 4),
        "cpu_seconds": round(seconds, 2),
    }
    return found


def training(case: Layered) -> dict:
    """Steps on the features' weights, and features of one frequency for another."""
    c, hz, found = CONFIG["training"], CONFIG["layered"]["frequency_hz"], {}
    trained = train_helmholtz(
        case.medium,
        case.sources,
        hz,
        num_features=c["num_features"],
        num_rounds=c["num_rounds"],
        num_steps=c["num_steps"],
        key=jr.key(CONFIG["seed"]),
    )
    found["steps"] = told(trained, judge_helmholtz(trained, case.medium)) | {
        "residual after each round": np.round(trained.stats["residuals"], 4).tolist()
    }
    up = CONFIG["upscaling"]
    for name, start in (
        ("random", None),
        ("from the lower frequency", rescaled(trained.value.features, up["frequency_hz"] / hz)),
    ):
        higher = train_helmholtz(
            case.medium,
            case.sources,
            up["frequency_hz"],
            num_features=up["num_features"],
            start=start,
            key=jr.key(1),
        )
        found[f"upscaled: {name}"] = told(higher, judge_helmholtz(higher, case.medium))
    return found


def vti(case: Layered) -> dict:
    c, medium, found = CONFIG["vti"], case.vti(), {}
    for hz, num in zip(c["frequency_hz"], c["num_features"], strict=True):
        trained = train_helmholtz(medium, case.sources, hz, num_features=num, key=jr.key(CONFIG["seed"]))
        found[f"{hz} Hz"] = told(trained, judge_helmholtz(trained, medium))
    return found


def high(case: Layered) -> dict:
    c = CONFIG["high"]
    trained = train_helmholtz(
        case.medium,
        case.sources,
        c["frequency_hz"],
        num_features=c["num_features"],
        key=jr.key(CONFIG["seed"]),
    )
    found = told(trained, judge_helmholtz(trained, case.medium))
    fine = direct(case.finer(), case.sources, c["frequency_hz"])[:, ::2, ::2]
    found["against direct, a grid twice as fine"] = round(relative(case.of(trained.value), fine), 4)
    found["direct, against a grid twice as fine"] = round(
        relative(direct(case.medium, case.sources, c["frequency_hz"]), fine), 4
    )
    return found


def three(_: Layered) -> dict:
    c = CONFIG["three"]
    grid = RegularGrid([0.0] * 3, c["spacing_km"], c["shape"])
    below = np.asarray(grid.nodes_km())[..., 2] > float(grid.end_km[2]) / 2
    upper, lower = c["speed_km_s"]
    medium = AcousticMedium(grid, np.where(below, lower, upper))
    boundary = Boundary.absorbing(3, num_nodes=c["num_layer"], reflection=1e-3)
    sources = HarmonicSources([[0.6, 0.9, 0.4], [1.4, 1.0, 0.5]])
    trained = train_helmholtz(
        medium,
        sources,
        c["frequency_hz"],
        boundary=boundary,
        num_features=c["num_features"],
        key=jr.key(CONFIG["seed"]),
    )
    return told(trained, judge_helmholtz(trained, medium, boundary=boundary, order=c["order"]))


def figure(case: Layered) -> dict:
    """Truth, network and ten times their difference, of the middle source."""
    c = CONFIG["layered"]
    trained = train_helmholtz(
        case.medium,
        case.sources,
        c["frequency_hz"],
        num_features=c["num_features"][-1],
        key=jr.key(CONFIG["seed"]),
    )
    number = len(case.truth) // 2
    expected, found = case.truth[number].real, case.of(trained.value)[number].real
    fig, axes = plt.subplots(1, 4, figsize=(13, 3.4), sharey=True, layout="constrained")
    extent = (0, float(case.grid.end_km[0]), float(case.grid.end_km[1]), 0)
    image = axes[0].imshow(np.asarray(case.medium.speed_km_s).T, extent=extent, cmap="viridis")
    fig.colorbar(image, ax=axes[0], label="km/s", shrink=0.7)
    titles = ("fields of the data", "network", "10 x difference")
    for ax, title, values in zip(axes[1:], titles, (expected, found, 10 * (found - expected)), strict=True):
        image = ax.imshow(values.T, extent=extent, cmap="RdBu_r", vmin=-0.5, vmax=0.5)
        ax.set_title(title)
    fig.colorbar(image, ax=axes[3], label="real part of the scattered field", shrink=0.7)
    axes[0].set_title("speed")
    axes[0].set_ylabel("depth (km)")
    for ax in axes:
        ax.set_xlabel("distance (km)")
    fig.savefig(HERE / "layered_4hz.png", dpi=130)
    return {"figure": "layered_4hz.png"}


PARTS = {f.__name__: f for f in (truth, layered, training, vti, high, three, figure)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    case, path = Layered(), HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in parser.parse_args().part:
        start = time.perf_counter()
        results[name] = PARTS[name](case) | {
            "wall seconds of the part": round(time.perf_counter() - start, 1),
            "load": round(os.getloadavg()[0], 1),
        }
        print(name, json.dumps(results[name], indent=1), flush=True)
        results["versions"] = versions()
        path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
