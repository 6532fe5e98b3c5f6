"""From scenarios and names of models to ground motions: the job of ``diffseis groundmotion``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.padding import bucket_size
from diffseis.core.words import plural
from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    LogicTree,
    LogNormalIM,
    Rupture,
    Site,
    ground_motions,
)
from diffseis.io import GroundMotions, Notice, ScenarioTable, read_scenarios_csv
from diffseis.workflows.motion_models import caveats, limits_of, named_model, taken_as_measured

_CHUNK = 65_536
"""Scenarios that are computed at once; the last ones are padded to a power of two, so that few programs are compiled."""

Progress = Callable[[str, int, int], None]


def scenario_ground_motions(
    scenarios: Path,
    models: Sequence[str],
    imts: Sequence[str],
    *,
    weights: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> tuple[list[GroundMotions], list[Notice]]:
    """All models for all scenarios.

    Args:
        scenarios: CSV file.
        models: names, with options, or files of learned ones.
        imts: names of measures.
        weights: of the models; where given, a mixture of them, `logic-tree`, comes last.
        progress: told of scenarios done.

    Returns:
        Ground motions by model, and what is to be told.

    Raises:
        InputError: if a model, a measure or a value cannot be.
    """
    say = progress or (lambda *_: None)
    made = [named_model(name, imts) for name in models]
    if weights is not None and len(weights) != len(models):
        raise InputError(
            f"{plural(len(models), 'model')} but {plural(len(weights), 'weight')}",
            field="--weights",
            fix="give one per model",
        )
    needs = {name: model.needs for name, model in zip(models, made, strict=True)}
    table, notices = read_scenarios_csv(scenarios, needs)
    by_name = dict(zip(models, made, strict=True))
    notices += caveats(by_name)
    if "vs30_measured" not in table.values:
        notices += taken_as_measured(by_name, "column site_vs30measured")
    if weights is not None:
        notices += other_sum(weights)
    for name, model in zip(models, made, strict=True):
        notices += beyond_limits(table, model, name)
    found = []
    for number, (name, model) in enumerate(zip(models, made, strict=True)):
        tell = lambda done, n=number: say("ground motions", n * len(table) + done, len(made) * len(table))
        found.append(_of(name, imts, _in_chunks(model, table, tell)))
    if weights is not None:
        tree = LogicTree(made, jnp.asarray(weights, float))
        found.append(_mixed(np.asarray(tree.weight, np.float64), imts, found))
    return found, notices


def split_names(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def split_numbers(text: str, option: str) -> list[float]:
    """Numbers between commas.

    Args:
        text: of the option.
        option: its name.

    Raises:
        InputError: if there is none, or what is no number.
    """
    try:
        numbers = [float(word) for word in split_names(text)]
    except ValueError as error:
        raise InputError(f"{text!r} is no list of numbers", field=option, fix="such as 0.1,1") from error
    if not numbers:
        raise InputError("is empty", field=option, fix="give numbers, separated by commas")
    return numbers


def split_weights(text: str | None) -> list[float] | None:
    """Numbers between commas, none of them negative, not all of them 0."""
    if text is None:
        return None
    weights = split_numbers(text, "--weights")
    if min(weights) < 0 or not 0 < sum(weights) < float("inf"):
        raise InputError(f"{text!r} cannot be weights", field="--weights", fix="give positive numbers")
    return weights


def other_sum(weights: Sequence[float]) -> list[Notice]:
    """That weights do not sum to 1."""
    total = sum(weights)
    if abs(total - 1) < 1e-3:
        return []
    return [Notice("weights", f"the weights sum to {total:g}; they were brought to a sum of 1", count=1)]


def pairs(table: ScenarioTable, rows: slice = slice(None)) -> tuple[Rupture, Site]:
    """Scenarios as arrays, their number padded to a power of two by repeating the last."""
    size = bucket_size(len(np.arange(len(table))[rows]))
    values = {name: jnp.asarray(_padded(x[rows], size), float) for name, x in table.values.items()}
    of = lambda kind: {k: v for k, v in values.items() if k in kind.__dataclass_fields__}
    return Rupture(**of(Rupture)), Site(**of(Site))


def _padded(x: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([x, np.full(size - len(x), x[-1])])


def _in_chunks(
    model: AbstractGroundMotionModel, table: ScenarioTable, tell: Callable[[int], None]
) -> LogNormalIM:
    parts = []
    for first in range(0, len(table), _CHUNK):
        rows = slice(first, min(first + _CHUNK, len(table)))
        found = jax.device_get(ground_motions(model, *pairs(table, rows)))
        parts.append(jax.tree.map(lambda x, n=rows.stop - first: np.asarray(x, np.float64)[:, :n], found))
        tell(rows.stop)
    return jax.tree.map(lambda *x: np.concatenate(x, axis=1), *parts)


def _mixed(weight: np.ndarray, imts: Sequence[str], found: Sequence[GroundMotions]) -> GroundMotions:
    """As `Mixture.moments`."""
    over = lambda x: np.tensordot(weight, x, axes=1)
    mean, tau, phi = (np.stack([getattr(f, n) for f in found]) for n in ("mean_ln", "tau", "phi"))
    centre = over(mean)
    between, within = np.sqrt(over(tau**2) + over((mean - centre) ** 2)), np.sqrt(over(phi**2))
    return GroundMotions("logic-tree", imts, centre, between, within, np.hypot(between, within))


def _of(name: str, measures: Sequence[str], found: Any) -> GroundMotions:
    sigma = np.hypot(found.tau, found.phi)
    return GroundMotions(name, measures, found.mean_ln, found.tau, found.phi, sigma)


def beyond_limits(table: ScenarioTable, model: AbstractGroundMotionModel, name: str) -> list[Notice]:
    """Scenarios for which the authors of a model do not vouch, or beyond the records of a learned one."""
    said = []
    for field, (low, high) in limits_of(model).items():
        values = table.values.get(field)
        if values is None or field not in (*model.needs, "top_depth_km", "hypocentre_depth_km"):
            continue
        out = np.flatnonzero((values < low) | (values > high))
        if len(out):
            said.append(
                Notice(
                    "beyond-limits",
                    f"{name}: {plural(len(out), 'scenario')} beyond its {field} of {low:.4g} to {high:.4g} (the first: {out[0]})",
                    count=len(out),
                    file=table.path,
                )
            )
    return said
