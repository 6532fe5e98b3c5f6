"""``diffseis traveltimes``."""

from pathlib import Path

import typer


def traveltimes(
    velocity: Path = typer.Option(..., help="1-D velocity model: CSV, .nd or .tvel."),
    sources: Path = typer.Option(..., help="CSV: id,x_km,y_km,z_km or id,latitude,longitude,depth_km."),
    receivers: Path = typer.Option(..., help="The same, for receivers."),
    out: Path = typer.Option(Path("traveltimes.csv"), help="CSV: source_id,receiver_id,phase,time_s."),
    solver: str = typer.Option(
        "layered",
        help="layered: exact | sweeping: eikonal equation on a grid | analytic: closed form | neural: --network.",
    ),
    network: Path | None = typer.Option(None, help="Networks of train-eikonal (neural)."),
    velocity_kind: str = typer.Option(
        "layers", help="layers: constant, each row is a top | linear: between rows."
    ),
    vp_vs: float | None = typer.Option(None, help="Vp/Vs, where the velocity file has no Vs."),
    spacing_km: float = typer.Option(0.5, help="Spacing of the grid (sweeping)."),
) -> None:
    """First-arrival times of P and S between all sources and all receivers."""
    from diffseis.core.errors import InputError
    from diffseis.core.tables import PHASES
    from diffseis.io import read_points_csv, read_velocity, write_travel_times_csv

    if not 0 < spacing_km < float("inf"):
        raise InputError(f"got {spacing_km}", field="--spacing-km", fix="give kilometres above 0")
    table = read_velocity(velocity, velocity_kind, vp_vs=vp_vs)
    start, end = read_points_csv(sources), read_points_csv(receivers)

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.travel_times import travel_times

    with Reporter() as reporter:
        times = travel_times(
            table, start, end, solver=solver, spacing_km=spacing_km, network=network, progress=reporter.update
        )
    write_travel_times_csv(
        out,
        (
            (str(s), str(r), str(phase), float(times[k, i, j]))
            for i, s in enumerate(start.point_id)
            for j, r in enumerate(end.point_id)
            for k, phase in enumerate(PHASES)
        ),
    )
    typer.echo(
        f"{times.size} times, {len(start)} sources by {len(end)} receivers by {len(PHASES)} phases: {out}"
    )
