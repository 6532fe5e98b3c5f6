"""``diffseis hazard``."""

from pathlib import Path

import typer


def hazard(
    sources: Path = typer.Option(..., help="Source model: CSV, or OpenQuake's NRML (.xml)."),
    model: str = typer.Option(..., help="Models, separated by commas, as of `diffseis groundmotion`."),
    out: Path = typer.Option(..., help="Folder for the results."),
    imts: str = typer.Option("PGA,SA(0.2),SA(1.0)", help="Measures."),
    weights: str | None = typer.Option(
        None, help="Of the models, separated by commas; their mean curve has these, or equal ones."
    ),
    latitude: float | None = typer.Option(None, help="Of the site, degrees."),
    longitude: float | None = typer.Option(None, help="Of the site, degrees."),
    sites: Path | None = typer.Option(None, help="CSV: latitude,longitude,vs30,station of several sites."),
    vs30: float = typer.Option(760.0, help="m/s, where no file states one."),
    vs30_measured: bool | None = typer.Option(
        None,
        "--vs30-measured/--vs30-inferred",
        help="How VS30 is known, for models whose deviations depend on it; measured if not said.",
    ),
    levels: str | None = typer.Option(
        None, help="Of all measures, in g or cm/s, separated by commas; 30 by default."
    ),
    return_periods: str = typer.Option(
        "475,2475", help="Years, at which levels are told and taken apart into magnitudes and distances."
    ),
    years: float = typer.Option(50.0, help="For which probabilities of exceedance are told."),
    truncation: float = typer.Option(
        3.0, help="Of the motions' distribution, in standard deviations; inf for none."
    ),
    max_distance_km: float = typer.Option(300.0, help="Beyond which sources do not count."),
    magnitude_bin: float = typer.Option(0.1, help="Width of the bins of magnitude laws."),
    spacing_km: float = typer.Option(
        5.0, help="Between the places that stand for an area, and of ruptures on faults."
    ),
    derivatives: str = typer.Option(
        "parameters", help="none, parameters (of sources and site), all (coefficients of the models, too)."
    ),
) -> None:
    """Seismic hazard at sites: curves, their derivatives by every parameter, and what they are made of."""
    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.core.words import plural
    from diffseis.workflows.ground_motions import split_names, split_numbers, split_weights
    from diffseis.workflows.hazard import run_hazard
    from diffseis.workflows.hazard_config import HazardSettings

    own_weights = split_weights(weights)
    settings = HazardSettings(
        sources=sources,
        models=tuple(split_names(model)),
        weights=None if own_weights is None else tuple(own_weights),
        imts=tuple(split_names(imts)),
        latitude=latitude,
        longitude=longitude,
        sites=sites,
        vs30_m_s=vs30,
        vs30_measured=vs30_measured,
        levels=None if levels is None else tuple(split_numbers(levels, "--levels")),
        return_periods_years=tuple(split_numbers(return_periods, "--return-periods")),
        years=years,
        truncation=truncation,
        max_distance_km=max_distance_km,
        magnitude_bin=magnitude_bin,
        spacing_km=spacing_km,
        derivatives=derivatives,
    )
    with Reporter() as reporter:
        record = run_hazard(settings, out, reporter.update)
    for notice in record["notices"]:
        typer.echo(f"note: {notice}", err=True)
    for one in record["sites"][:10]:
        for imt, found in one["levels"].items():
            words = ", ".join(f"{y} years {'beyond' if x is None else f'{x:.3g}'}" for y, x in found.items())
            typer.echo(f"{one['site']}, {imt}, {one['model']}: {words}")
    typer.echo(
        f"{plural(record['num_sources'], 'source')}, {plural(record['num_sites'], 'site')}; tables and figures: {out}"
    )
