"""Computed seismograms as Streams and miniSEED."""

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import band_code, to_stream, write_mseed

START = np.datetime64("2016-10-30T06:40:17.320", "ns")


def _records(num_dims=3):
    return np.random.default_rng(2).normal(size=(2, num_dims, 50)) * 1e-6


def test_round_trip(tmp_path):
    """Order, sign of the vertical, units, times and codes, through a file."""
    from obspy import UTCDateTime, read

    records = _records()
    stream = to_stream(records, ["IV.ARRO", "XX.B"], START, 0.02)
    assert [t.id for t in stream] == [f"{s}.SY.BX{c}" for s in ("IV.ARRO", "XX.B") for c in "ZNE"]
    write_mseed(tmp_path / "a.mseed", stream)
    found = read(str(tmp_path / "a.mseed"), format="MSEED")
    assert [t.id for t in found] == [t.id for t in stream]
    for row in range(2):
        for channel, component, sign in ((0, 2, -1), (1, 0, 1), (2, 1, 1)):
            trace = found[3 * row + channel]
            np.testing.assert_array_equal(trace.data, sign * records[row, component] * 1000.0)
            assert trace.stats.starttime == UTCDateTime("2016-10-30T06:40:17.320")
            assert trace.stats.delta == pytest.approx(0.02)


def test_two_dimensions():
    records = _records(2)
    assert [t.stats.channel for t in to_stream(records, ["A", "B"], START, 0.5)[:2]] == ["MXZ", "MXR"]
    z, n, e = to_stream(records, ["A", "B"], START, 0.5, azimuth_rad=np.pi / 6)[:3]
    assert (z.stats.channel, n.stats.channel, e.stats.channel) == ("MXZ", "MXN", "MXE")
    np.testing.assert_allclose(n.data, np.cos(np.pi / 6) * records[0, 0] * 1000)
    np.testing.assert_allclose(e.data, 0.5 * records[0, 0] * 1000)


@pytest.mark.parametrize(
    ("rate", "code"),
    [
        (2e3, "F"),
        (250.0, "C"),
        (100.0, "H"),
        (50.0, "B"),
        (5.0, "M"),
        (1.0, "M"),
        (0.5, "L"),
        (0.05, "V"),
        (1e-3, "U"),
    ],
)
def test_bands(rate, code):
    assert band_code(rate) == code


def test_short_period_bands():
    assert [band_code(r, 1.0) for r in (1e3, 300.0, 100.0, 20.0)] == ["G", "D", "E", "S"]


def test_what_is_not_finite_is_left_out(tmp_path):
    records = _records()
    records[0, 1, 3] = np.nan
    assert [t.stats.channel for t in to_stream(records, ["A", "B"], START, 0.1)] == [
        "BXZ", "BXN", "BXZ", "BXN", "BXE",
    ]  # fmt: skip
    records[:] = np.nan
    with pytest.raises(InputError, match="no seismograms to write"):
        write_mseed(tmp_path / "a.mseed", to_stream(records, ["A", "B"], START, 0.1))


def test_errors():
    with pytest.raises(InputError, match=r"'TOOLONG' of XX\.TOOLONG is no station code"):
        to_stream(_records(), ["XX.TOOLONG", "B"], START, 0.1)
    with pytest.raises(InputError, match=r"'XXX' of XXX\.A is no network code"):
        to_stream(_records(), ["XXX.A", "B"], START, 0.1)
    with pytest.raises(ValueError, match="2 records for 1 stations"):
        to_stream(_records(), ["A"], START, 0.1)
    with pytest.raises(ValueError, match="two or three components, got 1"):
        to_stream(_records(1), ["A", "B"], START, 0.1)
    with pytest.raises(ValueError, match="`rate_hz` must be above 0"):
        band_code(0.0)
