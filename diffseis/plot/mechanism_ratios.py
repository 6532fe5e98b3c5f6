"""Amplitude ratios of an event, observed against those that its mechanism radiates."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from diffseis.core.radiation_table import RadiationTable
from diffseis.plot.style import P_COLOUR, S_COLOUR, add_grid
from diffseis.source import radiated

Ratios = Mapping[str, Float[np.ndarray, "ray 2"]]
"""By kind: log10 of observed ratios, and of those that are radiated, shifted (see `ratio_pairs`)."""

_COLUMNS = {"S/P": "log10_sp", "SV/P": "log10_svp", "SH/P": "log10_shp", "SV/SH": "log10_svsh"}
_MARKERS = {"S/P": "o", "SV/P": "^", "SH/P": "s", "SV/SH": "D"}
_COLOURS = {"S/P": P_COLOUR, "SV/P": P_COLOUR, "SH/P": P_COLOUR, "SV/SH": S_COLOUR}
_LEAST_AMPLITUDE = 1e-3
_LARGEST = 2.5


def ratio_pairs(
    rays: RadiationTable, tensor: Float[np.ndarray, "3 3"]
) -> dict[str, Float[np.ndarray, "ray 2"]]:
    """Log10 of ratios of rays with angles, observed and radiated. To those over P the median of observed less radiated is added, which
    takes in Vp/Vs, attenuation and instruments.
    """
    takeoff = np.where(np.isfinite(rays.s_takeoff_deg), rays.s_takeoff_deg, rays.takeoff_deg)
    p = radiated(tensor, rays.azimuth_deg, rays.takeoff_deg)[:, 0]
    sv, sh = radiated(tensor, rays.azimuth_deg, takeoff)[:, 1:].T
    p, sv, sh, s = (np.log10(np.maximum(np.abs(x), _LEAST_AMPLITUDE)) for x in (p, sv, sh, np.hypot(sv, sh)))
    expected = {"S/P": s - p, "SV/P": sv - p, "SH/P": sh - p, "SV/SH": sv - sh}
    pairs = {}
    for name, column in _COLUMNS.items():
        both = np.stack([getattr(rays, column), expected[name]], axis=1)
        both = both[np.all(np.isfinite(both), axis=1)]
        if len(both):
            pairs[name] = both
    over_p = [pair for name, pair in pairs.items() if name != "SV/SH"]
    if over_p:
        shift = float(np.median(np.subtract(*np.concatenate(over_p).T)))
        pairs |= {name: np.add(pair, [0.0, shift]) for name, pair in pairs.items() if name != "SV/SH"}
    return pairs


def draw_ratios(ax: Axes, ratios: Ratios) -> None:
    """Each ratio as a point; those that fit lie on the line."""
    ax.set_title("Amplitude ratios (log10)")
    for name, pair in ratios.items():
        observed, expected = np.clip(pair, -_LARGEST, _LARGEST).T
        ax.plot(
            expected,
            observed,
            _MARKERS[name],
            markersize=4,
            color=_COLOURS[name],
            markerfacecolor="none",
            label=f"{name} ({len(pair)})",
        )
    everything = np.clip(np.concatenate(list(ratios.values())), -_LARGEST, _LARGEST)
    low, high = float(everything.min()) - 0.2, float(everything.max()) + 0.2
    ax.plot([low, high], [low, high], color="black", linewidth=0.8, zorder=1)
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.set_xlabel("Expected (over P: shifted)")
    ax.set_ylabel("Observed")
    ax.legend(loc="upper left", handletextpad=0.2, borderpad=0.2)
    add_grid(ax)
