"""Units, keys, padding, results, tables, precision, errors."""

import jax
import jax.random as jr
import numpy as np
import pytest

from diffseis.core import units
from diffseis.core.errors import InputError
from diffseis.core.padding import bucket_size, mask_of, pad_axis
from diffseis.core.precision import x64_enabled
from diffseis.core.random import fold_keys, stable_ids
from diffseis.core.results import RESULTS, STATUS_BY_RESULT, result_name, status_words
from diffseis.core.tables import EventTable, PickTable, StationTable, VelocityTable


def test_magnitude_and_moment():
    # Mw 6.0 is 1.26e18 N m (1e9.1 at Mw 0).
    assert units.scalar_moment_nm(6.0) == pytest.approx(10**18.1)
    assert units.moment_magnitude(units.scalar_moment_nm(7.3)) == pytest.approx(7.3)
    assert units.moment_magnitude(units.MOMENT_UNIT_NM) == pytest.approx(5.93, abs=0.005)
    assert units.KM_PER_M * units.M_PER_KM == 1
    assert pytest.approx(111.19, abs=0.01) == units.KM_PER_DEGREE


def test_ids_are_stable_for_ever():
    assert list(stable_ids(["a", ""])) == [0xCA978112, 0xE3B0C442]
    assert stable_ids([]).shape == (0,)


def test_keys_do_not_depend_on_the_batch():
    key = jr.key(3)
    names = ["one", "two", "three"]
    all_of = jr.key_data(fold_keys(key, stable_ids(names)))
    turned = jr.key_data(fold_keys(key, stable_ids(names[::-1])))
    np.testing.assert_array_equal(all_of, turned[::-1])
    np.testing.assert_array_equal(jr.key_data(fold_keys(key, stable_ids(["two"])))[0], all_of[1])
    assert len({tuple(k) for k in np.asarray(all_of).tolist()}) == 3


def test_buckets():
    assert [bucket_size(n) for n in (0, 16, 17, 300)] == [16, 16, 32, 512]
    assert bucket_size(3, minimum=4) == 4
    with pytest.raises(ValueError, match=">= 0"):
        bucket_size(-1)


def test_padding():
    x = np.arange(6.0).reshape(2, 3)
    padded = pad_axis(x, 4, axis=1, value=9)
    np.testing.assert_array_equal(padded[:, 3], 9)
    np.testing.assert_array_equal(padded[:, :3], x)
    np.testing.assert_array_equal(mask_of(2, 4), [True, True, False, False])
    with pytest.raises(ValueError, match="more than"):
        pad_axis(x, 1)


def test_every_result_has_a_word():
    names = list(STATUS_BY_RESULT)
    assert len(RESULTS) == len(names)
    codes = [int(getattr(RESULTS, n)._value) for n in names]
    assert len(set(codes)) == len(codes)
    assert [result_name(c) for c in codes] == names
    words = status_words(np.array([codes, codes]))
    assert words.shape == (2, len(codes))
    assert list(words[0]) == [STATUS_BY_RESULT[n] for n in names]
    with pytest.raises(ValueError, match="no code"):
        result_name(999)


def _stations():
    return StationTable(
        np.array(["A", "A", "B"]),
        np.array(["x", "y", "x"]),
        np.zeros(3),
        np.arange(3.0),
        np.array([1500.0, 0, -20]),
        extra={"note": np.array(["p", "q", "r"])},
    )


def test_stations():
    table = _stations()
    assert list(table.ids) == ["A.x", "A.y", "B.x"]
    np.testing.assert_allclose(table.depth_km, [-1.5, 0, 0.02])
    part = table.take([2, 0])
    assert len(part) == 2
    assert list(part.extra["note"]) == ["r", "p"]
    assert part.row_of() == {"B.x": 0, "A.x": 1}
    with pytest.raises(ValueError, match="equally long"):
        StationTable(np.array(["A"]), np.array(["x", "y"]), np.zeros(1), np.zeros(1), np.zeros(1))


def test_picks_and_events():
    time = np.array(["2020-01-01T00:00:00.123456789"], "datetime64[ns]")
    one = [np.array(["e"]), np.array(["A"]), np.array(["x"]), np.array(["P"])]
    picks = PickTable(*one, time, np.array([0.1]), np.array([np.nan]))
    assert picks.time[0] == time[0]
    assert list(picks.station_ids) == ["A.x"]
    assert len(picks.take(np.array([False]))) == 0
    with pytest.raises(ValueError, match="datetime64"):
        PickTable(*one, np.array([1.0]), np.array([0.1]), np.array([np.nan]))
    events = EventTable(np.array(["e"]), time, np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1))
    assert len(events.take([0, 0])) == 2


def test_velocity_table():
    with pytest.raises(InputError, match="fix: use"):
        VelocityTable(np.zeros(1), np.ones(1), np.ones(1), kind="cubic")
    assert len(VelocityTable(np.zeros(1), np.ones(1), np.ones(1))) == 1


def test_errors_name_the_place():
    error = InputError("is negative", file="a.csv", line=3, field="depth_km", fix="make it positive")
    assert str(error) == "a.csv, line 3, field `depth_km`: is negative\n  fix: make it positive"
    assert str(InputError("is empty")) == "is empty"
    assert str(InputError("x", field="f")) == "field `f`: x"


def test_precision_is_a_program_choice():
    assert x64_enabled() == bool(jax.config.read("jax_enable_x64"))
