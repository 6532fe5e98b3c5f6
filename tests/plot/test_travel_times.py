"""Figures of travel times and of training: what they show, and that odd input is drawn without a warning."""

import dataclasses

import numpy as np
import pytest

from diffseis.plot import (
    TimeSection,
    TrainingCurve,
    error_figure,
    figure_png,
    training_figure,
    wavefront_figure,
)


def _section(**changes):
    """Straight rays of a uniform medium of 5 km/s."""
    distance, depth = np.linspace(-2.0, 40, 85), np.linspace(-0.5, 15, 32)
    source, receivers = np.array([0.0, 8.0]), np.array([[12.0, 0.0], [37.5, -0.3]])
    times = np.hypot(distance[:, None], depth[None, :] - source[1]) / 5
    rays = tuple(np.linspace(r, source, 9) for r in receivers)
    section = TimeSection(
        distance,
        depth,
        np.full(times.shape, 5.0),
        times,
        source,
        receivers,
        rays,
        ("A$_{$", "Ä"),
        title="x to $y",
    )
    return dataclasses.replace(section, **changes)


def _inside(figure):
    """Titles, labels and legends lie on the figure."""
    figure_png(figure, dpi=40)
    inside = figure.bbox.padded(4.0)
    for artist in [*figure.axes, *figure.legends]:
        assert all(inside.contains(*corner) for corner in artist.get_tightbbox().get_points())


def test_wavefronts_and_rays():
    figure = wavefront_figure(_section())
    ax = figure.axes[0]
    assert ax.get_aspect() == 1
    bottom, top = ax.get_ylim()
    assert bottom == 15
    assert top == -0.5
    rays = [line.get_xydata() for line in ax.lines]
    assert len(rays) == 2
    np.testing.assert_allclose(rays[1][[0, -1]], [[37.5, -0.3], [0.0, 8.0]])
    # 8.2 s in all: a wavefront every 0.5 s, each a circle round the source.
    assert "every 0.5 s" in ax.get_title(loc="left")
    (fronts,) = [c for c in ax.collections if hasattr(c, "levels")]
    np.testing.assert_allclose(fronts.levels, np.arange(1, 17) * 0.5)
    for level, path in zip(fronts.levels, fronts.get_paths(), strict=True):
        np.testing.assert_allclose(np.hypot(*(path.vertices - [0, 8]).T), 5 * level, atol=0.03)
    assert "P speed (km/s)" in [a.get_ylabel() for a in ax.child_axes]
    _inside(figure)


@pytest.mark.parametrize(
    "changes",
    [
        {"rays_km": (), "receivers_km": np.zeros((0, 2)), "names": ()},
        {"time_s": np.zeros((85, 32))},
        {"names": tuple("abcdefghijklmno"), "receivers_km": np.zeros((15, 2))},
        {"depth_km": np.linspace(0.0, 0.5, 32)},
        {"depth_km": np.linspace(0.0, 400, 32)},
    ],
    ids=["no receivers", "no times", "many names", "flat", "deep"],
)
def test_odd_sections_are_drawn(changes):
    _inside(wavefront_figure(_section(**changes)))


@pytest.mark.long
@pytest.mark.parametrize("signed", [False, True])
def test_error_map(signed):
    section = _section()
    figure = error_figure(section, section.time_s / 1.002, signed=signed)
    mesh = figure.axes[0].collections[0]
    shown = np.asarray(mesh.get_array()).reshape(32, 85)
    known = section.time_s.T > 0
    np.testing.assert_allclose(shown[known], 0.002, rtol=1e-9)
    assert "RMS 2.0e-03, largest 2.0e-03" in figure.axes[0].get_title(loc="left")
    assert (mesh.norm.vmin < 0) == signed
    _inside(figure)
    _inside(error_figure(section, section.time_s, signed=signed))
    with pytest.raises(ValueError, match="reference_s"):
        error_figure(section, section.time_s[1:])


def test_sections_are_checked():
    with pytest.raises(ValueError, match="time_s"):
        _section(time_s=np.zeros((3, 4)))


def test_training():
    steps = np.arange(1, 51)
    curves = [
        TrainingCurve(name, 0.1 * k * steps, 1.0 / steps, 1.1 / steps, 0.019)
        for k, name in ((1, "P"), (2, "S"))
    ]
    figure = training_figure(curves)
    by_step, by_second = figure.axes
    assert by_step.get_yscale() == "log"
    # P and S: own points, unseen points, the finished network; the first not against time.
    assert (len(by_step.lines), len(by_second.lines)) == (6, 4)
    np.testing.assert_allclose(by_second.lines[2].get_xydata(), np.stack([0.2 * steps, 1.1 / steps], axis=-1))
    np.testing.assert_allclose(by_step.lines[2].get_ydata(), 0.019)
    _inside(figure)
    figure_png(training_figure([]), dpi=40)
    with pytest.raises(ValueError, match="equally long"):
        TrainingCurve("P", steps, steps, steps[1:], 0.1)
