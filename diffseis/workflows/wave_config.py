"""Settings of ``diffseis wave`` and ``diffseis greens``: TOML, checked before anything is computed. Imports no JAX."""

import datetime
import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from diffseis.core.errors import InputError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Vector = tuple[Finite, ...]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MediumTable(_Table):
    """What waves travel in, and its grid. Axes are north, east, down; in two dimensions along the section, down."""

    file: Path = Field(
        description="netCDF, .npz or .npy (vp, vs, rho, epsilon, delta, q), or a velocity .csv"
    )
    kind: Literal["layers", "linear"] = Field(
        "layers", description="of a .csv: each row the top of a layer, or speeds that are linear between rows"
    )
    spacing_km: Positive | tuple[Positive, ...] | None = Field(
        None, description="between nodes; a netCDF file has its own"
    )
    origin_km: Vector | None = Field(None, description="the first node; 0 by default")
    end_km: Vector | None = Field(None, description="the last node, for a velocity .csv")
    vp_vs: float | None = Field(None, gt=1.2, lt=5, description="makes vs where the file has none")
    density_g_cm3: Positive | None = Field(
        None, description="where the file has no rho; by default after Gardner, from vp"
    )
    quality: tuple[Positive, Positive] | None = Field(
        None, description="of P and S (viscoelastic), where the file has no q"
    )


class FrameTable(_Table):
    """Where the origin of the axes is, for stations and events in degrees."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=360)
    azimuth_deg: float = Field(0.0, description="of a two-dimensional section, clockwise from north")


class EventEntry(_Table):
    """One source."""

    id: str
    position_km: Vector | None = None
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=360)
    depth_km: Finite | None = None
    time: str = "2000-01-01T00:00:00Z"
    moment_nm: Vector | None = Field(
        None, description="nn, ee, dd, ne, nd, ed in N m; in two dimensions xx, zz, xz in N m per km"
    )
    strike_dip_rake_deg: tuple[Finite, Finite, Finite] | None = None
    magnitude: float | None = Field(None, ge=-5, le=10)

    @field_validator("time", mode="before")
    @classmethod
    def _as_words(cls, value):
        # TOML has dates and times of its own.
        return value.isoformat() if isinstance(value, datetime.datetime) else value

    @model_validator(mode="after")
    def _of_one_mechanism(self):
        if self.moment_nm is not None and (
            self.strike_dip_rake_deg is not None or self.magnitude is not None
        ):
            raise ValueError(
                "both moment_nm and strike_dip_rake_deg or magnitude are given; give one mechanism"
            )
        if self.moment_nm is not None and not any(self.moment_nm):
            raise ValueError("moment_nm is zero; give the moment of an earthquake")
        return self

    @model_validator(mode="after")
    def _placed(self):
        if (self.position_km is None) == (self.latitude is None or self.longitude is None):
            word = "neither" if self.position_km is None else "both"
            raise ValueError(
                f"{word} position_km {'nor' if word == 'neither' else 'and'} latitude with longitude are given; give one of them (depth_km belongs to the latter)"
            )
        return self


class StationEntry(_Table):
    """One receiver."""

    id: str
    position_km: Vector


class TimeTable(_Table):
    """When."""

    duration_s: Positive
    dt_s: Positive
    origin_s: float = Field(
        ge=0, description="from the first sample to the origin time: time for the pulse to rise"
    )


class OutputTable(_Table):
    """What is written."""

    quantity: Literal["displacement", "velocity"] = "velocity"
    snapshots: int = Field(0, ge=0, le=2000, description="frames of the wavefield; 0 is none")
    frames_per_s: int = Field(12, ge=1, le=50, description="of the animation")
    max_snapshot_mb: float = Field(
        500, gt=0, description="memory for them; nodes are left out until they fit"
    )


class StoreTable(_Table):
    """A store of Green's functions: of which sources, and which frequencies."""

    low_km: Vector = Field(description="a corner of the box of sources, on the axes of the medium")
    high_km: Vector = Field(description="the opposite one")
    every: int | tuple[int, ...] = Field(
        2,
        description="each so-manieth node of the medium's grid is one of the store, along all axes or by axis",
    )
    pass_hz: Positive | None = Field(
        None,
        description="highest frequency that is kept whole; by default that of the sources' time function",
    )
    degree: Literal[3, 5] = Field(3, description="of the splines between nodes")


class NetworkTable(_Table):
    """A network of waves: in time, for all sources; or of one frequency."""

    kind: Literal["time", "frequency"] = "time"
    frequency_hz: Positive | None = Field(
        None,
        description="in time the highest frequency, by default that of the sources' time function; else the frequency, by default frequency_hz of the sources",
    )
    num_features: int | None = Field(
        None, ge=8, le=20000, description="by default by the number of wavelengths"
    )
    num_rounds: int = Field(0, ge=0, le=50, description="of training of the features too; frequency alone")
    seed: int = Field(0, ge=0)


