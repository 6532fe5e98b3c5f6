"""How fast and how exact queries of a store of Green's functions are, beside direct runs.

``python -m tests.benchmarks.greens`` (a few minutes; ``--quick`` for one in two dimensions). A store of two stations is built and compared with direct
runs of sources between its nodes; its two stations, five times over, are then timed: value, and value with gradient by place, tensor, origin
time and width of the time function. One thread.
"""

import argparse
import os
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.grids import RegularGrid
from diffseis.core.precision import enable_x64
from diffseis.source import Gaussian, Ricker
from diffseis.wave import (
    Boundary,
    DisplacementReceivers,
    Elastic,
    ElasticMedium,
    MomentSources,
    TimeAxis,
    greens_store,
    num_substeps,
    propagate,
    source_lattice,
    time_series,
)

MOMENT = np.array([[1.0, 0.3, -0.5], [0.3, -0.7, 0.8], [-0.5, 0.8, 0.4]])
GOAL_MS, GOAL_ERROR = 5.0, 5e-3


def problem(num_dims: int):
    """Layers that thicken, under a free surface: medium, stations, box of sources, time axis, highest frequency."""
    shape, spacing = ((38, 34, 30), 0.25) if num_dims == 3 else ((81, 61), 0.1)
    grid = RegularGrid([0.0] * num_dims, spacing, shape)
    nodes = np.asarray(grid.nodes_km())
    speed = 4 + 0.25 * nodes[..., -1] + 0.15 * np.sin(nodes[..., 0])
    full = lambda v: jnp.asarray(v, jnp.float32)
    medium = ElasticMedium(grid, full(speed), full(speed / 1.75), full(2.6 + 0 * speed))
    end = np.asarray(grid.end_km)
    stations = np.array([[0.21, 0.3, 0.0], [0.83, 0.72, 0.0]])[:, -num_dims:] * end
    middle = 0.5 * end + 0.013
    pass_hz = 2.28 / (6 * spacing)
    return medium, jnp.asarray(stations), middle, TimeAxis(256, 0.42 / pass_hz / 2), pass_hz


def timed(function, *arguments, repeat: int = 30):
    """Seconds to compile and run, and of later runs."""
    begin = time.perf_counter()
    jax.block_until_ready(function(*arguments[0]))
    first, later = time.perf_counter() - begin, []
    for number in range(repeat):
        begin = time.perf_counter()
        jax.block_until_ready(function(*arguments[number % len(arguments)]))
        later.append(time.perf_counter() - begin)
    return first, later


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="nodes of the grid per node of the lattice")
    given = parser.parse_args()
    enable_x64()
    num = 2 if given.quick else 3
    medium, stations, middle, axis, pass_hz = problem(num)
    half = 4 * given.every * float(medium.grid.spacing_km[0])
    lattice = source_lattice(medium.grid, middle - half, middle + half, given.every)
    equation, boundary = Elastic(order=4), Boundary.absorbing(num, free_surface=True, num_nodes=10)
    substeps = num_substeps(equation, medium, axis)
    print(
        f"{jax.devices()[0].device_kind}, single precision, {num}-D, {axis.num_samples} samples, {substeps} steps each"
    )
    place, moment = jnp.asarray(middle + 0.37 * half), jnp.asarray(MOMENT[:num, :num])
    moment = moment.astype(jnp.float32)
    time_functions = {"Ricker": Ricker(pass_hz / 2.5), "Gaussian": Gaussian(0.55 / pass_hz)}
    series = {k: time_series(f, axis, 3.0 / pass_hz)[0] for k, f in time_functions.items()}

    @eqx.filter_jit
    def direct(place, series):
        sources = MomentSources(place[None], moment[None], series[None])
        receivers = DisplacementReceivers(stations)
        return propagate(
            equation, medium, sources, receivers, axis, boundary=boundary, substeps=substeps
        ).value

    begin = time.perf_counter()
    truth = {k: direct(place, s) for k, s in series.items()}
    jax.block_until_ready(truth)
    print(f"two direct runs with compilation: {time.perf_counter() - begin:.1f} s")
    for degree in (3, 5):
        begin = time.perf_counter()
        build = eqx.filter_jit(
            lambda at, degree=degree: (
                greens_store(
                    equation,
                    medium,
                    at,
                    lattice,
                    axis,
                    pass_hz,
                    degree=degree,
                    boundary=boundary,
                    substeps=substeps,
                ).coefficients
            )
        )
        coefficients = jax.block_until_ready(build(stations.astype(jnp.float32)))
        built = time.perf_counter() - begin
        report(coefficients, lattice, axis, pass_hz, degree, place, moment, series, truth, built)


def report(coefficients, lattice, axis, pass_hz, degree, place, moment, series, truth, built) -> None:
    """Errors and times of one store."""
    from diffseis.wave import GreensStore, impulse

    before = impulse(axis, pass_hz)[1]
    make = lambda c: GreensStore(c, lattice, axis, jnp.asarray(pass_hz), num_before=before, degree=degree)
    store, ten = make(coefficients), make(jnp.concatenate([coefficients] * 5))
    size = coefficients.nbytes / 2e6
    print(
        f"degree {degree}: {lattice.shape} nodes, built in {built:.1f} s with compilation; {size:.0f} MB a station"
    )
    for name, s in series.items():
        error = float(
            jnp.linalg.norm(store.displacement(place, moment, s) - truth[name]) / jnp.linalg.norm(truth[name])
        )
        print(f"  {name}: relative error {error:.1e} (goal {GOAL_ERROR:g})")
    observed = ten.displacement(place, moment, series["Gaussian"])

    def misfit(store, place, moment, origin, sigma):
        rate = time_series(Gaussian(sigma), store.time_axis, origin)[0]
        return jnp.sum((store.displacement(place, moment, rate) - observed) ** 2)

    places = np.random.default_rng(1).uniform(lattice.origin_km, lattice.end_km, (10, lattice.num_dims))
    events = [
        (ten, jnp.asarray(p), moment, jnp.asarray(3.0 / pass_hz), jnp.asarray(0.5 / pass_hz)) for p in places
    ]
    for name, function in (
        ("value", jax.jit(misfit)),
        ("value and gradient", jax.jit(jax.value_and_grad(misfit, argnums=(1, 2, 3, 4)))),
    ):
        first, later = timed(function, *events)
        print(
            f"  10 stations, {name}: {1e3 * np.median(later):.2f} ms (fastest {1e3 * min(later):.2f}; goal {GOAL_MS:g}); first call {first:.1f} s"
        )


if __name__ == "__main__":
    main()
