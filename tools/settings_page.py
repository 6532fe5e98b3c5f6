"""Writes docs/wave_settings.md out of the settings themselves: ``python tools/settings_page.py``."""

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from diffseis.workflows.wave_config import (
    EventEntry,
    FrameTable,
    MediumTable,
    NetworkTable,
    OutputTable,
    StationEntry,
    StoreTable,
    TimeTable,
    WaveConfig,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "wave_settings.md"
TABLES: dict[str, type[BaseModel]] = {
    "[medium]": MediumTable,
    "[frame]": FrameTable,
    "[time]": TimeTable,
    "[[event]]": EventEntry,
    "[[station]]": StationEntry,
    "[output]": OutputTable,
    "[store]": StoreTable,
    "[network]": NetworkTable,
}
HEAD = """# Settings of waves

One TOML file serves `diffseis wave`, `diffseis greens` and `diffseis train-wave`; `diffseis/data/alpine_fault_wave.toml` is one. Paths are relative to it. Written by `tools/settings_page.py`.

- **Axes.** In three dimensions north, east, down; in two along the section (`frame.azimuth_deg`), down. Arrays have these axes in this order: `vp[i, j]` is the i-th place along, the j-th depth; turn arrays
  that have depth first. Kilometres, km/s, g/cm3, seconds. A velocity CSV has columns `depth_km, vp_km_s, vs_km_s`; NumPy `.npz` and netCDF files have variables `vp`, `vs`, `rho`, `epsilon`, `delta`, `q`.
- **Two dimensions** are those of line sources: moments are per kilometre out of the plane, amplitudes and their decay are not those of an earthquake, and there is no SH. Stations and events off the section are
  put at their feet on it, with a note.
- **Time functions** are moment rates over the moment, of area one (Ricker: its own). `frequency_hz` is 1 / (2 pi sigma) of a Gaussian, the peak of Ricker's, the corner of Brune's, 1 / half duration of a triangle. They
  end, for notes and defaults, where their spectrum is below 5 % of its largest value.
- **Out.** `seismograms.mseed` of solids (m/s or m; Z up, N, E; in two dimensions the motion in the plane, turned to N and E), `records.nc` (km/s or km, down positive; pressure in GPa of `fluid`, in units of the
  source of `acoustic` and `vti`, which have no miniSEED), `section.png` with distances along the grid's horizontal axes, `run.json`.
- **Stores** give displacement in km of moments in 1e18 N m (in two dimensions per km).
- **Networks in time** have bells as sources, whose standard deviation, three tenths of the shortest wavelength, is told; their errors are those against finite differences with the same bells, and their
  seismograms are smoother than those of `diffseis wave`, which has points.
"""


def page() -> str:
    """All tables, their keys, defaults and meanings."""
    own = {
        k: f
        for k, f in WaveConfig.model_fields.items()
        if f"[{k}]" not in TABLES and f"[[{k}]]" not in TABLES
    }
    parts = [HEAD, *_table("At the top", "", own)]
    for name, model in TABLES.items():
        parts += _table(f"`{name}`", (model.__doc__ or "").strip(), model.model_fields)
    return "\n".join(parts).rstrip() + "\n"


def _table(title: str, about: str, fields: dict[str, Any]) -> list[str]:
    rows = [f"| `{name}` | {_default(f)} | {_meaning(f)} |" for name, f in fields.items()]
    return [
        f"\n## {title}\n",
        *([about, ""] if about else []),
        "| key | default | meaning |",
        "|---|---|---|",
        *rows,
    ]


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "needed" if field.default_factory is None else ""
    return (
        ""
        if field.default in (None, ())
        else f"`{field.default}`".lower()
        if isinstance(field.default, bool)
        else f"`{field.default}`"
    )


def _meaning(field: Any) -> str:
    choices = [a for a in get_args(field.annotation) if isinstance(a, str | int) and not isinstance(a, bool)]
    words = f"one of {', '.join(map(str, choices))}" if choices else ""
    return "; ".join(w for w in (words, (field.description or "").replace("|", "/")) if w)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
