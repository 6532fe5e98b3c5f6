"""Speeds from travel times: a checkerboard, and P and S of central Italy. See README.md.

    python experiments/008_tomography/run.py [--part checkerboard|central_italy|figures]

Central Italy needs DIFFSEIS_REFERENCE_DATA. Held out: every pick for which sha1("event_id|network|station|phase") is 0 modulo 5.
"""

import argparse
import hashlib
import json
import os
import time
import tomllib
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from figures import draw_all
from scipy.optimize import minimize

from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.io import read_events_csv
from diffseis.location import (
    ConjugateGradients,
    EventData,
    GriddedMedium,
    Hypocentres,
    LayeredMedium,
    SpeedPrior,
    StudentResiduals,
    TomographyProblem,
    invert_travel_times,
    tomography_arrays,
)
from diffseis.workflows.config import LocateConfig
from diffseis.workflows.inputs import read_inputs
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent


def rounded(x, digits: int = 4):
    return np.round(np.asarray(x, np.float64), digits).tolist()


def timed(problem, data, **options):
    start = time.perf_counter()
    solution = invert_travel_times(problem, data, throw=False, **options)
    jax.block_until_ready(solution.value.log_speed)
    stats = {k: float(v) for k, v in solution.stats.items()}
    stats["seconds"] = round(time.perf_counter() - start, 1)
    stats["result"] = str(solution.result)
    print(json.dumps(stats), flush=True)
    return solution.value, stats


# Central Italy


def held_out(picks) -> np.ndarray:
    rows = zip(picks.event_id, picks.network, picks.station, picks.phase, strict=True)
    return np.array(
        [int(hashlib.sha1("|".join(map(str, r)).encode()).hexdigest(), 16) % 5 == 0 for r in rows]
    )


def smoothed(table, depth_km: np.ndarray, half_km: float) -> np.ndarray:
    """Speeds of a layered table at nodes, averaged in slowness."""
    z = depth_km[:, None] + np.linspace(-half_km, half_km, 61)[None]
    row = np.clip(np.searchsorted(table.depth_km, z, side="right") - 1, 0, None)
    return np.stack([1 / np.mean(1 / v[row], axis=1) for v in (table.vp_km_s, table.vs_km_s)])


def learnt_extra(residual_s, sigma_s, phase, law, num_unknowns: int) -> list[float]:
    """Scales of Student's t, beyond the picks' own, under which the residuals are most probable; freedom lost is made up for."""
    grown = residual_s * np.sqrt(len(residual_s) / (len(residual_s) - num_unknowns))
    found = []
    for p in (0, 1):
        r, s = grown[phase == p], sigma_s[phase == p]

        def misfit(log_extra, r=r, s=s):
            scale = np.hypot(s, np.exp(log_extra[0]))
            return -float(np.mean(np.asarray(law.log_prob(jnp.asarray(r / scale))) - np.log(scale)))

        found.append(float(np.exp(minimize(misfit, [np.log(0.1)], method="Nelder-Mead").x[0])))
    return found


def spread(residual_s, phase) -> dict:
    """How large residuals are, by phase."""
    told = {}
    for p, name in enumerate("PS"):
        r = residual_s[phase == p]
        told[name] = {
            "picks": len(r),
            "rms_s": round(float(np.sqrt(np.mean(r**2))), 4),
            "rms_within_1s": round(float(np.sqrt(np.mean(r[np.abs(r) < 1] ** 2))), 4),
            "median_abs_s": round(float(np.median(np.abs(r))), 4),
            "mad_s": round(float(1.4826 * np.median(np.abs(r - np.median(r)))), 4),
        }
    return told


def flat(data: EventData, values):
    mask = np.asarray(data.mask)
    return np.asarray(values)[mask], np.asarray(data.phase_idx)[mask]


