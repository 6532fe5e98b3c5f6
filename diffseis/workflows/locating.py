"""From files to a located catalogue and its report."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.results import Solution
from diffseis.core.tables import PickTable, StationTable, VelocityGrid, VelocityTable
from diffseis.core.words import plural
from diffseis.eikonal import AbstractPhaseTimes
from diffseis.inference import SVGD, AbstractSampler, Laplace
from diffseis.io import (
    Notice,
    write_catalogue_csv,
    write_geojson,
    write_json,
    write_nonlinloc,
    write_picks_csv,
    write_posterior_netcdf,
    write_quakeml,
    write_station_terms_csv,
)
from diffseis.io.atomic import write_text
from diffseis.location import (
    AbstractLikelihood,
    EqualDifferentialTime,
    Gaussian,
    InlierOutlier,
    LocatedCatalogue,
    NormalDepth,
    Problem,
    SearchVolume,
    StudentT,
    TravelTimeError,
    default_volume,
    estimate_station_terms,
    estimate_travel_time_error,
    locate,
    normalised_misfit,
)
from diffseis.workflows.config import LocateConfig, to_command, to_toml
from diffseis.workflows.inputs import Inputs, read_inputs
from diffseis.workflows.judging import notices_about
from diffseis.workflows.provenance import git_commit, versions
from diffseis.workflows.store import ChunkStore, exclusive, fingerprint
from diffseis.workflows.times import coverage, make_times

_SETTLED_S = 0.01

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Setup:
    """What a run computes with.

    Example:
        ``setup_for(stations, velocity).locate(picks, key=jax.random.key(0)).value`` is a `location.LocatedCatalogue`.
    """

    stations: StationTable
    frame: LocalFrame
    volume: SearchVolume
    times: AbstractPhaseTimes
    likelihood: AbstractLikelihood
    sampler: AbstractSampler

    @property
    def problem(self) -> Problem:
        """The posterior density, for its derivatives."""
        return Problem(self.times, self.likelihood, self.volume)

    @property
    def options(self) -> dict[str, Any]:
        """What `locate` and `estimate_station_terms` need beside tables, travel times and sampler."""
        return {"likelihood": self.likelihood, "prior": self.volume, "frame": self.frame}

    def locate(self, picks: PickTable, *, key: Key[Array, ""], **more: Any) -> Solution:
        """`location.locate` with all of this; `more` are further options of it."""
        return locate(
            picks, self.stations, self.times, **{"sampler": self.sampler, **self.options, **more}, key=key
        )


def make_likelihood(config: LocateConfig) -> AbstractLikelihood:
    """The likelihood that the settings ask for."""
    given = (
        () if config.traveltime_error == "auto" else config.traveltime_error
    )  # learning begins with the default
    error = TravelTimeError(*given, correlation_km=config.correlation_km)
    if config.likelihood == "gaussian":
        return Gaussian(error)
    if config.likelihood == "edt":
        return EqualDifferentialTime(error)
    if config.likelihood == "student":
        return StudentT(error)
    return InlierOutlier(
        error, outlier_fraction=config.outlier_fraction, outlier_scale_s=config.outlier_scale_s
    )


def make_sampler(config: LocateConfig) -> AbstractSampler:
    """The sampler that the settings ask for."""
    if config.sampler == "laplace":
        return Laplace(config.num_particles)
    if config.sampler == "grid":
        from diffseis.inference import DenseGrid

        return DenseGrid(config.num_particles)
    if config.sampler == "nuts":
        from diffseis.inference import NUTS

        return NUTS(config.num_particles)
    return SVGD(config.num_particles, config.num_steps)


def make_volume(
    config: LocateConfig, stations: StationTable, velocity: VelocityTable | VelocityGrid, frame: LocalFrame
) -> SearchVolume:
    """The search volume: around the network, down to the bottom of the velocity model (at least 40 km)."""
    deepest = velocity.z_km[-1] if isinstance(velocity, VelocityGrid) else velocity.depth_km[-1]
    bottom = config.max_depth_km or max(40.0, float(deepest))
    volume = default_volume(stations, frame, depth_km=bottom, margin_km=config.search_margin_km)
    if config.depth_prior_km is not None:
        volume = SearchVolume(
            volume.lower_km,
            volume.upper_km,
            surface=volume.surface,
            depth_prior=NormalDepth(*config.depth_prior_km),
        )
    return volume


def make_setup(
    config: LocateConfig,
    stations: StationTable,
    velocity: VelocityTable | VelocityGrid,
    *,
    progress: Progress | None = None,
    notices: list[Notice] | None = None,
) -> Setup:
    """Everything that a run computes with, from its settings and its tables."""
    frame = LocalFrame.centred_on(stations.latitude, stations.longitude)
    volume = make_volume(config, stations, velocity, frame)
    times = make_times(config, stations, velocity, frame, volume, progress=progress, notices=notices)
    return Setup(stations, frame, volume, times, make_likelihood(config), make_sampler(config))


def setup_for(stations: StationTable, velocity: VelocityTable | VelocityGrid, **settings: Any) -> Setup:
    """Frame, search volume, travel times, likelihood and sampler for a network, for use from Python.

    Args:
        stations: the network.
        velocity: the model, of one or three dimensions.
        settings: any of `LocateConfig`'s (``likelihood="gaussian"``, ``num_particles=512``...).
    """
    nowhere = Path("-")
    return make_setup(
        LocateConfig(picks=nowhere, stations=nowhere, velocity=nowhere, **{"out": nowhere, **settings}),
        stations,
        velocity,
    )


def run_locate(
    config: LocateConfig,
    *,
    inputs: Inputs | None = None,
    progress: Progress | None = None,
    title: str = "Earthquake locations",
    note: str | None = None,
    command: str | None = None,
) -> tuple[LocatedCatalogue, dict[str, Any]]:
    """The whole job: read, locate, write. Returns the catalogue and the record of the run.

    Runs of one folder exclude each other.

    Args:
        config: settings.
        inputs: tables, where they do not come from the files that `config` names.
        progress: told about stages and events done.
        title: of the report.
        note: shown first among the notices of the report.
        command: the line that repeats the run, where `diffseis locate` with these settings does not.
    """
    start = time.perf_counter()
    if progress is not None:
        progress("reading", 0, 0)
    inputs = read_inputs(config) if inputs is None else inputs
    timings = {"read": round(time.perf_counter() - start, 3)}
    _make_folder(config.out)
    with exclusive(config.out):
        return _run(config, inputs, timings, progress=progress, title=title, note=note, command=command)


def _run(
    config: LocateConfig,
    inputs: Inputs,
    timings: dict[str, Any],
    *,
    progress: Progress | None,
    title: str,
    note: str | None,
    command: str | None,
) -> tuple[LocatedCatalogue, dict[str, Any]]:
    """What `run_locate` does once the inputs are read and the folder is its own."""
    say = progress or (lambda *_: None)
    clock = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        timings[stage] = round(time.perf_counter() - clock, 3)
        clock = time.perf_counter()

    say("building travel-time tables", 0, 0)
    said: list[Notice] = []
    setup = make_setup(config, inputs.stations, inputs.velocity, progress=say, notices=said)
    said += coverage(inputs.velocity, setup.frame, setup.volume)
    inputs = replace(inputs, notices=[*inputs.notices, *said])
    jax.block_until_ready(jax.tree.leaves(setup.times))
    lap("travel-time tables")

    key = jr.key(config.seed)
    terms = None
    if config.station_terms == "static":
        terms, history = estimate_station_terms(
            inputs.picks,
            inputs.stations,
            setup.times,
            num_iterations=config.station_term_iterations,
            min_picks=config.station_term_min_picks,
            progress=progress,
            key=key,
            **setup.options,
        )
        timings["station term changes_s"] = history
        message = (
            f"static terms of {int(np.sum(np.any(terms != 0, axis=1)))} stations after {len(history)} rounds, the last of which changed them "
            f"by {history[-1]:.4f} s (root mean square)"
        )
        if history[-1] > _SETTLED_S:
            message += "; they have not settled: raise station_term_iterations"
        inputs = replace(inputs, notices=[*inputs.notices, Notice("station-terms", message)])
        lap("station terms")
    if config.traveltime_error == "auto":
        setup, said = learn_error(setup, inputs, terms, progress=progress, key=key)
        inputs = replace(inputs, notices=[*inputs.notices, *said])
        lap("travel-time error")

    settings = config.model_dump(
        mode="json", exclude={"out", "nonlinloc", "event_cards", "reference", "tables"}
    )
    mark = fingerprint(
        {"settings": settings, "versions": versions(), "sha256": inputs.sha256},
        setup.times,
        terms,
        setup.likelihood,
    )
    store = ChunkStore(config.out / ".resume", mark)
    if len(store):
        say(f"going on: {plural(len(store), 'event')} located before", 0, 0)
    solution = setup.locate(inputs.picks, station_terms_s=terms, store=store, progress=progress, key=key)
    lap("locate")
    inputs = replace(inputs, notices=[*inputs.notices, *notices_about(solution.value)])
    record = {
        "command": command or to_command(config),
        "configuration": config.model_dump(mode="json"),
        "seed": config.seed,
        "versions": versions(),
        "git_commit": git_commit(),
        "devices": [str(d) for d in jax.devices()],
        "inputs_sha256": inputs.sha256,
        "velocity_source": inputs.velocity.source,
        "notices": [str(n) for n in inputs.notices],
        "timings_s": timings,
        "statistics": solution.stats,
        "summary": summarise(solution.value),
    }
    say("writing", 0, 0)
    write_outputs(solution.value, config, inputs, record, title=title, note=note, lap=lap)
    store.clear()
    return solution.value, record


def learn_error(
    setup: Setup, inputs: Inputs, terms: np.ndarray | None, *, progress: Progress | None, key: Key[Array, ""]
) -> tuple[Setup, list[Notice]]:
    """The set-up with the travel-time error that the catalogue's own residuals ask for."""
    try:
        error, history = estimate_travel_time_error(
            inputs.picks, inputs.stations, setup.times, station_terms_s=terms, progress=progress, key=key, **setup.options
        )  # fmt: skip
    except ValueError as problem:
        raise InputError(
            str(problem), field="traveltime_error", fix="give it as --traveltime-error FRACTION,MIN_S,MAX_S"
        ) from problem
    fraction, least = history[-1]
    message = f"travel-time error learnt from the residuals: {fraction:.3f} of the travel time, at least {least:.3f} s"
    likelihood = eqx.tree_at(lambda x: x.error, setup.likelihood, error)
    return replace(setup, likelihood=likelihood), [Notice("traveltime-error", message)]


