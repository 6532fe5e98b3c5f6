"""Stores of Green's functions on disk: zarr, version 3, in chunks of a few nodes of the lattice and one station each.

A group holds the splines' coefficients, ``station *node tensor component time``, and which stations are complete; its attributes say how
they were made. What a query of some region needs is read and nothing else.
"""

import math
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from diffseis.core import bsplines
from diffseis.core.errors import InputError
from diffseis.core.grids import RegularGrid
from diffseis.io.atomic import OutputError
from diffseis.wave import GreensStore, TimeAxis, tensor_pairs

KIND = "diffseis Green's functions"
VERSION = 1
_CHUNK = {2: 16, 3: 6}
"""Nodes along each axis of a chunk."""


@dataclass(frozen=True)
class GreensHeader:
    """What a store says of itself.

    Attributes:
        station_id: codes, in the order of the arrays.
        station_km: where they are, (station, dim).
        origin_km, spacing_km, shape: the lattice.
        num_samples, dt_s: the time axis of seismograms.
        num_before: samples of records before the impulse.
        pass_hz: highest frequency.
        degree: of the splines.
        fingerprint: of all that decides the numbers: medium, equation, boundary and what is above.
        about: whatever else is to be kept: equation, boundary, frame, versions.
    """

    station_id: tuple[str, ...]
    station_km: tuple[tuple[float, ...], ...]
    origin_km: tuple[float, ...]
    spacing_km: tuple[float, ...]
    shape: tuple[int, ...]
    num_samples: int
    dt_s: float
    num_before: int
    pass_hz: float
    degree: int
    fingerprint: str
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def array_shape(self) -> tuple[int, ...]:
        """Of the coefficients."""
        num = len(self.shape)
        nodes = tuple(bsplines.num_coefficients(n, self.degree) for n in self.shape)
        times = self.num_samples + self.num_before
        return (len(self.station_id), *nodes, len(tensor_pairs(num)), num, times)


class GreensFile:
    """A store on disk.

    Attributes:
        path: its folder.
        header: what it says of itself.
    """

    def __init__(self, path: Path, header: GreensHeader, group: Any):
        self.path, self.header, self._group = path, header, group

    @property
    def missing(self) -> list[int]:
        """Rows of stations that have not been computed."""
        return [int(i) for i in np.flatnonzero(~_guarded(self.path, lambda: self._group["complete"][:]))]

    def check_same(self, header: GreensHeader) -> None:
        """Refuses to be the store of another header: of other numbers, or of other stations."""
        wanted, found = ((h.fingerprint, h.station_id, h.station_km) for h in (header, self.header))
        if found != wanted:
            raise InputError(
                "is a store of other Green's functions: medium, equation, lattice, times or stations differ",
                file=self.path,
                fix="choose another folder, or remove this one",
            )

    def write_station(self, row: int, coefficients) -> None:
        """Keeps one station; it counts as there once all of it is written."""
        try:
            self._group["coefficients"][row] = np.asarray(coefficients)
            self._group["complete"][row] = True
        except OSError as error:
            raise OutputError(
                f"cannot be written ({error.strerror or error})",
                file=self.path,
                fix="make space or choose another folder; what was finished is kept",
            ) from error

    def load(
        self,
        *,
        low_km: Sequence[float] | None = None,
        high_km: Sequence[float] | None = None,
        stations: Sequence[str] | None = None,
    ) -> GreensStore:
        """A store in memory: all of it, or what sources in a box need at some stations. Seismograms are the same.

        Raises:
            InputError: for a box outside the lattice, stations that are unknown or not computed yet, and damaged files.
        """
        first, num = self._box(low_km, high_km)
        rows = self._rows(stations)
        h = self.header
        reach = tuple(
            slice(f, f + bsplines.num_coefficients(n, h.degree)) for f, n in zip(first, num, strict=True)
        )
        whole = _guarded(self.path, lambda: [self._group["coefficients"][(r, *reach)] for r in rows])
        values = np.stack(whole)
        if not np.all(np.isfinite(values)):
            raise InputError(
                "holds places without numbers: chunks are missing", file=self.path, fix="build it anew"
            )
        spacing = np.asarray(h.spacing_km)
        lattice = RegularGrid(np.asarray(h.origin_km) + spacing * first, spacing, num)
        return GreensStore(
            jnp.asarray(values),
            lattice,
            TimeAxis(h.num_samples, h.dt_s),
            jnp.asarray(h.pass_hz, float),
            num_before=h.num_before,
            degree=h.degree,
        )

    def _box(self, low_km, high_km) -> tuple[np.ndarray, tuple[int, ...]]:
        """First node and number of nodes along each axis."""
        h = self.header
        origin, spacing, last = (np.asarray(x) for x in (h.origin_km, h.spacing_km, np.array(h.shape) - 1))
        low = origin if low_km is None else np.asarray(low_km, float)
        high = origin + spacing * last if high_km is None else np.asarray(high_km, float)
        start, end = (low - origin) / spacing, (high - origin) / spacing
        rounding = 1e-6
        if low.shape != origin.shape or high.shape != origin.shape or not np.all(low <= high):
            raise InputError(
                f"{low} to {high} is no box in {len(origin)} dimensions",
                field="low_km,high_km",
                fix="give its lowest and its highest corner",
            )
        if np.any(start < -rounding) or np.any(end > last + rounding):
            raise InputError(
                f"the box {low} to {high} km leaves the lattice, which spans {origin} to {origin + spacing * last} km",
                file=self.path,
                field="low_km,high_km",
                fix="take a smaller box, or build a store that reaches there",
            )
        first = np.maximum(np.floor(start + rounding).astype(int), 0)
        # At least as many nodes as a spline needs.
        final = np.minimum(np.maximum(np.ceil(end - rounding).astype(int), first + h.degree), last)
        first = np.maximum(np.minimum(first, final - h.degree), 0)
        return first, tuple(int(n) for n in final - first + 1)

    def _rows(self, stations: Sequence[str] | None) -> list[int]:
        known = {name: row for row, name in enumerate(self.header.station_id)}
        wanted = list(known) if stations is None else list(stations)
        for name in wanted:
            if name not in known:
                raise InputError(
                    f"holds no station {name}",
                    file=self.path,
                    field="stations",
                    fix=f"it has {', '.join(known)}",
                )
        missing = set(self.missing)
        absent = [name for name in wanted if known[name] in missing]
        if absent or not wanted:
            raise InputError(
                f"station {', '.join(absent)} is not computed yet" if absent else "no station was asked for",
                file=self.path,
                field="stations",
                fix="let the build go on to its end, or name stations that are complete",
            )
        return [known[name] for name in wanted]


