"""``diffseis greens``."""

from pathlib import Path

import typer


def greens(
    config: Path = typer.Option(
        ..., help="TOML file of `diffseis wave` with a [store] table; see the README."
    ),
    out: Path = typer.Option(
        Path("out/greens.zarr"), help="Folder of the store, which is resumed where it exists."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Read, check, say what it would cost, and stop."),
) -> None:
    """A store of Green's functions: seismograms of any source in a box, later, in milliseconds."""
    from diffseis.io.config import read_config
    from diffseis.workflows.wave_config import load_wave_config

    settings = load_wave_config(read_config(config), file=config)

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.greens_costs import greens_cost_lines, greens_warnings
    from diffseis.workflows.greens_jobs import prepare_greens, run_greens

    job = prepare_greens(settings, file=config)
    for line in greens_cost_lines(job, out):
        typer.echo(line)
    for notice in [*job.notices, *greens_warnings(job)]:
        typer.echo(f"note: {notice}", err=True)
    if dry_run:
        return
    with Reporter() as reporter:
        file = run_greens(job, out, progress=reporter.update)
    typer.echo(f"{len(file.header.station_id)} stations: {out}")