def central_italy(settings: dict, seed: int) -> dict:
    folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "central_italy_20161014"
    files = {name: folder / f"{name}.csv" for name in ("picks", "stations", "velocity")}
    inputs = read_inputs(LocateConfig(**files, out=HERE / "out"))
    reference = read_events_csv(folder / "reference.csv")
    frame = LocalFrame.centred_on(inputs.stations.latitude, inputs.stations.longitude)
    hidden = held_out(inputs.picks)
    # One padded length for all, so that one program serves all runs.
    arrays = lambda rows: tomography_arrays(
        inputs.picks.take(rows), inputs.stations, reference, frame, size=104
    )
    (everything, start), (kept, start_kept) = arrays(np.ones(len(hidden), bool)), arrays(~hidden)
    left, start_left = arrays(hidden)
    depth = np.array(settings["node_depth_km"])
    speed = smoothed(inputs.velocity, depth, settings["smoothing_km"])

    def problem(begin, extra_s, *, medium=True, terms=True):
        prior = SpeedPrior(
            speed,
            [depth],
            sd=settings["speed_sd"] if medium else 0.0,
            correlation_km=settings["correlation_km"],
            ps_correlation=settings["ps_correlation"],
        )
        return TomographyProblem(
            LayeredMedium(prior, depth),
            begin,
            law=StudentResiduals(dof=settings["dof"], extra_s=extra_s),
            hypocentre_sd_km=settings["hypocentre_sd_km"],
            origin_sd_s=settings["origin_sd_s"],
            term_sd_s=settings["term_sd_s"] if terms else (0.0, 0.0),
            num_stations=len(inputs.stations),
        )

    invert = lambda p, d: timed(p, d, max_steps=settings["max_steps"])
    first, _ = invert(problem(start, settings["first_extra_s"]), everything)
    residual, phase = flat(everything, first.residual_s)
    sigma, _ = flat(everything, everything.sigma_s)
    unknowns = 4 * len(reference) + int(first.spectrum.values.shape[0])
    extra = learnt_extra(residual, sigma, phase, StudentResiduals(dof=settings["dof"]), unknowns)
    print("extra", extra, flush=True)
    final, stats = invert(problem(start, extra), everything)
    told: dict = {
        "extra_s": rounded(extra),
        "run": stats,
        "profile": profile(final, speed, depth, seed),
        "hypocentres": depths(final, reference),
        "terms_sd_over_stations_s": rounded(np.std(final.terms_s, axis=0)),
        "terms_mean_s": rounded(np.mean(final.terms_s, axis=0)),
    }

    # Picks that were not used: hypocentres from the rest, in the starting medium and in the one found from the rest.
    cases = {
        "start": (False, False),
        "start, terms": (False, True),
        "found": (True, False),
        "found, terms": (True, True),
    }
    told["cases"] = {}
    for name, (medium, terms) in cases.items():
        value, stats = invert(problem(start_kept, extra, medium=medium, terms=terms), kept)
        # The same unknowns, seen by the picks left out; their events' reference times differ by whole seconds.
        shift = start_left.origin_time_s - start_kept.origin_time_s
        there = problem(
            Hypocentres(start_kept.ned_km, start_kept.origin_time_s + shift),
            extra,
            medium=medium,
            terms=terms,
        )
        unseen = eqx.filter_jit(lambda p, u: p.residuals(u, left))(there, value.unknowns)
        told["cases"][name] = {
            "result": stats["result"],
            "used": spread(*flat(kept, value.residual_s)),
            "held out": spread(*flat(left, unseen)),
            "depth_km_median": round(float(np.median(value.hypocentres.ned_km[:, 2])), 2),
        }
        print(name, json.dumps(told["cases"][name]), flush=True)

    # Two halves of the stations have no pick in common: what they disagree by is more than noise.
    half = np.random.default_rng(seed).permutation(len(inputs.stations)) % 2
    names = inputs.stations.ids
    pair = []
    for h in (0, 1):
        mine = set(names[half == h])
        rows = np.array([s in mine for s in inputs.picks.station_ids])
        data, begin = arrays(rows)
        pair.append(invert(problem(begin, extra), data)[0])
    apart = (pair[0].log_speed - pair[1].log_speed) / np.hypot(pair[0].log_speed_sd, pair[1].log_speed_sd)
    told["station_halves"] = {
        "difference_in_sds": rounded(apart, 2),
        "speed_km_s": [rounded(p.speed_km_s, 3) for p in pair],
        "relative_sd": [rounded(p.log_speed_sd) for p in pair],
    }
    print(json.dumps(told["station_halves"]), flush=True)
    return told


