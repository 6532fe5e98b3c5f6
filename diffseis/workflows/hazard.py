"""From a source model, ground-motion models and sites to hazard curves with their derivatives: the job of ``diffseis hazard``."""

import time
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.words import plural
from diffseis.groundmotion import (
    LogicTree,
    Site,
    level_at_rate,
    parse_measure,
)
from diffseis.io import EarthquakeSource, MotionPlaces, Notice, read_motion_places_csv, write_json
from diffseis.workflows.ground_motions import Progress, other_sum
from diffseis.workflows.hazard_config import HazardSettings
from diffseis.workflows.hazard_derivatives import derivatives_of, mean_derivatives
from diffseis.workflows.hazard_files import Curve, SiteHazard, write_hazard
from diffseis.workflows.hazard_rates import contributions_of, curve_rates
from diffseis.workflows.hazard_sources import num_magnitudes, read_sources, source_groups
from diffseis.workflows.motion_models import caveats, named_model, taken_as_measured
from diffseis.workflows.provenance import made_with
from diffseis.workflows.run_folders import check_folder, folder_of

COMMAND = "diffseis hazard"
MEAN = "mean"
_RANGES = {"PGV": (0.5, 200.0), "IA": (0.001, 20.0), "CAV": (0.01, 10.0)}
_ACCELERATION = (0.003, 3.0)
_NUM_LEVELS = 30


def run_hazard(settings: HazardSettings, out: Path, progress: Progress | None = None) -> dict[str, Any]:
    """The whole job; returns the record of the run.

    Raises:
        InputError: if a setting, a file or a value cannot be.
    """
    say = progress or (lambda *_: None)
    clock = time.perf_counter()
    check_folder(out, COMMAND)
    models = [named_model(name, settings.imts) for name in settings.models]
    levels = _levels(settings)
    sources = read_sources(settings.sources, settings.spacing_km)
    _check_needs(settings, models, sources)
    sites = _sites(settings)
    by_name = dict(zip(settings.models, models, strict=True))
    notices = [*caveats(by_name), *_notices(sources)]
    if settings.vs30_measured is None:
        notices += taken_as_measured(by_name, "--vs30-measured or --vs30-inferred")
    if settings.weights is not None:
        notices += other_sum(settings.weights)
    found = []
    for number in range(len(sites)):
        tell = lambda done, total, k=number: say("hazard", k * total + done, len(sites) * total)
        one = _site_hazard(settings, models, sources, sites, number, levels, tell)
        if one is None:
            message = f"{_name(sites, number)}: no source within {settings.max_distance_km:g} km"
            notices.append(Notice("no-source", message, count=1, file=str(settings.sources)))
        else:
            found.append(one)
            notices += _beyond(settings, one)
    if not found:
        fix = "check the places of sources and site, or raise --max-distance-km"
        raise InputError(
            f"has no source within {settings.max_distance_km:g} km", file=settings.sources, fix=fix
        )
    with folder_of(out, COMMAND):
        files = write_hazard(settings, found, out, say)
        record = {
            "command": COMMAND,
            **made_with(settings),
            "num_sources": len(sources),
            "num_sites": len(found),
            "sites": [_summary(settings, one) for one in found],
            "notices": [str(n) for n in notices],
            "seconds": round(time.perf_counter() - clock, 3),
            "files": files,
        }
        write_json(out / "run.json", record)
    return record


def _levels(settings: HazardSettings) -> np.ndarray:
    """By measure."""
    if settings.levels is not None:
        return np.tile(settings.levels, (len(settings.imts), 1))
    rows = []
    for imt in settings.imts:
        low, high = _RANGES.get(str(parse_measure(imt)), _ACCELERATION)
        if imt.startswith("RSD"):
            low, high = 1.0, 200.0
        rows.append(np.geomspace(low, high, _NUM_LEVELS))
    return np.stack(rows)


def _check_needs(settings: HazardSettings, models, sources: list[EarthquakeSource]) -> None:
    """Every field that a model needs must be there for every source."""
    never = ("slope", "geology", "attenuation_region")
    stated = {"rake_rad": "rake_deg", "dip_rad": "dip_deg"}
    for name, model in zip(settings.models, models, strict=True):
        lacking = [field for field in model.needs if field in never]
        if lacking:
            fix = "choose a model that does not, or another form of it"
            raise InputError(f"{name} needs {', '.join(lacking)}", field="--model", fix=fix)
        for field in (f for f in model.needs if f in stated):
            for source in sources:
                if not np.all(np.isfinite(getattr(source, stated[field]))):
                    why = f"{name} needs it, and source {source.name} does not state it"
                    raise InputError(why, file=settings.sources, field=stated[field], fix="state it")


