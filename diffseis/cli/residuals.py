"""``diffseis residuals``."""

from pathlib import Path

import typer


def residuals(
    flatfile: Path = typer.Option(..., help="Records: a flatfile of NGA-West2, ESM or eGSIM."),
    model: str = typer.Option(
        ...,
        help="Models, separated by commas, as of `diffseis groundmotion`: names, or files of train-groundmotion.",
    ),
    imts: str = typer.Option("PGA,PGV,SA(0.2),SA(1.0)", help="Measures of the flatfile."),
    out: Path = typer.Option(..., help="Folder for the results."),
) -> None:
    """Residuals of records to ground-motion models, between and within events, and a ranking of the models."""
    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.ground_motion_residuals import run_residuals
    from diffseis.workflows.ground_motions import split_names

    with Reporter() as reporter:
        record = run_residuals(flatfile, split_names(model), split_names(imts), out, reporter.update)
    for row in record["ranking"]:
        typer.echo(
            f"{row['imt']}, {row['model']}: {row['num_records']} records, mean {row['mean_total']:.2f}, standard deviation {row['sd_total']:.2f} of normalised "
            f"residuals; LLH {row['llh_bits']:.2f} bits, EDR {row['edr']:.2f}, weight {row['weight']:.2f}"
        )
    for notice in record["notices"]:
        typer.echo(f"note: {notice}", err=True)
    typer.echo(f"tables and figures: {out}")
