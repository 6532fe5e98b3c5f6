"""Do whole waveforms give back sources, with errors as large as stated? See README.md.

python experiments/012_sources_from_waveforms/run.py [--fast] [--out FOLDER]
"""

import argparse
import json
import time
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from figures import draw_all

from diffseis.core.grids import RegularGrid
from diffseis.inference import SVGD
from diffseis.mechanism import WaveformProblem, invert_waveforms
from diffseis.source import Gaussian
from diffseis.wave import (
    Boundary,
    DisplacementReceivers,
    Elastic,
    ElasticMedium,
    MomentSources,
    TimeAxis,
    greens_store,
    num_substeps,
    over_shots,
    propagate,
    source_lattice,
    stacked,
    tensor_pairs,
    time_series,
)
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
NAMES = ("x", "z", "origin", "mxx", "mxz", "mzz")
LEVELS = (0.5, 0.9)


@dataclass(frozen=True)
class Settings:
    seed: int
    num_events: int
    size_km: list[float]
    spacing_km: float
    tops_km: list[float]
    vp_km_s: list[float]
    vs_km_s: list[float]
    density: list[float]
    stations_km: list[float]
    box_low_km: list[float]
    box_high_km: list[float]
    origin_s: list[float]
    lattice_every: int
    pass_hz: float
    sigma_s: float
    dt_s: float
    num_samples: int
    moment_sd: float
    noise_km: list[float]
    num_particles: int
    num_centres: int
    num_rounds: int
    num_candidates: int
    num_starts: int


class Section:
    """The medium and what stands on it."""

    def __init__(self, settings: Settings):
        spacing = settings.spacing_km
        shape = tuple(round(x / spacing) + 1 for x in settings.size_km)
        self.grid = RegularGrid([0.0, 0.0], spacing, shape)
        depth = np.asarray(self.grid.axis_km(1))
        row = np.searchsorted(settings.tops_km, depth + 1e-9, side="right") - 1
        of_depth = lambda values: jnp.asarray(np.broadcast_to(np.asarray(values)[row], shape), jnp.float32)
        self.medium = ElasticMedium(
            self.grid, *(of_depth(v) for v in (settings.vp_km_s, settings.vs_km_s, settings.density))
        )
        self.stations = jnp.asarray([[x, 0.0] for x in settings.stations_km])
        self.axis = TimeAxis(settings.num_samples, settings.dt_s)
        self.boundary = Boundary.absorbing(2, free_surface=True)
        self.substeps = num_substeps(Elastic(), self.medium, self.axis)

    def store(self, settings: Settings):
        """Green's functions of all stations: runs with forces at them."""
        lattice = source_lattice(self.grid, settings.box_low_km, settings.box_high_km, settings.lattice_every)
        make = eqx.filter_jit(
            lambda medium: greens_store(
                Elastic(), medium, self.stations, lattice, self.axis, settings.pass_hz,
                boundary=self.boundary, substeps=self.substeps,
            )
        )  # fmt: skip
        return jax.block_until_ready(make(self.medium))

    def direct(self, places, moments, time_function):
        """Displacements by one run for each event, without the store."""
        series = time_series(time_function, self.axis, places[:, 2]).astype(jnp.float32)
        moments = moments.astype(jnp.float32)
        shots = stacked(
            [
                MomentSources(x[None, :2], m[None], row[None])
                for x, m, row in zip(places, moments, series, strict=True)
            ]
        )
        receivers = DisplacementReceivers(self.stations)

        def one(shot):
            return propagate(
                Elastic(),
                self.medium,
                shot,
                receivers,
                self.axis,
                boundary=self.boundary,
                substeps=self.substeps,
            ).value

        return np.asarray(jax.jit(lambda s: over_shots(one, s))(shots))


