"""``diffseis demo``."""

from pathlib import Path

import typer


def demo(
    out: Path = typer.Option(Path("out/demo"), help="Folder for the results."),
    seed: int = typer.Option(0, help="Random seed."),
) -> None:
    """Locate fifty earthquakes at the Alpine Fault, New Zealand, and write a report. Works offline."""
    from diffseis.cli.locate import show_notices
    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.demonstration import run_demo

    with Reporter() as reporter:
        result = run_demo(out, seed=seed, progress=reporter.update)
    show_notices(result.record)
    for line in result.lines:
        typer.echo(line)
