"""``diffseis intensity``."""

from pathlib import Path

import typer


def intensity(
    more: list[Path] | None = typer.Argument(
        None, metavar="[FILES]...", help="More of them: --waveforms *.AT2 works."
    ),
    waveforms: list[Path] = typer.Option(
        ...,
        help="Files or folders of records: AT2, SMC, BBP, K-NET, KiK-net, miniSEED, SAC, CSV; may be repeated.",
    ),
    out: Path = typer.Option(..., help="CSV to write; the record of the run goes beside it as .json."),
    imts: str | None = typer.Option(
        None,
        help="PGA, PGV, PGD, SA(T), IA, CAV, CAVSTD, CAD, SI, RSD575, RSD595, RSD2080, BRACKETED, UNIFORM, EAS(F): T in s, F in Hz.",
    ),
    component: str = typer.Option(
        "rotd50",
        help="rotd50 | rotd100 | rotd00 | gmrotd50 | gmroti50 | geometric-mean | arithmetic-mean | larger | h1 | h2 | vertical; several with commas.",
    ),
    damping: float = typer.Option(0.05, help="Fraction of critical, for SA and SI."),
    substeps: str = typer.Option(
        "peer", help="Looks between samples: peer, as NGA-West2 | none, as Boore's programs | bandlimited."
    ),
    units: str | None = typer.Option(
        None, help="g | m/s2 | cm/s2: of files that do not tell (miniSEED, SAC, CSV)."
    ),
    inventory: Path | None = typer.Option(None, help="StationXML with responses, for counts."),
    detrend: str = typer.Option(
        "mean", help="Taken from each record first: mean | linear | none (processed records)."
    ),
    highpass_hz: float | None = typer.Option(
        None, help="Corner of a high-pass filter without delay, of order 4 each way."
    ),
    figure: Path | None = typer.Option(
        None, help="PNG: motion, Husid curve and spectra of the strongest record, or of --figure-station."
    ),
    figure_station: str | None = typer.Option(None, help="Station of the figure."),
) -> None:
    """Intensity measures of strong-motion records."""
    from diffseis.cli.outputs import check_outputs, check_picture
    from diffseis.core.words import plural
    from diffseis.workflows.intensity_config import load_intensity_config

    waveforms = [*waveforms, *(more or [])]
    values = {
        "waveforms": tuple(waveforms),
        "out": out,
        "imts": imts,
        "component": tuple(word.strip().lower() for word in component.split(",") if word.strip()),
        "damping": damping,
        "substeps": substeps,
        "units": units,
        "inventory": inventory,
        "detrend": detrend,
        "highpass_hz": highpass_hz,
        "figure": figure,
        "figure_station": figure_station,
    }
    config = load_intensity_config({name: value for name, value in values.items() if value is not None})
    check_picture(figure, "--figure")
    read: dict[str, Path | None] = {f"--waveforms ({k + 1})": p for k, p in enumerate(waveforms)}
    check_outputs(
        {"--out": out, "--out (.json)": out.with_suffix(".json"), "--figure": figure},
        read | {"--inventory": inventory},
    )
    from diffseis.cli.terminal import Reporter, prepare_jax

    prepare_jax()
    from diffseis.workflows.intensity import run_intensity

    with Reporter() as reporter:
        rows, record = run_intensity(config, progress=reporter.update)
    status = record["summary"]["status"]
    words = ", ".join(f"{count} {word}" for word, count in sorted(status.items()))
    typer.echo(f"{plural(len(rows), 'row')}: {words}")
    for row in rows:
        if row.status != "ok":
            typer.echo(f"note: {row.station} {row.component}: {row.status}: {row.reason}", err=True)
    for notice in record["notices"]:
        typer.echo(f"note: {notice}", err=True)
    typer.echo(f"table: {out}")
    if not status.get("ok"):
        raise typer.Exit(3)
