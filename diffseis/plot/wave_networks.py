"""Wavefields of networks beside those of direct solvers."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from diffseis.plot.style import house_style, new_figure
from diffseis.plot.wavefields import speed_lines


def network_figure(
    truth: Float[np.ndarray, "row x z"],
    found: Float[np.ndarray, "row x z"],
    labels: Sequence[str],
    *,
    x_km: Float[np.ndarray, " x"],
    depth_km: Float[np.ndarray, " z"],
    source_km: Float[np.ndarray, " 2"],
    speed_km_s: Float[np.ndarray, "x z"] | None = None,
    exaggeration: int | None = None,
    quantity: str = "Pressure",
) -> Figure:
    """In each row the field of a direct solver, that of a network, and what is between them, so many times; all on one scale.

    Args:
        truth, found: both fields.
        labels: of rows.
        x_km, depth_km: of nodes.
        source_km: the source, marked.
        speed_km_s: of the medium, as contours where it changes.
        exaggeration: of the difference; by default the power of ten that makes it visible.
        quantity: what the fields are.
    """
    extent = (x_km[0], x_km[-1], depth_km[-1], depth_km[0])
    if exaggeration is None:
        largest, off = float(np.max(np.abs(truth))), float(np.max(np.abs(found - truth)))
        exaggeration = 10 ** int(np.clip(np.log10(largest / off), 0, 6)) if min(largest, off) > 0 else 1
    tall = float(np.clip((depth_km[-1] - depth_km[0]) / (x_km[-1] - x_km[0]), 0.35, 1.6))
    with house_style():
        figure = new_figure(8.0, 0.8 + len(truth) * max(1.5, 0.15 + 2.2 * tall))
        axes = np.atleast_2d(figure.subplots(len(truth), 3, sharex=True, sharey=True))
        for row, one, other, label in zip(axes, truth, found, labels, strict=True):
            largest = max(float(np.max(np.abs(one))), 1e-300)
            for ax, field in zip(row, (one, other, exaggeration * (other - one)), strict=True):
                ax.imshow(
                    field.T / largest, extent=extent, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="bilinear", aspect="equal"
                )  # fmt: skip
                if speed_km_s is not None and np.ptp(speed_km_s) > 1e-6:
                    levels, _ = speed_lines(speed_km_s)
                    ax.contour(x_km, depth_km, speed_km_s.T, levels=levels, colors="0.35", linewidths=0.4)
                ax.plot(*source_km, "*", color="#F0E442", markeredgecolor="black", markersize=8)
            row[0].set_ylabel(f"{label}\nDepth (km)")
        figure.colorbar(
            axes[0, 0].images[0],
            ax=axes.ravel().tolist(),
            pad=0.02,
            aspect=30,
            shrink=min(1.0, 1.6 / len(truth)),
            label=f"{quantity} / largest of the row",
        )
        for ax, title in zip(axes[0], ("Direct solver", "Network", "Difference" if exaggeration == 1 else f"Difference, {exaggeration} times"), strict=True):  # fmt: skip
            ax.set_title(title, pad=6)
        for ax in axes[-1]:
            ax.set_xlabel("Distance (km)")
    return figure
