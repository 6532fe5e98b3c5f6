"""What other codes make of the cases of `tests.benchmarks.waves`; run by it, in an environment of their own.

pip install -r tests/benchmarks/wave_peers.txt

Deepwave has the same layers and the same orders; filters of time dispersion are left out on both sides. Devito's layers only damp, and it derives no gradients: it is beside forward runs, and its
answer differs by what the layers send back.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.waves import LAYER, NUM, SPACING_KM, _Peak, inside, problem


def deepwave(case: dict, given: dict):
    """A function of nothing that computes the answer."""
    import torch
    from deepwave import elastic, scalar
    from deepwave.common import vpvsrho_to_lambmubuoyancy

    torch.set_num_threads(1)
    shots = case.get("shots", 1)
    nodes = lambda x: torch.as_tensor(x, dtype=torch.long)
    sources = nodes(given["sources"][:shots])[:, None]
    receivers = nodes(given["receivers"])[None].repeat(shots, 1, 1)
    series = torch.as_tensor(given["series"])[None, None].repeat(shots, 1, 1)
    speed = 1000 * torch.as_tensor(given["speed"])
    common = {"accuracy": case["order"], "pml_width": LAYER, "pml_freq": 15.0, "time_taper": False}
    common["max_vel"] = float(speed.max())

    def compute():
        v = speed.clone().requires_grad_(bool(case.get("gradient")))
        if case["kind"] == "acoustic":
            out = scalar(
                v,
                1000 * SPACING_KM,
                given["step_s"],
                source_amplitudes=series,
                source_locations=sources,
                receiver_locations=receivers,
                **common,
            )[-1]
        else:
            constants = vpvsrho_to_lambmubuoyancy(v, speed / 1.8, 0 * speed + 2200)
            out = elastic(
                *constants,
                1000 * SPACING_KM,
                given["step_s"],
                source_amplitudes_x=series,
                source_locations_x=sources,
                receiver_locations_x=receivers,
                **common,
            )[-1]
        if case.get("gradient"):
            (0.5 * out.pow(2).sum()).backward()
            return v.grad.numpy()
        record = out.detach()[0].numpy()
        return record if case["kind"] == "acoustic" else _half_a_step_later(record)

    return compute


def _half_a_step_later(record: np.ndarray) -> np.ndarray:
    """Deepwave's velocities are those of half a step before the time they are given for (measured: the best shift). Records that were cut off ring at their ends, which are not compared."""
    num = record.shape[-1]
    turn = np.exp(1j * np.pi * np.fft.rfftfreq(4 * num))
    there_and_back = np.concatenate([record, record[..., ::-1]], axis=-1)
    return np.fft.irfft(np.fft.rfft(there_and_back, 4 * num) * turn, 4 * num)[..., :num]


def devito(case: dict, given: dict):
    """Forward runs alone."""
    if case.get("gradient") or case["kind"] != "acoustic":
        return None
    import devito as dv

    dv.configuration["log-level"] = "ERROR"
    num = NUM + 2 * LAYER
    width = 1000 * SPACING_KM * (num - 1)
    grid = dv.Grid(shape=(num, num), extent=(width, width), dtype=np.float32)
    damping = np.zeros((num, num), "float32")
    for axis in (0, 1):
        at = np.arange(num)
        depth = np.maximum(np.maximum(LAYER - at, at - (num - 1 - LAYER)), 0) / LAYER
        along = [1, 1]
        along[axis] = num
        damping = np.maximum(damping, (0.5 * depth**2).reshape(along).astype("float32"))
    speed, damp = dv.Function(name="c", grid=grid), dv.Function(name="damp", grid=grid)
    speed.data[:] = np.pad(1000 * given["speed"], LAYER, mode="edge")
    damp.data[:] = 100 * damping
    u = dv.TimeFunction(name="u", grid=grid, time_order=2, space_order=case["order"])
    num_steps = len(given["series"])
    place = lambda nodes: 1000 * SPACING_KM * (np.atleast_2d(nodes) + LAYER)
    source = dv.SparseTimeFunction(
        name="s", grid=grid, npoint=1, nt=num_steps, coordinates=place(given["sources"][0])
    )
    receivers = dv.SparseTimeFunction(
        name="r",
        grid=grid,
        npoint=len(given["receivers"]),
        nt=num_steps,
        coordinates=place(given["receivers"]),
    )
    source.data[:, 0] = given["series"]
    step = grid.stepping_dim.spacing
    equation = u.dt2 / speed**2 - u.laplace + damp * u.dt / speed**2
    operator = dv.Operator(
        [
            dv.Eq(u.forward, dv.solve(equation, u.forward)),
            source.inject(field=u.forward, expr=source * step**2 * speed**2),
            receivers.interpolate(expr=u),
        ]
    )

    def compute():
        u.data[:] = 0
        operator.apply(time_M=num_steps - 2, dt=given["step_s"])
        return np.asarray(receivers.data).T.copy()

    return compute


def main() -> None:
    code, case, num_steps, repeats, answer = sys.argv[1:]
    case = json.loads(case)
    compute = {"deepwave": deepwave, "devito": devito}[code](case, problem(case["kind"], int(num_steps)))
    if compute is None:
        print(json.dumps({"skipped": True}))
        return
    begin = time.perf_counter()
    compute()
    first = time.perf_counter() - begin
    peak = _Peak()
    found = compute()
    extra = peak.extra_mb()
    spent = []
    for _ in range(int(repeats)):
        wall, cpu = time.perf_counter(), time.process_time()
        found = compute()
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    np.save(answer, inside(case, found))
    cpu, wall = (min(s[k] for s in spent) for k in (0, 1))
    print(
        json.dumps({"code": code, "cpu_s": cpu, "wall_s": wall, "compile_s": first - wall, "extra_mb": extra})
    )


if __name__ == "__main__":
    main()
