"""Travel times on a grid: accuracy, order, cost and derivatives of the sweeping solver, beside other codes on the same case.

python -m tests.benchmarks.eikonal [--peers PYTHON] [--fast] [--all-cores] [--out FILE]

The case: v = 3 + 0.2 z km/s in a box of 20 km, whose times are known in closed form. PYTHON is an interpreter with the packages of
tests/benchmarks/peers.txt; without it only this project's solver runs. Everything runs on one core, as the other codes do: where the
system lets a process choose (Linux).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

if "--all-cores" not in sys.argv and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from diffseis.core.precision import enable_x64

enable_x64()

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import GradientTime, solve_eikonal
from diffseis.velocity import Gradient
from diffseis.workflows.provenance import versions

LENGTH = 20.0
MODEL = Gradient(3.0, 0.2)
OFF_NODES = (7.313, 6.871, 5.137)
ON_NODES = (7.2, 6.8, 5.2)


def box(num_nodes: int, num_dims: int) -> RegularGrid:
    return RegularGrid([0.0] * num_dims, LENGTH / (num_nodes - 1), (num_nodes,) * num_dims)


def source_of(point, num_dims):
    """In two dimensions the last coordinate is depth, too."""
    return jnp.asarray(point[:num_dims])


@jax.jit
def exact(source, nodes):
    to_ned = (lambda x: x) if nodes.shape[-1] == 3 else (lambda x: jnp.stack([x[0], 0 * x[0], x[1]]))
    flat = nodes.reshape(-1, nodes.shape[-1])
    times = jax.vmap(lambda x: GradientTime(MODEL)(to_ned(source), to_ned(x)))(flat)
    return times.reshape(nodes.shape[:-1])


def cost(function, *args, repeats: int = 3):
    """The answer, the smallest CPU and wall seconds of `repeats` calls, and what the first call took."""
    start = time.perf_counter()
    answer = jax.block_until_ready(function(*args))
    first = time.perf_counter() - start
    spent = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = jax.block_until_ready(function(*args))
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    return answer, {
        "cpu_s": min(s[0] for s in spent),
        "wall_s": min(s[1] for s in spent),
        "first_call_s": first,
    }


def accuracy(num_nodes: int, point, num_dims: int) -> dict:
    grid, source = box(num_nodes, num_dims), source_of(point, num_dims)

    @jax.jit
    def solve(source):
        stats = solve_eikonal(MODEL, grid, source_km=source, throw=False).stats
        return stats["tau"], stats["num_rounds"]

    (tau, rounds), spent = cost(solve, source)
    nodes = grid.nodes_km()
    error = tau * jnp.linalg.norm(nodes - source, axis=-1) - exact(source, nodes)
    return {
        "solver": "diffseis, FactoredSweeping",
        "nodes": num_nodes,
        "dims": num_dims,
        "source_km": [float(x) for x in source],
        "relative_rms": float(jnp.linalg.norm(error) / jnp.linalg.norm(exact(source, nodes))),
        "max_error_ms": float(1e3 * jnp.max(jnp.abs(error))),
        "rounds": int(rounds),
        **spent,
    }


def many_sources(num_nodes: int, num: int) -> dict:
    """How much the error depends on where in its cell the source lies."""
    grid = box(num_nodes, 2)
    nodes = grid.nodes_km()

    @jax.jit
    def error(source):
        tau = solve_eikonal(MODEL, grid, source_km=source, throw=False).stats["tau"]
        times = exact(source, nodes)
        return jnp.linalg.norm(tau * jnp.linalg.norm(nodes - source, axis=-1) - times) / jnp.linalg.norm(
            times
        )

    corner = jnp.floor(source_of(OFF_NODES, 2) / grid.spacing_km) * grid.spacing_km
    sources = corner + grid.spacing_km * jr.uniform(jr.key(0), (num, 2))
    errors = np.asarray([error(s) for s in sources])
    return {
        "what": f"{num} sources within a cell, {num_nodes} x {num_nodes}",
        "mean": float(errors.mean()),
        "range_over_mean": float(np.ptp(errors) / errors.mean()),
    }


def derivatives(num_nodes: int, num_dims: int) -> dict:
    """Gradient of the sum of two times with respect to the medium and the source."""
    grid = box(num_nodes, num_dims)
    receivers = [source_of(r, num_dims) for r in ((14.13, 3.37, 12.1), (1.2, 12.3, 2.2))]
    theta = jnp.asarray([3.0, 0.2, *OFF_NODES[:num_dims]])
    to_ned = (lambda x: x) if num_dims == 3 else (lambda x: jnp.stack([x[0], 0 * x[0], x[1]]))

    def swept(theta):
        model = Gradient(theta[0], theta[1])
        value = solve_eikonal(model, grid, source_km=theta[2:], throw=False).value
        return value(receivers[0]) + 2 * value(receivers[1])

    def closed(theta):
        times = GradientTime(Gradient(theta[0], theta[1]))
        return sum(w * times(to_ned(theta[2:]), to_ned(r)) for w, r in zip((1, 2), receivers, strict=True))

    forward = jax.jit(swept)
    _, alone = cost(forward, theta)
    (_, gradient), both = cost(jax.jit(jax.value_and_grad(swept)), theta)
    step = 1e-5
    moved = jnp.eye(theta.size) * step
    difference = np.asarray([(forward(theta + m) - forward(theta - m)) / (2 * step) for m in moved])
    reference = np.asarray(jax.grad(closed)(theta))
    return {
        "what": f"derivatives of two times, {num_nodes} nodes, {num_dims} dimensions",
        "against_differences": float(np.linalg.norm(gradient - difference) / np.linalg.norm(difference)),
        "against_closed_form": float(np.max(np.abs(np.asarray(gradient) - reference) / np.abs(reference))),
        "cpu_of_vjp_over_forward": (both["cpu_s"] - alone["cpu_s"]) / alone["cpu_s"],
        **both,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=None, help="interpreter with the other codes")
    parser.add_argument("--all-cores", action="store_true", help="not one core only")
    parser.add_argument("--fast", action="store_true", help="small grids")
    parser.add_argument("--out", default=None, help="JSON file to write")
    arguments = parser.parse_args()
    flat, cubic = ((51, 101), (31,)) if arguments.fast else ((51, 101, 201, 401), (51, 101))
    rows: list[dict] = [
        {
            "device": str(jax.devices()[0].device_kind),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "versions": versions(),
        }
    ]

    def add(row):
        row["load"] = round(os.getloadavg()[0], 1)
        print(json.dumps(row), flush=True)
        rows.append(row)

    for num_nodes in flat:
        add(accuracy(num_nodes, OFF_NODES, 2))
    for num_nodes in cubic:
        add(accuracy(num_nodes, OFF_NODES, 3))
    cases = [(n, point, d) for n, d in ((flat[-1], 2), (cubic[-1], 3)) for point in (OFF_NODES, ON_NODES)]
    for num_nodes, point, num_dims in cases:
        if point is ON_NODES:
            add(accuracy(num_nodes, point, num_dims))
    if arguments.peers:
        script = Path(__file__).with_name("eikonal_peers.py")
        words = json.dumps([(n, list(p[:d])) for n, p, d in cases])
        output = subprocess.run(
            [arguments.peers, str(script), words], check=True, capture_output=True, text=True
        ).stdout
        for line in output.splitlines():
            if line.startswith("{"):
                add(json.loads(line))
    add(many_sources(51 if arguments.fast else 101, 50 if arguments.fast else 1000))
    add(derivatives(flat[1], 2))
    add(derivatives(cubic[-1], 3))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
