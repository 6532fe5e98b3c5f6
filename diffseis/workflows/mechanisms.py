"""From observations of rays to a catalogue of mechanisms and its report: the job of ``diffseis mechanism``."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax.random as jr
import numpy as np

from diffseis.core.errors import InputError
from diffseis.io import (
    Notice,
    sha256_of,
    write_json,
    write_mechanism_modes_csv,
    write_mechanism_posterior,
    write_mechanisms_csv,
    write_mechanisms_quakeml,
    write_psmeca,
)
from diffseis.mechanism import (
    HashOptions,
    MechanismCatalogue,
    Method,
    default_noise,
    hash_catalogue,
    hash_mechanisms,
    invert,
)
from diffseis.workflows.located_angles import FILES
from diffseis.workflows.mechanism_config import MechanismConfig, to_command
from diffseis.workflows.mechanism_inputs import MechanismInputs, Progress, read_mechanism_inputs
from diffseis.workflows.mechanism_methods import check_method, method_of
from diffseis.workflows.provenance import git_commit, versions
from diffseis.workflows.run_folders import check_folder, clear_earlier, folder_of

COMMAND = "diffseis mechanism"


UNSETTLED = "the noise of the data did not settle while it was learned: give --mispick, --polarity-sd and --ratio-sd with --no-learn, or more events"


def run_mechanisms(
    config: MechanismConfig, *, progress: Progress | None = None
) -> tuple[MechanismCatalogue, dict[str, Any]]:
    """The whole job: read, invert, write. Returns the catalogue and the record of the run.

    Args:
        config: settings.
        progress: told about stages and events done.
    """
    say = progress or (lambda *_: None)
    clock = time.perf_counter()
    timings: dict[str, float] = {}

    def lap(stage: str) -> None:
        nonlocal clock
        timings[stage] = round(time.perf_counter() - clock, 3)
        clock = time.perf_counter()

    check_folder(config.out, COMMAND)
    check_method(config)
    say("reading", 0, 0)
    inputs = read_mechanism_inputs(config, progress)
    if config.method == "pgnn" and not np.any(np.isfinite(inputs.rays.p_amplitude)):
        raise InputError(
            "the physics-guided network needs P amplitudes, and there are none",
            field="--method",
            fix="use another, or give p_amplitude",
        )
    lap("read")
    method = method_of(config, say)
    lap("train")
    with folder_of(config.out, COMMAND, clear=False):
        catalogue, learning, said = _found(config, inputs, method, progress)
        lap("mechanisms")
        record = {
            "command": COMMAND,
            "command_line": to_command(config),
            "settings": config.model_dump(mode="json") | _used(method),
            "versions": versions(),
            "commit": git_commit(),
            "sha256": {name: sha256_of(path) for name, path in _files(config).items()},
            "noise": catalogue.noise,
            "learning": learning,
            "station_terms": _terms(catalogue),
            "summary": summarise(catalogue),
            "notices": [str(n) for n in inputs.notices] + said,
            "timings_s": timings,
        }
        say("writing", 0, 0)
        write_outputs(catalogue, config, inputs, record, progress=say, lap=lap)
    return catalogue, record


def _used(method: Method | HashOptions) -> dict[str, float]:
    """Settings of HASH's own in the place of those that were not given."""
    if not isinstance(method, HashOptions):
        return {}
    return {"mispick": method.bad_fraction, "ratio_sd": method.ratio_bad, "vp_vs": method.vp_vs}


def _found(
    config: MechanismConfig, inputs: MechanismInputs, method: Method | HashOptions, progress: Progress | None
) -> tuple[MechanismCatalogue, list[dict[str, float]], list[str]]:
    """The catalogue, the history of the noise's learning, and what is to be told of both."""
    key = jr.key(config.seed)
    if isinstance(method, HashOptions):
        ids = list(dict.fromkeys(str(e) for e in inputs.rays.event_id))
        solutions = []
        for number, name in enumerate(ids):
            solutions += hash_mechanisms(inputs.rays, [name], options=method, key=key)
            if progress is not None:
                progress("mechanisms", number + 1, len(ids))
        return hash_catalogue(inputs.rays, solutions, method), [], []
    solution = invert(
        inputs.rays,
        source=config.source,
        method=method,
        method_name=config.method,
        vp_vs=config.vp_vs,
        noise=_noise(config, inputs),
        learn=config.learn,
        station_terms=config.station_terms,
        num_draws=config.num_draws,
        progress=progress,
        key=key,
    )
    said = [] if solution.stats["settled"] else [UNSETTLED]
    return solution.value, solution.stats["learning"], said + solution.stats["apart"]


