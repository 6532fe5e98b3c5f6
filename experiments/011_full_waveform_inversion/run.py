"""Does full-waveform inversion find Marmousi from a smooth start? See README.md.

    python experiments/011_full_waveform_inversion/run.py [--fast] [--out FOLDER]

Needs DIFFSEIS_REFERENCE_DATA.
"""

import argparse
import json
import os
import time
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from figures import draw_all
from scipy.ndimage import map_coordinates

from diffseis.core.grids import RegularGrid
from diffseis.inference import descend, lbfgs
from diffseis.source import Ricker
from diffseis.wave import (
    Acoustic,
    AcousticMedium,
    Boundary,
    BoundedSpeed,
    PressureReceivers,
    PressureSources,
    TimeAxis,
    low_passed,
    num_substeps,
    over_shots,
    propagate,
    smoothed,
    stacked,
    sum_over_shots,
    time_series,
)
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
NODE_KM = 0.0125
FADE_S = 0.5


@dataclass(frozen=True)
class Scale:
    peak_hz: float
    every: int
    optimiser: str
    num_steps: int
    rate: float
    smooth_km: float
    shots_per_step: int = 0


@dataclass(frozen=True)
class Settings:
    seed: int
    first_km: float
    width_km: float
    depth_km: float
    observed_every: int
    num_shots: int
    num_receivers: int
    edge_km: float
    tow_km: float
    peak_hz: float
    origin_s: float
    duration_s: float
    noise: float
    smoothing_km: float
    low_km_s: float
    high_km_s: float
    judged_km: list[float]
    scales: tuple[Scale, ...]

    @classmethod
    def read(cls, path: Path, *, fast: bool) -> "Settings":
        raw = tomllib.loads(path.read_text())
        # Unknown keys are refused: by the constructors.
        found = cls(**raw | {"scales": tuple(Scale(**scale) for scale in raw["scales"])})
        if not fast:
            return found
        scales = tuple(replace(s, every=8, num_steps=2, shots_per_step=2) for s in found.scales[:2])
        return replace(found, observed_every=6, num_shots=4, num_receivers=24, scales=scales)


class Survey(eqx.Module):
    """Shots and receivers over one grid."""

    grid: RegularGrid
    shots: PressureSources
    receivers: PressureReceivers
    axis: TimeAxis
    substeps: int = eqx.field(static=True)

    def records(self, speed, shot):
        boundary = Boundary.absorbing(2, free_surface=True)
        medium = AcousticMedium(self.grid, speed)
        return propagate(
            Acoustic(), medium, shot, self.receivers, self.axis, boundary=boundary, substeps=self.substeps
        ).value


class Marmousi:
    """The slice: nodes of 12.5 m."""

    def __init__(self, settings: Settings):
        folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "wave"
        first, across, down = (
            round(x / NODE_KM) for x in (settings.first_km, settings.width_km, settings.depth_km)
        )
        whole = np.load(folder / "marmousi_vp_281x1361_12.5m.npy")[: down + 1, first : first + across + 1].T
        self.speed = whole / 1000.0
        self.water = np.cumprod(np.abs(self.speed - 1.5) < 1e-3, axis=1).astype(bool)
        nodes = settings.smoothing_km / NODE_KM
        slowness = smoothed(jnp.asarray(1 / self.speed), nodes, jnp.asarray(~self.water))
        self.smooth = np.where(self.water, 1.5, 1 / np.asarray(slowness))

    def on(self, every: int, values: np.ndarray | None = None):
        """The grid of each so-manieth node, and values there."""
        values = self.speed if values is None else values
        values = values[::every, ::every]
        return RegularGrid([0.0, 0.0], every * NODE_KM, values.shape), values


def survey(settings: Settings, grid: RegularGrid, num_samples: int, cut_hz: float | None) -> Survey:
    axis = TimeAxis(num_samples, settings.duration_s / num_samples)
    last = settings.width_km - settings.edge_km
    line = lambda num: np.stack([np.linspace(settings.edge_km, last, num), np.full(num, settings.tow_km)], 1)
    series = time_series(Ricker(settings.peak_hz), axis, settings.origin_s)
    series = series if cut_hz is None else low_passed(series, axis.dt_s, cut_hz)
    shots = stacked(
        [
            PressureSources(jnp.asarray(x[None, :]), series.astype(jnp.float32))
            for x in line(settings.num_shots)
        ]
    )
    fastest = AcousticMedium(grid, jnp.full(grid.shape, settings.high_km_s, jnp.float32))
    receivers = PressureReceivers(jnp.asarray(line(settings.num_receivers)))
    return Survey(grid, shots, receivers, axis, num_substeps(Acoustic(), fastest, axis))


