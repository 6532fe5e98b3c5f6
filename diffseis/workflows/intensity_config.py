"""Settings of ``diffseis intensity``, checked before anything is read. Imports no JAX."""

import difflib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diffseis.core.errors import InputError

UNIT_BY_MEASURE = {
    "PGA": "g",
    "PGV": "cm/s",
    "PGD": "cm",
    "SA": "g",
    "IA": "m/s",
    "CAV": "g s",
    "CAVSTD": "g s",
    "CAD": "cm",
    "SI": "cm",
    "RSD575": "s",
    "RSD595": "s",
    "RSD2080": "s",
    "BRACKETED": "s",
    "UNIFORM": "s",
    "EAS": "g s",
}
"""What each measure is written in."""
WITH_NUMBER = ("SA", "EAS")
"""Measures of a period in s or a frequency in Hz, as ``SA(0.2)``."""
COMPONENTS = (
    "rotd50", "rotd100", "rotd00", "gmrotd50", "gmroti50", "geometric-mean", "arithmetic-mean", "larger", "h1", "h2", "vertical",
)  # fmt: skip
SUBSTEPS = ("none", "peer", "bandlimited")
DEFAULT_IMTS = "PGA,PGV,SA(0.1),SA(0.2),SA(0.5),SA(1.0),SA(2.0),IA,CAV,RSD575,RSD595"


@dataclass(frozen=True)
class Measure:
    """One column: its name as given, the measure, and its period or frequency."""

    name: str
    kind: str
    number: float | None = None


class IntensityConfig(BaseModel):
    """Everything that decides the answer of ``diffseis intensity``. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    waveforms: tuple[Path, ...] = Field(min_length=1)
    out: Path
    imts: str = DEFAULT_IMTS
    component: tuple[str, ...] = ("rotd50",)
    damping: float = Field(0.05, ge=0, lt=1, description="a fraction of critical: 0.05 is 5 %")
    substeps: Literal["none", "peer", "bandlimited"] = "peer"
    units: Literal["g", "m/s2", "cm/s2"] | None = None
    inventory: Path | None = None
    detrend: Literal["none", "mean", "linear"] = "mean"
    highpass_hz: float | None = Field(None, gt=0, description="a corner frequency above 0")
    figure: Path | None = None
    figure_station: str | None = None

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The columns."""
        return tuple(parse_measure(word) for word in split_measures(self.imts))


def split_measures(text: str) -> list[str]:
    """Words between commas; numbers in brackets have none."""
    return [word.strip() for word in text.split(",") if word.strip()]


def parse_measure(word: str) -> Measure:
    """``PGA``, ``SA(0.2)``...

    Raises:
        InputError: which names the nearest that there is.
    """
    found = re.fullmatch(r"([A-Za-z_-]+\d*)(?:\(([^()]*)\))?", word)
    kind = found[1].upper().replace("_", "").replace("-", "") if found else ""
    kind = {"PSA": "SA", "ARIAS": "IA", "D575": "RSD575", "D595": "RSD595", "D2080": "RSD2080"}.get(
        kind, kind
    )
    if found is None or kind not in UNIT_BY_MEASURE:
        near = difflib.get_close_matches(kind, UNIT_BY_MEASURE, n=1, cutoff=0.5)
        fix = f"did you mean {near[0]}?" if near else f"there is {', '.join(UNIT_BY_MEASURE)}"
        raise InputError(f"there is no measure {word!r}", field="--imts", fix=fix)
    needs = kind in WITH_NUMBER
    if needs != (found[2] is not None):
        what = "a period in seconds" if kind == "SA" else "a frequency in Hz"
        fix = f"give {what}, as {kind}(0.2)" if needs else f"write {kind}"
        raise InputError(f"{word!r} cannot be read", field="--imts", fix=fix)
    if not needs:
        return Measure(kind, kind)
    try:
        number = float(found[2])
    except ValueError:
        number = -1.0
    if not 0.001 <= number <= 1000:
        raise InputError(
            f"{word!r} has no number from 0.001 to 1000", field="--imts", fix=f"write {kind}(0.2)"
        )
    return Measure(f"{kind}({found[2].strip()})", kind, number)


def load_intensity_config(values: dict[str, Any]) -> IntensityConfig:
    """Checks settings; the error names the option, the value and the way out."""
    try:
        config = IntensityConfig(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "settings"
        known = IntensityConfig.model_fields
        fix = known[key].description if key in known else None
        if first["type"] == "literal_error":
            fix = f"use one of {first.get('ctx', {}).get('expected', '')}"
        option = "--" + key.replace("_", "-")
        raise InputError(f"{first['msg']}, got {values.get(key)!r}", field=option, fix=fix) from error
    names = [measure.name for measure in config.measures]
    if not names:
        raise InputError("no measure is asked for", field="--imts", fix="leave it out for the usual ones")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"{twice} is there twice", field="--imts", fix="name it once")
    for component in config.component:
        if component not in COMPONENTS:
            near = difflib.get_close_matches(component, COMPONENTS, n=1, cutoff=0.5)
            fix = f"did you mean {near[0]}?" if near else f"there is {', '.join(COMPONENTS)}"
            raise InputError(f"there is no component {component!r}", field="--component", fix=fix)
    for path in config.waveforms:
        if not path.exists():
            raise InputError(f"there is no file or folder {path}", field="--waveforms", fix="check the path")
    if config.inventory is not None and not config.inventory.is_file():
        raise InputError(f"there is no file {config.inventory}", field="--inventory", fix="check the path")
    if config.figure_station is not None and config.figure is None:
        raise InputError("there is no figure", field="--figure-station", fix="give --figure FILE.png")
    return config


def to_command(config: IntensityConfig) -> str:
    """The command line that repeats the run: only what differs from the defaults."""
    words = ["diffseis", "intensity"]
    for key, value in config.model_dump().items():
        if value is None or value == IntensityConfig.model_fields[key].default:
            continue
        option = "--" + key.replace("_", "-")
        if key == "component":
            words += [option, ",".join(value)]
            continue
        for one in value if isinstance(value, tuple) else (value,):
            words += [option, shlex.quote(str(one))]
    return " ".join(words)
