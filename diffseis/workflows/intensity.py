"""From strong-motion records to a table of intensity measures: the job of ``diffseis intensity``."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.core.words import plural
from diffseis.io import (
    Accelerogram,
    Components,
    IntensityRow,
    Notice,
    atomic_path,
    find_components,
    read_accelerograms,
    sha256_of,
    write_intensity_csv,
    write_json,
)
from diffseis.io.times import format_time
from diffseis.workflows.intensity_config import UNIT_BY_MEASURE, IntensityConfig, to_command
from diffseis.workflows.intensity_measures import Choices, measure_pair, measure_single
from diffseis.workflows.intensity_records import conditioned
from diffseis.workflows.mechanism_inputs import Progress
from diffseis.workflows.provenance import git_commit, versions

COMMAND = "diffseis intensity"
Read = tuple[list[Accelerogram], list[IntensityRow], list[Notice]]


def run_intensity(
    config: IntensityConfig, *, progress: Progress | None = None
) -> tuple[list[IntensityRow], dict[str, Any]]:
    """The whole job: read, measure, write. Returns the rows and the record of the run.

    A file that cannot be read and an instrument that cannot be measured have a row with the reason; they stop nothing.

    Args:
        config: settings.
        progress: told about stages and what is done of them.

    Raises:
        InputError: if there is no file at all, or nothing in them is a record.
    """
    say = progress or (lambda *_: None)
    begun = time.perf_counter()
    files, explicit = find_files(config.waveforms)
    records, rows, notices = read_all(config, files, explicit, say)
    groups = find_components(records)
    choices = Choices(config.measures, config.damping, config.substeps)
    for done, group in enumerate(groups):
        say("measuring", done, len(groups))
        rows += measure_group(group, config, choices)
    say("measuring", len(groups), len(groups))
    names = [measure.name for measure in config.measures]
    notices += [
        Notice("remark", f"{row.station}.{row.location} {row.component}: {row.reason}")
        for row in rows
        if row.status == "ok" and row.reason
    ]
    record = {
        "command": COMMAND,
        "command_line": to_command(config),
        "settings": config.model_dump(mode="json"),
        "units": {m.name: UNIT_BY_MEASURE[m.kind] for m in config.measures},
        "versions": versions(),
        "commit": git_commit(),
        "sha256": {str(path): sha256_of(path) for path in files},
        "summary": {"num_rows": len(rows), "status": dict(Counter(row.status for row in rows))},
        "notices": [str(notice) for notice in notices],
        "timings_s": {"all": round(time.perf_counter() - begun, 3)},
    }
    if config.figure is not None:
        draw(config.figure, groups, config)
    write_intensity_csv(config.out, rows, names)
    write_json(record_path(config.out), record)
    return rows, record


def record_path(out: Path) -> Path:
    """The file of the run's record, beside the table."""
    return out.with_suffix(".json")


def find_files(paths: Sequence[Path]) -> tuple[list[Path], set[Path]]:
    """All files, those of folders by name, and which of them were named themselves."""
    files: dict[Path, None] = {}
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        files |= dict.fromkeys(inside if path.is_dir() else [path])
    if not files:
        raise InputError("there is no file", file=paths[0], field="--waveforms", fix="name files of records")
    return list(files), {path for path in paths if not path.is_dir()}


def read_all(config: IntensityConfig, files: Sequence[Path], explicit: set[Path], say: Progress) -> Read:
    """Records of all files, rows for those that cannot be read, and what is to be told."""
    inventory = None
    if config.inventory is not None:
        from diffseis.io.obspy_guard import read_inventory_file

        inventory, _ = read_inventory_file(config.inventory, "STATIONXML")
    records: list[Accelerogram] = []
    rows: list[IntensityRow] = []
    notices: list[Notice] = []
    others: list[str] = []
    errors: list[InputError] = []
    for done, path in enumerate(files):
        say("reading", done, len(files))
        try:
            found, said = read_accelerograms(path, unit=config.units, inventory=inventory)
        except InputError as error:
            if error.field == "format" and path not in explicit:
                others.append(path.name)
                continue
            errors.append(error)
            reason = f"{error.why} (fix: {error.fix})"
            rows.append(_row(path.stem, config.component[0], "unreadable", reason, files=(path.name,)))
            continue
        records += found
        notices += said
    if others:
        words = f"{plural(len(others), 'file')} of folders hold no record: {', '.join(others[:5])}"
        notices.append(Notice("no-record", words, count=len(others)))
    if not records:
        if errors:
            raise errors[0]
        raise InputError(
            "there is no record",
            file=files[0],
            field="--waveforms",
            fix="name files of a format that is known",
        )
    return records, rows, notices