class WaveConfig(_Table):
    """Everything that decides what ``diffseis wave``, ``greens`` and ``train-wave`` compute. Unknown keys are refused."""

    equation: Literal["acoustic", "fluid", "elastic", "viscoelastic", "vti"] = "elastic"
    order: Literal[2, 4, 8] = 4
    band_hz: tuple[Positive, Positive] | None = Field(
        None,
        description="of constant quality (viscoelastic); by default a decade and a half about frequency_hz",
    )
    time_function: Literal["gaussian", "ricker", "triangle", "brune"] = "gaussian"
    frequency_hz: Positive = Field(
        description="ricker: of its peak; brune, gaussian, triangle: of its corner (gaussian 1/(2 pi sigma), triangle 1/half duration)"
    )
    free_surface: bool = Field(
        True, description="at the first node of the last axis; else waves leave there too"
    )
    absorbing_nodes: int = Field(20, ge=1, le=200)
    double_precision: bool = False
    medium: MediumTable
    frame: FrameTable | None = None
    time: TimeTable
    events_file: Path | None = Field(
        None, description="QuakeML with origins and moment tensors or nodal planes"
    )
    stations_file: Path | None = Field(
        None,
        description="StationXML, CSV in degrees, or CSV with station, x_km, z_km: along a section and down",
    )
    event: tuple[EventEntry, ...] = ()
    station: tuple[StationEntry, ...] = ()
    store: StoreTable | None = Field(None, description="of ``diffseis greens``")
    network: NetworkTable | None = Field(None, description="of ``diffseis train-wave``")
    output: OutputTable = Field(default_factory=lambda: OutputTable.model_validate({}))

    @model_validator(mode="after")
    def _complete(self):
        both, none = self.event and self.events_file, not self.event and self.events_file is None
        if both or (none and self.store is None):
            raise ValueError(
                f"{'both events_file and' if both else 'neither events_file nor'} [[event]] tables are given; give one of them"
            )
        if bool(self.station) == (self.stations_file is not None):
            words = "both stations_file and" if self.station else "neither stations_file nor"
            raise ValueError(f"{words} [[station]] tables are given; give one of them")
        if self.band_hz is not None and self.band_hz[0] >= self.band_hz[1]:
            raise ValueError("band_hz falls; give its lower end first")
        if self.frame is None and (self.events_file or any(e.latitude is not None for e in self.event)):
            raise ValueError(
                "there are places in degrees, but no [frame]; add one, with the latitude and longitude of the axes' origin"
            )
        return self

    @property
    def files(self) -> dict[str, Path]:
        """What is read, by the name of its setting."""
        named = {
            "medium": self.medium.file,
            "events_file": self.events_file,
            "stations_file": self.stations_file,
        }
        return {name: path for name, path in named.items() if path is not None}


def load_wave_config(values: dict[str, Any], *, file: Path) -> WaveConfig:
    """Checks settings; paths are relative to the file. The error names the key, the value and the way out."""
    try:
        config = WaveConfig(**values)
    except ValidationError as error:
        # A misspelt key is told before the one that is missing for it.
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        keys = [str(k) for k in first["loc"] if not re.search(r"[\[-]", str(k))]
        field = ".".join(keys) or "configuration"
        why = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            known = _known(keys[:-1])
            near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
            fix = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(known))}"
            raise InputError(f"unknown key `{keys[-1]}`", file=file, field=field, fix=fix) from error
        why, fix = _told(first["type"], why, first["input"])
        raise InputError(why, file=file, field=field, fix=fix) from error
    beside = lambda path: None if path is None else file.parent / path
    medium = config.medium.model_copy(update={"file": beside(config.medium.file)})
    return config.model_copy(
        update={
            "medium": medium,
            "events_file": beside(config.events_file),
            "stations_file": beside(config.stations_file),
        }
    )


def _told(kind: str, why: str, given: Any) -> tuple[str, str]:
    """What is wrong with a setting, and the way out."""
    if kind == "missing":
        return "is missing", "add it"
    shown = f"is {given!r}" if isinstance(given, str | int | float | list | tuple) else "is something else"
    _, wanted, rest = why.partition("Input should be ")
    if wanted:
        return shown, f"give {'a number ' if rest.startswith(('greater', 'less')) else ''}{rest}"
    what, _, fix = why.partition("; ")
    return (what, fix) if fix else (f"{shown}: {why}", "see docs/wave_settings.md")


def _known(keys: list[str]) -> list[str]:
    tables = {"medium": MediumTable, "frame": FrameTable, "event": EventEntry, "station": StationEntry}
    tables |= {"time": TimeTable, "output": OutputTable, "store": StoreTable, "network": NetworkTable}
    return list((tables[keys[0]] if keys else WaveConfig).model_fields)
