"""``diffseis train-wave``."""

from pathlib import Path

import typer


def train_wave(
    config: Path = typer.Option(
        ...,
        help="TOML file of `diffseis wave`, acoustic or vti, with or without a [network] table; see the README.",
    ),
    out: Path = typer.Option(
        Path("out/wave-network"), help="Folder for the network, its figure and its errors."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Read, check, say what it would cost, and stop."),
) -> None:
    """Train a network of waves in a medium, in time for all sources or at one frequency, and judge it by a direct solver."""
    from diffseis.io.config import read_config
    from diffseis.workflows.wave_config import load_wave_config

    settings = load_wave_config(read_config(config), file=config)

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.run_folders import check_folder, naming
    from diffseis.workflows.wave_networks import COMMAND, network_cost_lines, prepare_network, run_network

    with naming(config):
        job = prepare_network(settings, file=config)
    check_folder(out, COMMAND)
    for line in network_cost_lines(job):
        typer.echo(line)
    for notice in job.notices:
        typer.echo(f"note: {notice}", err=True)
    if dry_run:
        return
    with Reporter() as reporter:
        record = run_network(job, out, progress=reporter.update)
    typer.echo(record["summary"])
    typer.echo(f"{record['status']}: {out}")
    if record["status"].startswith("failed"):
        raise typer.Exit(3)
