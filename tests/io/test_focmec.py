"""FOCMEC input: columns, signs and ratios."""

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_focmec

MADE_UP = """An earthquake, and what was read of it
AB1    10.00   40.00C
AB2   200.50   95.00-   emergent
AB3   300.00   42.00F
AB3   300.00   42.00B
AB4    20.00   43.00R
AB4    20.00   43.00l
AB5    30.00   41.00H  0.7000 R  38.50 1.7500 a comment
AB5    30.00   41.00V -0.2500 B  38.50 1.7500
AB6    31.00   41.00S -0.1000 F  41.00 1.7500
AB7    30.00   41.00e
AB8    30.00   41.00?
AB9    30.00  241.00C
"""


def radiation(table, strike, dip, rake):
    """P of the P ray; SV and SH of the S ray, in NED and by the definitions of the table."""
    s, d, r = np.radians([strike, dip, rake])
    normal = np.array([-np.sin(d) * np.sin(s), np.sin(d) * np.cos(s), -np.cos(d)])
    slip = np.array(
        [
            np.cos(r) * np.cos(s) + np.cos(d) * np.sin(r) * np.sin(s),
            np.cos(r) * np.sin(s) - np.cos(d) * np.sin(r) * np.cos(s),
            -np.sin(r) * np.sin(d),
        ]
    )
    moment = np.outer(normal, slip) + np.outer(slip, normal)
    azimuth = np.radians(table.azimuth_deg)
    c, s, zero = np.cos(azimuth), np.sin(azimuth), np.zeros(len(table))

    def vectors(takeoff_deg):
        i = np.radians(takeoff_deg)
        along = np.stack([np.sin(i) * c, np.sin(i) * s, np.cos(i)], -1)
        return along, np.stack([np.cos(i) * c, np.cos(i) * s, -np.sin(i)], -1), np.stack([-s, c, zero], -1)

    of_p, of_s = vectors(table.takeoff_deg)[0], vectors(table.s_takeoff_deg)
    product = lambda a, b: np.einsum("ri,ij,rj->r", a, moment, b)
    return product(of_p, of_p), product(of_s[1], of_s[0]), product(of_s[2], of_s[0])


def test_letters_and_columns(tmp_path):
    path = tmp_path / "event.inp"
    path.write_text(MADE_UP)
    table, notices = read_focmec(path)
    assert list(table.station[:4]) == ["AB1", "AB2", "AB3", "AB3"]
    assert set(table.event_id) == {"event"}
    known = lambda column: column[np.isfinite(column)].tolist()
    assert known(table.polarity) == [1.0, -0.5]
    assert known(table.sv_polarity) == [-1.0, 1.0]
    assert known(table.sh_polarity) == [1.0, -0.5]
    assert (known(table.log10_shp), known(table.log10_svp), known(table.log10_svsh)) == (
        [0.7],
        [-0.25],
        [-0.1],
    )
    ratios = np.isfinite(table.log10_shp) | np.isfinite(table.log10_svp)
    assert table.takeoff_deg[ratios].tolist() == [38.5, 38.5]
    assert table.s_takeoff_deg[ratios].tolist() == [41.0, 41.0]
    assert np.isnan(table.s_takeoff_deg[0])
    assert table.s_takeoff_deg[2] == 42.0
    assert np.nansum(table.extra["vp_vs"]) == 5.25
    assert {n.kind: n.count for n in notices} == {"left-out": 2, "no-polarity": 1, "repeated-station": 2}
    assert "line 12" in next(n.message for n in notices if n.kind == "left-out")
    assert read_focmec(path, event_id="X")[0].event_id[0] == "X"


def test_a_file_without_observations(tmp_path):
    path = tmp_path / "event.inp"
    path.write_text("a comment\nAB1    10.00   40.00?\n")
    with pytest.raises(InputError) as refused:
        read_focmec(path)
    assert (refused.value.line, refused.value.field) == (2, "key")
    path.write_text("a comment\n")
    with pytest.raises(InputError, match="no observation"):
        read_focmec(path)


def test_the_published_solution_of_sakhalin(reference_data):
    """FOCMEC's own report of this solution: no polarity error, largest misfit of a ratio 0.1543.

    It takes radiation factors of S below 0.1 for 0.1 in ratios, which matters for one station.
    """
    folder = reference_data / "mechanism/focmec_etn_sakhalin"
    table, notices = read_focmec(folder / "sakhalin-doc_focmec_8sta.inp")
    p, sv, sh = radiation(table, 59.08, 76.43, -64.23)
    for observed, calculated, number in (
        (table.polarity, p, 8),
        (table.sv_polarity, sv, 7),
        (table.sh_polarity, sh, 8),
    ):
        there = np.isfinite(observed)
        assert there.sum() == number
        np.testing.assert_array_equal(np.sign(observed[there]), np.sign(calculated[there]))
    cut = lambda amplitude: np.maximum(np.abs(amplitude), 0.1)
    over_p = 3 * np.log10(table.extra["vp_vs"])
    misfit = [
        table.log10_svp - np.log10(cut(sv) / cut(p)) - over_p,
        table.log10_shp - np.log10(cut(sh) / cut(p)) - over_p,
        table.log10_svsh - np.log10(cut(sv) / cut(sh)),
    ]
    sizes = np.abs(np.concatenate([m[np.isfinite(m)] for m in misfit]))
    assert len(sizes) == 11
    assert sizes.max() == pytest.approx(0.1543, abs=5e-4)
    assert np.sqrt(np.mean(sizes**2)) == pytest.approx(0.0852, abs=5e-4)
    assert [n.kind for n in notices] == []


def test_polarities_of_tennessee(reference_data):
    """The first motions that disagree with FOCMEC's best solution are those that its report names."""
    table, _ = read_focmec(reference_data / "mechanism/focmec_etn_sakhalin/ETNEvent-doc_8703270729.inp")
    assert len(table) == 37
    assert set(np.abs(table.polarity)) == {0.5, 1.0}
    wrong = table.polarity * radiation(table, 271.94, 77.76, 54.06)[0] < 0
    assert set(table.station[wrong]) == {"TKL", "BENN", "PWLA", "MOTN", "HWV", "VWV"}
