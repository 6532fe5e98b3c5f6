"""``diffseis train-eikonal``."""

from pathlib import Path
from typing import Any

import typer


def train_eikonal(
    velocity: Path = typer.Option(
        ..., help="Velocity model: CSV, .nd, .tvel; in 3-D netCDF or NonLinLoc .hdr."
    ),
    out: Path = typer.Option(
        Path("traveltimes.safetensors"),
        help="File for the networks of P and S; beside it a .png of their training.",
    ),
    max_distance_km: float | None = typer.Option(
        None, help="Largest epicentral distance (in 3-D all of the model's area is learnt)."
    ),
    bottom_km: float = typer.Option(40.0, help="Deepest source, km below sea level."),
    top_km: float = typer.Option(-3.0, help="Highest station, km below sea level (negative above)."),
    receiver_depth_km: str | None = typer.Option(
        None, help="TOP,BOTTOM of the stations, km below sea level: then errors are a quarter."
    ),
    velocity_kind: str = typer.Option(
        "layers", help="layers: constant, each row is a top | linear: between rows."
    ),
    vp_vs: float | None = typer.Option(None, help="Vp/Vs, where the velocity file has no Vs."),
    width: int | None = typer.Option(
        None, min=4, max=1024, help="Units per layer of the networks; by default 48, with ssbroyden 24."
    ),
    trainer: str = typer.Option(
        "spring",
        help="spring: natural gradient | adam, soap: for networks wider than memory has room for | ssbroyden: quasi-Newton, small networks.",
    ),
    steps: int | None = typer.Option(
        None, min=1, help="Steps of training per phase; default 300, adam 10000, soap 5000, ssbroyden 100."
    ),
    seconds: float | None = typer.Option(None, min=1.0, help="Stop each phase after this time."),
    seed: int = typer.Option(0, min=0, help="Random seed."),
) -> None:
    """Train networks of P and S travel times for a velocity model; prints and stores their held-out errors."""
    from diffseis.cli.outputs import check_outputs
    from diffseis.cli.terminal import numbers
    from diffseis.core.errors import InputError
    from diffseis.core.tables import PHASES, VelocityGrid
    from diffseis.io import read_medium

    given = numbers(receiver_depth_km, "--receiver-depth-km", "TOP,BOTTOM", "-2.5,0")
    receivers = (given[0], given[1]) if isinstance(given, tuple) else None
    table = read_medium(velocity, velocity_kind, vp_vs=vp_vs)
    gridded = isinstance(table, VelocityGrid)
    if max_distance_km is None and not gridded:
        raise InputError(
            "is missing", field="--max-distance-km", fix="give the largest epicentral distance in km"
        )
    if max_distance_km is not None and gridded:
        raise InputError(
            "is for models of depth alone",
            field="--max-distance-km",
            fix="leave it out: all of the area of a three-dimensional model is learnt",
        )

    figure = out.with_suffix(".png")
    check_outputs({"--out": out, "the picture beside --out": figure}, {"--velocity": velocity})

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.io import atomic_path, write_travel_time_networks
    from diffseis.plot import TrainingCurve, figure_png, training_figure
    from diffseis.workflows.grid_networks import marks_of, train_grid_networks
    from diffseis.workflows.training import train_networks

    with Reporter() as reporter:
        train: Any = train_grid_networks if gridded else train_networks
        reach = {} if gridded else {"max_distance_km": max_distance_km}
        fields, about, histories = train(
            table,
            **reach,
            top_km=top_km,
            bottom_km=bottom_km,
            receiver_depth_km=receivers,
            width=width,
            trainer=trainer,
            num_steps=steps,
            max_seconds=seconds,
            seed=seed,
            progress=reporter.update,
        )
    marks = marks_of(table) if isinstance(table, VelocityGrid) else None
    write_travel_time_networks(out, fields, training={"velocity": velocity.name, **about}, marks=marks)
    for phase in map(str, PHASES):
        told = about[phase]
        typer.echo(
            f"{phase}: held-out relative RMS {told['relative_rms']:.1e}, 99 % below {told['p99_s'] * 1e3:.1f} ms, "
            f"largest {told['max_s'] * 1e3:.1f} ms"
        )
    curves = [TrainingCurve(p, **h, held_out=about[p]["relative_rms"]) for p, h in histories.items()]
    with atomic_path(figure) as temporary:
        temporary.write_bytes(figure_png(training_figure(curves, of="slowness" if gridded else "times")))
    typer.echo(f"networks: {out}, training curve: {figure}")
