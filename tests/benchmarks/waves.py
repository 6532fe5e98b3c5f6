"""Waves by finite differences: cost, memory and derivatives, beside other codes on the same cases.

python -m tests.benchmarks.waves [--peers PYTHON] [--fast] [--out FILE]

The case of every line: 300 x 300 nodes with absorbing layers of 20, 1,000 steps, 100 receivers, float32, one thread; a gradient is that of half
the sum of squared records by the medium. Each line is a process of its own, so that its memory is its own. PYTHON is an interpreter with the
packages of tests/benchmarks/wave_peers.txt; without it only this project runs. Points per nanosecond are nodes (layers included) times steps over
CPU time, of all threads; over wall time with --all-cores.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CASES: dict[str, dict] = {
    "acoustic, order 8": {"kind": "acoustic", "order": 8},
    "acoustic, order 8, gradient": {"kind": "acoustic", "order": 8, "gradient": "Recursive"},
    "acoustic, order 8, gradient backwards": {
        "kind": "acoustic",
        "order": 8,
        "gradient": "BoundaryReconstruct",
        "rim": 8,
    },
    "elastic, order 4": {"kind": "elastic", "order": 4},
    "elastic, order 8": {"kind": "elastic", "order": 8},
    "elastic, order 4, gradient": {"kind": "elastic", "order": 4, "gradient": "Recursive"},
    "elastic, order 4, gradient backwards": {
        "kind": "elastic",
        "order": 4,
        "gradient": "BoundaryReconstruct",
        "rim": 8,
    },
    "elastic, order 8, gradient, 4 shots": {
        "kind": "elastic",
        "order": 8,
        "gradient": "Recursive",
        "shots": 4,
    },
}
LARGE: dict[str, dict] = {
    f"{kind}, order {order}, {'x'.join(map(str, shape))}{words}": {
        "kind": kind,
        "order": order,
        "shape": shape,
        "num_steps": 200,
    }
    | ({"gradient": "Recursive"} if words else {})
    for kind, order, shape in (
        ("acoustic", 8, (2000, 2000)),
        ("acoustic", 8, (256, 256, 256)),
        ("elastic", 4, (2000, 2000)),
        ("elastic", 4, (192, 192, 192)),
    )
    for words in ("", ", gradient")
}
NUM, SPACING_KM, LAYER = 300, 0.01, 20
RINGING = 40
"""Samples at the end of a record that is shifted by half a step."""
STEP_S = {"acoustic": 0.0015, "elastic": 0.0012}


def problem(kind: str, num_steps: int, shape: tuple[int, ...] = (NUM, NUM)) -> dict:
    """What all codes compute, as NumPy arrays: km, km/s, g/cm3, s. Sources and receivers are given by nodes; forces and velocities point down, and lie
    half a spacing below theirs."""
    north, *_, down = np.meshgrid(*(np.linspace(0, 3, n) for n in shape), indexing="ij")
    rough = (0.5 + 0.5 * np.sin(2 * north + 1) * np.cos(3 * down)).astype("float32")
    times = STEP_S[kind] * np.arange(num_steps)
    place = lambda north: np.stack(
        [north, *[np.full(len(north), shape[1] // 2)] * (len(shape) - 2), np.full(len(north), 2)], 1
    ).astype(int)
    square = (np.pi * 15.0 * (times - 0.1)) ** 2
    return {
        "speed": 2 + 0.5 * rough if kind == "acoustic" else 3 + 0.5 * rough,
        "series": ((1 - 2 * square) * np.exp(-square)).astype("float32"),
        "receivers": place(np.linspace(0, shape[0] - 3, 100)),
        "sources": place(shape[0] * np.asarray([0.5, 0.25, 0.75, 0.14])),
        "step_s": STEP_S[kind],
    }


def run(case: dict, num_steps: int, repeats: int, answer: str) -> dict:
    """One line; in a process of its own."""
    import time

    import jax
    import jax.numpy as jnp

    from diffseis.core.grids import RegularGrid
    from diffseis.wave import (
        Absorbing,
        Acoustic,
        AcousticMedium,
        Boundary,
        BoundaryReconstruct,
        Elastic,
        ElasticMedium,
        ForceSources,
        PressureReceivers,
        PressureSources,
        Recursive,
        TimeAxis,
        VelocityReceivers,
        plan,
        propagate,
        stacked,
        sum_over_shots,
    )

    num_steps = case.get("num_steps", num_steps)
    shape = tuple(case.get("shape", (NUM, NUM)))
    given = problem(case["kind"], num_steps, shape)
    grid = RegularGrid([0.0] * len(shape), SPACING_KM, shape)
    speed = jnp.asarray(given["speed"])
    lower = [*[0] * (len(shape) - 1), 0.5 if case["kind"] == "elastic" else 0]
    at = lambda nodes: jnp.asarray(SPACING_KM * (np.atleast_2d(nodes) + lower), "float32")
    series = jnp.asarray(given["series"])[None]
    if case["kind"] == "acoustic":
        equation, medium = Acoustic(case["order"]), AcousticMedium(grid, speed)
        make, receivers = lambda s: PressureSources(at(s), series), PressureReceivers(at(given["receivers"]))
    else:
        equation, medium = Elastic(case["order"]), ElasticMedium(grid, speed, speed / 1.8, 0 * speed + 2.2)
        down = jnp.eye(len(shape), dtype="float32")[-1:]
        make = lambda s: ForceSources(at(s), down, series)
        receivers = VelocityReceivers(at(given["receivers"]))
    adjoint = {"Recursive": Recursive(), "BoundaryReconstruct": BoundaryReconstruct(), None: Recursive()}[
        case.get("gradient")
    ]
    layer = Absorbing(LAYER)
    # Filters of time dispersion are made of the records alone; other codes are run without.
    options = {"boundary": Boundary(((layer, layer),) * len(shape)), "substeps": 1, "adjoint": adjoint}
    axis = TimeAxis(num_steps, given["step_s"])
    record = lambda m, s: (
        propagate(equation, m, s, receivers, axis, filter_dispersion=False, throw=False, **options).value
    )
    misfit = lambda m, s: 0.5 * jnp.sum(record(m, s) ** 2)
    shots = stacked([make(s) for s in given["sources"][: case.get("shots", 1)]])
    first = make(given["sources"][0])
    if not case.get("gradient"):
        compute = lambda m: record(m, first)
    elif case.get("shots", 1) == 1:
        compute = jax.value_and_grad(lambda m: misfit(m, first), allow_int=True)
    else:
        compute = jax.value_and_grad(lambda m: sum_over_shots(misfit, m, shots), allow_int=True)
    planned = plan(equation, medium, first, receivers, axis, **options)
    begin = time.perf_counter()
    compiled = jax.jit(compute).lower(medium).compile()
    compile_s = time.perf_counter() - begin
    peak = _Peak()
    found = jax.block_until_ready(compiled(medium))
    extra = peak.extra_mb()
    spent = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        found = jax.block_until_ready(compiled(medium))
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    if case.get("gradient"):
        value = found[1].speed_km_s if case["kind"] == "acoustic" else found[1].p_speed_km_s
    else:
        value = found if case["kind"] == "acoustic" else found[:, -1]
    np.save(answer, inside(case, np.asarray(value)))
    return {
        "code": "diffseis",
        "cpu_s": min(s[0] for s in spent),
        "wall_s": min(s[1] for s in spent),
        "compile_s": compile_s,
        "extra_mb": extra,
        "planned_mb": (planned.gradient_bytes if case.get("gradient") else planned.forward_bytes) / 1e6,
        "device": str(jax.devices()[0].device_kind),
    }


def inside(case: dict, value: np.ndarray) -> np.ndarray:
    """The part of an answer that is compared: running backwards gives no derivatives next to layers; shifted records ring where they were cut off."""
    if case["kind"] == "elastic" and not case.get("gradient"):
        return value[..., :-RINGING]
    rim = case.get("rim", 0)
    return value[rim:-rim, rim:-rim] if rim else value


class _Peak:
    """The largest memory of this process from now on, beyond what it has now (where the system tells)."""

    def __init__(self):
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            self.before = _status("VmRSS")
        except OSError:
            self.before = None

    def extra_mb(self) -> float | None:
        return None if self.before is None else (_status("VmHWM") - self.before) * 1024 / 1e6


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def alone(arguments: list[str], *, one_thread: bool) -> dict:
    """A line in a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    if one_thread:
        flags = os.environ.get("XLA_FLAGS", "")
        environment["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false"
        environment["NPROC"] = "1"
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"failed": (done.stderr.strip().splitlines() or ["no output"])[-1][:300]}
    return json.loads(lines[-1])


