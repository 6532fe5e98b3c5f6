"""Learned ground-motion models as files: safetensors with a header that tells measures, the model below, the records' ranges and the training. No code is stored, so none is executed when they are read."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.groundmotion import (
    AbstractGroundMotionModel,
    Correlation,
    Measure,
    MeasureCorrelations,
    NeuralModel,
    ground_motion_model,
    parse_measures,
    with_measures,
)
from diffseis.groundmotion.neural_weights import NUM_INPUTS, Weights
from diffseis.groundmotion.tables import Rows
from diffseis.io.atomic import atomic_path
from diffseis.io.guards import read_bytes
from diffseis.networks import pack_weights, unpack_header, unpack_weights

KIND = "learned ground-motion model"
VERSION = 1
SUFFIX = ".safetensors"
_COLUMNS = ("place", "magnitude_centre", "tau", "phi_s2s", "phi_ss", "tau_slope", "phi_ss_slope")
_MOST = 4096
_FEW_EVENTS = 10
"""Models of fewer say so wherever they are used."""
_FIX = "name a file that train-groundmotion wrote"


class _Arrays(eqx.Module):
    """What is stored of a model.

    Attributes:
        columns: deviations by name.
        weights, factor, limits: as of `NeuralModel`.
        correlations: of events, sites and what is left; without their limits, of which some are no numbers.
    """

    columns: dict[str, Float[Array, " measure"]]
    weights: Weights
    factor: Float[Array, "measure member weight weight"]
    limits: dict[str, Float[Array, "2"]]
    correlations: Float[Array, "3 measure measure"] | None


def save_neural_model(
    path: str | Path,
    model: NeuralModel,
    *,
    name: str = "learned",
    base: str | None = None,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a learned model.

    Args:
        path: the file, ``.safetensors`` by custom: by this ending commands know it.
        model: with all measures that it learned.
        name: of the model.
        base: name and options of the published model below, as of `ground_motion_model`.
        about: anything about its training that JSON can hold (records, versions, seed).

    Raises:
        ValueError: if `base` is not the model below, or the model was asked for some of its measures.
        OutputError: if the file cannot be written.
    """
    if model.measures != model.learned:
        raise ValueError(
            "a model that was asked for some of its measures cannot be saved: save the whole one"
        )
    below = None if base is None else ground_motion_model(base, model.learned)
    if not eqx.tree_equal(below, model.base):
        raise ValueError(f"`base`, {base}, is not the model below the learned one")
    value = model.correlations
    values = None if value is None else jnp.stack([value.event.value, value.site.value, value.rest.value])
    arrays = _Arrays(
        {c: model.rows.columns[c] for c in _COLUMNS}, model.weights, model.factor, model.limits, values
    )
    header = {
        "kind": KIND,
        "version": VERSION,
        "name": name,
        "measures": [str(m) for m in model.learned],
        "base": base,
        "monotone": model.monotone,
        "num_members": int(model.weights.bias.shape[1]),
        "num_units": int(model.weights.bias.shape[2]),
        "correlated": value is not None,
        "limits": {k: np.asarray(x, float).tolist() for k, x in model.limits.items()},
        "training": dict(about or {}),
    }
    content = pack_weights(arrays, header)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_neural_model(
    path: str | Path, measures: Sequence[str | Measure] | None = None
) -> tuple[NeuralModel, dict[str, Any]]:
    """A learned model, and the header of its file.

    Args:
        path: the file.
        measures: that it shall give (see `groundmotion.with_measures`); all that it learned by default.

    Raises:
        InputError: for a file that is missing, damaged, or of another kind or version.
        ValueError: for a measure that the model does not give.
    """
    content = read_bytes(path)
    header = _header(path, content)
    try:
        names = parse_measures(header["measures"])
        base = None if header["base"] is None else ground_motion_model(header["base"], names)
        arrays = unpack_weights(content, _blank(header, len(names)))
        model = _model(names, arrays, base, bool(header["monotone"]))
        model = dataclasses.replace(model, note=_note(header["training"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"cannot be used ({error})", file=path, field="header", fix="train again with train-groundmotion"
        ) from error
    return (model if measures is None else with_measures(model, measures)), header


def _model(
    names: tuple[Measure, ...], arrays: _Arrays, base: AbstractGroundMotionModel | None, monotone: bool
) -> NeuralModel:
    order = tuple(range(len(names)))
    correlations = None
    if arrays.correlations is not None:
        unknown = jnp.full_like(arrays.correlations[0], jnp.nan)
        correlations = MeasureCorrelations(*(Correlation(x, unknown, unknown) for x in arrays.correlations))
    return NeuralModel(
        measures=names,
        learned=names,
        rows=Rows(arrays.columns, order, order, jnp.zeros(len(names), float)),
        weights=arrays.weights,
        factor=arrays.factor,
        base=base,
        correlations=correlations,
        limits=arrays.limits,
        monotone=monotone,
        epistemic=False,
    )


def _note(training: Mapping[str, Any]) -> str:
    """That a model has seen too few earthquakes."""
    num = training.get("num_events")
    if not isinstance(num, int) or num >= _FEW_EVENTS:
        return ""
    return (
        f"learned from {plural(num, 'event')}: tau, and what magnitude, depth and style do, are hardly known"
    )


def _blank(header: Mapping[str, Any], num: int) -> _Arrays:
    units, members = int(header["num_units"]), int(header["num_members"])
    if not (0 < units <= _MOST and 0 < members <= _MOST):
        raise ValueError(f"{members} networks of {units} units")
    zeros = lambda *shape: jnp.zeros(shape, float)
    one = Weights(zeros(units, NUM_INPUTS), zeros(units), zeros(units), zeros(NUM_INPUTS), zeros())
    size = sum(x.size for x in jax.tree.leaves(one))
    return _Arrays(
        {c: zeros(num) for c in _COLUMNS},
        jax.tree.map(lambda x: jnp.broadcast_to(x, (num, members, *x.shape)), one),
        zeros(num, members, size, size),
        {str(name): zeros(2) for name in header["limits"]},
        zeros(3, num, num) if header["correlated"] else None,
    )


def _header(path: str | Path, content: bytes) -> dict[str, Any]:
    try:
        header = unpack_header(content)
    except ValueError as error:
        raise InputError(f"cannot be read: {error}", file=path, fix=_FIX) from error
    if header.get("kind") != KIND:
        raise InputError("holds no learned ground-motion model", file=path, field="kind", fix=_FIX)
    if header.get("version") != VERSION:
        raise InputError(
            f"is of version {header.get('version')}, this program reads {VERSION}",
            file=path,
            field="version",
            fix="train again with train-groundmotion, or update diffseis",
        )
    return header
