"""``diffseis traveltimes``."""

from pathlib import Path

import typer


def traveltimes(
    velocity: Path = typer.Option(
        ..., help="Velocity model: CSV, .nd, .tvel; in 3-D netCDF or NonLinLoc .hdr."
    ),
    sources: Path = typer.Option(..., help="CSV: id,x_km,y_km,z_km or id,latitude,longitude,depth_km."),
    receivers: Path = typer.Option(..., help="The same, for receivers."),
    out: Path = typer.Option(Path("traveltimes.csv"), help="CSV: source_id,receiver_id,phase,time_s."),
    solver: str | None = typer.Option(
        None,
        help="default: layered, in 3-D sweeping | layered: exact | sweeping: eikonal equation on a grid | analytic: closed form | neural: --network.",
    ),
    network: Path | None = typer.Option(None, help="Networks of train-eikonal (neural)."),
    velocity_kind: str = typer.Option(
        "layers", help="layers: constant, each row is a top | linear: between rows."
    ),
    vp_vs: float | None = typer.Option(None, help="Vp/Vs, where the velocity file has no Vs."),
    spacing_km: float | None = typer.Option(
        None, help="Spacing of the grid (sweeping); in 3-D along the horizontal, a quarter of it in depth."
    ),
    air: bool = typer.Option(
        False,
        "--air",
        help="In 3-D: nodes above the uppermost value of their column are air that waves go round (else they take the nearest value).",
    ),
    reflector: str | None = typer.Option(
        None,
        help="Also waves reflected there, PvP, SvS, PvS, SvP: depth in km, or a CSV of points on the interface (columns as of sources).",
    ),
    figure: Path | None = typer.Option(
        None,
        help="PNG: P wavefronts and rays in the vertical plane through the first source and the farthest receiver (always swept).",
    ),
) -> None:
    """First-arrival times of P and S, and of waves reflected at an interface, between all sources and all receivers."""
    import numpy as np

    from diffseis.cli.outputs import check_outputs, check_picture
    from diffseis.core.errors import InputError
    from diffseis.core.tables import PHASES, VelocityGrid
    from diffseis.io import Notice, read_medium, read_points_csv, write_travel_times_csv

    if spacing_km is not None and not 0 < spacing_km < float("inf"):
        raise InputError(f"got {spacing_km}", field="--spacing-km", fix="give kilometres above 0")
    if reflector is not None and solver == "neural":
        raise InputError(
            "networks know the whole medium, not what lies above an interface",
            field="--reflector",
            fix="use --solver layered or sweeping",
        )
    if air and reflector is not None:
        raise InputError(
            "reflected waves do not know of air", field="--air", fix="leave it or --reflector out"
        )
    table = read_medium(velocity, velocity_kind, vp_vs=vp_vs)
    chosen = solver or ("sweeping" if isinstance(table, VelocityGrid) else "layered")
    if network is not None and chosen != "neural":
        raise InputError(
            f"the solver {chosen} does not use it",
            field="--network",
            fix="add --solver neural, or leave it out",
        )
    if spacing_km is not None and chosen != "sweeping" and not (figure and isinstance(table, VelocityGrid)):
        raise InputError(
            f"the solver {chosen} has no grid",
            field="--spacing-km",
            fix="add --solver sweeping, or leave it out",
        )
    check_picture(figure, "--figure")
    surface = None if reflector is None or not Path(reflector).is_file() else Path(reflector)
    check_outputs(
        {"--out": out, "--figure": figure},
        {
            "--velocity": velocity,
            "--sources": sources,
            "--receivers": receivers,
            "--network": network,
            "--reflector": surface,
        },
    )
    start, end = read_points_csv(sources), read_points_csv(receivers)

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.reflections import read_interface
    from diffseis.workflows.travel_times import travel_times

    section, names = None, [str(p) for p in PHASES]
    notices: list[Notice] = []
    interface = None if reflector is None else read_interface(reflector)
    with Reporter() as reporter:
        times = travel_times(
            table,
            start,
            end,
            solver=chosen,
            spacing_km=spacing_km,
            network=network,
            air=air,
            progress=reporter.update,
            notices=notices,
        )
        if interface is not None:
            from diffseis.workflows.reflections import REFLECTIONS, reflected_times

            more = reflected_times(
                table, start, end, interface, solver=chosen, spacing_km=spacing_km, progress=reporter.update
            )
            times, names = np.concatenate([times, more]), [*names, *REFLECTIONS]
        if figure is not None:
            from diffseis.workflows.wavefronts import wavefront_section

            section = wavefront_section(table, start, end, spacing_km=spacing_km, progress=reporter.update)
    write_travel_times_csv(
        out,
        (
            (str(s), str(r), phase, float(times[k, i, j]))
            for i, s in enumerate(start.point_id)
            for j, r in enumerate(end.point_id)
            for k, phase in enumerate(names)
        ),
    )
    typer.echo(
        f"{times.size} times, {len(start)} sources by {len(end)} receivers by {len(names)} phases: {out}"
    )
    for notice in notices:
        typer.echo(f"note: {notice}")
    missing = int(np.sum(~np.isfinite(times)))
    if missing:
        typer.echo(
            f"{missing} times are empty: source or receiver below the interface, or no point of reflection within the region"
        )
    if figure is not None and section is not None:
        from diffseis.io import atomic_path
        from diffseis.plot import figure_png, wavefront_figure

        with atomic_path(figure) as temporary:
            temporary.write_bytes(figure_png(wavefront_figure(section), dpi=150))
        typer.echo(f"figure: {figure}")
