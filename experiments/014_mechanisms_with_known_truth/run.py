"""How near the truth are mechanisms, and do their regions hold it as often as they say? See README.md.

    python experiments/014_mechanisms_with_known_truth/run.py [--part design|calibration ...]

Needs DIFFSEIS_REFERENCE_DATA.
"""

import argparse
import csv
import dataclasses
import itertools
import json
import os
import time
import tomllib
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from scipy.stats import qmc

from diffseis.io import read_skhash
from diffseis.mechanism import (
    DoubleCouples,
    default_noise,
    event_data,
    grid_method,
    invert,
    sixes,
    summaries,
)
from diffseis.source import (
    double_couple_of,
    double_couple_quaternion,
    kagan_angle,
    radiation_rows,
    six_vector,
)
from diffseis.synthesis import ReadingErrors, synthetic_radiation
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
CONFIG = tomllib.loads((HERE / "config.toml").read_text())
FOLDER = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / CONFIG["folder"]
KINDS = ("first motions", "with S/P")
LEVELS = (0.5, 0.68, 0.9, 0.95)
SPACE = DoubleCouples()
LOG_CUBE = float(1.5 * np.log10(3))
MOST_RAYS = 128
angles = jax.jit(jax.vmap(kagan_angle))


def of_kind(table, kind: str):
    """First motions alone, or all."""
    if kind == "with S/P":
        return table
    own = table.take(np.isfinite(table.polarity))
    return dataclasses.replace(own, log10_sp=np.full(len(own), np.nan))


def told(tensor, truth) -> dict:
    off = np.degrees(np.asarray(angles(jnp.asarray(tensor), jnp.asarray(truth))))
    return {
        "median Kagan": round(float(np.median(off)), 2),
        "90 %": round(float(np.percentile(off, 90)), 1),
        "within 20": round(float(np.mean(off <= 20)), 3),
    }


def design() -> dict:
    """The 120 events, with noise that is learned from them."""
    rays, *_ = read_skhash(FOLDER / "pol.csv", amplitudes=FOLDER / "amp.csv")
    with (FOLDER / "truth.csv").open() as stream:
        rows = {
            row["event_id"]: [float(row[n]) for n in ("strike", "dip", "rake")]
            for row in csv.DictReader(stream)
        }
    out = {}
    for kind in KINDS:
        table = of_kind(rays, kind)
        found = invert(table, key=jr.key(CONFIG["seed"]))
        catalogue, noise = found.value, found.stats["noise"].astype(jnp.float32)
        ids = list(catalogue.mechanisms.event_id)
        planes = jnp.radians(jnp.asarray([rows[name] for name in ids]))
        truth = jax.vmap(lambda x: double_couple_of(double_couple_quaternion(*x)))(planes)
        out[kind] = {
            "noise": {name: round(value, 4) for name, value in catalogue.noise.items()},
            "mean tensor of the main mode": told(catalogue.mechanisms.tensor, truth),
            **other_ways(table, ids, noise, truth),
        }
        print(kind, json.dumps(out[kind], indent=1), flush=True)
    return out


def other_ways(table, ids, noise, truth) -> dict:
    """The most probable draw; the draw that is nearest to all others; errors of angles averaged over exactly, ray by ray."""
    data = event_data(table, ids, dtype=np.float32)
    keys = jr.split(jr.key(CONFIG["seed"]), len(ids))
    draws = grid_method("dc", SPACE, num_draws=1024)(SPACE, data, noise, keys)
    best = jnp.take_along_axis(draws.point, jnp.argmax(draws.log_likelihood, axis=1)[:, None, None], axis=1)[
        :, 0
    ]
    central = jax.jit(lambda d: jax.lax.map(lambda e: nearest_to_all(e.point, jnp.exp(e.log_weight)), d))(
        draws
    )
    exact = averaged(table, ids, noise, draws)
    return {
        "most probable draw": told(jax.vmap(double_couple_of)(best), truth),
        "draw nearest to all others": told(jax.vmap(double_couple_of)(central), truth),
        "errors of angles averaged over exactly": told(exact, truth),
    }


