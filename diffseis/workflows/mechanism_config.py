"""Settings of ``diffseis mechanism``, checked before anything is computed. Imports no JAX."""

import difflib
import shlex
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diffseis.core.errors import InputError
from diffseis.workflows.config import check_file

FORMATS = (
    "csv", "hash1", "hash2", "hash3", "hash4", "hash5", "skhash", "focmec", "fpfit", "nonlinloc", "quakeml", "hypoinverse",
)  # fmt: skip
TAKES = {
    "reversals": ("hash", "skhash"),
    "amplitudes": ("hash", "skhash"),
    "corrections": ("hash",),
    "angles": ("hash5",),
}
"""Formats, by their beginnings, that have a file of the kind."""


class MechanismConfig(BaseModel):
    """Everything that decides the answer of ``diffseis mechanism``. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    observations: Path
    out: Path
    format: str = Field("csv", description=f"one of {', '.join(FORMATS)}")
    source: Literal["dc", "shear-tensile", "deviatoric", "mt"] = "dc"
    method: str = "grid"
    stations: Path | None = None
    events: Path | None = None
    amplitudes: Path | None = None
    reversals: Path | None = None
    corrections: Path | None = None
    angles: Path | None = None
    velocity: tuple[Path, ...] = ()
    velocity_kind: Literal["layers", "linear"] = "layers"
    located: Path | None = None
    vp_vs: float = Field(3**0.5, gt=1.2, lt=4.0, description="at the sources: 1.73 is usual")
    angle_error_deg: tuple[float, float] = Field(
        (5.0, 2.0),
        description="of computed take-off angles and azimuths, by the velocity model: 0 to 90 degrees",
    )
    composite: str | None = Field(None, min_length=1)
    station_terms: bool = False
    learn: bool = True
    mispick: float = Field(0.1, gt=0, lt=0.5, description="a share between 0 and a half")
    polarity_sd: float = Field(0.1, gt=0, le=10, description="over a double couple's largest amplitude")
    ratio_sd: float = Field(0.4, gt=0, le=10, description="in log10")
    num_draws: int = Field(1024, ge=64, le=65536, multiple_of=32)
    figures: int | Literal["all", "none"] = 8
    seed: int = Field(0, ge=0, lt=2**32)

    @property
    def files(self) -> dict[str, Path]:
        """What is read, by name."""
        names = ("observations", "stations", "events", "amplitudes", "reversals", "corrections", "angles")
        found = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        several = len(self.velocity) > 1
        return found | {
            f"velocity {i + 1}" if several else "velocity": v for i, v in enumerate(self.velocity)
        }


def load_mechanism_config(values: dict[str, Any]) -> MechanismConfig:
    """Checks settings; the error names the option, the value and the way out."""
    try:
        config = MechanismConfig(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "settings"
        known = MechanismConfig.model_fields
        about = known[key].description if key in known else None
        given, fix = values.get(key), about
        if first["type"] == "literal_error":
            fix = _nearest(
                str(given), first.get("ctx", {}).get("expected", "").replace(" or ", ", ").split(", ")
            )
        raise InputError(f"{first['msg']}, got {given!r}", field=_option(key), fix=fix) from error
    if config.format not in FORMATS:
        raise InputError(
            f"there is no format {config.format!r}", field="--format", fix=_nearest(config.format, FORMATS)
        )
    if not all(0 <= error <= 90 for error in config.angle_error_deg):
        raise InputError(
            f"got {config.angle_error_deg}", field="--angle-error-deg", fix="give 0 to 90 degrees"
        )
    if isinstance(config.figures, int) and config.figures < 0:
        raise InputError(f"got {config.figures}", field="--figures", fix="give a number, all or none")
    _check_files(config)
    return config


def _check_files(config: MechanismConfig) -> None:
    for name, beginnings in TAKES.items():
        if getattr(config, name) is not None and not config.format.startswith(beginnings):
            kinds = " or ".join(f for f in FORMATS if f.startswith(beginnings))
            raise InputError(
                f"the format {config.format} has no such file",
                field=_option(name),
                fix=f"leave it out, or give --format {kinds}",
            )
    for name, path in config.files.items():
        check_file(path, _option(name.split()[0]))
    if config.located is not None and not config.located.is_dir():
        raise InputError(
            f"there is no folder {config.located}",
            field="--located",
            fix="name the --out folder of a `diffseis locate` run",
        )


def _option(name: str) -> str:
    return "--" + {"learn": "no-learn"}.get(name, name).replace("_", "-")


def _nearest(word: str, known) -> str:
    words = [w.strip(" '") for w in known]
    near = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(words)}"


def to_command(config: MechanismConfig) -> str:
    """The command line that repeats the run: only what differs from the defaults."""
    words = ["diffseis", "mechanism"]
    for key, value in config.model_dump().items():
        if value is None or value == MechanismConfig.model_fields[key].default:
            continue
        if isinstance(value, bool):
            words.append(_option(key))
        elif key == "angle_error_deg":
            words += [_option(key), ",".join(repr(float(v)) for v in value)]
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [_option(key), shlex.quote(str(one))]
    return " ".join(words)
