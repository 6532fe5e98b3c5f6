"""Networks of travel times for three-dimensional models from files: trained, and found again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.core.tables import PHASES, VelocityGrid
from diffseis.eikonal import NeuralTravelTime, solve_eikonal
from diffseis.io import read_network_header, read_travel_time_networks
from diffseis.velocity import Gridded, model_hash
from diffseis.workflows.media import SAME_RATIO, speeds_on
from diffseis.workflows.times import DIVE_KM, DIVE_SHARE, FLATNESS, solver_grid
from diffseis.workflows.trainers import choose_trainer
from diffseis.workflows.training import History, check_depths, error_of, scaled_field, told, train_one

Progress = Callable[[str, int, int], None]

MOST_ALONG = 64
"""Nodes along an axis of the smooth medium that networks are trained for."""
NUM_JUDGES = 3
"""Sources from which the eikonal equation is solved on a grid, to tell a network's error."""
JUDGE_NODES = 200_000
"""Of such a grid, about."""
RECEIVERS = 2048
"""Per source."""


def frame_of(velocity: VelocityGrid) -> LocalFrame | None:
    """The frame about the middle of a model; None where x and y are a local frame's already."""
    if velocity.projection.kind == "none":
        return None
    x, y = (0.5 * (axis[0] + axis[-1]) for axis in (velocity.x, velocity.y))
    latitude, longitude = velocity.projection.from_map(x, y)
    return LocalFrame(round(float(latitude), 6), round(float(longitude), 6))


