"""Figures of networks beside direct solvers."""

import numpy as np
import pytest

from diffseis.plot import figure_png, network_figure


@pytest.mark.parametrize(
    ("off", "said"),
    [(0.004, "Difference, 100 times"), (0.5, "Difference"), (0.0, "Difference")],
)
def test_what_differs_is_made_visible(off, said):
    """All panels are there, titles tell how many times, and the ground is on top."""
    x, z = np.linspace(0, 2, 21), np.linspace(0, 1, 11)
    truth = np.sin(3 * x)[None, :, None] * np.cos(2 * z)[None, None, :] * np.ones((2, 1, 1))
    speed = np.where(z > 0.5, 3.0, 2.0)[None] * np.ones((21, 1))
    figure = network_figure(
        truth,
        truth + off,
        ["0.1 s", "0.2 s"],
        x_km=x,
        depth_km=z,
        source_km=np.asarray([1.0, 0.4]),
        speed_km_s=speed,
    )
    panels = [ax for ax in figure.axes if ax.get_images()]
    assert len(panels) == 6
    # One bar says what of.
    bars = [ax for ax in figure.axes if ax not in panels]
    assert [ax.get_ylabel() for ax in bars] == ["Pressure / largest of the row"]
    assert [ax.get_title(loc="left") for ax in panels[:3]] == ["Direct solver", "Network", said]
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top
    assert figure_png(figure)[:4] == b"\x89PNG"


def test_a_silent_field():
    zeros, line = np.zeros((1, 5, 4)), np.arange(5.0)
    figure = network_figure(zeros, zeros, ["now"], x_km=line, depth_km=line[:4], source_km=np.zeros(2))
    assert figure_png(figure)
