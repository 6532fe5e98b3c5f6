"""Which trainer is most exact after how long? All pairs of the box with v = 4 + 0.06 z. See README.md.

python experiments/007_networks_of_times/trainers.py [--cpu-s 40] [--only NAME ...] [--out trainers.json]
"""

import argparse
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

from diffseis.eikonal import GradientTime, train_travel_times
from diffseis.inference import SelfScaledBroyden, Spring, adam, soap
from diffseis.velocity import Gradient

HERE = Path(__file__).resolve().parent
CONFIG = tomllib.loads((HERE / "trainers.toml").read_text())
BOX_KM = jnp.asarray([100.0, 100.0, 40.0])
MODEL = Gradient(4.0, 0.06)
NUM_PAIRS = 40_000
MAKE = {
    "adam": adam,
    "soap": soap,
    "ssbroyden": lambda num_steps: SelfScaledBroyden(),
    "spring": lambda num_steps: Spring(),
}


def train(kind: str, num_steps: int, **settings):
    """The training, and seconds of all cores together that a step took; compilation is not counted."""
    clock = []
    solution = train_travel_times(
        MODEL,
        jnp.zeros(3),
        BOX_KM,
        form="space",
        trainer=MAKE[kind](num_steps),
        num_steps=num_steps,
        progress=lambda done, loss: clock.append(time.process_time()),
        key=jr.key(CONFIG["seed"]),
        **settings,
    )
    return solution, (clock[-1] - clock[0]) / (len(clock) - 1)


def case(name: str, cpu_s: float) -> dict:
    """As many steps as there is CPU time for: the machine may be shared, and rates fall over a number of steps that must be known."""
    settings = dict(CONFIG[name])
    kind, trial = settings.pop("trainer"), settings.pop("trial_steps")
    _, per_step = train(kind, trial, **settings)
    solution, per_step = train(kind, max(3, int(cpu_s / per_step)), **settings)
    a, b = (jr.uniform(k, (NUM_PAIRS, 3)) * BOX_KM[None] for k in jr.split(jr.key(1)))
    found, exact = (
        np.asarray(eqx.filter_jit(eqx.filter_vmap(f))(a, b)) for f in (solution.value, GradientTime(MODEL))
    )
    steps = len(solution.stats["loss"])
    return {
        "relative RMS": float(np.linalg.norm(found - exact) / np.linalg.norm(exact)),
        "largest ms": float(1e3 * np.max(np.abs(found - exact))),
        "weights": int(solution.value.network.num_weights),
        "steps": steps,
        "training, CPU s": round(steps * per_step, 1),
        "training s": round(float(solution.stats["seconds"]), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [name for name, value in CONFIG.items() if isinstance(value, dict)]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--cpu-s", type=float, default=40.0)
    parser.add_argument("--out", type=Path, default=HERE / "trainers.json")
    arguments = parser.parse_args()
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    device = jax.devices()[0]
    where = device.device_kind if device.platform != "cpu" else f"CPU, {len(os.sched_getaffinity(0))} cores"
    for name in arguments.only:
        found = {"load": round(os.getloadavg()[0], 1), **case(name, arguments.cpu_s)}
        print(name, json.dumps(found), flush=True)
        results.setdefault(f"{where}, {arguments.cpu_s:g} CPU s", {})[name] = found
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
