"""Speeds from travel times: checkerboards in two and three dimensions, and P and S of central Italy. See README.md.

    python experiments/008_tomography/run.py [--part checkerboard|block|central_italy|depths|figures]

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
    cluster_robust,
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


class Italy:
    """Picks, stations and bulletin of central Italy, and the problems that they pose."""

    def __init__(self, settings: dict):
        folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "central_italy_20161014"
        files = {name: folder / f"{name}.csv" for name in ("picks", "stations", "velocity")}
        self.settings = settings
        self.inputs = read_inputs(LocateConfig(**files, out=HERE / "out"))
        self.reference = read_events_csv(folder / "reference.csv")
        stations = self.inputs.stations
        self.frame = LocalFrame.centred_on(stations.latitude, stations.longitude)
        self.places = np.asarray(self.frame.to_ned(stations.latitude, stations.longitude, stations.depth_km))
        self.depth = np.array(settings["node_depth_km"])
        self.speed = smoothed(self.inputs.velocity, self.depth, settings["smoothing_km"])

    def arrays(self, rows):
        # One padded length for all, so that one program serves all runs.
        picks = self.inputs.picks.take(rows)
        return tomography_arrays(picks, self.inputs.stations, self.reference, self.frame, size=104)

    def invert(self, problem, data):
        settings = self.settings
        return timed(problem, data, max_steps=settings["max_steps"], tolerance=settings["tolerance"])

    def problem(self, begin, extra_s, *, medium=True, terms=True, **other):
        settings = self.settings | other
        prior = SpeedPrior(
            settings.get("speed_km_s", self.speed),
            [self.depth],
            sd=settings["speed_sd"] if medium else 0.0,
            correlation_km=settings["correlation_km"],
            ps_correlation=settings["ps_correlation"],
        )
        # The standard deviation of the nodes above 2.5 km, as a part of that of the others.
        top = jnp.where(jnp.asarray(self.depth) < 2.5, settings.get("top", 1.0), 1.0)
        prior = eqx.tree_at(lambda p: p.factors[1], prior, top[:, None] * prior.factors[1])
        return TomographyProblem(
            LayeredMedium(prior, self.depth),
            begin,
            law=StudentResiduals(dof=settings["dof"], extra_s=extra_s),
            hypocentre_sd_km=settings["hypocentre_sd_km"],
            origin_sd_s=settings["origin_sd_s"],
            term_sd_s=settings["term_sd_s"] if terms else (0.0, 0.0),
            num_stations=len(self.inputs.stations),
        )


def depth_trials(settings: dict, seed: int) -> dict:
    """How deep events come to lie under other assumptions."""
    italy = Italy(settings)
    data, start = italy.arrays(np.ones(len(held_out(italy.inputs.picks)), bool))
    extra = settings["trial_extra_s"]
    far = np.linalg.norm((np.asarray(data.receiver_ned_km) - start.ned_km[:, None])[..., :2], axis=-1)
    near = eqx.tree_at(lambda d: d.mask, data, data.mask & jnp.asarray(far < 15.0))
    wadati = np.stack([italy.speed[0], italy.speed[0] / 1.844])
    shallow = Hypocentres(start.ned_km - jnp.array([0.0, 0.0, 5.0]), start.origin_time_s)
    trials = {
        "as stated": (start, data, {}),
        "starting model, no terms": (start, data, {"medium": False, "terms": False}),
        "starting model, terms": (start, data, {"medium": False}),
        "no terms": (start, data, {"terms": False}),
        "terms of 0.03 and 0.06 s": (start, data, {"term_sd_s": [0.03, 0.06]}),
        "speeds above 2.5 km within 2 %": (start, data, {"top": 0.2}),
        "stations within 15 km": (start, near, {}),
        "stations within 15 km, no terms": (start, near, {"terms": False}),
        "start with Vp/Vs 1.844, tied": (start, data, {"speed_km_s": wadati, "ps_correlation": 0.95}),
        "one degree of freedom": (start, data, {"dof": 1.0}),
        "start 5 km higher": (shallow, data, {}),
    }
    told = {}
    for name, (begin, picks, other) in trials.items():
        value, stats = italy.invert(italy.problem(begin, extra, **other), picks)
        told[name] = {
            "run": stats,
            "depth_km_median": round(float(np.median(value.hypocentres.ned_km[:, 2])), 2),
            "nearest_stations": nearest(value, data, italy.places, italy.reference),
        }
        print(name, json.dumps(told[name]), flush=True)
    return told


def central_italy(settings: dict, seed: int) -> dict:
    italy = Italy(settings)
    inputs, reference, places = italy.inputs, italy.reference, italy.places
    arrays, problem, invert = italy.arrays, italy.problem, italy.invert
    depth, speed = italy.depth, italy.speed
    hidden = held_out(inputs.picks)
    (everything, start), (kept, start_kept) = arrays(np.ones(len(hidden), bool)), arrays(~hidden)
    left, start_left = arrays(hidden)
    robust = lambda p, d, v: cluster_robust(p, d, v, reach_km=settings["reach_km"])
    first, _ = invert(problem(start, settings["first_extra_s"]), everything)
    residual, phase = flat(everything, first.residual_s)
    sigma, _ = flat(everything, everything.sigma_s)
    unknowns = 4 * len(reference) + int(first.spectrum.values.shape[0])
    extra = learnt_extra(residual, sigma, phase, StudentResiduals(dof=settings["dof"]), unknowns)
    print("extra", extra, flush=True)
    asked = problem(start, extra)
    plain, stats = invert(asked, everything)
    final = robust(asked, everything, plain)
    told: dict = {
        "extra_s": rounded(extra),
        "run": stats,
        "profile": profile(final, speed, depth, seed),
        "relative_sd_independent_errors": rounded(plain.log_speed_sd),
        "hypocentres": depths(final, reference),
        "nearest_stations": nearest(final, everything, places, reference),
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
        near = nearest(value, kept, places, reference)
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
            "nearest_s_minus_p_residual_s": near["s_minus_p_residual_s_median"],
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
        value = invert(problem(begin, extra), data)[0]
        pair.append((value, robust(problem(begin, extra), data, value)))
    told["station_halves"] = {
        "speed_km_s": [rounded(p.speed_km_s, 3) for p, _ in pair],
        "depth_km_median": [round(float(np.median(p.hypocentres.ned_km[:, 2])), 2) for p, _ in pair],
    }
    for name, (a, b) in zip(("independent errors", "robust"), zip(*pair, strict=True), strict=True):
        apart = np.asarray((a.log_speed - b.log_speed) / np.hypot(a.log_speed_sd, b.log_speed_sd))
        above = apart[:, depth < 9]
        variance = np.einsum("ekk->ek", np.asarray(a.hypocentre_covariance + b.hypocentre_covariance))
        moved = np.abs(a.hypocentres.ned_km - b.hypocentres.ned_km) / np.sqrt(variance[:, :3])
        told["station_halves"][name] = {
            "difference_in_sds": rounded(apart, 2),
            "rms_above_9_km": rounded(np.sqrt(np.mean(above**2, axis=1)), 2),
            "hypocentres_median_in_sds": rounded(np.median(moved, axis=0) / 0.6745, 2),
            "relative_sd": [rounded(a.log_speed_sd), rounded(b.log_speed_sd)],
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


def nearest(value, data, stations, reference, within_km: float = 5.0) -> dict:
    """What S minus P at the closest station says of depths: ``distance = K (S - P)``, K at most 8 km/s in any crust."""
    ned, residual = np.asarray(value.hypocentres.ned_km), np.asarray(value.residual_s)
    mask, row, phase, time_s = (
        np.asarray(x) for x in (data.mask, data.station_row, data.phase_idx, data.time_s)
    )
    found = []
    for event in range(len(ned)):
        away = np.hypot(*(stations - ned[event])[:, :2].T)
        for station in np.argsort(away):
            picked = [
                np.flatnonzero(mask[event] & (row[event] == station) & (phase[event] == p)) for p in (0, 1)
            ]
            if away[station] > within_km:
                break
            if all(len(x) == 1 for x in picked):
                p, s = (int(x[0]) for x in picked)
                delay, left = time_s[event, s] - time_s[event, p], residual[event, s] - residual[event, p]
                found.append(
                    (event, delay, left, away[station], stations[station, 2], *value.terms_s[station])
                )
                break
    event, delay, left, away, top, term_p, term_s = np.array(found).T
    event = event.astype(int)
    deepest = 8.0 * delay + top
    implied = lambda k: np.sqrt(np.maximum((k * delay) ** 2 - away**2, 0)) + top
    distance = np.hypot(away, ned[event, 2] - top)
    return {
        "events": len(event),
        "s_minus_p_s_median": round(float(np.median(delay)), 3),
        "s_minus_p_residual_s_median": round(float(np.median(left)), 3),
        "term_s_minus_p_s_median": round(float(np.median(term_s - term_p)), 3),
        "depth_km_median": round(float(np.median(ned[event, 2])), 2),
        "reference_depth_km_median": round(float(np.median(reference.depth_km[event])), 2),
        "k_km_s_median": round(float(np.median(distance / delay)), 2),
        "implied_depth_km_median": {
            str(k): round(float(np.median(implied(k))), 2) for k in (5, 5.5, 6, 6.5, 7, 8)
        },
        "reference_below_deepest": round(float(np.mean(reference.depth_km[event] > deepest)), 3),
        "found_below_deepest": round(float(np.mean(ned[event, 2] > deepest)), 3),
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
    data = synthetic_picks(medium, truth, places, settings["sigma_s"], rng)
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


def block(settings: dict, seed: int) -> dict:
    """A checkerboard of three dimensions, jointly with hypocentres."""
    grid = RegularGrid([-16.5, -16.5, -1.0], [3.0, 3.0, 2.0], (12, 12, 8))
    fine = RegularGrid([-18.0, -18.0, -1.0], [2.0, 2.0, 2.0], (19, 19, 9))
    axes = [np.asarray(grid.axis_km(a)) for a in range(3)]
    background = np.broadcast_to(5.0 + 0.09 * np.clip(axes[2], 0, None), grid.shape)
    wide, high = settings["checker_km"]
    along = [np.sin(np.pi * x / wide) for x in axes[:2]] + [np.sin(np.pi * (axes[2] - 0.5) / high)]
    signs = along[0][:, None, None] * along[1][None, :, None] * along[2][None, None, :]
    anomaly = settings["amplitude"] * np.clip(1.8 * signs, -1, 1)
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(settings["num_stations"]))
    corners = np.stack(np.meshgrid(*[np.linspace(-12, 12, side)] * 2), axis=-1).reshape(-1, 2)
    stations = np.column_stack([corners + rng.uniform(-2.5, 2.5, corners.shape), np.full(len(corners), -0.5)])
    num = settings["num_events"]
    places = np.column_stack([rng.uniform(-13, 13, (num, 2)), rng.uniform(2, 12, num)])
    prior = SpeedPrior(
        np.stack([background, background / 1.75]),
        axes,
        sd=settings["speed_sd"],
        correlation_km=settings["correlation_km"],
        ps_correlation=settings["ps_correlation"],
    )
    medium = GriddedMedium(prior, grid, fine, stations)
    truth = prior.mean + jnp.asarray(np.stack([anomaly, anomaly]))
    data = synthetic_picks(medium, truth, places, settings["sigma_s"], rng)
    shifted = places + 0.5 * settings["hypocentre_sd_km"] * rng.normal(size=places.shape)
    shifted = np.clip(shifted, [-16, -16, 0.5], [16, 16, 13.5])
    problem = TomographyProblem(
        medium,
        Hypocentres(shifted, np.zeros(num)),
        hypocentre_sd_km=settings["hypocentre_sd_km"],
        origin_sd_s=settings["origin_sd_s"],
    )
    solver = ConjugateGradients(rtol=0.03, max_steps=40, rank=settings["rank"])
    value, stats = timed(problem, data, solver=solver, max_steps=20, tolerance=0.05)
    error = np.asarray(value.hypocentres.ned_km) - places
    sd = np.sqrt(np.einsum("ekk->ek", np.asarray(value.hypocentre_covariance)))[:, :3]
    told: dict = {
        "axes_km": [rounded(x) for x in axes],
        "truth": rounded(anomaly),
        "stations_km": rounded(stations, 2),
        "events_km": rounded(places, 2),
        "run": stats,
        "hypocentre_rms_km": rounded(np.sqrt(np.mean(error**2, axis=0)), 3),
        "start_rms_km": rounded(np.sqrt(np.mean((shifted - places) ** 2, axis=0)), 3),
        "hypocentres_within_1_and_2_sd": rounded([np.mean(np.abs(error) < k * sd) for k in (1, 2)], 3),
    }
    print(json.dumps({k: v for k, v in told.items() if "km" not in k and k != "truth"}), flush=True)
    told |= recovered(value, truth, data, settings["resolved"])
    print(json.dumps({k: told[k] for k in ("P", "S", "residual_rms_s", "hypocentre_rms_km")}), flush=True)
    return told


def synthetic_picks(medium, truth, places, sigma_s, rng) -> EventData:
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
    parser.add_argument(
        "--part", choices=["checkerboard", "block", "central_italy", "depths", "figures"], default=None
    )
    chosen = parser.parse_args().part
    settings = tomllib.loads((HERE / "config.toml").read_text())
    path = HERE / "results.json"
    parts = {
        "checkerboard": checkerboard,
        "block": block,
        "central_italy": central_italy,
        "depths": depth_trials,
    }
    for name, part in parts.items():
        if chosen in (None, name):
            found = part(settings["central_italy" if name == "depths" else name], settings["seed"])
            # Read after the work, so that two parts may run at once.
            results = json.loads(path.read_text()) if path.exists() else {}
            results |= {"versions": versions(), "settings": settings, name: found}
            path.write_text(json.dumps(results) + "\n")
    draw_all(json.loads(path.read_text()), HERE / "figures")


if __name__ == "__main__":
    main()
