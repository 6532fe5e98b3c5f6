"""Figures of experiment 008, from its results."""

from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D

from diffseis.plot.style import (
    OTHER_COLOUR,
    P_COLOUR,
    S_COLOUR,
    add_grid,
    figure_png,
    house_style,
    new_figure,
)


def draw_all(results: dict, folder: Path) -> None:
    """Every figure that the results hold."""
    folder.mkdir(exist_ok=True)
    with house_style():
        if "checkerboard" in results:
            (folder / "checkerboard.png").write_bytes(
                figure_png(
                    section(
                        results["checkerboard"]
                        | {"resolved": results["settings"]["checkerboard"]["resolved"]}
                    )
                )
            )
        if "block" in results:
            told = results["block"] | {"resolved": results["settings"]["block"]["resolved"]}
            (folder / "block.png").write_bytes(figure_png(slices(told)))
        if "central_italy" in results:
            (folder / "central_italy.png").write_bytes(figure_png(profiles(results["central_italy"])))


def section(told: dict):
    """Truth, what was found with hypocentres known and joint, and the posterior standard deviation, of P."""
    north, down = np.array(told["north_km"]), np.array(told["down_km"])
    figure = new_figure(8.2, 5.2)
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    truth = 100 * np.array(told["truth"])
    limit = 1.25 * np.abs(truth).max()
    speeds = {"cmap": "RdBu", "vmin": -limit, "vmax": limit}
    joint = 100 * np.array(told["joint"]["sd"])[0]
    widths = {"cmap": "viridis", "vmin": 0.0, "vmax": joint.max()}
    panels = [
        ("Truth", truth, speeds),
        ("Recovered, hypocentres known", 100 * np.array(told["known"]["found"])[0], speeds),
        ("Recovered, joint with hypocentres", 100 * np.array(told["joint"]["found"])[0], speeds),
        ("Posterior standard deviation, joint", joint, widths),
    ]
    stations, events = np.array(told["stations_km"]), np.array(told["events_km"])
    images = []
    for letter, ax, (title, values, look) in zip("abcd", axes.flat, panels, strict=True):
        images.append(ax.pcolormesh(north, down, values.T, shading="gouraud", rasterized=True, **look))
        if look is speeds and title != "Truth":
            which = "known" if "known" in title else "joint"
            resolution = np.array(told[which]["resolution"])[0]
            ax.contour(
                north,
                down,
                resolution.T,
                levels=[told["resolved"]],
                colors="k",
                linewidths=1.0,
                linestyles="--",
            )
        ax.plot(*events.T, "o", ms=2.4, mfc="white", mec="k", mew=0.4, ls="none", label="event")
        ax.plot(
            *stations.T, "v", ms=6, mfc="k", mec="white", mew=0.5, clip_on=False, ls="none", label="station"
        )
        ax.set_title(f"({letter}) {title}")
        ax.set_aspect("equal")
        ax.set_ylim(down[-1], down[0] - 0.6)
    lines, names = axes[0, 0].get_legend_handles_labels()
    lines.append(Line2D([], [], color="k", lw=1.0, ls="--"))
    names.append(f"inside: posterior variance below {1 - told['resolved']:.0%} of the prior's")
    figure.legend(lines, names, loc="outside upper center", ncols=3)
    for ax in axes[1]:
        ax.set_xlabel("North (km)")
    for ax in axes[:, 0]:
        ax.set_ylabel("Depth (km)")
    bar = figure.colorbar(images[2], ax=axes[:, 0], location="bottom", shrink=0.8, aspect=35)
    bar.set_label("P speed against starting model (%)")
    bar = figure.colorbar(images[3], ax=axes[:, 1], location="bottom", shrink=0.8, aspect=35)
    bar.set_label("Standard deviation of P speed (%), panel d")
    return figure


