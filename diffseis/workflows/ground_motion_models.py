"""What ``diffseis groundmotion --list`` shows."""

import inspect
from typing import Any, Literal, get_args, get_origin

from diffseis.groundmotion import MODELS, OPENQUAKE, AbstractGroundMotionModel, options_of
from diffseis.io.scenarios_csv import COLUMNS


def describe_models() -> str:
    """Models with their measures, columns and options, as text."""
    parts = [_described(name) for name in MODELS]
    names = ", ".join(sorted(OPENQUAKE))
    parts.append(f"OpenQuake's names of the same models work, too: {names}")
    parts.append(
        "Models of diffseis train-groundmotion are named by their files: FOLDER/model.safetensors\n"
        "  option  epistemic=true | false (default false): whether tau has in it what is not known of the means"
    )
    return "\n\n".join(parts)


def _described(name: str) -> str:
    make: Any = MODELS[name]
    model = _smallest(make)
    title = inspect.getdoc(inspect.getmodule(make)) or ""
    words = (inspect.getdoc(make) or "").split("\n\n")
    measures = next(
        (part.split("measures:")[1].split("\n")[0].strip() for part in words if "measures:" in part), ""
    )
    columns = {column.field: known for known, column in COLUMNS.items()}
    lines = [f"{name}: {title.splitlines()[0]}", f"  gives   {measures}"]
    lines.append("  needs   " + ", ".join(columns[field] for field in model.needs))
    parameters = inspect.signature(make).parameters
    for option, default in options_of(name).items():
        kind = parameters[option].annotation
        choice = " | ".join(get_args(kind)) if get_origin(kind) is Literal else "number"
        choice = "true | false" if kind is bool else choice
        shown = str(default).lower() if isinstance(default, bool) else default
        lines.append(f"  option  {option}={choice} (default {shown})")
    return "\n".join(lines)


def _smallest(make: Any) -> AbstractGroundMotionModel:
    """The model of the first measure that it gives."""
    for measure in ("PGA", "IA", "RSD595"):
        try:
            return make([measure])
        except ValueError:
            continue
    raise ValueError(f"{make} gives no measure that is known")
