"""``diffseis groundmotion``."""

from pathlib import Path

import typer


def groundmotion(
    scenarios: Path | None = typer.Option(
        None, help="CSV of OpenQuake's columns: rup_mag,rup_rake,dist_rjb,dist_rrup,site_vs30, ..."
    ),
    model: str | None = typer.Option(
        None,
        help="Models, separated by commas; options follow: BSSA14:region=japan:basin=japan. See --list. Or files of train-groundmotion.",
    ),
    imts: str = typer.Option(
        "PGA,PGV,SA(0.2),SA(1.0)", help="Measures: PGA,PGV,SA(period in s), IA, RSD595, ..."
    ),
    out: Path = typer.Option(
        Path("ground_motions.csv"), help="CSV: scenario,model,imt,mean_ln,tau,phi,sigma; g, cm/s, m/s, s."
    ),
    weights: str | None = typer.Option(
        None, help="Of the models, separated by commas: adds their mixture, logic-tree."
    ),
    figure: Path | None = typer.Option(
        None, help="PNG: response spectra of the first six scenarios by all models."
    ),
    attenuation: Path | None = typer.Option(
        None, help="PNG: measures against distance from the first scenario's rupture by all models."
    ),
    list_models: bool = typer.Option(
        False, "--list", help="Show models, their options, measures and columns."
    ),
) -> None:
    """Ground motions of scenarios by published models: mean of the logarithm, and standard deviations."""
    from diffseis.cli.terminal import Reporter, prepare_jax
    from diffseis.core.errors import InputError

    if list_models:
        prepare_jax()
        from diffseis.workflows.ground_motion_models import describe_models

        typer.echo(describe_models())
        return
    for option, value, fix in (
        ("--scenarios", scenarios, "name a CSV file with a row per earthquake and site"),
        ("--model", model, "name one or several, such as BSSA14,CY14; see --list"),
    ):
        if not value:
            raise InputError("is missing", field=option, fix=fix)
    if scenarios is None or model is None:
        return
    from diffseis.cli.outputs import check_outputs, check_picture
    from diffseis.core.words import plural

    pictures = {"--figure": figure, "--attenuation": attenuation}
    check_outputs({"--out": out, **pictures}, {"--scenarios": scenarios})
    for option, picture in pictures.items():
        check_picture(picture, option)
    prepare_jax()
    from diffseis.io import write_ground_motions_csv
    from diffseis.workflows.ground_motions import scenario_ground_motions, split_names, split_weights

    with Reporter() as reporter:
        found, notices = scenario_ground_motions(
            scenarios,
            split_names(model),
            split_names(imts),
            weights=split_weights(weights),
            progress=reporter.update,
        )
        write_ground_motions_csv(out, found, lambda a, b: reporter.update("writing", a, b))
        if figure is not None:
            from diffseis.io import atomic_path, read_scenarios_csv
            from diffseis.plot import figure_png
            from diffseis.workflows.ground_motion_figures import spectra_figure

            reporter.update("figure", 0, 0)
            drawn = spectra_figure(read_scenarios_csv(scenarios)[0], split_names(model))
            if drawn is None:
                raise InputError("no model has spectra", field="--figure", fix="leave it out")
            with atomic_path(figure) as temporary:
                temporary.write_bytes(figure_png(drawn))
        if attenuation is not None:
            from diffseis.io import atomic_path, read_scenarios_csv
            from diffseis.plot import figure_png
            from diffseis.workflows.attenuation_figures import attenuation_figure

            reporter.update("figure", 0, 0)
            drawn = attenuation_figure(
                read_scenarios_csv(scenarios)[0], split_names(model), split_names(imts)
            )
            with atomic_path(attenuation) as temporary:
                temporary.write_bytes(figure_png(drawn))
    for notice in notices:
        typer.echo(f"note: {notice}", err=True)
    what = ", ".join(one.model for one in found)
    typer.echo(
        f"{plural(found[0].mean_ln.shape[1], 'scenario')}, {plural(len(found[0].measures), 'measure')}: {what}"
    )
    typer.echo(f"table: {out}")