def slices(told: dict):
    """Truth, what was found and its standard deviation, of P: maps at two depths and a section from west to east."""
    north, east, down = (np.array(x) for x in told["axes_km"])
    truth, found, sd = (100 * np.array(x) for x in (told["truth"], told["found"][0], told["sd"][0]))
    seen = np.array(told["resolution"][0])
    stations, events = np.array(told["stations_km"]), np.array(told["events_km"])
    limit = 1.25 * np.abs(truth).max()
    speeds, widths = (
        {"cmap": "RdBu", "vmin": -limit, "vmax": limit},
        {"cmap": "viridis", "vmin": 0.0, "vmax": sd.max()},
    )
    figure = new_figure(8.2, 8.6)
    axes = figure.subplots(3, 3, height_ratios=[1, 1, 0.5], sharex=True)
    at_depth = [int(np.argmin(np.abs(down - z))) for z in (3.0, 9.0)]
    across = int(np.argmin(np.abs(north - 4.5)))
    letters = iter("abcdefghi")
    images = []
    for column, (title, values, look) in enumerate(
        [("Truth", truth, speeds), ("Recovered", found, speeds), ("Standard deviation", sd, widths)]
    ):
        for row, ax in enumerate(axes[:, column]):
            if row < 2:
                k = at_depth[row]
                cut, resolved, vertical = values[:, :, k], seen[:, :, k], north
                near = np.abs(events[:, 2] - down[k]) < 2
                shown, name = events[near][:, [1, 0]], f"{down[k]:.0f} km deep"
                ax.plot(
                    *stations[:, [1, 0]].T,
                    "v",
                    ms=5,
                    mfc="k",
                    mec="white",
                    mew=0.5,
                    ls="none",
                    label="station",
                )
                ax.set_aspect("equal")
            else:
                cut, resolved, vertical = values[across].T, seen[across].T, down
                near = np.abs(events[:, 0] - north[across]) < 3
                shown, name = events[near][:, [1, 2]], f"{north[across]:.1f} km north"
                ax.set_ylim(down[-1], down[0])
                ax.set_aspect("equal")
            images.append(ax.pcolormesh(east, vertical, cut, shading="gouraud", rasterized=True, **look))
            if column > 0:
                ax.contour(
                    east,
                    vertical,
                    resolved,
                    levels=[told["resolved"]],
                    colors="k",
                    linewidths=1.0,
                    linestyles="--",
                )
            ax.plot(*shown.T, "o", ms=2.8, mfc="white", mec="k", mew=0.5, ls="none", label="event nearby")
            ax.set_title(f"({next(letters)}) {title}" if row == 0 else f"({next(letters)})")
            ax.set_xlim(east[0], east[-1])
            if column == 0:
                ax.set_ylabel(("North (km)" if row < 2 else "Depth (km)") + f"\n{name}")
    for ax in axes[2]:
        ax.set_xlabel("East (km)")
    lines, names = axes[0, 0].get_legend_handles_labels()
    lines.append(Line2D([], [], color="k", lw=1.0, ls="--"))
    names.append(f"inside: posterior variance below {1 - told['resolved']:.0%} of the prior's")
    figure.legend(lines, names, loc="outside upper center", ncols=3)
    bar = figure.colorbar(images[0], ax=axes[:, :2], location="bottom", shrink=0.6, aspect=40)
    bar.set_label("P speed against starting model (%)")
    bar = figure.colorbar(images[-1], ax=axes[:, 2], location="bottom", shrink=0.9, aspect=20)
    bar.set_label("Standard deviation (%)")
    return figure


def profiles(told: dict):
    """Vp, Vs and their ratio with bands, and the events that saw them."""
    found = told["profile"]
    depth, start = np.array(found["depth_km"]), np.array(found["start_km_s"])
    figure = new_figure(8.6, 5.4)
    axes = figure.subplots(1, 4, sharey=True, width_ratios=[1, 1, 1, 0.55])
    pair = np.array(told["station_halves"]["speed_km_s"])
    halves = {"vp_km_s": pair[:, 0], "vs_km_s": pair[:, 1], "vp_vs": pair[:, 0] / pair[:, 1]}
    halves = {name: list(curves) for name, curves in halves.items()}
    rows = [
        ("vp_km_s", "P speed (km/s)", P_COLOUR, start[0]),
        ("vs_km_s", "S speed (km/s)", S_COLOUR, start[1]),
        ("vp_vs", "Vp/Vs", "#444444", start[0] / start[1]),
    ]
    for letter, ax, (name, label, colour, before) in zip("abc", axes[:3], rows, strict=True):
        low, lower, middle, upper, high = np.array(found[name])
        ax.fill_betweenx(depth, low, high, color=colour, alpha=0.18, lw=0, label="95 %")
        ax.fill_betweenx(depth, lower, upper, color=colour, alpha=0.38, lw=0, label="68 %")
        ax.plot(middle, depth, "-", color=colour, label="median")
        ax.plot(before, depth, "--", color="k", lw=1.0, label="starting model")
        for one in halves[name]:
            ax.plot(
                one,
                depth,
                "-",
                color="k",
                lw=0.7,
                alpha=0.75,
                label="halves of the stations" if one is halves[name][0] else None,
            )
        ax.set_xlabel(label)
        ax.set_title(f"({letter})")
        add_grid(ax)
    axes[2].axvline(1.844, color=OTHER_COLOUR, lw=1.0, ls=":")
    axes[2].annotate(
        "Wadati diagram: 1.844",
        (1.838, 5.8),
        fontsize=7,
        color="#555555",
        rotation=90,
        ha="right",
        va="bottom",
    )
    axes[2].set_xlim(1.65, 2.25)
    lines, names = axes[2].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside upper center", ncols=5)
    events = np.array(told["hypocentres"]["depth_km"])
    axes[3].hist(
        events,
        bins=np.arange(-2, 19, 1.0),
        orientation="horizontal",
        color="#9A9A9A",
        edgecolor="white",
        lw=0.5,
    )
    axes[3].set_xlabel("Events per km")
    axes[3].set_title("(d)")
    add_grid(axes[3])
    axes[0].set_ylabel("Depth below sea level (km)")
    axes[0].set_ylim(18, -2)
    return figure
