"""Ground-motion models by what a user calls them: names of published ones, files of learned ones."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from diffseis.core.errors import InputError
from diffseis.groundmotion import (
    LIMITS,
    AbstractGroundMotionModel,
    Measure,
    NeuralModel,
    ground_motion_model,
    parse_measures,
    with_epistemic,
    with_measures,
)
from diffseis.io import Notice, load_neural_model

_FILE = re.compile(r"(.+\.safetensors)(?::(.*))?", re.IGNORECASE)
_EPISTEMIC = {"": False, "epistemic=false": False, "epistemic=true": True}


def learned_file(name: str) -> Path | None:
    """The file of a learned model, without options; None where the name is that of a published one."""
    match = _FILE.fullmatch(name.strip())
    return Path(match[1]) if match else None


def measures_of(imts: Sequence[str | Measure]) -> tuple[Measure, ...]:
    """Measures by their names, each once.

    Raises:
        InputError: if one is unknown, or named twice.
    """
    try:
        measures = parse_measures(imts)
    except ValueError as error:
        raise InputError(str(error), field="--imts", fix="such as PGA,PGV,SA(1.0)") from error
    if not measures:
        raise InputError("names no measure", field="--imts", fix="such as PGA,PGV,SA(1.0)")
    twice = [str(m) for k, m in enumerate(measures) if m in measures[:k]]
    if twice:
        raise InputError(f"names {twice[0]} twice", field="--imts", fix="name each once")
    return measures


def named_model(name: str, imts: Sequence[str | Measure]) -> AbstractGroundMotionModel:
    """A model for measures.

    Args:
        name: of a published model with its options, or the file of a learned one (``.safetensors``), whose one option is ``:epistemic=true``: then tau has in it what is not known of the means.
        imts: measures.

    Raises:
        InputError: if there is no such model, option, file or measure.
    """
    measures = measures_of(imts)
    match = _FILE.fullmatch(name.strip())
    if match is not None:
        return _learned(Path(match[1]), match[2] or "", measures)
    try:
        return ground_motion_model(name, measures)
    except ValueError as error:
        raise InputError(str(error), field="--model", fix="see diffseis groundmotion --list") from error


def _learned(path: Path, option: str, measures: Sequence[Measure]) -> NeuralModel:
    if option.lower() not in _EPISTEMIC:
        raise InputError(
            f"has no option `{option}`", file=path, field="--model", fix="use :epistemic=true, or none"
        )
    model, _ = load_neural_model(path)
    try:
        found = with_measures(model, measures)
    except ValueError as error:
        raise InputError(
            str(error), file=path, field="--imts", fix="choose of these, or train a model of it"
        ) from error
    return with_epistemic(found) if _EPISTEMIC[option.lower()] else found


def limits_of(model: AbstractGroundMotionModel) -> dict[str, tuple[float, float]]:
    """Ranges of fields for which a model's authors vouch, or in which a learned one had records."""
    if isinstance(model, NeuralModel):
        return {field: (float(x[0]), float(x[1])) for field, x in model.limits.items()}
    return LIMITS.get(type(model).__name__, {})


def taken_as_measured(models: Mapping[str, AbstractGroundMotionModel], fix: str) -> list[Notice]:
    """That nobody said whether VS30 was measured, where a model would make a difference.

    Args:
        models: by name.
        fix: what to do about it.
    """
    names = [name for name, model in models.items() if "vs30_measured" in model.considers]
    if not names:
        return []
    message = (
        f"{', '.join(names)}: VS30 is taken as measured; deviations are larger where it was inferred ({fix})"
    )
    return [Notice("vs30-measured", message, count=len(names))]


def caveats(models: Mapping[str, AbstractGroundMotionModel]) -> list[Notice]:
    """What is to be told of models, by name."""
    return [Notice("caveat", f"{name}: {m.caveat}", count=1) for name, m in models.items() if m.caveat]
