"""Do the stated regions hold the truth as often as they say? See README.md.

python experiments/001_location_calibration/run.py [--network demo|italy|all] [--num-events N]
"""

import argparse
import json
import os
import time
import tomllib
from pathlib import Path

import jax
import jax.random as jr
import numpy as np

from diffseis.core.precision import enable_x64

enable_x64()

from diffseis.core.frames import LocalFrame
from diffseis.core.results import RESULTS
from diffseis.eikonal import build_layered_tables
from diffseis.inference import SVGD
from diffseis.io import read_stations_csv, read_velocity_csv
from diffseis.location import (
    EqualDifferentialTime,
    Gaussian,
    InlierOutlier,
    StudentT,
    TravelTimeError,
    default_volume,
    event_arrays,
    locate,
    prepare_picks,
)
from diffseis.location.likelihood import AbstractLikelihood
from diffseis.location.posterior import Context, Problem, marginal_log_density
from diffseis.synthesis import draw_hypocentres, synthetic_picks
from diffseis.velocity import layered_pair
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
LEVELS = (0.5, 0.9, 0.95)
KEYS = {
    "num_events", "num_particles", "num_steps", "seed", "traveltime_error", "correlation_km", "pick_sigma_s",
    "outlier_fraction", "outlier_s",
}  # fmt: skip


def network(name: str):
    """Stations and velocity model of a network."""
    if name == "demo":
        data = HERE.parents[1] / "diffseis" / "data"
        stations, _ = read_stations_csv(data / "alpine_fault_stations.csv")
        return stations, read_velocity_csv(data / "alpine_fault_velocity.csv", "linear"), (4, 12), 30.0
    folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "central_italy_20161014"
    stations, _ = read_stations_csv(folder / "stations.csv")
    return stations, read_velocity_csv(folder / "velocity.csv", "layers"), (8, 40), 30.0


def levels_of_truth(
    catalogue, codes, likelihood: AbstractLikelihood, volume, times, truth_ned, picks, stations, frame
):
    """For each event the probability of the smallest region that holds the truth, from the joint density of place.

    The density at the truth needs no origin time: with the origin time integrated out where the likelihood does so, and
    from the particles' own conditional otherwise (see README.md).
    """
    problem = Problem(times, likelihood, volume)
    prepared = prepare_picks(picks, stations)
    terms = np.zeros((len(stations), 2))
    events = catalogue.events
    row_of = {str(n): i for i, n in enumerate(prepared.event_id)}

    def place_density(data, x, covariance):
        u = volume.from_ned(x, margin=1e-9)
        _, log_volume = volume.to_ned(u)
        if problem.num_dims == 4:
            return marginal_log_density(problem, u, data) - log_volume
        zero = jax.numpy.zeros(())
        context = Context(covariance, jax.numpy.zeros_like(data.time_s))
        return problem.log_density(u, zero, data, context) - log_volume

    @jax.jit
    def compare(data, particles, truth, centre):
        prepared_covariance = None
        if problem.num_dims == 3:
            prepared_covariance = likelihood.prepare(problem.travel_times(centre, data), data)
        at_particles = jax.lax.map(
            lambda x: place_density(data, x, prepared_covariance), particles, batch_size=64
        )
        at_truth = place_density(data, truth, prepared_covariance)
        return jax.numpy.mean((at_particles > at_truth).astype(float)), at_truth

    out = np.full(len(events), np.nan)
    for e, name in enumerate(events.event_id):
        if codes[e] in (int(RESULTS.no_data._value), int(RESULTS.non_finite._value)):
            continue
        data = event_arrays(
            prepared,
            picks,
            stations,
            frame,
            row_of[str(name)],
            station_terms_s=terms,
            size=128 if len(stations) > 20 else 32,
        )
        ned = catalogue.particles.ned_km[e]
        level, _ = compare(
            jax.tree.map(jax.numpy.asarray, data), ned, truth_ned[int(str(name)[3:])], ned.mean(axis=0)
        )
        out[e] = float(level)
    return out


