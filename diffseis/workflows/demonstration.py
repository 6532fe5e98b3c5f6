"""The embedded default: fifty earthquakes at the Alpine Fault, New Zealand, from a bulletin that ObsPy ships.

Where an ObsPy came without its test data, synthetic events of the same network take their place, and say so.
"""

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.frames import geodesic
from diffseis.core.tables import PHASES, EventTable, PickTable
from diffseis.io import Notice, read_stations_csv, read_velocity_csv, sha256_of
from diffseis.location import LocatedCatalogue
from diffseis.workflows.config import LocateConfig
from diffseis.workflows.inputs import Inputs, read_inputs
from diffseis.workflows.locating import Progress, run_locate

NOTE = (
    "Picks and published hypocentres: SEISAN bulletin of 50 local earthquakes at the Alpine Fault (2013), shipped with ObsPy. "
    "Station coordinates were recovered from the bulletin's own distances and azimuths (about 0.1 km; elevations unknown, set to "
    "zero); this error is part of the travel-time error. So the comparison of epicentres is not independent of the bulletin. "
    "Velocity model: a rough one-dimensional rendering, by hand, of the Southern Alps crust after Scherwath et al. (2003) and "
    "Van Avendonk et al. (2004); it is not the bulletin's, whose model and depth datum are not stated, and depths differ accordingly."
)
SYNTHETIC = (
    "SYNTHETIC: this ObsPy comes without its test data, so these are invented earthquakes recorded by the same network. "
    "Install a complete ObsPy to see the real ones."
)
PICK_ERROR_S = (0.08, 0.12)
"""Reading error of a full-weight P and S of the bulletin (which states none)."""


@dataclass(frozen=True)
class DemoResult:
    """The catalogue, the record of the run and the lines to print."""

    catalogue: LocatedCatalogue
    record: dict
    lines: list[str]
    synthetic: bool


def bulletin_path() -> Path | None:
    """Where ObsPy keeps the bulletin, or None."""
    spec = importlib.util.find_spec("obspy")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "io" / "nordic" / "tests" / "data" / "select.out"
    return path if path.is_file() else None


def demo_config(out: Path, *, seed: int = 0) -> LocateConfig:
    """Settings of the demo; the paths stand for the packaged tables."""
    data = Path(str(files("diffseis.data")))
    settings: dict[str, Any] = {
        "picks": bulletin_path() or data / "synthetic",
        "picks_format": "NORDIC",
        "stations": data / "alpine_fault_stations.csv",
        "velocity": data / "alpine_fault_velocity.csv",
        "velocity_kind": "linear",
        "default_uncertainty_s": PICK_ERROR_S,
        "traveltime_error": (0.02, 0.08, 2.0),
        "search_margin_km": 40.0,
        "max_depth_km": 40.0,
        "seed": seed,
        "out": out,
    }
    return LocateConfig(**settings)


def demo_inputs(config: LocateConfig) -> tuple[Inputs, bool]:
    """The demo's tables; true if the events are synthetic."""
    source = "Scherwath et al. (2003), Van Avendonk et al. (2004); see diffseis/data/README.md"
    if bulletin_path() is not None:  # what `diffseis locate` would read
        inputs = read_inputs(config)
        # The bulletin lies deep inside an installed package: its name says enough.
        notices = [replace(n, file=n.file and Path(n.file).name) for n in inputs.notices]
        return replace(inputs, velocity=replace(inputs.velocity, source=source), notices=notices), False
    stations, notices = read_stations_csv(config.stations)
    velocity = replace(read_velocity_csv(config.velocity, config.velocity_kind), source=source)
    digests = {"stations": sha256_of(config.stations), "velocity": sha256_of(config.velocity)}
    picks, events = synthetic_events(config, stations, velocity)
    notices.insert(0, Notice("synthetic", SYNTHETIC))
    return Inputs(picks, stations, velocity, events, notices, digests), True


