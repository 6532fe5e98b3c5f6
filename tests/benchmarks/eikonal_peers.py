"""What other solvers make of the cases of `tests.benchmarks.eikonal`; run by it, in an environment of their own.

pip install -r tests/benchmarks/peers.txt
"""

import json
import sys
import time

import numpy as np

V0, SLOPE, LENGTH = 3.0, 0.2, 20.0


def grid(num_nodes: int, num_dims: int):
    axes = [np.linspace(0, LENGTH, num_nodes)] * num_dims
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return nodes, V0 + SLOPE * nodes[..., -1], LENGTH / (num_nodes - 1)


def exact(source, nodes):
    speed = V0 + SLOPE * nodes[..., -1]
    square = np.sum((nodes - source) ** 2, axis=-1)
    return np.arccosh(1 + SLOPE**2 * square / (2 * (V0 + SLOPE * source[-1]) * speed)) / SLOPE


def scikit_fmm(num_nodes, source):
    import skfmm

    nodes, speed, h = grid(num_nodes, len(source))
    radius = np.linalg.norm(nodes - source, axis=-1)
    # Its sources are zero contours: a small circle or sphere, within which and to which times are those of a uniform medium.
    start, slowness = 1.5 * h, 1 / (V0 + SLOPE * source[-1])
    times = np.asarray(skfmm.travel_time(radius - start, speed, dx=h, order=2)) + start * slowness
    return np.where(radius < start, radius * slowness, times)


def eikonalfm_factored(num_nodes, source):
    import eikonalfm

    _, speed, h = grid(num_nodes, len(source))
    index = np.rint(source / h).astype(int)
    if not np.allclose(index * h, source):
        raise ValueError("takes sources on nodes only")
    radius = np.linalg.norm(grid(num_nodes, len(source))[0] - source, axis=-1)
    return eikonalfm.factored_fast_marching(speed, tuple(index), (h,) * len(source), 2) * radius


def fteikpy_solver(num_nodes, source):
    import fteikpy

    _, _, h = grid(num_nodes, len(source))
    # Its media are constant in cells, its first axis is down.
    centres = (np.arange(num_nodes - 1) + 0.5) * h
    shape = (num_nodes - 1,) * len(source)
    speed = np.broadcast_to((V0 + SLOPE * centres).reshape(-1, *[1] * (len(source) - 1)), shape)
    kind = fteikpy.Eikonal2D if len(source) == 2 else fteikpy.Eikonal3D
    solver = kind(np.ascontiguousarray(speed), gridsize=(h,) * len(source))
    order = [len(source) - 1, *range(len(source) - 1)]
    # A source exactly on a node may leave nodes without a time: it is moved by a millimetre.
    times = solver.solve(np.asarray(source)[order] + 1e-6, nsweep=2).grid
    return np.moveaxis(times, 0, -1)


def pykonal_point_source(num_nodes, source):
    import pykonal

    nodes, speed, h = grid(num_nodes, len(source))
    solver = pykonal.solver.PointSourceSolver(coord_sys="cartesian")
    shape = [*nodes.shape[:-1]] + [1] * (3 - len(source))
    solver.vv.min_coords = 0, 0, 0
    solver.vv.node_intervals = h, h, h
    solver.vv.npts = shape
    solver.vv.values = speed.reshape(shape)
    solver.src_loc = np.array([*source, *[0.0] * (3 - len(source))])
    solver.solve()
    return np.asarray(solver.tt.values).reshape(nodes.shape[:-1])


PEERS = {
    "scikit-fmm, order 2": scikit_fmm,
    "eikonalfm, factored, order 2": eikonalfm_factored,
    "fteikpy": fteikpy_solver,
    "pykonal, PointSourceSolver": pykonal_point_source,
}


def main() -> None:
    cases = json.loads(sys.argv[1])
    for num_nodes, source in cases:
        source = np.asarray(source)
        nodes = grid(num_nodes, len(source))[0]
        want = exact(source, nodes)
        for name, solve in PEERS.items():
            row = {"solver": name, "nodes": num_nodes, "dims": len(source), "source_km": source.tolist()}
            try:
                solve(num_nodes, source)  # compiles, where there is something to compile
                wall, cpu = time.perf_counter(), time.process_time()
                times = solve(num_nodes, source)
                row |= {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
                error = times - want
                row |= {
                    "relative_rms": float(np.linalg.norm(error) / np.linalg.norm(want)),
                    "max_error_ms": float(1e3 * np.max(np.abs(error))),
                }
            except Exception as problem:
                row["failed"] = f"{type(problem).__name__}: {problem}"
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
