"""Travel times between sources and receivers from files, by any of the solvers."""

from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.tables import PHASES, PointTable, VelocityTable
from diffseis.eikonal import (
    AbstractTravelTimeField,
    GradientTime,
    HomogeneousTime,
    LayeredTime,
    build_swept_tables,
)
from diffseis.io import read_travel_time_networks
from diffseis.velocity import Gradient, Homogeneous, Layered, layered_pair

SOLVERS = ("layered", "sweeping", "analytic", "neural")
MAX_PAIRS = 20_000_000
"""More rows than this are refused: the file would have gigabytes."""

Progress = Callable[[str, int, int], None]


def travel_times(
    velocity: VelocityTable,
    sources: PointTable,
    receivers: PointTable,
    *,
    solver: str = "layered",
    spacing_km: float = 0.5,
    network: Path | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """First-arrival times in s, ``"phase source receiver"``.

    Args:
        velocity: the medium.
        sources, receivers: both local or both geographic.
        solver: "layered" (exact), "sweeping" (the eikonal equation on a grid of distance and depth) or "analytic" (one layer, or two
            nodes of kind "linear"), or "neural" (trained networks).
        spacing_km: of the grid.
        network: file of the networks.
        progress: called with the stage, how many sources are done, and of how many.
    """
    if solver not in SOLVERS:
        raise InputError(f"unknown solver {solver!r}", field="solver", fix=f"use {', '.join(SOLVERS)}")
    if len(sources) * len(receivers) > MAX_PAIRS:
        raise InputError(
            f"{len(sources)} sources and {len(receivers)} receivers are {len(sources) * len(receivers)} pairs",
            field="sources",
            fix=f"split them: at most {MAX_PAIRS} per run",
        )
    a, b = in_one_frame(sources, receivers)
    say = progress or (lambda stage, done, total: None)
    if solver == "sweeping":
        return _swept(velocity, a, b, spacing_km, say)
    fields = _networks(velocity, network, a, b) if solver == "neural" else _fields(velocity, solver)
    run = eqx.filter_jit(lambda field, p, q: jax.vmap(lambda y: field(p, y))(q))
    times = np.empty((len(PHASES), len(a), len(b)))
    for row, source in enumerate(a):
        say("travel times", row, len(a))
        for phase, field in enumerate(fields):
            times[phase, row] = run(field, jnp.asarray(source), jnp.asarray(b))
    say("travel times", len(a), len(a))
    return times


def in_one_frame(sources: PointTable, receivers: PointTable) -> tuple[np.ndarray, np.ndarray]:
    """Both in north, east, down; geographic points about their common centre."""
    if sources.geographic != receivers.geographic:
        raise InputError(
            "sources and receivers are given in different systems",
            field="receivers",
            fix="give both as x_km,y_km,z_km or both as latitude,longitude,depth_km",
        )
    tables = (sources.coordinates, receivers.coordinates)
    if not sources.geographic:
        return tables[0][:, [1, 0, 2]], tables[1][:, [1, 0, 2]]
    both = np.concatenate(tables)
    frame = LocalFrame.centred_on(both[:, 0], both[:, 1])
    first, second = (frame.to_ned(t[:, 0], t[:, 1], t[:, 2]) for t in tables)
    return first, second


def _fields(velocity: VelocityTable, solver: str) -> list[AbstractTravelTimeField]:
    models = layered_pair(velocity)
    if solver == "layered":
        return [LayeredTime(m) for m in models]
    return [_analytic(m, velocity) for m in models]


def _networks(velocity: VelocityTable, network: Path | None, a, b) -> list[AbstractTravelTimeField]:
    if network is None:
        raise InputError(
            "no networks are given", field="network", fix="train them with diffseis train-eikonal"
        )
    models = dict(zip(map(str, PHASES), layered_pair(velocity), strict=True))
    fields = read_travel_time_networks(network, models)
    region = fields[str(PHASES[0])].region
    farthest = float(np.hypot(*(b[None, :, :2] - a[:, None, :2]).transpose(2, 0, 1)).max())
    depths = np.concatenate([a[:, 2], b[:, 2]])
    low, high = float(region.low_km[2]), float(region.high_km[2])
    if farthest > float(region.max_distance_km) * (1 + 1e-6) or depths.min() < low or depths.max() > high:
        raise InputError(
            f"points lie up to {farthest:.1f} km apart between {depths.min():g} and {depths.max():g} km depth; the networks "
            f"know {float(region.max_distance_km):.1f} km and {low:g} to {high:g} km",
            file=network,
            field="network",
            fix="train them for a larger region",
        )
    return list(fields.values())


def _analytic(model: Layered, velocity: VelocityTable) -> AbstractTravelTimeField:
    if len(velocity) == 1:
        return HomogeneousTime(Homogeneous(model.speed_km_s[0]))
    depth, speed = (np.asarray(x) for x in (model.depth_km, model.speed_km_s))
    if model.kind == "linear" and len(velocity) == 2 and depth[1] > depth[0]:
        slope = (speed[1] - speed[0]) / (depth[1] - depth[0])
        return GradientTime(Gradient(speed[0] - slope * depth[0], slope))
    raise InputError(
        f"a closed form exists for one layer, or for two nodes of kind linear; the model has {len(velocity)} rows of kind {velocity.kind}",
        file=Path(velocity.source) if velocity.source else None,
        field="solver",
        fix="use --solver layered",
    )


def _swept(velocity, a, b, spacing_km, say) -> np.ndarray:
    p_model, s_model = layered_pair(velocity)
    reach = float(np.hypot(*(b[None, :, :2] - a[:, None, :2]).transpose(2, 0, 1)).max())
    depths = np.concatenate([a[:, 2], b[:, 2]])
    # Rays dive below the deepest point: down to where the medium is fastest, or a quarter of the distance.
    bottom = max(float(depths.max()), float(velocity.depth_km[-1])) + max(2.0, reach / 4)
    say("solving the eikonal equation", 0, 1)
    tables = build_swept_tables(
        p_model,
        s_model,
        jnp.asarray(a),
        max_distance_km=max(reach, 4 * spacing_km),
        depth_range_km=(float(depths.min()), bottom),
        spacing_km=spacing_km,
    )
    say("solving the eikonal equation", 1, 1)
    rows = jnp.arange(len(a), dtype=jnp.int32)
    one = lambda phase, row, p: jax.vmap(lambda q: tables(q, p, row, phase))(jnp.asarray(b))
    run = eqx.filter_jit(lambda phase: jax.lax.map(lambda x: one(phase, *x), (rows, jnp.asarray(a))))
    return np.stack([np.asarray(run(jnp.asarray(phase, jnp.int32))) for phase in range(len(PHASES))])