def importance(axis: TimeAxis) -> np.ndarray:
    """Later times weigh more, the last half second, where the low-pass misses what came after, less and less."""
    times = np.asarray(axis.times_s())
    return times / times[-1] * np.clip((times[-1] - times) / FADE_S, 0, 1)


def misfit(speed, shot):
    """The weighted squared residual over that of no prediction at all."""
    lines, source, observed, total, weight = shot
    return jnp.sum((weight[None, :] * (lines.records(speed, source) - observed)) ** 2) / total


def loss(unknown, data):
    model, lines, sources, observed, total, weight = data
    one = lambda speed, shot: misfit(speed, (lines, *shot, total, weight))
    return sum_over_shots(one, model(unknown), (sources, observed))


def observe(settings: Settings, marmousi: Marmousi, samples: int):
    """Records on a finer grid than any inversion's, with noise."""
    grid, speed = marmousi.on(settings.observed_every)
    lines = survey(settings, grid, samples, None)
    run = eqx.filter_jit(lambda lines, v: over_shots(lambda s: lines.records(v, s), lines.shots))
    records = np.asarray(run(lines, jnp.asarray(speed, jnp.float32)))
    noise = np.random.default_rng(settings.seed).normal(size=records.shape)
    return records + settings.noise * np.sqrt(np.mean(records**2)) * noise


def invert(settings: Settings, marmousi: Marmousi, records: np.ndarray, factor: int):
    """Scale after scale: models, records of a shot, and what each cost."""
    speed, told, before = None, [], None
    for number, scale in enumerate(settings.scales):
        start_cpu, start = time.process_time(), time.perf_counter()
        grid, first = marmousi.on(scale.every, marmousi.smooth)
        _, water = marmousi.on(scale.every, marmousi.water)
        if speed is not None:
            first = np.where(water, 1.5, resampled(speed, before, grid))
        before = grid
        cut = (scale.peak_hz**-2 - settings.peak_hz**-2) ** -0.5
        num = records.shape[-1]
        filtered = np.asarray(low_passed(jnp.asarray(records), settings.duration_s / num, cut))
        observed = jnp.asarray(filtered[..., ::factor], jnp.float32)
        lines = survey(settings, grid, observed.shape[-1], cut)
        depth = np.broadcast_to(np.asarray(grid.axis_km(1)), grid.shape)
        bound = 0.02
        model = BoundedSpeed(
            jnp.asarray(np.clip(first, settings.low_km_s + bound, settings.high_km_s - bound), jnp.float32),
            settings.low_km_s,
            settings.high_km_s,
            weight=np.where(water, 0, depth),
            smooth_nodes=scale.smooth_km / (scale.every * NODE_KM),
        )
        weight = jnp.asarray(importance(lines.axis), jnp.float32)
        total = jnp.sum((weight[None, None, :] * observed) ** 2)
        everything = (model, lines, lines.shots, observed, total, weight)
        told_step = lambda step, value: print(f"  step {step}: {value:.5f}", flush=True)
        if scale.optimiser == "adam":
            few = scale.shots_per_step
            some = random_shots(everything, settings.num_shots, few, [settings.seed, number])
            rate = optax.cosine_decay_schedule(scale.rate, scale.num_steps, 0.2)
            answer = descend(
                loss, model.zeros(), some, optax.adam(rate), num_steps=scale.num_steps, progress=told_step
            )
            used = answer.stats["num_gradients"] * few
        elif scale.optimiser == "lbfgs":
            answer = lbfgs(
                loss,
                model.zeros(),
                everything,
                num_steps=scale.num_steps,
                first_change=scale.rate,
                progress=told_step,
            )
            used = answer.stats["num_gradients"] * settings.num_shots
        else:
            raise ValueError(f"`optimiser` must be adam or lbfgs, got {scale.optimiser}")
        speed = np.asarray(model(answer.value))
        told.append(
            {
                "peak_hz": scale.peak_hz,
                "spacing_km": scale.every * NODE_KM,
                "nodes": list(grid.shape),
                "steps_of_time": lines.substeps * lines.axis.num_samples,
                "loss": [float(x) for x in answer.stats["loss"]],
                "gradients_of_a_shot": used,
                "cpu_s": time.process_time() - start_cpu,
                "wall_s": time.perf_counter() - start,
            }
            | errors(settings, marmousi, speed, grid)
        )
        print(json.dumps({k: v for k, v in told[-1].items() if k != "loss"}), flush=True)
    shown = settings.num_shots // 3
    _, smooth = marmousi.on(settings.scales[-1].every, marmousi.smooth)
    run = eqx.filter_jit(lambda lines, v: lines.records(v, jax.tree.map(lambda x: x[shown], lines.shots)))
    gathers = {
        "Observed": np.asarray(observed[shown]),
        "Initial model": np.asarray(run(lines, jnp.asarray(smooth, jnp.float32))),
        "Final model": np.asarray(run(lines, jnp.asarray(speed))),
    }
    return speed, grid, told, gathers, shown