def _files(config: MechanismConfig) -> dict[str, Path]:
    """Everything that is read, those of a located run, too."""
    folder = config.located
    located = {} if folder is None else {f"located {name}": folder / name for name in FILES}
    return config.files | located


def _noise(config: MechanismConfig, inputs: MechanismInputs):
    stations = len({str(s) for s in inputs.rays.station}) if config.station_terms else 0
    return default_noise(
        stations, mispick=config.mispick, polarity_sd=config.polarity_sd, ratio_sd=config.ratio_sd
    )


def _terms(catalogue: MechanismCatalogue) -> dict[str, dict[str, float]]:
    return {
        name: {"share_wrong": wrong, "log10_ratio": ratio}
        for name, (wrong, ratio) in catalogue.stations.items()
    }


def summarise(catalogue: MechanismCatalogue) -> dict[str, Any]:
    """Numbers of a run."""
    table = catalogue.mechanisms
    count = lambda column: {
        str(word): int(n) for word, n in zip(*np.unique(column.astype(str), return_counts=True), strict=True)
    }
    found = np.isfinite(np.asarray(table.strike_deg, float))
    middle = lambda column: float(np.median(column[found])) if found.any() else None
    return {
        "num_events": len(table),
        "num_mechanisms": int(found.sum()),
        "status": count(table.status),
        "grade": count(table.grade[found]),
        "median_kagan50_deg": middle(table.kagan50_deg),
        "median_probability_within_20_deg": middle(table.probability_within_20_deg),
        "median_misfit": middle(np.nan_to_num(np.asarray(table.misfit, float))),
    }


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder to write into, whose files move to `out` when the block ends well: an interrupted run leaves none of them."""
    stage = out / ".partial"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    try:
        yield stage
        clear_earlier(out, COMMAND)
        for path in sorted(p for p in stage.rglob("*") if p.is_file()):
            final = out / path.relative_to(stage)
            final.parent.mkdir(exist_ok=True)
            path.replace(final)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_outputs(
    catalogue: MechanismCatalogue,
    config: MechanismConfig,
    inputs: MechanismInputs,
    record: dict[str, Any],
    *,
    progress: Progress,
    lap: Callable[[str], None],
) -> None:
    """Every file of a run; none appears before all are complete."""
    from diffseis.workflows.mechanism_pages import draw_figures, write_pages

    located = None if config.located is None else config.located / "catalog.xml"
    located = located if located is not None and located.is_file() and config.composite is None else None
    with staged(config.out) as stage:
        write_mechanisms_csv(stage / "mechanisms.csv", catalogue)
        write_mechanism_modes_csv(stage / "modes.csv", catalogue)
        said: list[Notice] = write_mechanisms_quakeml(
            stage / "mechanisms.xml", catalogue, places=inputs.places, located=located
        )
        write_mechanism_posterior(
            stage / "posterior.nc", catalogue, provenance={"command": COMMAND, "seed": config.seed}
        )
        said += write_psmeca(stage / "mechanisms.psmeca", catalogue, inputs.places)
        record["notices"] += [str(n) for n in said]
        lap("write tables")
        figures = draw_figures(catalogue, config, inputs, stage / "figures", progress)
        lap("figures")
        write_pages(stage / "report.html", catalogue, inputs, figures, record)
        lap("report")
        files = sorted(str(p.relative_to(stage)) for p in stage.rglob("*") if p.is_file())
        record["files"] = files
        write_json(stage / "run.json", record)
