"""Case 19: numbers that are not finite stay where they are: one event fails, the others do not notice."""

import importlib
from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest

from diffseis.io import write_catalogue_csv, write_picks_csv, write_quakeml
from tests.faults.world import sources

locate_module = importlib.import_module("diffseis.location.locate")


def _same_event(a, b, event):
    np.testing.assert_array_equal(a.value.particles.ned_km[event], b.value.particles.ned_km[event])
    assert a.value.events.status[event] == b.value.events.status[event]


def test_a_pick_without_a_time_costs_its_own_event_only(world, tmp_path):
    picks = world.picks(sources(4))
    clean = world.locate(picks)
    time = picks.time.copy()
    time[np.flatnonzero(picks.event_id == "e1")[2]] = np.datetime64("NaT")
    spoiled = world.locate(replace(picks, time=time))
    for event in (0, 2, 3):
        _same_event(clean, spoiled, event)
    events = spoiled.value.events
    assert events.status[1] == "failed"
    assert events.reason[1]
    write_catalogue_csv(tmp_path / "catalog.csv", events)
    write_picks_csv(tmp_path / "picks.csv", spoiled.value)
    write_quakeml(tmp_path / "catalog.xml", spoiled.value)


def test_a_failed_event_has_no_coordinates(world):
    picks = world.picks(sources(2))
    time = picks.time.copy()
    time[2] = np.datetime64("NaT")
    events = world.locate(replace(picks, time=time)).value.events
    assert events.status[0] == "failed"
    assert np.isnan(events.latitude[0])
    assert np.isnan(events.horizontal_error_km[0])


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_a_poisoned_event_does_not_stop_the_others(world, monkeypatch, poison):
    """Whatever gets into the arrays of one event of a chunk."""
    picks = world.picks(sources(4))
    clean = world.locate(picks)
    build = locate_module.event_arrays

    def poisoned(prepared, *rest, **options):
        data = build(prepared, *rest, **options)
        if prepared.event_id[rest[3]] != "e2":
            return data
        return eqx.tree_at(lambda d: d.receiver_ned_km, data, np.full_like(data.receiver_ned_km, poison))

    monkeypatch.setattr(locate_module, "event_arrays", poisoned)
    spoiled = world.locate(picks)
    for event in (0, 1, 3):
        _same_event(clean, spoiled, event)
    assert spoiled.value.events.status[2] != "located"
    with pytest.raises(RuntimeError, match="e2"):
        world.locate(picks, throw=True)


@pytest.mark.parametrize("poison", [1e30, -1e30, np.nan])
def test_poisoned_padding_changes_nothing(world, monkeypatch, poison):
    """Ten picks in a bucket of sixteen; the other six places hold rubbish."""
    picks = world.picks(sources(3), rows=[0, 1, 4, 7, 9])
    clean = world.locate(picks)
    build = locate_module.event_arrays

    def poisoned(*positional, **options):
        data = build(*positional, **options)
        hole = ~data.mask
        assert hole.sum() == 6

        def spoil(x):
            x = x.copy()
            x[hole] = poison
            return x

        return eqx.tree_at(
            lambda d: (d.time_s, d.sigma_s, d.receiver_ned_km, d.term_s), data, replace_fn=spoil
        )

    monkeypatch.setattr(locate_module, "event_arrays", poisoned)
    spoiled = world.locate(picks)
    np.testing.assert_allclose(
        spoiled.value.particles.ned_km, clean.value.particles.ned_km, rtol=1e-9, atol=1e-9
    )
    assert list(spoiled.value.events.status) == list(clean.value.events.status)
