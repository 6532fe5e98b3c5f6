"""How exact are networks of travel times, and how long do they learn? See README.md.

    python experiments/007_networks_of_times/run.py [--only NAME ...] [--out results.json]

Cases with published models need DIFFSEIS_REFERENCE_DATA.
"""

import argparse
import json
import os
import time
import tomllib
from functools import partial
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from scipy.ndimage import gaussian_filter

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import GradientTime, LayeredTime, solve_eikonal, train_travel_times
from diffseis.velocity import (
    AbstractVelocityModel,
    Gradient,
    Gridded,
    Layered,
    SpeedRatio,
    TransverselyIsotropic,
)

HERE = Path(__file__).resolve().parent
CONFIG = tomllib.loads((HERE / "config.toml").read_text())
BOX_KM = np.array([100.0, 100.0, 40.0])
NUM_PAIRS = 40_000


class Blobs(AbstractVelocityModel):
    """A gradient with four smooth anomalies of up to 0.6 km/s."""

    centre_km: jax.Array
    strength: jax.Array
    width_km: jax.Array

    def speed(self, x_ned_km):
        square = jnp.sum((x_ned_km[None, :] - self.centre_km) ** 2, axis=1)
        return 4 + 0.06 * x_ned_km[2] + jnp.sum(self.strength * jnp.exp(-square / (2 * self.width_km**2)))


BLOBS = Blobs(
    jnp.array([[30.0, 40.0, 10.0], [70.0, 60.0, 20.0], [50.0, 20.0, 30.0], [20.0, 80.0, 15.0]]),
    jnp.array([0.6, -0.5, 0.5, -0.4]),
    jnp.array([12.0, 14.0, 10.0, 12.0]),
)
LAYERS = Layered([0.0, 1.0, 3.0, 7.0, 31.0], [5.3, 5.0, 5.93, 6.2, 7.5])
LINEAR = Layered([0.0, 2.0, 10.0, 20.0, 35.0], [4.5, 5.5, 6.2, 6.6, 8.0], "linear")


def pairs(seed=1):
    """Sources and receivers anywhere in the box."""
    keys = jr.split(jr.key(seed))
    return tuple(jr.uniform(k, (NUM_PAIRS, 3)) * jnp.asarray(BOX_KM)[None] for k in keys)


def errors(found, exact) -> dict[str, float]:
    found, exact = np.asarray(found), np.asarray(exact)
    some = exact > 1e-6
    return {
        "relative RMS": float(np.linalg.norm(found - exact) / np.linalg.norm(exact)),
        "RMAE %": float(100 * np.mean(np.abs(found - exact)) / np.mean(exact)),
        "largest relative": float(np.max(np.abs(found[some] / exact[some] - 1))),
        "largest ms": float(1e3 * np.max(np.abs(found - exact))),
    }


def trained(name, model, low, high, **more):
    """A network, and what its training took."""
    settings = {k: v for k, v in CONFIG[name].items() if k != "num_sources"}
    began, cpu = time.perf_counter(), time.process_time()
    solution = train_travel_times(
        model,
        jnp.asarray(low, float),
        jnp.asarray(high, float),
        key=jr.key(CONFIG["seed"]),
        **settings,
        **more,
    )
    network = solution.value.network
    return solution.value, {
        "weights": int(network.num_weights),
        "steps": len(solution.stats["loss"]),
        "training s": round(float(solution.stats["seconds"]), 1),
        "with compilation s": round(time.perf_counter() - began, 1),
        "CPU s": round(time.process_time() - cpu, 1),
        "residual": float(solution.stats["residual"]),
    }


def all_pairs(name, model, exact, **more):
    field, cost = trained(name, model, np.zeros(3), BOX_KM, **more)
    a, b = pairs()
    times = eqx.filter_jit(eqx.filter_vmap(field))(a, b)
    return {**errors(times, eqx.filter_jit(eqx.filter_vmap(exact))(a, b)), **cost}


