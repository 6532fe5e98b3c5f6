"""The pictures of experiment 011."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator

from diffseis.plot import house_style
from diffseis.plot.style import new_figure

COLOURS = {"True": "black", "Initial": "#8A8A8A", "Inverted": "#D55E00"}
PLACES_KM = (2.0, 4.0, 6.0)


def draw_all(out: Path, settings, marmousi, models, told, gathers, shown) -> None:
    with house_style():
        _models(settings, marmousi, models).savefig(out / "models.png")
        _data(settings, told, gathers, shown).savefig(out / "data.png")


def _models(settings, marmousi, models):
    grid, smooth, speed = models
    spacing = float(grid.spacing_km[0])
    panels = {
        "True": (marmousi.speed, 0.0125),
        "Initial": (smooth, spacing),
        "Inverted": (speed, spacing),
    }
    figure = new_figure(10.5, 7.6)
    cells = figure.add_gridspec(3, 4, width_ratios=[3.6, 0.9, 0.9, 0.9])
    first, last, deepest = settings.judged_km
    line = np.linspace(settings.edge_km, settings.width_km - settings.edge_km, settings.num_shots)
    sections = []
    for row, (name, (values, step)) in enumerate(panels.items()):
        ax = figure.add_subplot(cells[row, 0])
        sections.append(ax)
        right, bottom = ((n - 0.5) * step for n in values.shape)
        image = ax.imshow(
            values.T,
            extent=(-step / 2, right, bottom, -step / 2),
            vmin=1.5,
            vmax=4.5,
            cmap="viridis",
            aspect="equal",
        )
        for x in PLACES_KM:
            ax.axvline(x, color="white", linewidth=0.7, linestyle=(0, (4, 3)))
        ax.set(xlim=(0, settings.width_km), ylim=(settings.depth_km, -0.12), ylabel="Depth (km)")
        ax.set_title(f"{'abc'[row]}  {name}", pad=4)
        if row == 0:
            ax.plot(line, np.full(len(line), settings.tow_km), "*", color="#D55E00", markersize=5)
        if row == 2:
            ax.plot(
                [first, last, last, first, first],
                [0.46, 0.46, deepest, deepest, 0.46],
                color="white",
                linewidth=0.7,
            )
            ax.set_xlabel("Distance (km)")
        else:
            ax.tick_params(labelbottom=False)
    figure.colorbar(
        image, ax=sections, label="Speed (km/s)", location="bottom", shrink=0.6, aspect=40, pad=0.02
    )
    for column, x in enumerate(PLACES_KM):
        ax = figure.add_subplot(cells[:, column + 1])
        for name, (values, step) in panels.items():
            depth = step * np.arange(values.shape[1])
            ax.plot(
                values[min(round(x / step), values.shape[0] - 1)], depth, color=COLOURS[name], label=name,
                linewidth=1.0 if name != "Inverted" else 1.4,
            )  # fmt: skip
        ax.set(xlim=(1.3, 4.6), ylim=(settings.depth_km, 0), xlabel="Speed (km/s)")
        ax.set_title(f"{'def'[column]}  {x:g} km", pad=4)
        ax.set_xticks([2, 3, 4])
        if column:
            ax.tick_params(labelleft=False)
        else:
            ax.set_ylabel("Depth (km)")
            ax.legend(loc="upper right")
    return figure


def _data(settings, told, gathers, shown):
    figure = new_figure(10.5, 6.6)
    rows = figure.subfigures(2, 1, height_ratios=[1.45, 1.0])
    observed = gathers["Observed"]
    last = settings.width_km - settings.edge_km
    shot_km = np.linspace(settings.edge_km, last, settings.num_shots)[shown]
    panels = gathers | {"Observed minus final": observed - gathers["Final model"]}
    limit = np.quantile(np.abs(observed), 0.96)
    axes = rows[0].subplots(1, 4, sharex=True, sharey=True)
    for number, (ax, (name, values)) in enumerate(zip(axes, panels.items(), strict=True)):
        ax.imshow(
            values.T,
            extent=(settings.edge_km, last, settings.duration_s - settings.origin_s, -settings.origin_s),
            cmap="gray_r",
            vmin=-limit,
            vmax=limit,
            aspect="auto",
            interpolation="bilinear",
        )
        ax.set(xlabel="Distance (km)", ylim=(settings.duration_s - settings.origin_s, 0))
        ax.set_title(f"{'abcd'[number]}  {name}", pad=4)
    axes[0].set_ylabel("Time (s)")
    axes[0].plot(shot_km, 0, "*", color="#D55E00", markersize=9, clip_on=False, zorder=5)
    axes = rows[1].subplots(1, len(told), squeeze=False)[0]
    for number, (ax, scale) in enumerate(zip(axes, told, strict=True)):
        loss = np.asarray(scale["loss"])
        ax.plot(np.arange(len(loss)), loss, "o-", color="black", markersize=3)
        ax.set_ylim(0, None)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_title(
            f"{'efghij'[number]}  {scale['peak_hz']:g} Hz, nodes of {1000 * scale['spacing_km']:g} m", pad=4
        )
        ax.set_xlabel("Step")
        ax.grid(axis="y", which="both", color="0.9", linewidth=0.6)
    axes[0].set_ylabel("Misfit (observed = 1)")
    return figure