def difference(one: Path, other: Path) -> float | None:
    """Of two answers, relative and in the least-squares sense, after the best scale: units differ."""
    if not (one.exists() and other.exists()):
        return None
    a, b = (np.load(path).astype(float).ravel() for path in (one, other))
    scale = (a @ b) / (b @ b)
    return float(np.linalg.norm(a - scale * b) / np.linalg.norm(a))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=None, help="interpreter with the other codes")
    parser.add_argument("--fast", action="store_true", help="fewer steps")
    parser.add_argument("--all-cores", action="store_true", help="or an accelerator, as JAX chooses")
    parser.add_argument("--large", action="store_true", help="large grids instead: for accelerators")
    parser.add_argument("--only", default="", help="lines that contain this")
    parser.add_argument("--out", default=None, help="JSON file to write")
    parser.add_argument("--one", nargs=4, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, num_steps, repeats, answer = arguments.one
        print(json.dumps(run((CASES | LARGE)[name], int(num_steps), int(repeats), answer)))
        return
    num_steps, repeats = (100, 1) if arguments.fast else (1000, 3)
    cases = LARGE if arguments.large else CASES
    rows: list[dict] = []
    peers = Path(__file__).with_name("wave_peers.py")
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(name for name in cases if arguments.only in name):
            mine = Path(folder) / f"{number}.npy"
            words = [name, str(num_steps), str(repeats), str(mine)]
            own = [sys.executable, "-m", "tests.benchmarks.waves", "--one", *words]
            found = [(alone(own, one_thread=not arguments.all_cores), mine)]
            for code in ("deepwave", "devito") if arguments.peers else ():
                other = Path(folder) / f"{number}{code}.npy"
                words = [code, json.dumps(cases[name]), str(num_steps), str(repeats), str(other)]
                found.append((alone([arguments.peers, str(peers), *words], one_thread=True), other))
            for row, answer in found:
                if row.get("skipped"):
                    continue
                if "cpu_s" in row:
                    nodes = math.prod(n + 2 * LAYER for n in cases[name].get("shape", (NUM, NUM)))
                    total = nodes * cases[name].get("num_steps", num_steps) * cases[name].get("shots", 1)
                    row["points_per_ns"] = total / row["wall_s" if arguments.all_cores else "cpu_s"] / 1e9
                    row["difference"] = difference(mine, answer)
                row = {"case": name, **row, "load": round(os.getloadavg()[0], 1)}
                print(json.dumps(row), flush=True)
                rows.append(row)
    if arguments.out:
        from diffseis.workflows.provenance import versions

        rows.insert(0, {"cores": os.cpu_count(), "steps": num_steps, "versions": versions()})
        Path(arguments.out).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