def profile(value, start, depth, seed: int) -> dict:
    """Speeds and their ratio at the nodes with bands, from draws of the posterior."""
    draws = np.asarray(value.sample(4000, key=jr.key(seed)))
    levels = (0.025, 0.16, 0.5, 0.84, 0.975)
    ratio = np.exp(draws[:, 0] - draws[:, 1])
    return {
        "depth_km": rounded(depth),
        "start_km_s": rounded(start),
        "levels": levels,
        "vp_km_s": rounded(np.quantile(np.exp(draws[:, 0]), levels, axis=0)),
        "vs_km_s": rounded(np.quantile(np.exp(draws[:, 1]), levels, axis=0)),
        "vp_vs": rounded(np.quantile(ratio, levels, axis=0)),
        "relative_sd": rounded(value.log_speed_sd),
        "resolution": rounded(value.resolution()),
        "probability_vs_faster_than_start": rounded(np.mean(np.exp(draws[:, 1]) > start[1], axis=0)),
    }


def depths(value, reference) -> dict:
    ned = np.asarray(value.hypocentres.ned_km)
    sd = np.sqrt(np.einsum("ekk->ek", np.asarray(value.hypocentre_covariance)))
    other = (
        np.array(reference.extra["locflow_depth_km"], float)
        if "locflow_depth_km" in reference.extra
        else None
    )
    return {
        "depth_km": rounded(ned[:, 2], 2),
        "sd_north_east_down_km_s_median": rounded(np.median(sd, axis=0), 3),
        "depth_km_median": round(float(np.median(ned[:, 2])), 2),
        "reference_depth_km_median": round(float(np.median(reference.depth_km)), 2),
        "locflow_depth_km_median": None if other is None else round(float(np.nanmedian(other)), 2),
    }


# Checkerboard


def checkerboard(settings: dict, seed: int) -> dict:
    grid = RegularGrid([-22.5, -1.0], [2.5, 2.0], (19, 9))
    fine = RegularGrid([-23.0, -1.0], [1.0, 1.0], (47, 17))
    north, down = (np.asarray(grid.axis_km(a)) for a in (0, 1))
    background = np.broadcast_to(5.0 + 0.09 * np.clip(down, 0, None), grid.shape)
    wide, high = settings["checker_km"]
    signs = np.sin(np.pi * north[:, None] / wide) * np.sin(np.pi * (down[None, :] - 0.5) / high)
    anomaly = settings["amplitude"] * np.clip(1.4 * signs, -1, 1)
    rng = np.random.default_rng(seed)
    stations = np.zeros((settings["num_stations"], 3))
    stations[:, 0] = np.linspace(-20, 20, settings["num_stations"])
    stations[:, 2] = -0.5
    num = settings["num_events"]
    places = np.column_stack([rng.uniform(-20, 20, num), np.zeros(num), rng.uniform(2, 14, num)])
    prior = SpeedPrior(
        np.stack([background, background / 1.75]),
        [north, down],
        sd=settings["speed_sd"],
        correlation_km=settings["correlation_km"],
        ps_correlation=settings["ps_correlation"],
    )
    medium = GriddedMedium(prior, grid, fine, stations)
    truth = prior.mean + jnp.asarray(np.stack([anomaly, anomaly]))
    data = section_picks(medium, truth, places, settings["sigma_s"], rng)
    noise = np.array([settings["hypocentre_sd_km"], 0, settings["hypocentre_sd_km"]])
    shifted = places + 0.5 * noise * rng.normal(size=places.shape)
    shifted[:, 2] = np.clip(shifted[:, 2], 1.0, 14.5)
    cases = {
        "known": (Hypocentres(places, np.zeros(num)), 0.0, 0.0),
        "joint": (Hypocentres(shifted, np.zeros(num)), noise, settings["origin_sd_s"]),
    }
    told: dict = {
        "north_km": rounded(north),
        "down_km": rounded(down),
        "truth": rounded(anomaly),
        "stations_km": rounded(stations[:, [0, 2]]),
        "events_km": rounded(places[:, [0, 2]]),
    }
    solver = ConjugateGradients(rtol=1e-2, rank=settings["rank"])
    for name, (start, place_sd, origin_sd) in cases.items():
        problem = TomographyProblem(medium, start, hypocentre_sd_km=place_sd, origin_sd_s=origin_sd)
        value, stats = timed(problem, data, solver=solver, max_steps=20, tolerance=0.05)
        told[name] = {"run": stats} | recovered(value, truth, data, settings["resolved"])
        error = np.asarray(value.hypocentres.ned_km) - places
        told[name]["hypocentre_rms_km"] = rounded(np.sqrt(np.mean(error**2, axis=0)), 3)
        told[name]["start_rms_km"] = rounded(
            np.sqrt(np.mean((np.asarray(start.ned_km) - places) ** 2, axis=0)), 3
        )
        print(
            name, json.dumps({k: v for k, v in told[name].items() if k not in ("found", "sd", "resolution")})
        )
    return told


