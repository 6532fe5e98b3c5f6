"""Settings of a location run: TOML or command line, checked before anything is computed. Imports no JAX."""

import difflib
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from diffseis.core.errors import InputError


class LocateConfig(BaseModel):
    """Everything that decides the answer of ``diffseis locate``. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    picks: Path
    stations: Path
    velocity: Path
    out: Path = Path("out")
    picks_format: str | None = Field(
        None, description="csv, QUAKEML, NORDIC, HYPODDPHA, HYPOINVERSE or NLLOC_OBS"
    )
    reference: Path | None = Field(
        None, description="a catalogue to compare with: CSV of this project, or a bulletin"
    )
    velocity_kind: Literal["layers", "linear"] = "layers"
    vp_vs: float | None = Field(None, gt=1.0, lt=4.0, description="makes Vs where the velocity file has none")
    likelihood: Literal["robust", "gaussian", "edt", "student"] = "robust"
    outlier_fraction: float = Field(0.05, gt=0, lt=1)
    outlier_scale_s: float = Field(1.0, gt=0)
    traveltime_error: Literal["auto"] | tuple[float, float, float] = Field(
        (0.02, 0.05, 2.0), description="fraction, min_s, max_s; 0 is off; auto learns it from the residuals"
    )
    correlation_km: float = Field(3.0, ge=0, description="of travel-time errors between stations (gaussian)")
    sampler: Literal["svgd", "laplace", "grid", "nuts"] = "svgd"
    num_particles: int = Field(1000, ge=8, le=20000)
    num_steps: int = Field(8, ge=1, le=10000)
    traveltimes: Literal["auto", "layered", "grid", "neural"] = Field(
        "auto", description="auto: layered for models of depth alone, grid for others"
    )
    grid_spacing_km: float | None = Field(
        None,
        gt=0,
        description="km between nodes (grid); in three dimensions along the horizontal, a quarter of it in depth",
    )
    tables: Path | None = Field(
        None,
        description="folder for the tables of three-dimensional models; by default in the folder of the results",
    )
    network: Path | None = Field(
        None, description="networks of train-eikonal (neural); by default trained anew"
    )
    network_trainer: Literal["ssbroyden", "spring", "soap", "adam"] = Field(
        "ssbroyden", description="how networks are trained, where none is given"
    )
    network_steps: int | None = Field(
        None, ge=1, description="of training; by default what is usual for the trainer"
    )
    station_terms: Literal["none", "static"] = "none"
    station_term_iterations: int = Field(4, ge=1, le=50)
    station_term_min_picks: int = Field(5, ge=1)
    max_depth_km: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="bottom of the search volume in km (were metres given? divide by 1000)",
    )
    search_margin_km: float | None = Field(
        None,
        gt=0,
        le=2000,
        description="km beyond the outermost stations (were metres given? divide by 1000)",
    )
    depth_prior_km: tuple[float, float] | None = Field(
        None, description="mean and standard deviation of a normal prior"
    )
    default_uncertainty_s: float | tuple[float, float] | None = Field(
        None, description="of a P and an S whose error is missing or unusable; one number serves both"
    )
    nonlinloc: bool = Field(False, description="also write NonLinLoc .hyp and .scat")
    event_cards: int = Field(0, ge=0, description="draw a posterior card of this many events")
    seed: int = Field(0, ge=0, lt=2**32)

    @field_validator("traveltime_error")
    @classmethod
    def _ordered(cls, value: Any) -> Any:
        if value == "auto":
            return value
        fraction, low, high = value
        if not (0 <= fraction < 1 and 0 <= low <= high < math.inf):
            raise ValueError("traveltime_error needs 0 <= fraction < 1 and 0 <= min_s <= max_s")
        return value

    @field_validator("default_uncertainty_s")
    @classmethod
    def _errors(cls, value: Any) -> Any:
        given = value if isinstance(value, tuple) else (value,)
        if value is not None and not all(0 < v < math.inf for v in given):
            raise ValueError("default_uncertainty_s needs seconds above 0")
        return value

    @field_validator("depth_prior_km")
    @classmethod
    def _proper(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is None:
            return value
        mean, deviation = value
        if not 0 < deviation < math.inf:
            raise ValueError("depth_prior_km needs a standard deviation above 0")
        if not abs(mean) <= 1000:
            raise ValueError("depth_prior_km needs a mean within 1000 km; were metres given?")
        return value


def load_config(values: dict[str, Any], *, file: str | Path | None = None) -> LocateConfig:
    """Checks settings; the error names the key, the value and the way out."""
    known = LocateConfig.model_fields
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            if isinstance(values[key], dict):
                fix = f"settings stand at the top of the file, without a [{key}] above them"
                raise InputError(f"unknown table `[{key}]`", file=file, field=key, fix=fix)
            fix = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(known))}"
            raise InputError(f"unknown key `{key}`", file=file, field=key, fix=fix)
    try:
        config = LocateConfig(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "configuration"
        missing = [str(e["loc"][0]) for e in error.errors() if e["type"] == "missing" and e["loc"]]
        if len(missing) > 1 and first["type"] == "missing":
            fix = "give them on the command line or in the TOML file"
            raise InputError(
                f"{', '.join(missing)} are required", file=file, field=missing[0], fix=fix
            ) from error
        given = f", got {first['input']!r}" if first["type"] != "missing" and first["loc"] else ""
        about = known[key].description if key in known and known[key].description else None
        fix = "give it on the command line or in the TOML file" if first["type"] == "missing" else about
        why = first["msg"].removeprefix("Value error, ")
        if first["type"] == "literal_error":
            if key == "traveltime_error":
                why, fix = (
                    "is neither three numbers nor auto",
                    "give FRACTION,MIN_S,MAX_S, as 0.02,0.05,2.0, or auto",
                )
            else:
                words = [
                    w.strip(" '")
                    for w in first.get("ctx", {}).get("expected", "").replace(" or ", ",").split(",")
                ]
                near = difflib.get_close_matches(str(first["input"]).lower(), words, n=1, cutoff=0.5)
                fix = f"did you mean {near[0]}?" if near else f"use one of {', '.join(words)}"
        raise InputError(f"{why}{given}", file=file, field=key, fix=fix) from error
    for name in ("picks", "stations", "velocity", "reference", "network"):
        check_file(getattr(config, name), name)
    return config


def check_file(path: Path | None, field: str) -> None:
    """Raises InputError, with the nearest name, where a file that was given is not there."""
    if path is None or path.is_file():
        return
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a file", field=field, fix="name one file in it")
    folder = path.parent if path.parent.is_dir() else None
    near = difflib.get_close_matches(path.name, [p.name for p in folder.iterdir()], n=1) if folder else []
    fix = f"did you mean {folder / near[0]}?" if folder and near else "check the path"
    raise InputError(f"there is no file {path}", field=field, fix=fix)


def to_toml(config: LocateConfig) -> str:
    """The settings as TOML that ``diffseis locate --config`` reads back."""
    lines = ["# Resolved settings of a `diffseis locate` run; `diffseis locate --config THIS` repeats it."]
    for key, value in config.model_dump(mode="json").items():
        if value is None:
            continue
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, str):
            text = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        elif isinstance(value, list | tuple):
            text = "[" + ", ".join(repr(float(v)) for v in value) + "]"
        else:
            text = repr(value)
        lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"


_NO_OPTION = {
    "outlier_scale_s",
    "correlation_km",
    "num_steps",
    "grid_spacing_km",
    "network_trainer",
    "network_steps",
    "station_term_iterations",
    "station_term_min_picks",
}
"""Settings that the command line takes by ``--set`` only."""


def to_command(config: LocateConfig) -> str:
    """The command line that repeats the run: only what differs from the defaults."""
    import shlex

    words = ["diffseis", "locate"]
    default = {name: field.default for name, field in LocateConfig.model_fields.items()}
    for key, value in config.model_dump().items():
        if value is None or value == default[key]:
            continue
        option = "--" + key.replace("_", "-")
        if isinstance(value, bool):
            words.append(option)
        elif key in _NO_OPTION:
            words += ["--set", shlex.quote(f"{key}={value!r}")]
        elif isinstance(value, tuple):
            words += [option, ",".join(repr(float(v)) for v in value)]
        else:
            words += [option, shlex.quote(str(value))]
    return " ".join(words)