def gradient(name="gradient"):
    model = Gradient(4.0, 0.06)
    return all_pairs(name, model, GradientTime(model), form="space")


def gradient_long():
    return gradient("gradient_long")


def layers():
    exact = LayeredTime(LAYERS)
    return all_pairs("layers", LAYERS, exact, known=exact, equation_weight=0.0)


def linear_layers():
    return all_pairs("linear_layers", LINEAR, LayeredTime(LINEAR))


def heterogeneous():
    """Against the sweeping solver at 1 km, whose own error is told by that at 2 km."""
    field, cost = trained("heterogeneous", BLOBS, np.zeros(3), BOX_KM)
    found, exact, coarse = [], [], []
    for n in range(CONFIG["heterogeneous"]["num_sources"]):
        k_source, k_receiver = jr.split(jr.fold_in(jr.key(7), n))
        source = jr.uniform(k_source, (3,)) * jnp.asarray(BOX_KM)
        receivers = jr.uniform(k_receiver, (2000, 3)) * jnp.asarray(BOX_KM)[None]
        for h_km, times in ((1.0, exact), (2.0, coarse)):
            # Rays between deep points dive below the box: by some 23 km over its diagonal.
            shape = tuple(round(length / h_km) + 1 for length in (112.0, 112.0, 72.0))
            grid = RegularGrid([-6.0, -6.0, -2.0], h_km, shape)
            solution = solve_eikonal(BLOBS, grid, source_km=source)
            times.append(eqx.filter_jit(jax.vmap(solution.value.__call__))(receivers))
        found.append(eqx.filter_jit(eqx.filter_vmap(field, in_axes=(None, 0)))(source, receivers))
    found, exact, coarse = (np.concatenate(x) for x in (found, exact, coarse))
    own = (
        errors(coarse, exact)["relative RMS"] / 3
    )  # second order: the finer grid's error is a third of the difference
    return {**errors(found, exact), "relative RMS of the reference, about": own, **cost}


def depth_gradient_source():
    """PINNeik's first example: v = 2 + 0.5 z, 2 km by 2 km, the source in the middle; one network for one source."""
    model = Gradient(2.0, 0.5)
    source = jnp.asarray([1.0, 0.0, 1.0])
    field, cost = trained(
        "depth_gradient_source", model, [0.0, -1.0, 0.0], [2.0, 1.0, 2.0], form="plane", source_ned_km=source
    )
    nodes = RegularGrid([0.0, 0.0], 0.02, (101, 101)).nodes_km().reshape(-1, 2)
    nodes = jnp.stack([nodes[:, 0], 0 * nodes[:, 0], nodes[:, 1]], axis=-1)
    exact = eqx.filter_jit(jax.vmap(lambda x: GradientTime(model)(source, x)))(nodes)
    result = {**errors(eqx.filter_jit(eqx.filter_vmap(field))(nodes), exact), **cost}
    folder = data()
    if folder is not None:
        theirs = np.load(folder / "pinneik" / "vofz__traveltimes__Tcomp.npy").T.reshape(-1)
        result["their first-order sweeps, relative RMS"] = errors(theirs, exact)["relative RMS"]
    return result