def measure_group(group: Components, config: IntensityConfig, choices: Choices) -> list[IntensityRow]:
    """A row for each component that is asked for."""
    pairwise = [c for c in config.component if c not in ("vertical", "h1", "h2")]
    single = {"h1": 0, "h2": 1}
    rows = []
    pair = [conditioned(r, config) for r in group.horizontal]
    if not group.problem and len(pair) == 2:
        wanted = [c for c in config.component if c != "vertical"]
        if wanted:
            rows += _pair_rows(group, pair, wanted, choices)
    else:
        rows += [_of_group(group, group.horizontal, c, "unpaired", group.problem) for c in pairwise]
        for component, which in single.items():
            if component in config.component and which < len(pair):
                rows.append(_single_row(group, pair[which], component, choices))
            elif component in config.component:
                rows.append(_of_group(group, (), component, "missing", "there is no such component"))
    if "vertical" in config.component:
        if group.vertical is None:
            rows.append(_of_group(group, (), "vertical", "missing", "there is no vertical component"))
        else:
            rows.append(_single_row(group, conditioned(group.vertical, config), "vertical", choices))
    return rows


def _pair_rows(group, pair, components, choices) -> list[IntensityRow]:
    reason = "; ".join(
        dict.fromkeys([*group.remarks, *(f"{r.channel}: {s}" for r in pair for s in r.remarks)])
    )
    problem = next((f"{r.channel}: {r.problem}" for r in pair if r.problem), "")
    if problem:
        return [_of_group(group, pair, c, "failed", problem) for c in components]
    both = np.stack([r.acceleration_m_s2 for r in pair])
    try:
        found = measure_pair(both, pair[0].dt_s, components, choices)
    except (ValueError, FloatingPointError) as error:
        return [_of_group(group, pair, c, "failed", str(error)) for c in components]
    return [_of_group(group, _used(pair, c), c, "ok", reason, found[c]) for c in components]


def _used(pair, component):
    return {"h1": pair[:1], "h2": pair[1:]}.get(component, pair)


def _single_row(group, record, component, choices) -> IntensityRow:
    if record.problem:
        return _of_group(group, (record,), component, "failed", record.problem)
    try:
        values = measure_single(record.acceleration_m_s2, record.dt_s, choices)
    except (ValueError, FloatingPointError) as error:
        return _of_group(group, (record,), component, "failed", str(error))
    return _of_group(group, (record,), component, "ok", "; ".join(record.remarks), values)


def _of_group(group, records, component, status, reason, values=None) -> IntensityRow:
    one = records[0] if records else group.any
    row = _row(one.station, component, status, reason, files=tuple(Path(r.file).name for r in records))
    return replace(
        row,
        network=one.network,
        location=one.location,
        channels="+".join(r.channel for r in records),
        start=format_time(one.start, digits=6),
        num_samples=len(one.acceleration_m_s2) if records else 0,
        dt_s=one.dt_s if records else 0.0,
        values=values or {},
    )


def _row(station, component, status, reason, *, files=()) -> IntensityRow:
    return IntensityRow("", station, "", component, "", "", 0, 0.0, status, reason, {}, files)


def draw(path: Path, groups: Sequence[Components], config: IntensityConfig) -> None:
    """The page of the station that is asked for, or of the strongest record."""
    from diffseis.plot import accelerogram_figure, figure_png

    good = [g for g in groups if any(not r.problem for r in g.horizontal)]
    if config.figure_station is not None:
        good = [g for g in good if config.figure_station in (g.any.station, g.any.station_id)]
        if not good:
            raise InputError(
                f"there is no record of station {config.figure_station} to draw",
                field="--figure-station",
                fix="name one of the table",
            )
    if not good:
        raise InputError("there is no record to draw", field="--figure", fix="leave it out")
    strength = lambda g: max(float(np.ptp(r.acceleration_m_s2)) for r in g.horizontal if not r.problem)
    group = max(good, key=strength)
    records = [conditioned(r, config) for r in group.horizontal if not r.problem]
    records = [r for r in records if r.dt_s == records[0].dt_s]
    figure = accelerogram_figure(
        [r.acceleration_m_s2 for r in records],
        [r.channel or f"h{k + 1}" for k, r in enumerate(records)],
        records[0].dt_s,
        title=" ".join(
            w for w in (group.any.station_id, group.any.location, format_time(records[0].start)) if w
        ),
        damping=config.damping,
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(figure_png(figure))
