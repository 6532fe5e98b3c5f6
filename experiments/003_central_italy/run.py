"""Central Italy, 14 October 2016: the same picks and model as NonLinLoc. See README.md.

    python experiments/003_central_italy/run.py [--likelihood robust] [--station-terms none|static]

Needs DIFFSEIS_REFERENCE_DATA. Held out: every pick for which sha1("event_id|network|station|phase") is 0 modulo 5.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.frames import geodesic
from diffseis.eikonal import FieldTimes, LayeredTime
from diffseis.io import read_events_csv
from diffseis.location import estimate_station_terms, locate
from diffseis.location.catalogue import seconds_between
from diffseis.velocity import layered_pair
from diffseis.workflows.config import load_config
from diffseis.workflows.inputs import read_inputs
from diffseis.workflows.locating import make_setup
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent


def held_out(picks) -> np.ndarray:
    rows = zip(picks.event_id, picks.network, picks.station, picks.phase, strict=True)
    return np.array(
        [int(hashlib.sha1("|".join(map(str, r)).encode()).hexdigest(), 16) % 5 == 0 for r in rows]
    )


def mad(x) -> float:
    return float(1.4826 * np.median(np.abs(x - np.median(x))))


def edt_rms(catalogue) -> np.ndarray:
    """RMS residual of each event as NonLinLoc states it for EDT_OT_WT: the standard deviation of the picks' origin times.

    Weights are 1 / sigma times the sum over the other picks of the pair's EDT probability (NLLocLib.c, calc_variance_ot).
    """
    arrivals = catalogue.arrivals
    out = np.full(len(catalogue), np.nan)
    for e in range(len(out)):
        rows = np.flatnonzero((arrivals.event_row == e) & (arrivals.status == "used"))
        r, s = arrivals.residual_s[rows], arrivals.sigma_s[rows]
        variance = s[:, None] ** 2 + s[None, :] ** 2
        pair = np.exp(-((r[:, None] - r[None, :]) ** 2) / variance) / np.sqrt(variance)
        np.fill_diagonal(pair, 0)
        weight = pair.sum(axis=1) / s
        mean = np.average(r, weights=weight)
        out[e] = np.sqrt(np.average((r - mean) ** 2, weights=weight))
    return out


def score(catalogue, picks, stations, exact, terms, frame, which) -> dict:
    """Residuals of picks that were not used, predicted by exact first arrivals from the located hypocentres."""
    events = catalogue.events
    row = {str(n): i for i, n in enumerate(events.event_id)}
    e = np.array([row[str(n)] for n in picks.event_id])
    s = np.array([stations.row_of()[n] for n in picks.station_ids])
    phase = (picks.phase == "S").astype(int)
    if which == "mean":
        ned = np.nanmean(catalogue.particles.ned_km, axis=1)
        origin = events.origin_time_s
    else:
        ned = frame.to_ned(events.map_latitude, events.map_longitude, events.map_depth_km)
        origin = events.map_origin_time_s
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    travel = np.asarray(
        eqx.filter_jit(eqx.filter_vmap(exact))(
            jnp.asarray(ned[e]), jnp.asarray(position[s]), jnp.asarray(s), jnp.asarray(phase)
        )
    )
    seconds = seconds_between(picks.time, events.reference_time[e])
    residual = seconds - origin[e] - travel - terms[s, phase]
    out = {}
    for i, name in enumerate("PS"):
        r = residual[phase == i]
        r = r[np.isfinite(r)]
        out[name] = {
            "n": len(r),
            "median_abs_s": round(float(np.median(np.abs(r))), 4),
            "mad_sigma_s": round(mad(r), 4),
            "median_s": round(float(np.median(r)), 4),
        }
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--likelihood", default="robust")
    parser.add_argument("--station-terms", default="both", choices=["none", "static", "both"])
    parser.add_argument("--set", action="append", default=[])
    arguments = parser.parse_args()
    folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "central_italy_20161014"
    extra = {k: float(v) if "." in v else int(v) for k, v in (w.split("=") for w in arguments.set)}
    config = load_config(
        {"picks": folder / "picks.csv", "stations": folder / "stations.csv", "velocity": folder / "velocity.csv",
         "likelihood": arguments.likelihood, **extra}
    )  # fmt: skip
    inputs = read_inputs(config)
    reference = read_events_csv(folder / "reference.csv")
    setup = make_setup(config, inputs.stations, inputs.velocity)
    exact = FieldTimes(*[LayeredTime(m) for m in layered_pair(inputs.velocity)])
    options = {"likelihood": setup.likelihood, "prior": setup.volume, "frame": setup.frame}
    out = held_out(inputs.picks)
    kept, left = inputs.picks.take(~out), inputs.picks.take(out)
    rows = []
    for terms_kind in ["none", "static"] if arguments.station_terms == "both" else [arguments.station_terms]:
        start, cpu = time.perf_counter(), time.process_time()
        results = {}
        for name, picks in {"all": inputs.picks, "kept": kept}.items():
            terms = np.zeros((len(inputs.stations), 2))
            if terms_kind == "static":
                terms, _ = estimate_station_terms(
                    picks, inputs.stations, setup.times, key=jr.key(0), **options
                )
            solution = locate(
                picks,
                inputs.stations,
                setup.times,
                sampler=setup.sampler,
                station_terms_s=terms,
                key=jr.key(0),
                **options,
            )
            results[name] = (solution.value, terms)
        events = results["all"][0].events
        index = {str(n): i for i, n in enumerate(reference.event_id)}
        match = np.array([index[str(n)] for n in events.event_id])
        distance, _, _ = geodesic(
            events.latitude, events.longitude, reference.latitude[match], reference.longitude[match]
        )
        dz = events.depth_km - reference.depth_km[match]
        frame = setup.frame
        here = frame.to_ned(events.latitude, events.longitude)[:, :2]
        there = frame.to_ned(reference.latitude[match], reference.longitude[match])[:, :2]
        relative = here - there - np.median(here - there, axis=0)
        words, counts = np.unique(events.status.astype(str), return_counts=True)
        rows.append(
            {
                "station_terms": terms_kind,
                "likelihood": arguments.likelihood,
                "status": dict(zip(words.tolist(), counts.tolist(), strict=True)),
                "epicentral_km_median": round(float(np.median(distance)), 3),
                "epicentral_km_p90": round(float(np.quantile(distance, 0.9)), 3),
                "depth_difference_km_median": round(float(np.median(dz)), 2),
                "relative_h_km": round(float(np.median(np.hypot(*relative.T))), 3),
                "relative_dz_km": round(float(np.median(np.abs(dz - np.median(dz)))), 3),
                "rms_s_median": round(float(np.median(events.rms_s)), 4),
                "rms_s_median_as_nonlinloc": round(float(np.median(edt_rms(results["all"][0]))), 4),
                "sigma_h_z_km": [
                    round(float(np.median(events.horizontal_error_km)), 3),
                    round(float(np.median(events.vertical_error_km)), 3),
                ],
                "held_out_mean": score(
                    *[results["kept"][0], left, inputs.stations, exact, results["kept"][1], frame], "mean"
                ),
                "held_out_map": score(
                    *[results["kept"][0], left, inputs.stations, exact, results["kept"][1], frame], "map"
                ),
                "wall_s": round(time.perf_counter() - start, 1),
                "cpu_s": round(time.process_time() - cpu, 1),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    record = {
        "config": config.model_dump(mode="json", exclude={"picks", "stations", "velocity", "out"}),
        "load": os.getloadavg(),
        "versions": versions(),
        "rows": rows,
    }
    (HERE / f"results_{arguments.likelihood}.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
