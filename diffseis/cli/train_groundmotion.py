"""``diffseis train-groundmotion``."""

from pathlib import Path

import typer


def train_groundmotion(
    flatfile: Path = typer.Option(..., help="Records: a flatfile of NGA-West2, ESM or eGSIM."),
    imts: str = typer.Option("PGA,PGV,SA(0.2),SA(1.0)", help="Measures of the flatfile."),
    out: Path = typer.Option(..., help="Folder for the model, its tables and figures."),
    base: str | None = typer.Option(
        None, help="A published model that is corrected, as of `diffseis groundmotion`; by default none."
    ),
    monotone: bool = typer.Option(
        False, "--monotone", help="Motion grows with magnitude and falls with distance (of the correction)."
    ),
    units: int = typer.Option(5, help="Of the hidden layer."),
    members: int = typer.Option(
        5, help="Networks of each measure, from different random weights, whose mean and differences count."
    ),
    heteroscedastic: bool | None = typer.Option(
        None,
        "--heteroscedastic/--no-heteroscedastic",
        help="Whether tau and phi_ss vary with magnitude; by default where there are 20 events.",
    ),
    held_out: float = typer.Option(
        0.2, help="Share of the events by which a first fit is checked, 0 to 0.9; 0: no check."
    ),
    max_distance_km: float | None = typer.Option(None, help="Records beyond it (R_JB) do not count."),
    min_magnitude: float | None = typer.Option(None, help="Events below it do not count."),
    min_records: int = typer.Option(1, help="Events with fewer records do not count."),
    seed: int = typer.Option(0, help="Random seed."),
) -> None:
    """Learn a ground-motion model from records: networks with terms of events and stations, and what is not known."""
    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.ground_motions import split_names
    from diffseis.workflows.motion_training import run_train_groundmotion
    from diffseis.workflows.motion_training_config import MotionTraining

    settings = MotionTraining(
        flatfile=flatfile,
        imts=tuple(split_names(imts)),
        base=base,
        monotone=monotone,
        units=units,
        members=members,
        heteroscedastic=heteroscedastic,
        held_out=held_out,
        seed=seed,
        max_distance_km=max_distance_km,
        min_magnitude=min_magnitude,
        min_records=min_records,
    )
    with Reporter() as reporter:
        record = run_train_groundmotion(settings, out, reporter.update)
    for notice in record["notices"]:
        typer.echo(f"note: {notice}", err=True)
    for check in record["held_out"]:
        beside = ""
        if check["base_llh_bits"] is not None:
            beside = f"; {base}: {check['base_inside_68']:.0%}, {check['base_inside_95']:.0%}, {check['base_llh_bits']:.2f} bits"
        typer.echo(
            f"{check['imt']}: of {check['num_records']} records of {check['num_events']} events that were held out {check['inside_68']:.0%} lie in 68 %, "
            f"{check['inside_95']:.0%} in 95 %; {check['llh_bits']:.2f} bits{beside}"
        )
    for told in record["deviations"]:
        typer.echo(
            f"{told['imt']}: tau {told['tau']:.2f}, phi_s2s {told['phi_s2s']:.2f}, phi_ss {told['phi_ss']:.2f}"
            + (f" at M {told['magnitude_centre']:.1f}" if record["heteroscedastic"] else "")
        )
    typer.echo(f"model: {out / 'model.safetensors'}; tables and figures: {out}")
