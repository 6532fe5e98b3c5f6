"""How well does a physics-guided network find shear-tensile sources, beside an exhaustive search? See README.md.

OPENBLAS_NUM_THREADS=2 python experiments/015_shear_tensile_sources/run.py
"""

import dataclasses
import json
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

from diffseis.core.radiation_table import MEASUREMENTS
from diffseis.mechanism import GuidedNetwork, by_station, event_data, guided_sources, invert, train_guided
from diffseis.source import kagan_angle, scalar_moment, shear_tensile, tensor_of_six
from diffseis.synthesis import ReadingErrors, synthetic_radiation
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
CONFIG = tomllib.loads((HERE / "config.toml").read_text())


def sources(most_deg: float, rng):
    """Strike, dip, rake and slope in radians, uniform in orientation and slope; and tensors of unit moment."""
    num = CONFIG["num_events"]
    strike, rake = rng.uniform(0, 2 * np.pi, num), rng.uniform(-np.pi, np.pi, num)
    dip, slope = np.arccos(rng.uniform(0, 1, num)), np.radians(rng.uniform(-most_deg, most_deg, num))
    truth = np.stack([strike, dip, rake, slope], axis=1)
    unit = lambda a: (lambda m: m / scalar_moment(m))(shear_tensile(*a, jnp.asarray(CONFIG["kappa"])))
    return truth, np.asarray(jax.jit(jax.vmap(unit))(jnp.asarray(truth)))


def observed(tensors, rng):
    """P amplitudes of all events at all stations, straight rays."""
    num, num_stations, half = len(tensors), CONFIG["num_stations"], CONFIG["half_width_km"]
    stations = rng.uniform(-half, half, (num_stations, 2))
    inner = CONFIG["cluster_half_width_km"]
    event = np.column_stack([rng.uniform(-inner, inner, (num, 2)), rng.uniform(*CONFIG["depth_km"], num)])
    apart = stations[None] - event[:, None, :2]
    azimuth = np.degrees(np.arctan2(apart[..., 1], apart[..., 0])) % 360
    takeoff = 180 - np.degrees(np.arctan2(np.hypot(apart[..., 0], apart[..., 1]), event[:, None, 2]))
    ids = np.repeat([f"e{i}" for i in range(num)], num_stations).astype(object)
    codes = np.tile([f"S{j:02d}" for j in range(num_stations)], num).astype(object)
    errors = ReadingErrors(takeoff_sigma_deg=0.0, azimuth_sigma_deg=0.0, amplitude_sd=CONFIG["noise"])
    truth = {f"e{i}": tensors[i] for i in range(num)}
    table = synthetic_radiation(ids, codes, azimuth.ravel(), takeoff.ravel(), truth, errors, seed=1)
    nothing = np.full(len(table), np.nan)
    return dataclasses.replace(table, **{name: nothing for name in MEASUREMENTS if name != "p_amplitude"})


def told(tensors, slope_rad, truth, true_tensors, seconds, cpu) -> dict:
    angle = jax.jit(jax.vmap(kagan_angle))(jnp.asarray(tensors), jnp.asarray(true_tensors))
    off = np.degrees(np.asarray(angle))
    slope = np.degrees(np.asarray(slope_rad) - truth[:, 3])
    return {
        "slope RMSE deg": round(float(np.sqrt(np.mean(slope**2))), 2),
        "slope median error deg": round(float(np.median(np.abs(slope))), 2),
        "Kagan mean deg": round(float(np.mean(off)), 2),
        "Kagan median deg": round(float(np.median(off)), 2),
        "Kagan 90 % deg": round(float(np.percentile(off, 90)), 1),
        "wall s": round(seconds, 1),
        "CPU s": round(cpu, 1),
    }


def by_network(table, truth, tensors) -> dict:
    num = CONFIG["num_stations"]
    names, stations = [f"e{i}" for i in range(len(tensors))], [f"S{j:02d}" for j in range(num)]
    block = event_data(table, names, stations, dtype=np.float32).blocks[0]
    single = lambda x: x.astype(jnp.float32) if eqx.is_inexact_array(x) else x
    options = CONFIG["network"]
    network = GuidedNetwork(
        num, kappa=CONFIG["kappa"], num_heads=options["num_heads"], width=options["width"], key=jr.key(0)
    )
    wall, cpu = time.perf_counter(), time.process_time()
    found = train_guided(jax.tree.map(single, network), block, num, num_steps=options["num_steps"])
    angles, _ = guided_sources(found.value, jnp.asarray(by_station(block, num)), block)
    jax.block_until_ready(angles)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    made = jax.jit(jax.vmap(lambda a: tensor_of_six(found.value.six(a))))(angles)
    return told(made, angles[:, 3], truth, tensors, wall, cpu)


def by_grid(table, truth, tensors) -> dict:
    wall, cpu = time.perf_counter(), time.process_time()
    found = invert(table, source="shear-tensile", key=jr.key(0))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rows = found.value.mechanisms
    result = told(rows.tensor, np.radians(rows.slope_deg), truth, tensors, wall, cpu)
    return result | {
        "expected within 20": round(float(np.mean(rows.probability_within_20_deg)), 3),
        "amplitude_sd learned": round(found.value.noise["amplitude_sd"], 4),
    }


def main():
    results = {}
    for most in CONFIG["slopes_deg"]:
        rng = np.random.default_rng(CONFIG["seed"])
        truth, tensors = sources(most, rng)
        table = observed(tensors, rng)
        name = f"slopes within {most:g} degrees"
        results[name] = {
            "network": by_network(table, truth, tensors),
            "grid": by_grid(table, truth, tensors),
        }
        print(name, json.dumps(results[name], indent=1), flush=True)
    results["versions"] = versions()
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
