"""Response spectra beside pyrotd, on the same records: agreement, CPU time, memory.

python -m tests.benchmarks.intensity --data FOLDER --peers PYTHON

FOLDER is that of reference data, PYTHON one that can import pyrotd (``pip install pyrotd`` into an environment of its own). Compilation is told apart
from the runs; CPU seconds are of all threads, the best of several.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.precision import enable_x64
from diffseis.signal import (
    BandLimited,
    LinearSubsteps,
    NoSubsteps,
    batched_response_spectra,
    oscillator_response,
    response_spectrum,
    rotated_spectrum,
)
from diffseis.signal.blocks import run_blocks
from tests.signal.references import peer_spectra

CHOICES = {"none": NoSubsteps(), "peer": LinearSubsteps(), "bandlimited": BandLimited()}
PEER = """
import json, resource, sys, time
import numpy as np, pyrotd
pyrotd.processes = 1
data = np.load(sys.argv[1])
found = {}
for name in ("a", "b"):
    pair, freqs, dt = data[name], 1 / data["period_" + name], float(data["dt"])
    best = None
    for _ in range(3):
        begin = time.process_time()
        spectrum = pyrotd.calc_rotated_spec_accels(dt, pair[0], pair[1], freqs, 0.05, percentiles=[50])
        spent = time.process_time() - begin
        best = spent if best is None else min(best, spent)
    found[name] = {"cpu_s": best, "rotd50": np.asarray(spectrum.spec_accel).tolist()}
begin = time.process_time()
pyrotd.calc_spec_accels(dt, data["a"][0], 1 / data["period_a"], 0.05)
found["one_component_cpu_s"] = time.process_time() - begin
found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(found))
"""


def best_cpu_s(work, repeats: int = 5) -> tuple[float, float]:
    """Seconds of the first call, which compiles, on the clock, and CPU seconds of the best of the others."""
    begin = time.perf_counter()
    jax.block_until_ready(work())
    first = time.perf_counter() - begin
    spent = []
    for _ in range(repeats):
        begin = time.process_time()
        jax.block_until_ready(work())
        spent.append(time.process_time() - begin)
    return first, min(spent)


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pairs(data: Path, python: str | None) -> None:
    """PEER's pairs, 111 periods."""
    stations = list(peer_spectra(data))
    theirs = None
    if python:
        file = Path("/tmp") / f"diffseis_pairs_{os.getpid()}.npz"
        periods = {f"period_{n}": np.array(s[0]["period"]) for n, s in zip("ab", stations, strict=True)}
        np.savez(file, a=stations[0][1], b=stations[1][1], dt=stations[0][2], **periods)
        ended = subprocess.run(
            [python, "-c", PEER, str(file)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        file.unlink()
        theirs = json.loads(ended.stdout.splitlines()[-1])
    for name, (station, both, dt_s) in zip("ab", stations, strict=True):
        period = np.array(station["period"])
        printed = np.array(next(s for s in station["spectra"] if "h1" in s)["rotd50"])
        pair = jnp.asarray(both)
        print(
            f"\nRSN {station['rsn']}: two components of {both.shape[1]} samples, {len(period)} periods, 5 %"
        )
        for choice, substeps in CHOICES.items():
            work = lambda s=substeps, p=pair, t=period, d=dt_s: rotated_spectrum(p, d, t, substeps=s).rotd()[
                0
            ]
            first, cpu = best_cpu_s(work)
            off = np.abs(np.asarray(work()) / printed - 1)
            print(
                f"  RotD50, substeps {choice:12s} {cpu:7.3f} CPU s (first call {first:.1f} s)   from PEER's: largest {off.max():.4%}, median {np.median(off):.4%}"
            )
        if theirs:
            off = np.abs(np.array(theirs[name]["rotd50"]) / printed - 1)
            print(
                f"  RotD50, pyrotd                {theirs[name]['cpu_s']:7.3f} CPU s                          from PEER's: largest {off.max():.4%}, median {np.median(off):.4%}"
            )
    if theirs:
        print(f"  pyrotd: memory at most {theirs['peak_mb']:.0f} MB; diffseis so far {peak_mb():.0f} MB")


def gradients(data: Path) -> None:
    """Of the sum of PSA by the whole record, beside plain autodiff through the same scan."""
    station, both, dt_s = next(peer_spectra(data))
    period, record = np.array(station["period"]), jnp.asarray(both[0])
    print(f"\nGradient of 111 PSA by {len(record)} samples")
    value = lambda a: jnp.sum(response_spectrum(a, dt_s, period).pseudo_acceleration_m_s2)
    plain = lambda a: jnp.sum(
        jnp.max(jnp.abs(oscillator_response(a, dt_s, period).pseudo_acceleration_m_s2), axis=0)
    )
    angle, damping = 2 * jnp.pi * dt_s / jnp.asarray(period), jnp.full(len(period), 0.05)

    def step_by_step(a):
        shape = (-(-(len(a) - 1) // 16) * 16, 1)
        show = lambda _, x, __, ___: (None, x)
        shown = run_blocks(a, angle, damping, None, shape, show, None)[1][: len(a) - 1, 0]
        return jnp.sum(jnp.max(jnp.abs(shown), axis=0))

    found = {}
    for name, f in (("value", value), ("value, responses stored", plain)):
        _, cpu = best_cpu_s(lambda f=f: jax.jit(f)(record))
        print(f"  {name:34s} {cpu:7.3f} CPU s")
    for name, f in (
        ("adjoint", value),
        ("plain autodiff, blocks", plain),
        ("plain autodiff, sample by sample", step_by_step),
    ):
        program = jax.jit(jax.value_and_grad(f)).lower(record).compile()
        memory = program.memory_analysis()
        _, cpu = best_cpu_s(lambda p=program: p(record))
        found[name] = program(record)[1]
        print(
            f"  value and gradient, {name:34s} {cpu:7.3f} CPU s, temporaries {memory.temp_size_in_bytes / 1e6:8.1f} MB"
        )
    one, other, _ = found.values()
    print(
        f"  largest difference over the largest entry: {float(jnp.max(jnp.abs(one - other)) / jnp.max(jnp.abs(other))):.1e}"
    )


def many(num: int, length: int, at_once: int) -> None:
    """Many records in one batch."""
    rng = np.random.default_rng(0)
    period = np.geomspace(0.01, 10, 100)
    for dtype in (np.float64, np.float32):
        records = jnp.asarray(rng.standard_normal((num, length), np.float32).astype(dtype))
        begin, clock = time.process_time(), time.perf_counter()
        jax.block_until_ready(batched_response_spectra(records, 0.01, period, at_once=at_once))
        cpu, wall = time.process_time() - begin, time.perf_counter() - clock
        print(
            f"\n{num} records of {length} samples x 100 periods, {np.dtype(dtype).name}, {at_once} at once: {cpu:.1f} CPU s ({wall:.1f} s on the clock, compilation included); records {records.nbytes / 1e6:.0f} MB, process at most {peak_mb():.0f} MB"
        )


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", help="a Python with pyrotd")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--at-once", type=int, default=8)
    words = parser.parse_args()
    enable_x64()
    print(
        f"jax {jax.__version__}, {jax.devices()}, {os.cpu_count()} cores, load {os.getloadavg()}",
        file=sys.stdout,
    )
    pairs(words.data, words.peers)
    gradients(words.data)
    if words.records:
        many(words.records, words.samples, words.at_once)


if __name__ == "__main__":
    main()