def tensors(components):
    """Symmetric tensors of rows of components."""
    full = np.zeros((len(components), 2, 2))
    for column, (i, j) in enumerate(tensor_pairs(2)):
        full[:, i, j] = full[:, j, i] = components[:, column]
    return full


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fast", action="store_true", help="few events, few particles: whether all runs")
    parser.add_argument("--out", type=Path, default=Path("out/012_sources_from_waveforms"))
    chosen = parser.parse_args()
    # Unknown keys are refused: by the constructor.
    settings = Settings(**tomllib.loads((HERE / "config.toml").read_text()))
    if chosen.fast:
        settings = replace(
            settings, num_events=3, num_particles=64, num_centres=64, num_rounds=2, spacing_km=0.4
        )
    start_cpu, start = time.process_time(), time.perf_counter()
    section = Section(settings)
    store = section.store(settings)
    store_s = time.process_time() - start_cpu
    print(f"store: {store_s:.0f} s of CPU, {store.coefficients.nbytes / 1e6:.0f} MB", flush=True)

    rng = np.random.default_rng(settings.seed)
    low = np.array([*settings.box_low_km, settings.origin_s[0]])
    high = np.array([*settings.box_high_km, settings.origin_s[1]])
    num = settings.num_events
    places = low + (high - low) * rng.uniform(size=(num, 3))
    components = settings.moment_sd * rng.normal(size=(num, 3))
    noise = np.exp(rng.uniform(*np.log(settings.noise_km), size=num))
    time_function = Gaussian(settings.sigma_s)
    clean = section.direct(jnp.asarray(places), jnp.asarray(tensors(components)), time_function)
    observed = clean + noise[:, None, None, None] * rng.normal(size=clean.shape)
    direct_s = time.process_time() - start_cpu - store_s
    print(f"{num} direct runs: {direct_s:.0f} s of CPU", flush=True)

    sampler = SVGD(
        settings.num_particles, num_centres=settings.num_centres, num_rounds=settings.num_rounds
    )  # fmt: skip
    predict = eqx.filter_jit(
        lambda problem, place, moment: (
            jnp.tensordot(moment, problem.greens(place), 1) * problem.noise_km[..., None]
        )
    )
    told, kept = [], []
    for number in range(num):
        problem = WaveformProblem(
            store,
            time_function,
            jnp.asarray(observed[number]),
            jnp.full(clean.shape[1:3], noise[number]),
            jnp.asarray(low),
            jnp.asarray(high),
            jnp.asarray(settings.moment_sd),
        )
        begin = time.process_time()
        solution = invert_waveforms(
            problem,
            sampler,
            num_candidates=settings.num_candidates,
            num_starts=settings.num_starts,
            key=jr.fold_in(jr.key(settings.seed), number),
        )
        found = solution.value
        jax.block_until_ready(found.moment)
        seconds = time.process_time() - begin
        truth = np.concatenate([places[number], components[number]])
        particles = np.concatenate([found.place_km_s, found.moment], axis=1)
        best = np.concatenate([found.best, found.best_moment])
        by_store = np.asarray(predict(problem, jnp.asarray(places[number]), jnp.asarray(components[number])))
        fit = np.asarray(predict(problem, found.best, found.best_moment))
        told.append(
            {
                "noise_km": float(noise[number]),
                "signal_to_noise": float(np.max(np.abs(clean[number])) / noise[number]),
                "rank": [float(r) for r in np.mean(particles < truth, axis=0)],
                "error": [float(e) for e in best - truth],
                "sd": [float(s) for s in np.std(particles, axis=0)],
                "distance2": float(squared_distance(particles, truth)),
                "store_error_over_noise": float(
                    np.sqrt(np.mean((by_store - clean[number]) ** 2)) / noise[number]
                ),
                "store_error": float(
                    np.linalg.norm(by_store - clean[number]) / np.linalg.norm(clean[number])
                ),
                "chi2": float(np.mean(((fit - observed[number]) / noise[number]) ** 2)),
                "converged": bool(found.converged),
                "effective_fraction": float(solution.stats["effective_fraction"]),
                "cpu_s": seconds,
            }
        )
        kept.append(
            {"truth": truth, "particles": particles, "best": best, "observed": observed[number], "fit": fit}
        )
        print(number, json.dumps({k: told[-1][k] for k in ("signal_to_noise", "error", "sd", "converged", "cpu_s")}), flush=True)  # fmt: skip
    results = {
        "versions": versions(),
        "fast": chosen.fast,
        "store_cpu_s": store_s,
        "direct_cpu_s": direct_s,
        "summary": summary(told),
        "events": told,
        "cpu_s": time.process_time() - start_cpu,
        "wall_s": time.perf_counter() - start,
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    np.savez_compressed(
        chosen.out / "events.npz", **{key: np.stack([k[key] for k in kept]) for key in kept[0]}
    )
    print(json.dumps(results["summary"], indent=1), results["cpu_s"], results["wall_s"])
    draw_all(chosen.out, settings, section, kept, told)


def squared_distance(particles, truth) -> float:
    """Of the truth from the particles' mean, in the metric of their covariance."""
    off = truth - particles.mean(axis=0)
    return float(off @ np.linalg.solve(np.cov(particles.T), off))


def summary(told) -> dict:
    """How often intervals held, and how large errors were."""
    rank = np.array([t["rank"] for t in told])
    error, sd = (np.array([t[k] for t in told]) for k in ("error", "sd"))
    column = lambda key: np.array([t[key] for t in told])
    found: dict = {"converged": float(np.mean(column("converged")))}
    for level in LEVELS:
        inside = np.abs(rank - 0.5) <= level / 2
        found[f"coverage_{round(100 * level)}"] = dict(zip(NAMES, inside.mean(axis=0).tolist(), strict=True))
        found[f"coverage_{round(100 * level)}"]["all"] = float(inside.mean())
    for name, quantile in (("joint_50", 5.348), ("joint_90", 10.645)):
        found[name] = float(np.mean(column("distance2") < quantile))
    found["median_absolute_error"] = dict(zip(NAMES, np.median(np.abs(error), axis=0).tolist(), strict=True))
    found["median_sd"] = dict(zip(NAMES, np.median(sd, axis=0).tolist(), strict=True))
    found["largest_error_over_sd"] = dict(
        zip(NAMES, np.max(np.abs(error / sd), axis=0).tolist(), strict=True)
    )
    for key in (
        "chi2",
        "store_error",
        "store_error_over_noise",
        "signal_to_noise",
        "effective_fraction",
        "cpu_s",
    ):
        found[f"median_{key}"] = float(np.median(column(key)))
    found["largest_store_error_over_noise"] = float(np.max(column("store_error_over_noise")))
    return found


if __name__ == "__main__":
    main()