def run_case(settings: dict, name: str, case: str) -> dict:
    stations, velocity, num_stations, _ = network(name)
    frame = LocalFrame.centred_on(stations.latitude, stations.longitude)
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    volume = default_volume(stations, frame, depth_km=30.0, margin_km=15.0)
    p_model, s_model = layered_pair(velocity)
    times = build_layered_tables(
        p_model,
        s_model,
        position,
        max_distance_km=160.0,
        depth_range_km=(float(volume.lower_km[2]) - 0.5, 31.0),
    )
    error = TravelTimeError(*settings["traveltime_error"], correlation_km=settings["correlation_km"])
    likelihoods: dict[str, AbstractLikelihood] = {
        "gaussian": Gaussian(error),
        "edt": EqualDifferentialTime(error),
        "robust": InlierOutlier(error),
        "robust, none wrong": InlierOutlier(error),
        "robust, 10 % wrong": InlierOutlier(error),
        "student": StudentT(error),
        "student, 10 % wrong": StudentT(error),
    }
    key = jr.fold_in(jr.key(settings["seed"]), sum(map(ord, name + case)))
    truth = draw_hypocentres(volume, settings["num_events"], key=key)
    sigma = dict(zip("PS", settings["pick_sigma_s"], strict=True))
    likelihood = likelihoods[case]
    wrong = {"outlier_fraction": 0.0}
    if "10 % wrong" in case:
        wrong = {"outlier_fraction": settings["outlier_fraction"], "outlier_s": tuple(settings["outlier_s"])}
    elif case == "robust":  # as it states: every twentieth pick is wrong, by a Cauchy error of a second
        wrong = {
            "outlier_fraction": float(likelihood.outlier_fraction),
            "outlier_scale_s": float(likelihood.outlier_scale_s),
        }
    picks, _ = synthetic_picks(
        truth,
        times,
        stations,
        frame,
        error=error,
        sigma_s=sigma,
        num_stations=num_stations,
        correlated=case == "gaussian",
        **wrong,
        key=jr.fold_in(key, 1),
    )
    start, cpu = time.perf_counter(), time.process_time()
    solution = locate(
        picks,
        stations,
        times,
        likelihood=likelihood,
        prior=volume,
        frame=frame,
        sampler=SVGD(settings["num_particles"], settings["num_steps"]),
        key=jr.key(settings["seed"]),
    )
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    level = levels_of_truth(
        solution.value, solution.result, likelihood, volume, times, truth, picks, stations, frame
    )
    used = np.isfinite(level)
    words, counts = np.unique(solution.value.events.status.astype(str), return_counts=True)
    coverage = {f"{100 * q:g}": round(100 * float(np.mean(level[used] <= q)), 1) for q in LEVELS}
    return {
        "network": name,
        "case": case,
        "events": int(used.sum()),
        "coverage_percent": coverage,
        "worst_points": round(max(abs(coverage[f"{100 * q:g}"] - 100 * q) for q in LEVELS), 1),
        "status": dict(zip(words.tolist(), counts.tolist(), strict=True)),
        "median_horizontal_error_km": round(
            float(np.nanmedian(solution.value.events.horizontal_error_km)), 3
        ),
        "wall_s": round(wall, 1),
        "cpu_s": round(cpu, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=["demo", "italy", "all"], default="all")
    parser.add_argument("--case", default=None)
    parser.add_argument("--num-events", type=int, default=None)
    arguments = parser.parse_args()
    settings = tomllib.loads((HERE / "config.toml").read_text())
    if set(settings) != KEYS:
        raise SystemExit(f"config.toml must hold exactly {sorted(KEYS)}")
    if arguments.num_events:
        settings["num_events"] = arguments.num_events
    names = ["demo", "italy"] if arguments.network == "all" else [arguments.network]
    cases = (
        arguments.case.split(";")
        if arguments.case
        else ["gaussian", "robust", "robust, none wrong", "robust, 10 % wrong", "edt"]
    )
    out = HERE / "results.json"
    for name in names:
        for case in cases:
            row = {
                **run_case(settings, name, case),
                "load": round(os.getloadavg()[0], 1),
                "versions": versions(),
            }
            print(json.dumps({k: v for k, v in row.items() if k != "versions"}), flush=True)
            if not arguments.num_events:
                keep(out, settings, row)


def keep(out: Path, settings: dict, row: dict) -> None:
    """Puts one row into the file of results, in place of an older one of the same network and case."""
    record = json.loads(out.read_text()) if out.exists() else {}
    rows = record.get("rows", []) if record.get("settings") == settings else []
    rows = [r for r in rows if (r["network"], r["case"]) != (row["network"], row["case"])]
    out.write_text(json.dumps({"settings": settings, "rows": [*rows, row]}, indent=2) + "\n")


if __name__ == "__main__":
    main()
