"""The page of a strong-motion record."""

import jax
import numpy as np
import pytest

from diffseis.plot import accelerogram_figure, figure_png


def _record(num, seed):
    t = 0.01 * np.arange(num)
    return np.random.default_rng(seed).normal(size=num) * np.exp(-((t - 1) ** 2))


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="records are double precision")
def test_one_and_two_components():
    pair = [_record(300, 1), _record(280, 2)]
    figure = accelerogram_figure(pair, ["N", "E"], 0.01, title="XX.ABC")
    *series, spectra = figure.axes
    assert len(series) == 4
    assert all(len(ax.lines) == 2 for ax in series)
    assert [line.get_label() for line in spectra.lines] == ["N", "E", "RotD50"]
    peak = np.max(np.abs(pair[0])) / 9.80665
    assert f"{peak:.3g}" in series[0].lines[0].get_label()
    assert figure_png(figure).startswith(b"\x89PNG")
    alone = accelerogram_figure(pair[:1], ["Z"], 0.01)
    assert [line.get_label() for line in alone.axes[-1].lines] == ["Z"]
