"""``diffseis wave``."""

from pathlib import Path

import typer


def wave(
    config: Path = typer.Option(..., help="TOML file: medium, sources, stations, times; see the README."),
    out: Path = typer.Option(Path("out/wave"), help="Folder for the results."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Read, check, say what it would cost, and stop."),
) -> None:
    """Seismograms of earthquakes by finite differences: miniSEED, netCDF, record sections, an animation."""
    from diffseis.io.config import read_config
    from diffseis.workflows.wave_config import load_wave_config

    settings = load_wave_config(read_config(config), file=config)

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.run_folders import check_folder, naming
    from diffseis.workflows.wave_jobs import cost_lines, prepare_waves
    from diffseis.workflows.waves import COMMAND, run_waves

    with naming(config):
        job = prepare_waves(settings)
    check_folder(out, COMMAND)
    for line in cost_lines(job):
        typer.echo(line)
    for notice in job.notices:
        typer.echo(f"note: {notice}", err=True)
    if dry_run:
        if all(e.problem for e in job.events):
            raise typer.Exit(3)
        return
    with Reporter() as reporter:
        record = run_waves(job, out, progress=reporter.update)
    computed = 0
    for name, event in record["events"].items():
        computed += event["status"] == "computed"
        typer.echo(
            f"{name}: {event['status']}" + (f" ({', '.join(event['files'])})" if event["files"] else "")
        )
    typer.echo(f"{computed} of {len(record['events'])} events: {out}")
    if not computed:
        raise typer.Exit(3)
