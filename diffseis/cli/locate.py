"""``diffseis locate``."""

from pathlib import Path
from typing import Any

import typer


def locate(
    picks: Path | None = typer.Option(
        None, help="Picks: CSV, QuakeML, NORDIC, hypoDD, HypoInverse or NonLinLoc .obs."
    ),
    stations: Path | None = typer.Option(None, help="Stations: CSV or StationXML."),
    velocity: Path | None = typer.Option(
        None, help="Velocity model: CSV, .nd, .tvel; in 3-D netCDF or NonLinLoc .hdr."
    ),
    out: Path | None = typer.Option(None, help="Folder for the results."),
    config: Path | None = typer.Option(None, help="TOML file with any of the settings; options override it."),
    velocity_kind: str | None = typer.Option(
        None, help="layers: constant, each row is a top | linear: between rows."
    ),
    vp_vs: float | None = typer.Option(None, help="Vp/Vs, where the velocity file has no Vs."),
    picks_format: str | None = typer.Option(
        None, help="csv, QUAKEML, NORDIC, HYPODDPHA, HYPOINVERSE, NLLOC_OBS."
    ),
    reference: Path | None = typer.Option(None, help="A catalogue to compare with in the report."),
    likelihood: str | None = typer.Option(None, help="robust | gaussian | edt | student."),
    traveltime_error: str | None = typer.Option(
        None,
        help="FRACTION,MIN_S,MAX_S (default 0.02,0.05,2.0); 0 turns it off; auto learns it from the residuals.",
    ),
    outlier_fraction: float | None = typer.Option(None, help="Expected share of wrong picks (robust)."),
    sampler: str | None = typer.Option(None, help="svgd | laplace | grid | nuts."),
    num_particles: int | None = typer.Option(None, help="Particles per event."),
    traveltimes: str | None = typer.Option(
        None, help="auto | layered: exact first arrivals | grid: swept eikonal | neural: networks."
    ),
    network: Path | None = typer.Option(None, help="Networks of train-eikonal (neural); else trained now."),
    tables: Path | None = typer.Option(None, help="Folder for travel-time tables of 3-D models."),
    station_terms: str | None = typer.Option(None, help="none | static."),
    max_depth_km: float | None = typer.Option(None, help="Bottom of the search volume."),
    search_margin_km: float | None = typer.Option(None, help="Search volume beyond the outermost stations."),
    depth_prior_km: str | None = typer.Option(None, help="MEAN,SD of a normal prior on depth."),
    default_uncertainty_s: str | None = typer.Option(
        None, help="P,S (or one number): errors of picks that state no usable one."
    ),
    nonlinloc: bool | None = typer.Option(None, "--nonlinloc", help="Also write NonLinLoc .hyp and .scat."),
    event_cards: int | None = typer.Option(None, help="Draw a card of the posterior for this many events."),
    seed: int | None = typer.Option(None, help="Random seed."),
    set_: list[str] = typer.Option([], "--set", help="Any other setting, as key=value."),
) -> None:
    """Locate earthquakes with Stein variational inference; writes a catalogue, posteriors and a report."""
    from diffseis.cli.terminal import numbers

    given: dict[str, Any] = {
        "picks": picks,
        "stations": stations,
        "velocity": velocity,
        "out": out,
        "velocity_kind": velocity_kind,
        "vp_vs": vp_vs,
        "picks_format": picks_format,
        "reference": reference,
        "likelihood": likelihood,
        "traveltime_error": "auto"
        if traveltime_error == "auto"
        else numbers(
            traveltime_error, "--traveltime-error", "FRACTION,MIN_S,MAX_S (or auto)", "0.02,0.05,2.0"
        ),
        "outlier_fraction": outlier_fraction,
        "sampler": sampler,
        "num_particles": num_particles,
        "traveltimes": traveltimes,
        "network": network,
        "tables": tables,
        "station_terms": station_terms,
        "max_depth_km": max_depth_km,
        "search_margin_km": search_margin_km,
        "depth_prior_km": numbers(depth_prior_km, "--depth-prior-km", "MEAN,SD", "8,4"),
        "default_uncertainty_s": numbers(
            default_uncertainty_s, "--default-uncertainty-s", "P_S,S_S", "0.08,0.12", one_for_all=True
        ),
        "nonlinloc": nonlinloc,
        "event_cards": event_cards,
        "seed": seed,
    }
    values = {key: value for key, value in given.items() if value is not None}
    values.update(_settings(set_))
    run(values, config_file=config)


def show_notices(record: dict[str, Any]) -> None:
    """What was replaced, left out or found odd, one line each, on the error stream."""
    for notice in record["notices"]:
        typer.echo(f"note: {notice}", err=True)


def _settings(words: list[str]) -> dict[str, Any]:
    """``key=value`` words, the values read as TOML where they are."""
    import tomllib

    from diffseis.core.errors import InputError

    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"{word!r} is no setting", field="--set", fix="write key=value")
        try:
            found[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            found[key.strip()] = text
    return found


def run(values: dict[str, Any], *, config_file: Path | None = None, **options: Any) -> None:
    """Checks the settings, does the job and says how it went. Exit code 3 where nothing was located."""
    from diffseis.io.config import read_config
    from diffseis.workflows.config import load_config

    if config_file is not None:
        from_file = read_config(config_file)
        load_config(
            {"picks": __file__, "stations": __file__, "velocity": __file__, **from_file}, file=config_file
        )
        values = {**from_file, **values}
    config = load_config(values)

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.locating import run_locate

    with Reporter() as reporter:
        catalogue, record = run_locate(config, progress=reporter.update, **options)
    summary = record["summary"]
    words = ", ".join(f"{count} {word}" for word, count in sorted(summary["status"].items()))
    typer.echo(f"{summary['num_events']} events: {words or 'none'}")
    if summary["median_rms_s"] is not None:
        typer.echo(
            f"median RMS residual {summary['median_rms_s']:.3f} s; median 68 % half-widths "
            f"{summary['median_horizontal_error_km']:.2f} km horizontally, {summary['median_vertical_error_km']:.2f} km in depth"
        )
    show_notices(record)
    typer.echo(f"report: {config.out / 'report.html'}")
    if len(catalogue) and not (catalogue.events.status == "located").any():
        raise typer.Exit(3)
    if len(catalogue) == 0:
        typer.echo("the pick file holds no picks: the outputs are valid and empty", err=True)
        raise typer.Exit(3)
