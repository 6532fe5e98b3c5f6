"""Record sections and animations."""

import numpy as np
import pytest

from diffseis.plot import WavefieldFrames, figure_png, record_figure, write_animation
from diffseis.plot.wavefields import speed_lines

WORDS = {"components": ("along", "down"), "quantity": "velocity", "units": "m/s", "title": "Event A"}


def _records(distance_km):
    times = np.linspace(-0.5, 4.0, 50)
    pulse = np.exp(-((times[None] - 0.3 - distance_km[:, None] / 3) ** 2) / 0.02)
    return np.stack([pulse, -2 * pulse], 1) * 1e-5, times


def test_traces_at_their_distances():
    distance = np.array([4.0, 1.0, 2.5])
    records, times = _records(distance)
    figure = record_figure(records, distance, times, ["A", "B", "C"], **WORDS)
    along, up = figure.axes
    assert along.get_ylabel() == "Epicentral distance (km)"
    starts = [line.get_ydata()[0] for line in up.lines]
    np.testing.assert_allclose(starts, [1.0, 2.5, 4.0], atol=1e-6)
    # Down is drawn up, on the scale of its station: the largest component has the full height.
    assert np.max(up.lines[0].get_ydata()) - 1.0 == pytest.approx(0.6 * 1.5, rel=0.1)
    assert [t.get_text().split()[0] for t in up.texts] == ["B", "C", "A"]
    assert len(figure_png(figure)) > 5000


def test_close_stations_stand_in_order():
    distance = np.array([4.0, 4.001, 9.0])
    records, times = _records(distance)
    figure = record_figure(records, distance, times, ["A", "B", "C"], **WORDS)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["4.0 km", "4.0 km", "9.0 km"]


@pytest.mark.parametrize("num", [0, 1])
def test_few_stations(num):
    distance = np.full(num, 0.0)
    records, times = _records(distance)
    figure = record_figure(0 * records, distance, times, ["A"] * num, **WORDS)
    assert len(figure_png(figure)) > 500


@pytest.mark.parametrize("size", [1.0, 0.0])
def test_animation(tmp_path, size):
    """Also of a wavefield that is nothing, in a medium that is the same everywhere."""
    frames = WavefieldFrames(
        values=size * np.random.default_rng(0).normal(size=(3, 12, 8)),
        along_km=np.arange(12.0),
        depth_km=np.arange(8.0),
        times_s=np.arange(3.0),
        speed_km_s=np.full((12, 8), 4.0) + size * np.arange(8.0),
        source_km=(5.0, 4.0),
        stations_km=np.array([[2.0, 0.0]]),
        label="pressure",
        axis_name="x (km)",
        title="Event A",
    )
    write_animation(tmp_path / "a.gif", frames, frames_per_s=10)
    content = (tmp_path / "a.gif").read_bytes()
    assert content.startswith(b"GIF89a")


def test_lines_of_a_medium_are_its_interfaces():
    """Or speeds, where it has no layers; nodes between two layers are none."""
    depth = np.arange(40)[None] * np.ones((30, 1))
    layers = np.where(depth < 10, 2.0, np.where(depth == 10, 2.5, np.where(depth < 25, 3.0, 4.5)))
    assert speed_lines(layers.astype(np.float32)) == ([2.5, 3.75], "grey: interfaces of 2, 3, 4.5 km/s")
    lines, told = speed_lines(2.0 + depth / 40)
    assert lines == sorted(lines)
    assert len(lines) == 4
    assert told.startswith("grey: speeds of 2.1")