def corners_of(velocity: VelocityGrid, top_km: float, bottom_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners in north, east, down of the box that is learnt, in the frame of `frame_of`.

    It reaches deeper than the bottom, since rays dive: what comes back from below the box is not known to a network.
    """
    x, y = (np.linspace(axis[0], axis[-1], 17) for axis in (velocity.x, velocity.y))
    x, y = (v.reshape(-1) for v in np.meshgrid(x, y))
    frame = frame_of(velocity)
    if frame is None:
        north_east = np.stack([y, x], axis=-1)
    else:
        north_east = frame.to_ned(*velocity.projection.from_map(x, y))[:, :2]
    low, high = north_east.min(0), north_east.max(0)
    # A section, the same everywhere across: a box as wide as it is long.
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    half = np.where(half > 0, half, max(half.max(), 0.5))
    deep = bottom_km + max(DIVE_KM, DIVE_SHARE * 2 * float(half.max()))
    return np.append(middle - half, top_km), np.append(middle + half, deep)


def smooth_media(velocity: VelocityGrid, low_km: np.ndarray, high_km: np.ndarray) -> dict[str, Gridded]:
    """P and S on nodes about as far apart as the model's own, down to its bottom at least; its edge values serve beyond it."""
    high_km = np.append(high_km[:2], max(high_km[2], velocity.z_km[-1]))
    apart_km = float(np.median(np.diff(velocity.z_km))) if len(velocity.z_km) > 1 else 1.0
    shape = [
        int(np.clip(n, 4, MOST_ALONG))
        for n in (
            len(velocity.y),
            len(velocity.x),
            round((high_km[2] - low_km[2]) / apart_km) + 1,
        )
    ]
    grid = RegularGrid(low_km, (high_km - low_km) / (np.array(shape) - 1), shape)
    speeds = speeds_on(velocity, grid, frame_of(velocity))
    return {str(phase): Gridded(grid, speed) for phase, speed in zip(PHASES, speeds, strict=True)}


def marks_of(velocity: VelocityGrid) -> dict[str, str]:
    """By phase the hash of what the file says: axes, speeds and projection."""
    projection = np.frombuffer(repr(velocity.projection).encode(), np.uint8)
    axes = [np.asarray(axis, np.float64) for axis in (velocity.x, velocity.y, velocity.z_km)]
    speeds = (velocity.vp_km_s, velocity.vs_km_s)
    return {
        str(phase): model_hash((*axes, np.asarray(speed, np.float64), projection))
        for phase, speed in zip(PHASES, speeds, strict=True)
    }


def train_grid_networks(
    velocity: VelocityGrid,
    *,
    top_km: float,
    bottom_km: float,
    receiver_depth_km: tuple[float, float] | None = None,
    width: int | None = None,
    trainer: str = "spring",
    num_steps: int | None = None,
    max_seconds: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[dict[str, NeuralTravelTime], dict[str, Any], dict[str, History]]:
    """Networks of P and S for all pairs of points of a model's box, as `train_networks`; they learn from the eikonal equation.

    The errors stated are those against the equation solved on a grid from sources that training has not seen; they hold that grid's, too
    (some 1e-4).
    """
    check_depths(top_km, bottom_km, receiver_depth_km)
    say = progress or (lambda stage, done, total: None)
    method, num_steps, num_points, width = choose_trainer(trainer, num_steps, width)
    low, high = corners_of(velocity, top_km, bottom_km)
    media = smooth_media(velocity, low, high)
    ratio = np.asarray(velocity.vp_km_s) / np.asarray(velocity.vs_km_s)
    alike = bool(np.ptp(ratio) <= SAME_RATIO * ratio.min())
    k_test, *keys = jr.split(jr.key(seed), 1 + len(PHASES))
    fields: dict[str, NeuralTravelTime] = {}
    histories: dict[str, History] = {}
    about: dict[str, Any] = {"seed": seed, "width": width, "num_steps": num_steps, "trainer": trainer}
    for (phase, model), key in zip(media.items(), keys, strict=True):
        if fields and alike:
            fields[phase] = scaled_field(fields[str(PHASES[0])], model, float(np.mean(ratio)))
            about[phase] = {"shares": str(PHASES[0])}
        else:
            solution, histories[phase] = train_one(
                model,
                jnp.asarray(low),
                jnp.asarray(high),
                form="space",
                width=width,
                trainer=method,
                num_points=num_points,
                num_steps=num_steps,
                max_seconds=max_seconds,
                receiver_depth_km=receiver_depth_km,
                after_step=lambda done, p=phase: say(f"training {p}", done, num_steps),
                key=key,
            )
            fields[phase] = solution.value
            about[phase] = told(solution, phase)
        say(f"the error of {phase}", 0, 0)
        about[phase] |= grid_error(fields[phase], bottom_km, key=k_test)
    return fields, about, histories


def grid_error(field: NeuralTravelTime, bottom_km: float, *, key) -> dict[str, float]:
    """Against the eikonal equation solved on a grid, from random sources between the receivers' depths to random points above the bottom."""
    low, high = (np.asarray(x) for x in (field.region.low_km, field.region.high_km))
    high = np.append(high[:2], bottom_km)
    spacing = float(FLATNESS * np.prod(high - low) / JUDGE_NODES) ** (1 / 3)
    grid, _ = solver_grid(low, high, spacing, 1)

    @eqx.filter_jit
    def run(field, source, points):
        exact = solve_eikonal(field.model, grid, source_km=source, throw=False).value
        return jax.vmap(exact)(points), jax.vmap(lambda x: field(source, x))(points)

    rows = []
    for n in range(NUM_JUDGES):
        k_source, k_points = jr.split(jr.fold_in(key, n))
        depths = np.minimum(np.asarray(field.region.receiver_depth_km), bottom_km)
        source = low + (high - low) * np.asarray(jr.uniform(k_source, (3,), float))
        source[2] = depths[0] + (depths[1] - depths[0]) * (source[2] - low[2]) / (high[2] - low[2])
        points = low + (high - low) * np.asarray(jr.uniform(k_points, (RECEIVERS, 3), float))
        rows.append([np.asarray(x) for x in run(field, jnp.asarray(source), jnp.asarray(points))])
    exact, found = (np.concatenate(x) for x in zip(*rows, strict=True))
    return error_of(found, exact)


def read_grid_networks(
    velocity: VelocityGrid, network: Path
) -> tuple[dict[str, NeuralTravelTime], LocalFrame | None]:
    """The networks of a file for this model, and the frame of their points.

    Raises:
        InputError: for networks of any other model.
    """
    about = read_network_header(network)["phases"].get(str(PHASES[0]), {})
    if about.get("model_hash") == marks_of(velocity)[str(PHASES[0])]:
        low, high = (np.asarray(about[name], np.float64) for name in ("low_km", "high_km"))
    else:  # it will be refused, whatever the box
        low, high = corners_of(velocity, 0.0, 1.0)
    media = smooth_media(velocity, low, high)
    return read_travel_time_networks(network, media, marks=marks_of(velocity)), frame_of(velocity)


def check_inside(field: NeuralTravelTime, points_ned_km: np.ndarray, network: Path) -> None:
    """Raises InputError where a point lies outside what the networks know."""
    low, high = (np.asarray(x) for x in (field.region.low_km, field.region.high_km))
    if np.all((points_ned_km >= low - 1e-6) & (points_ned_km <= high + 1e-6)):
        return
    show = lambda x: ", ".join(f"{v:.2f}" for v in x)
    raise InputError(
        f"points lie between ({show(points_ned_km.min(0))}) and ({show(points_ned_km.max(0))}) km north, east and down; the networks know "
        f"({show(low)}) to ({show(high)}) km",
        file=network,
        field="network",
        fix="train them for a larger region",
    )
