"""Records that a model is learned from, and the check on those that were held out."""

from pathlib import Path

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.groundmotion import ground_motion_model
from diffseis.io import FlatTable
from diffseis.workflows.motion_held_out import held_out_check, split_events
from diffseis.workflows.motion_training_config import MotionTraining
from diffseis.workflows.motion_training_records import numbered, training_records

NEEDS = ("magnitude", "rake_rad", "hypocentre_depth_km", "rjb_km", "vs30_m_s")


def table(num_events=20, per=5, **changes):
    random = np.random.default_rng(0)
    num = num_events * per
    event = np.arange(num) // per
    values = {
        "magnitude": random.uniform(4, 7, num_events)[event],
        "rake_rad": np.zeros(num),
        "hypocentre_depth_km": np.full(num, 8.0),
        "rjb_km": random.uniform(5, 150, num),
        "repi_km": random.uniform(5, 150, num),
        "vs30_m_s": np.full(num, 500.0),
    }
    observed = {"PGA": np.exp(random.normal(size=num))}
    for (kind, name), (row, value) in changes.pop("set_to", {}).items():
        {"values": values, "observed": observed}[kind][name][row] = value
    names = lambda letter, index: np.array([f"{letter}{k}" for k in index], object)
    return FlatTable("flat.csv", "eGSIM", names("e", event), names("s", np.arange(num) % 7), values, observed)


def settings(**options):
    return MotionTraining(flatfile=Path("flat.csv"), imts=("PGA",), **options)


def test_records_without_what_is_needed_are_left_out_and_told():
    set_to = {
        ("values", "vs30_m_s"): (0, np.nan),
        ("values", "rake_rad"): (slice(1, 3), np.nan),
        ("observed", "PGA"): (4, np.nan),
    }
    found, said = training_records(table(set_to=set_to), NEEDS, settings(min_records=2))
    messages = [n.message for n in said]
    assert messages == [
        "2 records left out: without rake_rad",
        "1 record left out: without vs30_m_s",
        "1 record left out: without PGA",
        "1 record left out: of 1 event with fewer than 2 records",
    ]
    assert (len(found), len(found.event_id), len(found.station_id)) == (95, 19, 7)
    assert found.event_id[0] == "e1"
    assert found.event.max() == 18
    np.testing.assert_allclose(found.magnitude, found.table.values["magnitude"][::5])


def test_speeds_and_distances_that_cannot_be_are_unknown():
    set_to = {("values", "vs30_m_s"): (0, 0.0), ("values", "rjb_km"): (1, -1.0)}
    found, said = training_records(table(set_to=set_to), NEEDS, settings())
    assert len(found) == 98
    assert len(said) == 2


def test_small_earthquakes_take_epicentral_distances():
    whole = table()
    whole.values["rjb_km"][:] = np.nan
    found, said = training_records(whole, NEEDS, settings())
    small = whole.values["magnitude"] < 5.5
    assert len(found) == small.sum()
    np.testing.assert_array_equal(found.table.values["rjb_km"], whole.values["repi_km"][small])
    assert "the epicentral one is taken" in said[0].message


def test_selections():
    found, said = training_records(table(), NEEDS, settings(min_magnitude=5.0, max_distance_km=100.0))
    assert found.table.values["magnitude"].min() >= 5
    assert found.table.values["rjb_km"].max() <= 100
    assert [n.kind for n in said] == ["selection", "selection"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.values.pop("vs30_m_s"), "has no vs30_m_s"),
        (lambda t: t.observed.pop("PGA"), "has no PGA"),
        (
            lambda t: t.observed["PGA"].__setitem__(slice(20, None), np.nan),
            "20 records of 4 events are too few",
        ),
    ],
)
def test_too_little_is_refused(change, says):
    whole = table()
    change(whole)
    with pytest.raises(InputError, match=says):
        training_records(whole, NEEDS, settings())


def test_events_are_held_out_whole():
    records = numbered(table(), ["PGA"])
    learned, held = split_events(records, 0.2, 3)
    assert (len(learned.event_id), len(held.event_id)) == (16, 4)
    assert set(learned.event_id) | set(held.event_id) == {f"e{k}" for k in range(20)}
    assert len(learned) + len(held) == 100
    assert split_events(records, 0.2, 3)[1].event_id == held.event_id
    assert split_events(records, 0.2, 4)[1].event_id != held.event_id
    assert split_events(numbered(table(num_events=9), ["PGA"]), 0.2, 0) is None


@pytest.mark.parametrize(("spread", "told"), [(1.0, False), (3.0, True)])
def test_the_check_tells_intervals_that_do_not_hold_what_they_say(spread, told):
    whole = table(num_events=40, per=10)
    model = ground_motion_model("Bindi14", ["PGA"])
    from diffseis.groundmotion import ground_motions

    records = numbered(whole, ["PGA"])
    motion = ground_motions(model, *records.pairs())
    random = np.random.default_rng(1)
    normal = random.normal(size=len(records))
    between = random.normal(size=40)[records.event]
    mean, tau, phi = (np.asarray(getattr(motion, n), float)[0] for n in ("mean_ln", "tau", "phi"))
    whole.observed["PGA"][:] = np.exp(mean + spread * (tau * between + phi * normal))
    checks, said = held_out_check(records, model, model)
    (check,) = checks
    assert bool(said) == told
    assert (check.num_records, check.num_events) == (400, 40)
    if not told:
        assert abs(check.inside_68 - 0.68) < 0.1
        assert abs(check.inside_95 - 0.95) < 0.05
    # The same model stands below.
    assert (check.base_inside_95, check.base_llh_bits) == (check.inside_95, check.llh_bits)
