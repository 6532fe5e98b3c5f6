"""Figures of hazard: they render, and show what they were given."""

import numpy as np

from diffseis.plot import (
    Disaggregation,
    HazardCurves,
    disaggregation_figure,
    figure_png,
    hazard_curves_figure,
    uniform_hazard_figure,
)

LEVELS = np.geomspace(0.01, 1, 10)


def test_curves():
    curves = {"A": 0.01 * LEVELS**-1.5, "mean": np.where(LEVELS > 0.5, 0.0, 0.02 * LEVELS**-1.5)}
    figure = hazard_curves_figure(HazardCurves("PGV", LEVELS, curves, {475.0: 0.3, 1e6: np.nan}, "here"))
    (ax,) = figure.axes
    assert ax.get_xlabel() == "PGV (cm/s)"
    assert [t.get_text() for t in ax.texts] == ["475 years: 0.3 cm/s"]
    assert figure_png(figure)[:4] == b"\x89PNG"


def test_disaggregation():
    random = np.random.default_rng(0)
    parts = (random.uniform(5, 7, 200), random.uniform(3, 90, 200), random.normal(1, 1, 200))
    figure = disaggregation_figure(Disaggregation("PGA", 0.3, 475.0, *parts, random.uniform(0, 1, 200)))
    (ax,) = figure.axes
    assert "once in 475 years" in ax.get_title()
    assert len(ax.collections) > 20
    assert figure_png(figure)[:4] == b"\x89PNG"


def test_uniform_hazard():
    figure = uniform_hazard_figure(np.array([0.1, 0.5, 2.0]), {475.0: np.array([0.5, 0.3, np.nan])})
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["475 years"]
    assert figure_png(figure)[:4] == b"\x89PNG"