def marmousi(name, sources):
    """NES's section: 281 x 281 nodes 12.5 m apart, smoothed over 3 nodes; against sweeps on half the spacing."""
    folder, h_km = data(), 0.0125
    if folder is None:
        return None
    speed = gaussian_filter(np.load(folder / "nes" / "Marmousi_Pwave_smooth_12_5m.npy")[600:881] / 1000.0, 3)
    model = Gridded(RegularGrid([0.0, 0.0], h_km, speed.shape), jnp.asarray(speed, float))
    fine = RegularGrid([0.0, 0.0], h_km / 2, (561, 561))
    nodes = RegularGrid([0.0, 0.0], h_km, (281, 281)).nodes_km().reshape(-1, 2)
    ned = jnp.stack([nodes[:, 0], 0 * nodes[:, 0], nodes[:, 1]], axis=-1)
    single = (
        {"source_ned_km": jnp.asarray([sources[0] * h_km, 0.0, sources[0] * h_km])}
        if len(sources) == 1
        else {}
    )
    field, cost = trained(name, model, [0.0, 0.0, 0.0], [280 * h_km, 1.0, 280 * h_km], form="plane", **single)
    found, exact = [], []
    for number in sources:
        source = jnp.asarray([number * h_km, number * h_km])
        solution = solve_eikonal(model, fine, source_km=source)
        exact.append(eqx.filter_jit(jax.vmap(solution.value.__call__))(nodes))
        if single:
            found.append(eqx.filter_jit(eqx.filter_vmap(field))(ned))
        else:
            at = jnp.asarray([source[0], 0.0, source[1]])
            found.append(eqx.filter_jit(eqx.filter_vmap(field, in_axes=(None, 0)))(at, ned))
    return {**errors(np.concatenate(found), np.concatenate(exact)), **cost}


def marmousi_source():
    return marmousi("marmousi_source", (140,))


def marmousi_pairs(name="marmousi_pairs"):
    return marmousi(name, (31, 140, 255))


def vti_seam():
    """No network: the grid solver on PINNeik's elliptical section of the SEAM model, against the times that come with it."""
    folder = data()
    if folder is None:
        return None
    read = lambda name: np.load(folder / "pinneik" / f"vtiseam__{name}.npy").T
    grid = RegularGrid([0.0, 0.0], 0.05, (201, 201))
    vertical, horizontal = (Gridded(grid, read(f"model__{name}coarse")) for name in ("vz", "vx"))
    ratio = SpeedRatio(horizontal, vertical)
    medium, source = TransverselyIsotropic(vertical, ratio, ratio), jnp.asarray([5.0, 8.0])
    run = lambda: jax.block_until_ready(solve_eikonal(medium, grid, source_km=source))
    run()
    cpu = time.process_time()
    solution = run()
    cpu = time.process_time() - cpu
    square = solution.value.metric.squared_distance(list(jnp.moveaxis(grid.nodes_km(), -1, 0)), list(source))
    times = np.sqrt(np.asarray(square)) * np.asarray(solution.stats["tau"])
    reference = read("traveltimes__Tref")
    theirs = errors(read("traveltimes__Tcomp"), reference)["relative RMS"]
    return {
        **errors(times, reference),
        "CPU s": round(cpu, 2),
        "their first-order sweeps, relative RMS": theirs,
    }


def data() -> Path | None:
    folder = os.environ.get("DIFFSEIS_REFERENCE_DATA")
    return None if folder is None else Path(folder) / "eikonal"


CASES = {
    case.__name__: case
    for case in (
        gradient,
        gradient_long,
        layers,
        linear_layers,
        heterogeneous,
        depth_gradient_source,
        marmousi_source,
        marmousi_pairs,
        vti_seam,
    )
}
TRIALS = {name: partial(marmousi_pairs, name) for name in CONFIG if name.startswith("marmousi_pairs_")}
"""Only where they are asked for: long."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=[*CASES, *TRIALS], default=[*CASES])
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    arguments = parser.parse_args()
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    device = jax.devices()[0]
    name = (
        f"{device.device_kind}" if device.platform != "cpu" else f"CPU, {len(os.sched_getaffinity(0))} cores"
    )
    for case_name in arguments.only:
        found = (CASES | TRIALS)[case_name]()
        if found is None:
            print(f"{case_name}: skipped, DIFFSEIS_REFERENCE_DATA is not set", flush=True)
            continue
        found = {"device": name, "jax": jax.__version__, "load": round(os.getloadavg()[0], 1), **found}
        print(case_name, json.dumps(found), flush=True)
        results.setdefault(name, {})[case_name] = found
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
