"""The page of one mechanism."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffseis.core.words import plural
from diffseis.plot.beachballs import PALE_BALL_COLOUR, disc_axes, draw_beachball
from diffseis.plot.labels import place_names
from diffseis.plot.lune import draw_lune, lune_degrees
from diffseis.plot.mechanism_card import (
    NEAR_DEG,
    PURE_DEG,
    MechanismPage,
    describe_mechanism,
    has_planes,
    kagan_angles_deg,
)
from diffseis.plot.mechanism_posterior import draw_axis_density, draw_fuzzy_ball, draw_posterior_planes
from diffseis.plot.mechanism_ratios import draw_ratios
from diffseis.plot.names import plain_text
from diffseis.plot.polarities import draw_polarities
from diffseis.plot.style import (
    OTHER_COLOUR,
    P_COLOUR,
    STATION_COLOUR,
    add_grid,
    count_axis,
    freeze_layout,
    house_style,
    new_figure,
    say_empty,
)

BALL_CONVENTION = "Lower hemisphere, equal area; filled: first motion up (compression)"
CONVENTIONS = (
    f"{BALL_CONVENTION}; rays that leave upwards stand at their antipodes; take-off angles from down; "
    "planes as strike / dip / rake after Aki & Richards."
)
_MAX_NAMES = 60
_MAX_LINES = 17


def mechanism_figure(page: MechanismPage) -> Figure:
    """One event: its ball with polarities and the planes of the posterior (or what else its sample is of), how sure each part of the sphere is, where the axes lie, what else the
    source may be, and a card.
    """
    with house_style():
        figure = new_figure(12.0, 9.4 if page.ratios else 7.4)
        grid = figure.add_gridspec(2, 3, width_ratios=[2.15, 1.0, 1.2])
        ball = figure.add_subplot(grid[:, 0])
        fuzzy, axes = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
        heights = [1.05, 1.35, 0.85] if page.ratios else [1.0, 1.3]
        side = grid[:, 2].subgridspec(len(heights), 1, height_ratios=heights)
        card, kinds = figure.add_subplot(side[0]), figure.add_subplot(side[1])
        if page.ratios:
            draw_ratios(figure.add_subplot(side[2]), page.ratios)
        title = plain_text(page.event_id, longest=60)
        after = f":  {plain_text(page.subtitle, longest=80)}" if page.subtitle else ""
        figure.suptitle(f"Event {title}{after}", fontweight="bold", x=0.01, ha="left")
        places = _draw_ball(ball, page)
        if len(page.draws):
            _draw_posterior(figure, fuzzy, axes, page)
        else:
            for ax in (fuzzy, axes):
                say_empty(ax, f"No {page.sample}.")
        _draw_kinds(kinds, page)
        _draw_card(card, page)
        figure.supxlabel(CONVENTIONS, fontsize=7.5, color="#555555", x=0.01, ha="left")
        # Names are placed last: they need the final layout to know what they would cover.
        freeze_layout(figure)
        if 0 < len(page.station) <= _MAX_NAMES:
            names = [plain_text(name) for name in page.station]
            letters = np.array([text.get_position() for text in ball.texts if text.get_text() in "PT"])
            place_names(ball, names, places, _around(letters), fontsize=6.0, colour=STATION_COLOUR)
        return figure


def _around(letters: np.ndarray) -> np.ndarray:
    """Points all over letters in a ball of radius 1."""
    shifts = 0.03 * np.stack(np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]), axis=-1).reshape(-1, 1, 2)
    return (letters.reshape(1, -1, 2) + shifts).reshape(-1, 2)


def _draw_ball(ax: Axes, page: MechanismPage) -> np.ndarray:
    disc_axes(ax)
    other_planes = has_planes(page.tensor) and not _is_pure(page.tensor[None])
    draw_beachball(
        ax, page.tensor, colour=PALE_BALL_COLOUR, linewidth=1.2, axes_marked=True, double_couple=other_planes
    )
    if other_planes:
        ax.plot(
            [], [], color="#C2410C", linewidth=1.2, dashes=(4, 2), label="planes of the best double couple"
        )
    if len(page.draws) and draw_posterior_planes(ax, page.draws):
        ax.plot([], [], color="#8A8A8A", linewidth=0.6, label=f"nodal lines of the {page.sample}")
    places = draw_polarities(
        ax, page.azimuth_deg, page.takeoff_deg, page.polarity, tensor=page.tensor, size_points=7.5
    )
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2)
    return places


def _draw_posterior(figure: Figure, fuzzy: Axes, axes: Axes, page: MechanismPage) -> None:
    disc_axes(fuzzy)
    fuzzy.set_title(f"First motion up: {page.chance}", pad=16)
    shading = draw_fuzzy_ball(fuzzy, page.draws)
    bar = figure.colorbar(shading, ax=fuzzy, orientation="horizontal", shrink=0.62, aspect=22, pad=0.02)
    bar.set_ticks([0.0, 0.5, 1.0])
    disc_axes(axes)
    axes.set_title(f"Axes of the {page.sample}", pad=16)
    draw_beachball(axes, page.tensor, colour="none", linewidth=0.9)
    draw_axis_density(axes, page.draws)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=1)


def _is_pure(tensors: np.ndarray) -> bool:
    return bool(np.all(np.abs(lune_degrees(tensors)) < PURE_DEG))


def _draw_kinds(ax: Axes, page: MechanismPage) -> None:
    """The lune where any draw is more than a double couple, else how far the draws are turned from the preferred solution."""
    if not len(page.draws):
        say_empty(ax, f"No {page.sample}.")
        return
    if _is_pure(page.draws) and _is_pure(page.tensor[None]):
        _draw_turns(ax, page)
        return
    places, own = lune_degrees(page.draws), lune_degrees(page.tensor[None])[0]
    ax.set_title("Kind of source", pad=14)
    draw_lune(ax, places[:, 0], places[:, 1], preferred_deg=(float(own[0]), float(own[1])))
    ax.legend(loc="lower left", bbox_to_anchor=(-0.12, 0.0), fontsize=7, handlelength=1.4)


def _draw_turns(ax: Axes, page: MechanismPage) -> None:
    ax.set_title("Turn from preferred solution")
    angle = kagan_angles_deg(page.tensor, page.draws)
    furthest = float(np.clip(10 * np.ceil(np.max(angle) / 10 + 1e-9), 30, 120))
    edges = np.arange(0, furthest + 1, 2.5 if furthest <= 60 else 5.0)
    near = angle < NEAR_DEG
    ax.hist(
        [angle[near], angle[~near]],
        list(edges),
        stacked=True,
        color=[P_COLOUR, "#BBBBBB"],
        label=[
            f"within {NEAR_DEG:.0f}° ({100 * near.mean():.0f} %)",
            f"beyond ({100 * (~near).mean():.0f} %)",
        ],
    )
    middle = float(np.median(angle))
    ax.axvline(middle, color="black", linewidth=0.9, linestyle="--", label=f"median {middle:.0f}°")
    ax.set_xlim(0, furthest)
    ax.set_ylim(0, ax.get_ylim()[1] * 1.15)
    ax.set_xlabel("Kagan angle (°)")
    ax.set_ylabel("Count")
    count_axis(ax.yaxis)
    ax.legend(loc="upper right")
    add_grid(ax)


def _draw_card(ax: Axes, page: MechanismPage) -> None:
    ax.set_axis_off()
    lines = describe_mechanism(page) if page.card is None else list(page.card)
    shown = [
        (plain_text(name, longest=18), plain_text(text, longest=28)) for name, text in lines[:_MAX_LINES]
    ]
    step = min(0.08, 0.94 / max(len(shown), 1))
    wide = any(len(name) > 15 or len(text) > 24 for name, text in shown)
    style = {"transform": ax.transAxes, "va": "top", "fontsize": 7.2 if wide else 9.0}
    for place, (name, text) in enumerate(shown):
        ax.text(0.0, 0.99 - step * place, name, color="#555555", **style)
        ax.text(0.42, 0.99 - step * place, text, **style)
    if len(shown) < len(lines):
        note = f"and {plural(len(lines) - len(shown), 'more line')}"
        ax.text(0.0, 0.0, note, transform=ax.transAxes, va="top", fontsize=7.5, color=OTHER_COLOUR)