def section_picks(medium, truth, places, sigma_s, rng) -> EventData:
    """P and S of every event at every station, with noise."""
    stations = np.asarray(medium.stations_ned_km)
    num_events, num_stations = len(places), len(stations)
    row = np.tile(np.repeat(np.arange(num_stations, dtype=np.int32), 2), (num_events, 1))
    phase = np.tile(np.array([0, 1], np.int32), (num_events, num_stations))
    sigma = np.where(phase == 0, *sigma_s)
    zeros = np.zeros(row.shape)
    data = EventData(zeros, sigma, stations[row], row, phase, zeros, np.ones(row.shape, bool))
    data = jax.tree.map(jnp.asarray, data)
    still = TomographyProblem(
        medium, Hypocentres(places, np.zeros(num_events)), hypocentre_sd_km=0.0, origin_sd_s=0.0
    )

    @eqx.filter_jit
    def arrivals(problem):
        times = problem.medium.times(truth)
        of_event = jax.vmap(times, in_axes=(None, 0, 0, 0))
        return jax.vmap(of_event)(
            problem.start.ned_km, data.receiver_ned_km, data.station_row, data.phase_idx
        )

    observed = np.asarray(arrivals(still)) + sigma * rng.normal(size=sigma.shape)
    return eqx.tree_at(lambda d: d.time_s, data, jnp.asarray(observed))


def recovered(value, truth, data, least: float) -> dict:
    """How much of the anomaly came back, where the posterior says that it is known."""
    found = np.asarray(value.log_speed - value.prior.mean)
    anomaly = np.asarray(truth - value.prior.mean)
    resolution, sd = np.asarray(value.resolution()), np.asarray(value.log_speed_sd)
    told: dict = {"found": rounded(found), "sd": rounded(sd), "resolution": rounded(resolution, 3)}
    for p, name in enumerate("PS"):
        good = resolution[p] > least
        a, f = anomaly[p][good], found[p][good]
        told[name] = {
            "resolved_share": round(float(np.mean(good)), 3),
            "correlation": round(float(np.corrcoef(a, f)[0, 1]), 3),
            "recovered_amplitude": round(float(a @ f / (a @ a)), 3),
            "correlation_everywhere": round(
                float(np.corrcoef(anomaly[p].ravel(), found[p].ravel())[0, 1]), 3
            ),
            "within_1_sd": round(float(np.mean(np.abs(f - a) < sd[p][good])), 3),
            "within_2_sd": round(float(np.mean(np.abs(f - a) < 2 * sd[p][good])), 3),
        }
    residual, phase = flat(data, value.residual_s)
    told["residual_rms_s"] = rounded([np.sqrt(np.mean(residual[phase == p] ** 2)) for p in (0, 1)])
    return told


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=["checkerboard", "central_italy", "figures"], default=None)
    chosen = parser.parse_args().part
    settings = tomllib.loads((HERE / "config.toml").read_text())
    path = HERE / "results.json"
    for name, part in {"checkerboard": checkerboard, "central_italy": central_italy}.items():
        if chosen in (None, name):
            found = part(settings[name], settings["seed"])
            # Read after the work, so that two parts may run at once.
            results = json.loads(path.read_text()) if path.exists() else {}
            results |= {"versions": versions(), "settings": settings, name: found}
            path.write_text(json.dumps(results) + "\n")
    draw_all(json.loads(path.read_text()), HERE / "figures")


if __name__ == "__main__":
    main()