def nearest_to_all(point, weight):
    """The draw of the smallest mean rotation to the others."""
    from diffseis.source import kagan_angle_of

    of = lambda p: jnp.sum(weight * jax.vmap(lambda q: kagan_angle_of(p, q))(point))
    return point[jnp.argmin(jax.lax.map(of, point, batch_size=64))]


def averaged(table, ids, noise, draws):
    """Preferred mechanisms of draws whose likelihood is, for each ray, the mean over errors of its angles of the product of what P and S/P say."""
    normal = qmc.MultivariateNormalQMC(np.zeros(2), rng=np.random.default_rng(0)).random(CONFIG["num_angles"])
    shift = jnp.asarray(normal, jnp.float32)
    mispick, sd = (jnp.asarray(x, jnp.float32) for x in (noise.mispick, noise.polarity_sd))
    rows_of = jax.jit(jax.vmap(jax.vmap(lambda a, t: radiation_rows(a, t))))

    @jax.jit
    def log_prob(rows, sign, ratio, six):
        """``rows``: ray by shift by 3 by 6."""

        def ray(total, one):
            rows, sign, ratio = one
            p, sv, sh = jnp.moveaxis(rows @ six.T, 1, 0)
            right = mispick + (1 - 2 * mispick) * jax.scipy.stats.norm.cdf(sign * p / sd)
            right = jnp.where(jnp.isfinite(sign), right, 1)
            model = jnp.log10(jnp.hypot(sv, sh) / jnp.maximum(jnp.abs(p), 1e-4)) + LOG_CUBE
            far = (ratio - model - noise.ratio_bias) / noise.ratio_sd
            likely = (1 + far**2 / 4) ** -2.5
            each = right * jnp.where(jnp.isfinite(ratio), likely, 1)
            return total + jnp.log(jnp.mean(each, axis=0)), None

        return jax.lax.scan(ray, jnp.zeros(six.shape[0], six.dtype), (rows, sign, ratio))[0]

    values = []
    for i, name in enumerate(ids):
        own = table.take(table.event_id == name)
        column = lambda x: jnp.radians(jnp.asarray(x, jnp.float32))[:, None]
        azimuth = column(own.azimuth_deg) + column(own.azimuth_sigma_deg) * shift[None, :, 0]
        takeoff = column(own.takeoff_deg) + column(own.takeoff_sigma_deg) * shift[None, :, 1]
        # One size, one program: rays that are added say nothing.
        rows = rows_of(lengthened(azimuth, 0), lengthened(takeoff, 0))
        read = [lengthened(np.asarray(x, np.float32), np.nan) for x in (own.polarity, own.log10_sp)]
        values.append(log_prob(rows, *read, sixes(SPACE, draws.point[i])))
    value = jnp.stack(values)
    weight = jax.nn.log_softmax(draws.log_weight - draws.log_likelihood + value, axis=1)
    again = dataclasses.replace(draws, log_weight=weight, log_likelihood=value)
    return summaries(SPACE, again, 500, True, keys=jr.split(jr.key(1), len(ids))).tensor


def lengthened(x, fill):
    """To the most rays that an event may have."""
    return jnp.pad(jnp.asarray(x), ((0, MOST_RAYS - len(x)), *((0, 0),) * (x.ndim - 1)), constant_values=fill)


