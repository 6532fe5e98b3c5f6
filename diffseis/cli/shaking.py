"""``diffseis shaking``."""

from pathlib import Path

import typer


def shaking(
    magnitude: float = typer.Option(..., help="Of moment."),
    latitude: float = typer.Option(..., help="Of the hypocentre, degrees."),
    longitude: float = typer.Option(..., help="Of the hypocentre, degrees."),
    depth_km: float = typer.Option(..., help="Of the hypocentre, km below the ground."),
    model: str = typer.Option(
        ..., help="A model, as of `diffseis groundmotion`: a name, or a file of train-groundmotion."
    ),
    out: Path = typer.Option(..., help="Folder for the results."),
    imts: str = typer.Option("PGA,PGV,SA(1.0)", help="Measures."),
    strike_deg: float | None = typer.Option(
        None,
        help="Of the rupture, whose size is that of its magnitude; without it a point (R_JB to the epicentre, R_rup to the hypocentre).",
    ),
    dip_deg: float | None = typer.Option(None, help="Of the rupture."),
    rake_deg: float | None = typer.Option(None, help="Of the slip, Aki & Richards."),
    records: Path | None = typer.Option(
        None,
        help="CSV: latitude,longitude,vs30,PGA,PGV,SA(1.0) ... of stations, or the table of `diffseis intensity`.",
    ),
    stations: Path | None = typer.Option(
        None, help="Places of the stations of that table: CSV (may have vs30) or StationXML."
    ),
    component: str = typer.Option("rotd50", help="Rows of that table that count."),
    places: Path | None = typer.Option(None, help="CSV: latitude,longitude,vs30, in place of a grid."),
    vs30: float = typer.Option(760.0, help="m/s, where no file states one."),
    vs30_measured: bool | None = typer.Option(
        None,
        "--vs30-measured/--vs30-inferred",
        help="How VS30 is known, for models whose deviations depend on it; measured if not said.",
    ),
    extent_km: float = typer.Option(100.0, help="From the epicentre to each side of the grid."),
    spacing_km: float = typer.Option(4.0, help="Of the grid."),
    range_km: float | None = typer.Option(
        None,
        help="Distance at which residuals are correlated by exp(-3); Jayaram & Baker (2009) if not given.",
    ),
    outlier_sigma: float = typer.Option(
        3.0,
        help="Records further than this many standard deviations from the earthquake's level are left out.",
    ),
) -> None:
    """A map of an earthquake's shaking with its uncertainty, conditioned on records."""
    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.ground_motions import split_names
    from diffseis.workflows.shaking import run_shaking
    from diffseis.workflows.shaking_config import ShakingSettings

    settings = ShakingSettings(
        magnitude=magnitude,
        latitude=latitude,
        longitude=longitude,
        depth_km=depth_km,
        model=model,
        imts=tuple(split_names(imts)),
        strike_deg=strike_deg,
        dip_deg=dip_deg,
        rake_deg=rake_deg,
        records=records,
        stations=stations,
        places=places,
        component=component,
        vs30_m_s=vs30,
        vs30_measured=vs30_measured,
        extent_km=extent_km,
        spacing_km=spacing_km,
        range_km=range_km,
        outlier_sigma=outlier_sigma,
    )
    with Reporter() as reporter:
        record = run_shaking(settings, out, reporter.update)
    for notice in record["notices"]:
        typer.echo(f"note: {notice}", err=True)
    for imt, found in record["measures"].items():
        of = f", {found['num_used']} of {found['num_records']} records" if records is not None else ""
        term = (
            f", event term {found['event_term']:+.2f} ± {found['event_sd']:.2f} tau"
            if found["num_used"]
            else ""
        )
        typer.echo(f"{imt}: largest median {found['largest_median']:.3g}{of}{term}")
    typer.echo(f"tables and maps: {out}")
