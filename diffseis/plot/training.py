"""How the training of travel-time networks went."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diffseis.plot.style import (
    PHASE_COLOURS,
    REFERENCE_COLOUR,
    add_grid,
    empty_figure,
    house_style,
    new_figure,
)


@dataclass(frozen=True)
class TrainingCurve:
    """One network's training.

    Attributes:
        name: of the network ("P", "S").
        seconds: after which each step was done, from the first one's begin (compilation not counted).
        misfit: root of the loss at the points of each step, before it.
        new_misfit: the same at points that no step had seen, after it.
        held_out: relative root mean square error of the finished network at points of its own.
    """

    name: str
    seconds: np.ndarray
    misfit: np.ndarray
    new_misfit: np.ndarray
    held_out: float

    def __post_init__(self):
        sizes = {len(self.seconds), len(self.misfit), len(self.new_misfit)}
        if len(sizes) > 1:
            raise ValueError(
                f"the columns of a training curve must be equally long, got lengths {sorted(sizes)}"
            )


def training_figure(curves: Sequence[TrainingCurve], *, of: str = "times") -> Figure:
    """Misfits (`of` times, or of slowness where the eikonal equation is learnt from) against steps, and at unseen points against seconds; the
    errors of the finished networks' times as dashed lines."""
    curves = [c for c in curves if len(c.seconds)]
    if not curves:
        return empty_figure("No network was trained.")
    with house_style():
        figure = new_figure(8.6, 3.9)
        by_step, by_second = figure.subplots(1, 2, sharey=True)
        for curve in curves:
            colour = PHASE_COLOURS.get(curve.name, REFERENCE_COLOUR)
            steps = np.arange(1, len(curve.seconds) + 1)
            own = {
                "color": colour,
                "linewidth": 0.7,
                "alpha": 0.5,
                "label": f"{curve.name}: points of the step",
            }
            by_step.plot(steps, curve.misfit, **own)
            for ax, x in ((by_step, steps), (by_second, curve.seconds)):
                ax.plot(x, curve.new_misfit, color=colour, label=f"{curve.name}: unseen points")
                _mark(ax, curve, colour)
        by_step.set_xlabel("Step")
        by_second.set_xlabel("Seconds, without compilation")
        by_step.set_ylabel(f"Relative misfit of {of}, RMS")
        by_step.set_title("Training by step")
        by_second.set_title("Training by time")
        for ax in (by_step, by_second):
            ax.set_yscale("log")
            ax.set_xlim(left=0)
            add_grid(ax)
        handles, labels = by_step.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(curves))
        return figure


def _mark(ax: Axes, curve: TrainingCurve, colour: str) -> None:
    label = f"{curve.name}: finished network, {curve.held_out:.1e}"
    ax.axhline(curve.held_out, color=colour, linestyle="--", linewidth=0.9, label=label)