def synthetic_events(
    config: LocateConfig, stations, velocity, *, num_events: int = 50
) -> tuple[PickTable, EventTable]:
    """Invented events of the demo's network, drawn near it, with noise as the likelihood states it."""
    import jax.numpy as jnp
    import jax.random as jr

    from diffseis.synthesis import synthetic_picks
    from diffseis.workflows.locating import make_setup

    setup = make_setup(config, stations, velocity)
    rng = np.random.default_rng(config.seed)
    places = np.stack(
        [rng.normal(0, 12, num_events), rng.normal(0, 12, num_events), rng.uniform(3, 14, num_events)], axis=1
    )
    return synthetic_picks(
        jnp.asarray(places),
        setup.times,
        stations,
        setup.frame,
        error=setup.likelihood.error,
        sigma_s=dict(zip(PHASES, PICK_ERROR_S, strict=True)),
        num_stations=(4, 8),
        key=jr.key(config.seed),
    )


def run_demo(out: Path, *, seed: int = 0, progress: Callable | None = None) -> DemoResult:
    """Locates the demo's events and compares with the published hypocentres."""
    start = time.perf_counter()
    config = demo_config(out, seed=seed)
    inputs, synthetic = demo_inputs(config)
    title = "Fifty earthquakes at the Alpine Fault, New Zealand"
    if synthetic:
        title = "Synthetic earthquakes on the Alpine Fault network"
    reporter: Progress | None = progress
    catalogue, record = run_locate(
        config,
        inputs=inputs,
        progress=reporter,
        title=title,
        note=SYNTHETIC if synthetic else NOTE,
        command=f"diffseis demo --out {out} --seed {seed}",
    )
    lines = demo_lines(catalogue, inputs.reference, record, synthetic)
    lines.append(f"report: {out / 'report.html'}   ({time.perf_counter() - start:.0f} s)")
    return DemoResult(catalogue, record, lines, synthetic)


def demo_lines(
    catalogue: LocatedCatalogue, reference: EventTable | None, record: dict, synthetic: bool
) -> list[str]:
    """What the demo prints."""
    events = catalogue.events
    good = events.status == "located"
    lines = ["SYNTHETIC EVENTS: this ObsPy has no test data"] if synthetic else []
    lines.append(f"located: {good.sum()} of {len(events)} events")
    if reference is not None and good.any():
        row = {str(name): i for i, name in enumerate(reference.event_id)}
        match = np.array([row.get(str(name), -1) for name in events.event_id])
        use = good & (match >= 0)
        distance, _, _ = geodesic(
            events.latitude[use],
            events.longitude[use],
            reference.latitude[match[use]],
            reference.longitude[match[use]],
        )
        depth = np.abs(events.depth_km[use] - reference.depth_km[match[use]])
        what = "true" if synthetic else "published"
        lines.append(
            f"median distance to the {what} hypocentres: {np.median(distance):.2f} km in epicentre, "
            f"{np.nanmedian(depth):.2f} km in depth"
        )
    summary = record["summary"]
    if summary["all_residuals_rms_s"] is not None:
        lines.append(
            f"RMS residual: {summary['weighted_residuals_rms_s']:.3f} s, picks weighted as in the location; "
            f"{summary['all_residuals_rms_s']:.3f} s unweighted, outliers in full"
        )
        published = published_rms_s(catalogue)
        if published is not None:
            lines[-1] += f" (published, the same picks: {published:.3f} s)"
    return lines


def published_rms_s(catalogue: LocatedCatalogue) -> float | None:
    """Unweighted RMS of the residuals that the bulletin gives for the picks of located events; None where it gives none."""
    if "residual_s" not in catalogue.picks.extra:
        return None
    arrivals = catalogue.arrivals
    located = (catalogue.events.status == "located")[arrivals.event_row] & (arrivals.status == "used")
    given = np.array(
        [float(x) if x not in (None, "") else np.nan for x in catalogue.picks.extra["residual_s"]]
    )
    residual = given[located & np.isfinite(given)]
    return float(np.sqrt(np.mean(residual**2))) if residual.size else None