def create_greens(path: str | Path, header: GreensHeader, *, dtype: str = "float32") -> GreensFile:
    """A new store without stations; or, where one with the same fingerprint and stations exists, that one, to go on with.

    Raises:
        InputError: where something else has this name.
    """
    path = Path(path)
    if path.exists():
        found = open_greens(path, write=True)
        found.check_same(header)
        return found
    import zarr

    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    shape, num = header.array_shape, len(header.shape)
    chunk = tuple(min(_CHUNK[num], n) for n in shape[1 : 1 + num])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        group = zarr.create_group(
            store=str(temporary),
            zarr_format=3,
            attributes={"kind": KIND, "version": VERSION, **asdict(header)},
        )
        group.create_array(
            "coefficients",
            shape=shape,
            chunks=(1, *chunk, *shape[1 + num :]),
            dtype=dtype,
            fill_value=math.nan,
        )
        group.create_array("complete", shape=shape[:1], chunks=(1,), dtype="bool", fill_value=False)
        os.replace(temporary, path)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise OutputError(
            f"cannot be written ({error.strerror or error})", file=path, fix="choose another folder"
        ) from error
    return open_greens(path, write=True)


def open_greens(path: str | Path, *, write: bool = False) -> GreensFile:
    """A store that is there, to be read only unless `write`.

    Raises:
        InputError: if there is none, it is of another kind or version, or damaged.
    """
    path = Path(path)
    if not path.is_dir():
        why = "is a file, not a folder" if path.exists() else "there is no such folder"
        raise InputError(why, file=path, fix="name the folder of a store of Green's functions")
    import zarr

    if not (path / "zarr.json").is_file():
        raise InputError("is no zarr store", file=path, fix="name the folder of a store of Green's functions")
    group = _guarded(path, lambda: zarr.open_group(str(path), mode="r+" if write else "r", zarr_format=3))
    attributes = dict(group.attrs)
    if attributes.pop("kind", None) != KIND:
        raise InputError(
            "is a zarr store of something else",
            file=path,
            field="kind",
            fix="name a store of Green's functions",
        )
    version = attributes.pop("version", None)
    if version != VERSION:
        raise InputError(
            f"has version {version} of the format, {VERSION} is read",
            file=path,
            field="version",
            fix="build it anew",
        )
    header = _guarded(path, lambda: GreensHeader(**{k: _tuples(v) for k, v in attributes.items()}))
    if _guarded(path, lambda: group["coefficients"].shape) != header.array_shape:
        raise InputError(
            "holds arrays of another shape than it says", file=path, field="coefficients", fix="build it anew"
        )
    return GreensFile(path, header, group)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _guarded(path: Path, read) -> Any:
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:  # zarr and its codecs raise what their parsers raise
        raise InputError(
            f"is damaged ({type(error).__name__}: {str(error)[:200]})", file=path, fix="build it anew"
        ) from error