def _sites(settings: HazardSettings) -> MotionPlaces:
    if settings.sites is not None:
        return read_motion_places_csv(settings.sites)
    one = lambda x: np.array([x], float)
    return MotionPlaces(
        "", np.array([""], object), one(settings.latitude), one(settings.longitude), one(np.nan)
    )


def _name(sites: MotionPlaces, number: int) -> str:
    name = str(sites.name[number]) or "site"
    alone = np.sum(sites.name == sites.name[number]) == 1
    return name if alone else f"{name} {number}"


def _notices(sources: list[EarthquakeSource]) -> list[Notice]:
    regions = sorted({s.region for s in sources if s.region})
    if len(regions) < 2:
        return []
    message = f"the sources are of {plural(len(regions), 'region')} ({', '.join(regions)}); the models were used for all of them"
    return [Notice("regions", message, count=len(regions))]


def _beyond(settings: HazardSettings, one: SiteHazard) -> list[Notice]:
    """Return periods that the levels do not reach."""
    said = []
    curve = one.curves[-1]
    for row, imt in enumerate(settings.imts):
        lost = [
            f"{years:g}"
            for k, years in enumerate(settings.return_periods_years)
            if np.isnan(curve.levels_at[row, k])
        ]
        if lost:
            message = f"{one.name}, {imt}: the levels do not reach {', '.join(lost)} years; give --levels"
            said.append(Notice("return-period", message, count=len(lost)))
    return said


def _site_hazard(settings, models, sources, sites, number, levels, tell) -> SiteHazard | None:
    latitude, longitude = float(sites.latitude[number]), float(sites.longitude[number])
    vs30 = float(sites.vs30_m_s[number])
    vs30 = vs30 if np.isfinite(vs30) else settings.vs30_m_s
    frame = LocalFrame(latitude, longitude)
    groups = source_groups(sources, frame, settings.max_distance_km, settings.spacing_km)
    if not groups:
        return None
    num = num_magnitudes(sources, settings.magnitude_bin)
    log_levels = jnp.log(jnp.asarray(levels, float))
    measured = 0.0 if settings.vs30_measured is False else 1.0
    ground = Site(vs30_m_s=jnp.asarray(vs30, float), vs30_measured=jnp.asarray(measured, float))
    cut = settings.truncation if np.isfinite(settings.truncation) else None
    periods = settings.return_periods_years
    curves, steps = [], 2 * len(models) + 1
    for k, (name, model) in enumerate(zip(settings.models, models, strict=True)):
        rates = curve_rates(model, groups, ground, log_levels, num, cut)
        tell(2 * k, steps)
        derivatives = None
        if settings.derivatives != "none":
            every = settings.derivatives == "all"
            derivatives = derivatives_of(model, groups, ground, log_levels, num, cut, coefficients=every)
            tell(2 * k + 1, steps)
        curves.append(_curve(name, log_levels, rates, periods, derivatives))
    weight = np.asarray(LogicTree(models, settings.weights).weight, float)
    if len(models) > 1:
        mean = np.tensordot(weight, np.stack([c.rates for c in curves]), axes=1)
        told = [c.derivatives for c in curves if c.derivatives is not None]
        slopes = mean_derivatives([c.rates for c in curves], told, weight) if told else None
        curves.append(_curve(MEAN, log_levels, mean, periods, slopes))
    apart = contributions_of(models, weight, groups, ground, curves[-1].levels_at, num, cut)
    tell(steps, steps)
    return SiteHazard(_name(sites, number), latitude, longitude, vs30, levels, curves, apart)


def _curve(name, log_levels, rates, periods, derivatives) -> Curve:
    at = [np.asarray(level_at_rate(log_levels, jnp.asarray(rates, float), 1 / p)) for p in periods]
    return Curve(name, rates, np.exp(np.stack(at, axis=-1)), derivatives)


def _summary(settings: HazardSettings, one: SiteHazard) -> dict[str, Any]:
    curve = one.curves[-1]
    return {
        "site": one.name,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "vs30_m_s": one.vs30_m_s,
        "model": curve.model,
        "levels": {
            imt: {
                f"{period:g}": None if np.isnan(x := curve.levels_at[row, k]) else float(x)
                for k, period in enumerate(settings.return_periods_years)
            }
            for row, imt in enumerate(settings.imts)
        },
    }
