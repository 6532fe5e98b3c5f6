"""``diffseis mechanism``."""

from pathlib import Path

import typer


def mechanism(
    observations: Path = typer.Option(..., help="First motions, ratios, amplitudes: a file of --format."),
    out: Path = typer.Option(..., help="Folder for the results."),
    source: str = typer.Option("dc", help="dc: double couples | shear-tensile | deviatoric | mt: all."),
    method: str = typer.Option(
        "grid",
        help="grid: exhaustive | svgd: Stein particles | amortised: a trained network | pgnn: physics-guided network, of P amplitudes; all end in weighted draws.",
    ),
    hash_mode: bool = typer.Option(False, "--hash-mode", help="As HASH does; the same as --method hash."),
    format: str = typer.Option(
        "csv",
        help="csv | hash1 ... hash5 | skhash | focmec | fpfit | nonlinloc | quakeml | hypoinverse.",
    ),
    stations: Path | None = typer.Option(
        None, help="Stations: CSV, StationXML, or as HASH and SKHASH have them."
    ),
    events: Path | None = typer.Option(
        None, help="Hypocentres: CSV event_id,time,latitude,longitude,depth_km."
    ),
    amplitudes: Path | None = typer.Option(None, help="Amplitudes of P and S, or ratios (hash, skhash)."),
    reversals: Path | None = typer.Option(None, help="Stations whose polarity was reversed (hash, skhash)."),
    corrections: Path | None = typer.Option(None, help="Of S/P by station (hash)."),
    angles: Path | None = typer.Option(None, help="SIMULPS file of angles (hash5)."),
    velocity: list[Path] = typer.Option(
        [],
        help="For rays without angles: CSV, .nd, .tvel, or depth and Vp; may be repeated: the models' spread counts as error.",
    ),
    velocity_kind: str = typer.Option("layers", help="Of a CSV: layers | linear."),
    located: Path | None = typer.Option(
        None,
        help="Folder of `diffseis locate`: hypocentres, their particles, and travel times for rays without angles.",
    ),
    angle_error_deg: str | None = typer.Option(
        None, help="TAKEOFF,AZIMUTH: error of computed angles by the velocity model (default 5,2)."
    ),
    vp_vs: float = typer.Option(3**0.5, help="At the sources (HASH: 1.70 if not given)."),
    composite: str | None = typer.Option(None, help="One mechanism of all events, of this name."),
    station_terms: bool = typer.Option(
        False, "--station-terms", help="Learn terms of stations, and find reversed ones."
    ),
    no_learn: bool = typer.Option(
        False, "--no-learn", help="Take the noise as given, instead of learning it."
    ),
    mispick: float = typer.Option(
        0.1, help="Share of wrong first motions; learning begins with it; HASH's badfrac."
    ),
    polarity_sd: float = typer.Option(
        0.1, help="Amplitude below which first motions drown, over the largest."
    ),
    ratio_sd: float = typer.Option(
        0.4, help="Scatter of log10 amplitude ratios; HASH's qbadfac (0.3 if not given)."
    ),
    num_draws: int = typer.Option(
        1024,
        help="Weighted draws that are computed per event; posterior.nc holds 500 of equal weight, picked from them.",
    ),
    figures: str = typer.Option(
        "8", help="Pages of so many events, the most and the least certain; all; none: no figure at all."
    ),
    seed: int = typer.Option(0, help="Random seed."),
) -> None:
    """Focal mechanisms of first motions, amplitude ratios and amplitudes, with their posteriors."""
    from diffseis.cli.terminal import numbers
    from diffseis.core.errors import InputError
    from diffseis.core.words import plural
    from diffseis.workflows.mechanism_config import load_mechanism_config

    if hash_mode and method not in ("grid", "hash"):
        raise InputError(f"contradicts --method {method}", field="--hash-mode", fix="leave one of them out")
    values = {
        "observations": observations,
        "out": out,
        "source": source,
        "method": "hash" if hash_mode else method,
        "format": format,
        "stations": stations,
        "events": events,
        "amplitudes": amplitudes,
        "reversals": reversals,
        "corrections": corrections,
        "angles": angles,
        "velocity": tuple(velocity),
        "velocity_kind": velocity_kind,
        "located": located,
        "angle_error_deg": numbers(angle_error_deg, "--angle-error-deg", "TAKEOFF,AZIMUTH", "5,2"),
        "vp_vs": vp_vs,
        "composite": composite,
        "station_terms": station_terms,
        "learn": not no_learn,
        "mispick": mispick,
        "polarity_sd": polarity_sd,
        "ratio_sd": ratio_sd,
        "num_draws": num_draws,
        "figures": int(figures) if figures.isdecimal() else figures,
        "seed": seed,
    }
    config = load_mechanism_config({name: value for name, value in values.items() if value is not None})

    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.mechanisms import run_mechanisms

    with Reporter() as reporter:
        _, record = run_mechanisms(config, progress=reporter.update)
    summary = record["summary"]
    words = ", ".join(f"{count} {word}" for word, count in sorted(summary["status"].items()))
    typer.echo(f"{plural(summary['num_events'], 'event')}: {words or 'none'}")
    if summary["num_mechanisms"]:
        grades = ", ".join(f"{count} {grade}" for grade, count in sorted(summary["grade"].items()))
        what = "accepted mechanisms" if record["settings"]["method"] == "hash" else "posterior"
        typer.echo(
            f"grades: {grades}; half of the {what} within {summary['median_kagan50_deg']:.0f} degrees (median of events)"
        )
    for notice in record["notices"]:
        typer.echo(f"note: {notice}", err=True)
    typer.echo(f"report: {out / 'report.html'}")
    if not summary["status"].get("ok"):
        raise typer.Exit(3)
