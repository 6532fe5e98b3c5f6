"""The pictures of experiment 012."""

import itertools
from pathlib import Path

import numpy as np
from matplotlib.patches import Circle, Wedge
from matplotlib.ticker import MaxNLocator, NullFormatter

from diffseis.plot import house_style
from diffseis.plot.style import new_figure
from diffseis.wave import tensor_pairs

TRUE, FOUND, CLOUD = "black", "#D55E00", "#0072B2"


def draw_all(out: Path, settings, section, kept, told) -> None:
    # The event of median noise among those that push and pull.
    order = np.argsort([t["noise_km"] for t in told])
    both = [n for n in order if len(_zeros(kept[n]["truth"][3:]))] or list(order)
    shown = int(both[len(both) // 2])
    with house_style():
        _event(settings, section, kept[shown], told[shown]).savefig(out / "event.png")
        _calibration(told).savefig(out / "calibration.png")


def _event(settings, section, event, told):
    truth, particles, best = event["truth"], event["particles"], event["best"]
    figure = new_figure(10.5, 6.8)
    top, bottom = figure.subfigures(2, 1, height_ratios=[0.75, 1.0])
    left, middle, right = top.subfigures(1, 3, width_ratios=[1.9, 1.0, 1.25])
    _section(left.subplots(), settings, truth)
    ax = middle.subplots()
    ax.scatter(particles[:, 0], particles[:, 1], s=5, color=CLOUD, alpha=0.5, linewidths=0, label="Particles")
    ax.plot(*truth[:2], "*", color="#F0E442", markeredgecolor="black", markersize=13, label="True")
    ax.plot(*best[:2], "+", color=FOUND, markersize=12, markeredgewidth=2, label="Found")
    spread = 4 * max(np.std(particles[:, 0]), np.std(particles[:, 1]))
    x, z = particles[:, :2].mean(axis=0)
    ax.set(xlim=(x - spread, x + spread), ylim=(z + spread, z - spread), aspect="equal")
    ax.set(xlabel="Distance (km)", ylabel="Depth (km)")
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.legend(loc="upper right", fontsize=7, handlelength=1.0, borderaxespad=0.1, labelspacing=0.3)
    ax.set_title("b  Posterior of the place", pad=8)
    axes = right.subplots(1, 2)
    for ax, tensor, name, colour in (
        (axes[0], truth[3:], "c  True", TRUE),
        (axes[1], best[3:], "d  Found", FOUND),
    ):
        _radiation(ax, tensor, colour)
        ax.set_title(name, pad=4)
    axes[0].text(
        0,
        1.15,
        "P radiation in the section\n(filled: push)",
        fontsize=7.5,
        va="top",
        ha="left",
        transform=axes[0].transData,
    )
    cloud = particles[np.linspace(0, len(particles) - 1, 60).astype(int), 3:]
    for tensor in cloud:
        _nodal(axes[1], tensor)
    _waveforms(bottom, settings, section, event, told)
    return figure


def _section(ax, settings, truth) -> None:
    width, depth = settings.size_km
    for number, z in enumerate(settings.tops_km):
        below = [*settings.tops_km[1:], depth][number]
        ax.axhspan(z, below, color=str(0.97 - 0.05 * number), zorder=0)
        label = f"{settings.vp_km_s[number]:g}, {settings.vs_km_s[number]:g} km/s"
        ax.text(18.3, (z + below) / 2 + 0.05, label, va="center", fontsize=7)
    low, high = settings.box_low_km, settings.box_high_km
    ax.plot(
        [low[0], high[0], high[0], low[0], low[0]],
        [low[1], low[1], high[1], high[1], low[1]],
        color="0.45",
        linewidth=0.8,
        linestyle="--",
    )
    ax.plot(
        settings.stations_km,
        np.zeros(len(settings.stations_km)),
        "v",
        color="black",
        markersize=7,
        clip_on=False,
        zorder=4,
    )
    ax.plot(*truth[:2], "*", color="#F0E442", markeredgecolor="black", markersize=13, zorder=3)
    ax.set(xlim=(0, width), ylim=(depth, -0.4), aspect="equal", xlabel="Distance (km)", ylabel="Depth (km)")
    ax.set_title("a  Stations, prior box (dashed), true source", pad=8)


def _matrix(components):
    tensor = np.zeros((2, 2))
    for value, (i, j) in zip(components, tensor_pairs(2), strict=True):
        tensor[i, j] = tensor[j, i] = value
    return tensor


def _zeros(components) -> np.ndarray:
    """Angles (from x towards down, rad) at which no P wave leaves."""
    angle = np.linspace(0, 2 * np.pi, 1441)
    ray = np.stack([np.cos(angle), np.sin(angle)])
    push = np.einsum("ia,ij,ja->a", ray, _matrix(components), ray)
    return angle[:-1][np.sign(push[:-1]) != np.sign(push[1:])]


def _radiation(ax, components, colour) -> None:
    """Sectors of the circle of directions, filled where the first motion pushes."""
    zeros = _zeros(components)
    edges = np.append(zeros, zeros[0] + 2 * np.pi) if len(zeros) else np.array([0, 2 * np.pi])
    for first, last in itertools.pairwise(edges):
        ray = np.array([np.cos((first + last) / 2), np.sin((first + last) / 2)])
        if ray @ _matrix(components) @ ray > 0:
            ax.add_patch(Wedge((0, 0), 1, *np.degrees([first, last]), facecolor=colour, linewidth=0))
    ax.add_patch(Circle((0, 0), 1, fill=False, linewidth=1.0))
    ax.set(xlim=(-1.1, 1.1), ylim=(1.1, -1.1), aspect="equal")
    ax.axis("off")


def _nodal(ax, components) -> None:
    for angle in _zeros(components):
        ax.plot([0, np.cos(angle)], [0, np.sin(angle)], color="black", linewidth=0.3, alpha=0.4)


def _waveforms(figure, settings, section, event, told) -> None:
    time = np.asarray(section.axis.times_s())
    axes = figure.subplots(1, 2, sharey=True)
    observed, fit = event["observed"], event["fit"]
    scale = 0.42 / np.max(np.abs(fit), axis=(1, 2))
    for component, (ax, name) in enumerate(zip(axes, ("Horizontal", "Vertical (down)"), strict=True)):
        for row in range(len(observed)):
            ax.plot(time, row - scale[row] * observed[row, component], color="0.55", linewidth=1.0, label="Observed" if row == 0 else None)  # fmt: skip
            ax.plot(time, row - scale[row] * fit[row, component], color=FOUND, linewidth=1.0, label="Found" if row == 0 else None)  # fmt: skip
        ax.set(xlabel="Time (s)", xlim=(0, time[-1]), ylim=(len(observed) - 0.3, -0.7))
        ax.set_title(f"{'ef'[component]}  {name} displacement", pad=4)
    axes[0].set_yticks(range(len(observed)), [f"{x:g} km" for x in settings.stations_km])
    axes[0].set_ylabel("Station")
    axes[1].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.1)


def _calibration(told):
    names = ("x", "depth", "origin time", "$M_{xx}$", "$M_{xz}$", "$M_{zz}$")
    rank = np.array([t["rank"] for t in told])
    error, sd = (np.array([t[k] for t in told]) for k in ("error", "sd"))
    noise = np.array([t["signal_to_noise"] for t in told])
    figure = new_figure(10.5, 3.9)
    axes = figure.subplots(1, 3)
    levels = np.linspace(0, 1, 101)
    colours = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")
    band = 1.96 * np.sqrt(levels * (1 - levels) / len(rank))
    axes[0].fill_between(levels, levels - band, levels + band, color="0.9", linewidth=0)
    axes[0].plot([0, 1], [0, 1], color="0.4", linewidth=0.8)
    for column, name in enumerate(names):
        held = [np.mean(np.abs(rank[:, column] - 0.5) <= level / 2) for level in levels]
        axes[0].plot(levels, held, color=colours[column], label=name, linewidth=1.1)
    axes[0].set(xlabel="Stated probability", ylabel="Share of events held", xlim=(0, 1), ylim=(0, 1), aspect="equal")  # fmt: skip
    axes[0].legend(loc="lower right", fontsize=7, handlelength=1.2, labelspacing=0.25)
    axes[0].set_title("a  Intervals", pad=4)
    for ax, columns, unit, title in (
        (axes[1], (0, 1), "km", "b  Place"),
        (axes[2], (3, 4, 5), r"$10^{18}$ N m/km", "c  Tensor"),
    ):
        for column in columns:
            ax.loglog(sd[:, column], np.abs(error[:, column]), "o", color=colours[column], markersize=3.5, alpha=0.8, label=names[column])  # fmt: skip
        ends = np.array([sd[:, columns].min() / 1.5, sd[:, columns].max() * 1.5])
        ax.plot(ends, ends, color="0.4", linewidth=0.8)
        ax.plot(ends, 2 * ends, color="0.4", linewidth=0.8, linestyle=":")
        ax.set(xlabel=f"Posterior standard deviation ({unit})", ylabel=f"|Error| ({unit})", xlim=ends, ylim=(ends[0] / 20, ends[1] * 3))  # fmt: skip
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.legend(loc="lower right", fontsize=7)
        ax.set_title(title, pad=4)
    figure.suptitle(f"{len(told)} events, largest amplitude over noise {noise.min():.0f} to {noise.max():.0f}", fontsize=8.5, x=0.01, ha="left")  # fmt: skip
    return figure