def _make_folder(folder: Path) -> None:
    """The folder of the results, made before hours are spent on what goes into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {folder} cannot be made ({error.strerror})", field="out", fix="choose another folder"
        ) from error
    if not os.access(folder, os.W_OK):
        raise InputError(
            f"the folder {folder} cannot be written to", field="out", fix="choose another folder"
        )


_UNUSED = ("unknown-station", "unknown-phase")


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def summarise(catalogue: LocatedCatalogue) -> dict[str, Any]:
    """Numbers of a run."""
    events, arrivals = catalogue.events, catalogue.arrivals
    words, counts = np.unique(events.status.astype(str), return_counts=True)
    located = events.status == "located"
    used = (arrivals.status == "used") & located[arrivals.event_row]

    def median(x):
        x = np.asarray(x, float)
        x = x[np.isfinite(x)]
        return float(np.median(x)) if x.size else None

    squares = arrivals.residual_s[used] ** 2
    # As the location weights them: by precision and by the probability of being no outlier.
    weight = arrivals.weight[used] / arrivals.sigma_s[used] ** 2
    weighted = float(np.sqrt(np.sum(weight * squares) / np.sum(weight))) if squares.size else None
    return {
        "num_events": len(events),
        "normalised_misfit": _finite(normalised_misfit(catalogue)),
        "status": dict(zip(words.tolist(), counts.tolist(), strict=True)),
        "num_picks": len(arrivals),
        "num_picks_used": int(used.sum()),
        "median_rms_s": median(events.rms_s[located]),
        "weighted_residuals_rms_s": weighted,
        "all_residuals_rms_s": float(np.sqrt(np.mean(squares))) if squares.size else None,
        "median_horizontal_error_km": median(events.horizontal_error_km[located]),
        "median_vertical_error_km": median(events.vertical_error_km[located]),
    }


def write_outputs(
    catalogue: LocatedCatalogue,
    config: LocateConfig,
    inputs: Inputs,
    record: dict[str, Any],
    *,
    title: str,
    note: str | None,
    lap: Callable[[str], None],
) -> None:
    """Every file of a run; each appears under its name only when it is complete."""
    from diffseis.plot import event_figure, figure_png, make_figures, write_report

    out: Path = config.out
    write_catalogue_csv(out / "catalog.csv", catalogue.events)
    write_picks_csv(out / "picks.csv", catalogue)
    write_quakeml(out / "catalog.xml", catalogue)
    write_posterior_netcdf(
        out / "posterior.nc", catalogue, provenance={"command": record["command"], "seed": config.seed}
    )
    write_geojson(out / "catalog.geojson", catalogue)
    write_text(out / "config.toml", to_toml(config))
    if config.station_terms != "none":
        write_station_terms_csv(out / "station_terms.csv", catalogue)
    else:  # of an earlier run in this folder
        (out / "station_terms.csv").unlink(missing_ok=True)
    if config.nonlinloc:
        write_nonlinloc(out / "nonlinloc", catalogue)
    lap("write tables")
    figures = {name: figure_png(f) for name, f in make_figures(catalogue, reference=inputs.reference).items()}
    located = np.flatnonzero(np.isfinite(catalogue.events.depth_km))[: config.event_cards]
    for event in located:
        name = f"event_{catalogue.events.event_id[event]}"
        figures[name] = figure_png(event_figure(catalogue, int(event)))
    folder = out / "figures"
    folder.mkdir(exist_ok=True)
    for name, png in figures.items():
        safe_name = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
        (folder / f"{safe_name}.png").write_bytes(png)
    # The report itself lists stations and phases that are not known.
    notices = ([note] if note else []) + [str(n) for n in inputs.notices if n.kind not in _UNUSED]
    lap("figures")
    write_report(
        catalogue,
        out / "report.html",
        run=record,
        reference=inputs.reference,
        notices=notices,
        figures=figures,
        title=title,
    )
    lap("report")
    write_json(out / "run.json", record)
