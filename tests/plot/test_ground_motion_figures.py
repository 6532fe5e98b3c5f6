"""Figures of ground motion: what is drawn, and with what labels."""

import numpy as np

from diffseis.plot import (
    Attenuation,
    Curve,
    DeviationCurves,
    Panel,
    curves_figure,
    figure_png,
    ground_motion_residuals_figure,
    learned_motion_figure,
)


def test_curves_with_their_bands_and_records():
    x = np.geomspace(1, 100, 9)
    curves = [Curve(name, x, -np.log(x), np.full(9, 0.5)) for name in ("one", "two")]
    records = np.array([[3.0, 0.2], [40.0, 0.01]])
    figure = curves_figure([Panel("PGA", curves, records), Panel("PGV", curves)], x_label="km", y_label="g")
    first, second = figure.axes
    assert [line.get_label() for line in first.lines] == ["one", "two", "records (2)"]
    assert len(first.collections) == len(second.collections) == 1
    np.testing.assert_allclose(first.lines[0].get_ydata(), 1 / x)
    low = first.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(low[:, 1].max(), np.exp(0.5))
    assert (first.get_xscale(), first.get_yscale()) == ("log", "log")
    assert (first.get_ylabel(), second.get_xlabel()) == ("g", "km")
    none = curves_figure([Panel("PGA", curves)], x_label="km", y_label="g", band="none")
    assert not none.axes[0].collections


def test_residuals():
    random = np.random.default_rng(0)
    figure = ground_motion_residuals_figure(
        random.normal(size=20), random.uniform(4, 7, 20), random.normal(size=200), random.uniform(1, 99, 200), random.uniform(200, 900, 200),
    )  # fmt: skip
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert labels[:3] == ["Magnitude", "Distance (km)", "VS30 (m/s)"]
    assert "(200)" in figure.axes[4].get_title(loc="left")
    assert figure_png(figure)[:4] == b"\x89PNG"


def test_learned_models_beside_their_records():
    x = np.geomspace(1, 100, 9)
    half = np.full(9, 0.5)
    records = np.array([[3.0, 0.2], [40.0, 0.01]])
    panels = [Attenuation(f"M {m}", x, -np.log(x), half / 5, half, 0.1 - np.log(x), records) for m in (5, 7)]
    deviations = DeviationCurves(np.linspace(4, 7, 9), half, 0.6 * half, 0.8 * half, np.array([4.5, 6.0]))
    figure = learned_motion_figure(panels, deviations, y_label="PGA (g)", base="BSSA14", title="PGA")
    first, second, last = figure.axes
    np.testing.assert_allclose(first.lines[0].get_ydata(), 1 / x)
    np.testing.assert_allclose(first.lines[1].get_ydata(), np.exp(0.1) / x)
    widths = [np.log(c.get_paths()[0].vertices[:, 1].max()) for c in first.collections]
    np.testing.assert_allclose(widths, [0.5, 0.1 * 1.96], rtol=1e-4)
    assert first.get_title(loc="left") == "M 5 (2 records)"
    assert (first.get_ylabel(), second.get_xlabel()) == ("PGA (g)", "$R_{JB}$ (km)")
    np.testing.assert_allclose(last.lines[0].get_ydata(), 0.5 * np.sqrt(2))
    assert figure_png(figure)[:4] == b"\x89PNG"
