"""``diffseis train-eikonal``."""

from pathlib import Path

import typer


def train_eikonal(
    velocity: Path = typer.Option(..., help="1-D velocity model: CSV, .nd or .tvel."),
    out: Path = typer.Option(
        Path("traveltimes.safetensors"),
        help="File for the networks of P and S; beside it a .png of their training.",
    ),
    max_distance_km: float = typer.Option(..., help="Largest epicentral distance."),
    bottom_km: float = typer.Option(40.0, help="Deepest source, km below sea level."),
    top_km: float = typer.Option(-3.0, help="Highest station, km below sea level (negative above)."),
    receiver_depth_km: str | None = typer.Option(
        None, help="TOP,BOTTOM of the stations, km below sea level: then errors are a quarter."
    ),
    velocity_kind: str = typer.Option(
        "layers", help="layers: constant, each row is a top | linear: between rows."
    ),
    vp_vs: float | None = typer.Option(None, help="Vp/Vs, where the velocity file has no Vs."),
    width: int = typer.Option(48, min=4, max=1024, help="Units per layer of the networks."),
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
    from diffseis.cli.terminal import numbers
    from diffseis.core.tables import PHASES
    from diffseis.io import read_velocity

    given = numbers(receiver_depth_km, "--receiver-depth-km", "TOP,BOTTOM", "-2.5,0")
    receivers = (given[0], given[1]) if isinstance(given, tuple) else None
    table = read_velocity(velocity, velocity_kind, vp_vs=vp_vs)

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.io import atomic_path, write_travel_time_networks
    from diffseis.plot import TrainingCurve, figure_png, training_figure
    from diffseis.workflows.training import train_networks

    with Reporter() as reporter:
        fields, about, histories = train_networks(
            table,
            max_distance_km=max_distance_km,
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
    write_travel_time_networks(out, fields, training={"velocity": velocity.name, **about})
    for phase in map(str, PHASES):
        told = about[phase]
        typer.echo(
            f"{phase}: held-out relative RMS {told['relative_rms']:.1e}, 99 % below {told['p99_s'] * 1e3:.1f} ms, "
            f"largest {told['max_s'] * 1e3:.1f} ms"
        )
    curves = [TrainingCurve(p, **h, held_out=about[p]["relative_rms"]) for p, h in histories.items()]
    figure = out.with_suffix(".png")
    with atomic_path(figure) as temporary:
        temporary.write_bytes(figure_png(training_figure(curves)))
    typer.echo(f"networks: {out}, training curve: {figure}")