def random_shots(everything, num_shots: int, few: int, seed):
    """Data of a few shots, others at every step; the whole misfit is expected of them."""
    model, lines, shots, observed, total, weight = everything
    rng = np.random.default_rng(seed)

    def of_step(step: int):
        del step
        chosen = np.sort(rng.permutation(num_shots)[:few])
        some, records = jax.tree.map(lambda x: x[chosen], (shots, observed))
        return model, lines, some, records, total * few / num_shots, weight

    return of_step


def resampled(values, grid: RegularGrid, new: RegularGrid) -> np.ndarray:
    """Linear between nodes, constant beyond the last."""
    index = np.moveaxis(np.asarray(grid.to_index(new.nodes_km())), -1, 0)
    return map_coordinates(values, index, order=1, mode="nearest")


def errors(settings: Settings, marmousi: Marmousi, speed, grid: RegularGrid) -> dict[str, float]:
    """Against the true model at nodes of 25 m below the water, where waves come from several sides."""
    fine, truth = marmousi.on(2)
    _, water = marmousi.on(2, marmousi.water)
    x, z = np.moveaxis(np.asarray(fine.nodes_km()), -1, 0)
    first, last, deepest = settings.judged_km
    judged = ~water & (x >= first) & (x <= last) & (z <= deepest)
    off = (resampled(speed, grid, fine) - truth)[judged]
    return {
        "relative_l2": float(np.sqrt(np.sum(off**2) / np.sum(truth[judged] ** 2))),
        "mean_absolute_km_s": float(np.mean(np.abs(off))),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fast", action="store_true", help="a few steps on coarse grids: whether all runs")
    parser.add_argument("--out", type=Path, default=Path("out/011_full_waveform_inversion"))
    chosen = parser.parse_args()
    settings = Settings.read(HERE / "config.toml", fast=chosen.fast)
    start_cpu, start = time.process_time(), time.perf_counter()
    marmousi = Marmousi(settings)
    factor = 2
    num = 2 * round(settings.duration_s / 0.015)
    records = observe(settings, marmousi, num * factor // 2)
    print(f"observed: {time.perf_counter() - start:.0f} s", flush=True)
    speed, grid, told, gathers, shown = invert(settings, marmousi, records, factor)
    smooth_grid, smooth = marmousi.on(settings.scales[-1].every, marmousi.smooth)
    results = {
        "versions": versions(),
        "fast": chosen.fast,
        "initial": errors(settings, marmousi, smooth, smooth_grid),
        "final": errors(settings, marmousi, speed, grid),
        "scales": told,
        "residual_over_observed": {
            name: float(np.linalg.norm(gathers[name] - gathers["Observed"]) / np.linalg.norm(gathers["Observed"]))
            for name in ("Initial model", "Final model")
        },
        "gradients_of_a_shot": sum(s["gradients_of_a_shot"] for s in told),
        "cpu_s": time.process_time() - start_cpu,
        "wall_s": time.perf_counter() - start,
    }  # fmt: skip
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    np.savez_compressed(chosen.out / "models.npz", speed=speed, **gathers)
    print(json.dumps({k: v for k, v in results.items() if k not in ("scales", "versions")}, indent=1))
    draw_all(chosen.out, settings, marmousi, (grid, smooth, speed), told, gathers, shown)


if __name__ == "__main__":
    main()