def many(num: int, seed: int, about: str):
    """Random double couples in the same rays, read with the same errors; true angles about the stated ones, as a posterior supposes, or stated angles about the true ones, those of the network."""
    rays, *_ = read_skhash(FOLDER / "pol.csv")
    rows = [np.flatnonzero(rays.event_id == name) for name in dict.fromkeys(rays.event_id)]
    chosen = [rows[i % len(rows)] for i in range(num)]
    event = np.repeat([f"e{i}" for i in range(num)], [len(c) for c in chosen]).astype(object)
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(num, 4))
    truth = np.asarray(jax.vmap(double_couple_of)(jnp.asarray(q / np.linalg.norm(q, axis=1, keepdims=True))))
    tensors = {f"e{i}": truth[i] for i in range(num)}
    # What the likelihood supposes; or what it does not: Laplace's law, and rays that the network has more of than of their neighbours.
    errors = ReadingErrors(ratio_law="laplace" if about == "true" else "student")
    every = np.concatenate(chosen)
    station, azimuth, takeoff = rays.station[every], rays.azimuth_deg[every], rays.takeoff_deg[every]
    if about == "true":
        return synthetic_radiation(event, station, azimuth, takeoff, tensors, errors, seed=seed + 100), truth
    sigma = errors.azimuth_sigma_deg, errors.takeoff_sigma_deg
    moved = takeoff + sigma[1] * rng.normal(size=len(every))
    # Past the vertical a ray goes on on the other side.
    past = (moved < 0) | (moved > 180)
    there = (azimuth + sigma[0] * rng.normal(size=len(every)) + 180 * past) % 360
    down = np.where(moved < 0, -moved, np.where(moved > 180, 360 - moved, moved))
    exact = dataclasses.replace(errors, azimuth_sigma_deg=0.0, takeoff_sigma_deg=0.0)
    made = synthetic_radiation(event, station, there, down, tensors, exact, seed=seed + 100)
    stated = {"azimuth_deg": azimuth, "takeoff_deg": takeoff}
    sigmas = {
        "azimuth_sigma_deg": np.full(len(every), sigma[0]),
        "takeoff_sigma_deg": np.full(len(every), sigma[1]),
    }
    return dataclasses.replace(made, **stated, **sigmas), truth


def calibration() -> dict:
    """Shares of 2,000 events whose truth lies in the regions of highest density, by the ranks of the truth's likelihood."""
    settings = CONFIG["calibration"]
    out = {}
    for about, kind in itertools.product(("stated", "true"), KINDS):
        whole, truth = many(settings["num_events"], settings["seed"], about)
        table = of_kind(whole, kind)
        for start in ("default", "wrong"):
            noise = default_noise(**settings["wrong_start"]) if start == "wrong" else None
            clock = time.process_time()
            found = invert(table, noise=noise, key=jr.key(CONFIG["seed"]))
            clock = time.process_time() - clock
            catalogue, learned = found.value, found.stats["noise"].astype(jnp.float32)
            level = ranks(table, catalogue, truth, learned)
            rows = catalogue.mechanisms
            off = np.degrees(np.asarray(angles(jnp.asarray(rows.tensor), jnp.asarray(truth))))
            name = f"angles about the {about} ones, {kind}, {start} start"
            out[name] = {
                "held by regions": {f"{p:.0%}": round(float(np.mean(level < p)), 3) for p in LEVELS},
                "within kagan50, kagan90": [
                    round(float(np.mean(off <= k)), 3) for k in (rows.kagan50_deg, rows.kagan90_deg)
                ],
                **told(rows.tensor, truth),
                "expected within 20": round(float(np.mean(rows.probability_within_20_deg)), 3),
                "expected median": round(float(np.median(rows.kagan50_deg)), 2),
                "noise": {n: round(v, 4) for n, v in catalogue.noise.items()},
                "status": {s: int(np.sum(rows.status == s)) for s in sorted(set(rows.status))},
                "CPU s, compilation and learning with it": round(clock, 1),
            }
            print(name, json.dumps(out[name], indent=1), flush=True)
    return out


def ranks(table, catalogue, truth, noise):
    """Of each event: the posterior's share of sources more likely than the truth."""
    ids = list(catalogue.mechanisms.event_id)
    true_six = jax.jit(jax.vmap(six_vector))(jnp.asarray(truth)).astype(jnp.float32)

    @jax.jit
    def of(data, six, true):
        one = lambda e: (e[0].log_prob(e[1], noise), e[0].log_prob(e[2][None], noise)[0])
        return jax.lax.map(one, (data, six, true))

    levels = []
    for first in range(0, len(ids), 250):
        part = slice(first, first + 250)
        data = event_data(table, ids[part], dtype=np.float32)
        drawn, true = of(data, jnp.asarray(catalogue.draws[part]), true_six[part])
        levels.append(np.mean(np.asarray(drawn) > np.asarray(true)[:, None], axis=1))
    return np.concatenate(levels)


PARTS = {"design": design, "calibration": calibration}


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
