"""Synthetic events and picks: where they may be, and errors as stated."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from diffseis.core.frames import LocalFrame
from diffseis.core.tables import StationTable
from diffseis.eikonal import FieldTimes, HomogeneousTime
from diffseis.location import SearchVolume, StationSurface, TravelTimeError
from diffseis.synthesis import draw_hypocentres, synthetic_picks
from diffseis.velocity import Homogeneous

FRAME = LocalFrame(-43.0, 170.0)
POSITIONS = np.column_stack([12 * np.cos(np.arange(8)), 12 * np.sin(np.arange(8)), -0.3 * np.arange(8)])
TIMES = FieldTimes(HomogeneousTime(Homogeneous(6.0)), HomogeneousTime(Homogeneous(3.5)))
QUIET = TravelTimeError(0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def stations():
    latitude, longitude, depth_km = FRAME.to_geographic(POSITIONS)
    return StationTable(
        network=np.array(["NZ"] * 8, dtype=object),
        station=np.array([f"A{i}" for i in range(8)], dtype=object),
        latitude=latitude,
        longitude=longitude,
        elevation_m=-1000 * depth_km,
    )


def _make(stations, *, num=300, error=QUIET, seed=0, **options):
    places = np.random.default_rng(1).uniform([-10, -10, 2], [10, 10, 15], (num, 3))
    given = {"sigma_s": {"P": 0.05, "S": 0.1}, "num_stations": (5, 8), "key": jr.key(seed), **options}
    picks, truth = synthetic_picks(places, TIMES, stations, FRAME, error=error, **given)
    event = np.array([int(name[3:]) for name in picks.event_id])
    row = np.array([int(code[1:]) for code in picks.station])
    speed = np.where(picks.phase == "P", 6.0, 3.5)
    travel = np.linalg.norm(places[event] - POSITIONS[row], axis=1) / speed
    observed = (picks.time - truth.time[event]) / np.timedelta64(1, "ns") * 1e-9
    return picks, truth, places, observed - travel, travel


@pytest.mark.long
def test_hypocentres_lie_in_the_volume_and_under_the_ground():
    surface = StationSurface(POSITIONS)
    volume = SearchVolume([-20.0, -30.0, -2.1], [20.0, 30.0, 12.0], surface=surface)
    places = draw_hypocentres(volume, 2000, key=jr.key(0))
    assert places.shape == (2000, 3)
    lower, upper = np.asarray(volume.lower_km), np.asarray(volume.upper_km)
    assert np.all((places >= lower) & (places <= upper))
    top = np.array([float(surface.depth_km(jnp.asarray(n), jnp.asarray(e))) for n, e, _ in places[:200]])
    assert np.all(places[:200, 2] >= top - 1e-9)
    # Uniform in each horizontal direction, up to the columns' slightly different lengths.
    for axis, width in ((0, 20.0), (1, 30.0)):
        assert stats.kstest(places[:, axis], stats.uniform(-width, 2 * width).cdf).pvalue > 1e-3


def test_hypocentres_are_uniform_in_volume():
    """Under a slope, the column that is twice as long holds twice as many."""
    volume = SearchVolume([-10.0, -10.0, 0.0], [10.0, 10.0, 10.0])
    places = draw_hypocentres(volume, 4000, key=jr.key(1))
    for axis in range(3):
        low, high = float(volume.lower_km[axis]), float(volume.upper_km[axis])
        assert stats.kstest(places[:, axis], stats.uniform(low, high - low).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(places, draw_hypocentres(volume, 4000, key=jr.key(1)))


@pytest.mark.parametrize("phase", ["P", "S"])
def test_reading_errors_are_as_stated(stations, phase):
    picks, _, _, error, _ = _make(stations)
    mine = picks.phase == phase
    sigma = {"P": 0.05, "S": 0.1}[phase]
    np.testing.assert_array_equal(picks.uncertainty_s[mine], sigma)
    assert stats.kstest(error[mine] / sigma, "norm").pvalue > 1e-3


def test_errors_of_predicted_times_come_on_top(stations):
    picks, _, _, error, travel = _make(stations, error=TravelTimeError(0.05, 0.05, 2.0))
    total = np.sqrt(picks.uncertainty_s**2 + np.clip(0.05 * travel, 0.05, 2.0) ** 2)
    assert stats.kstest(error / total, "norm").pvalue > 1e-3


def test_correlated_errors_are_shared_by_near_stations(stations):
    """With a correlation length far beyond the network, the errors of one phase are one number."""
    error_model = TravelTimeError(0.05, 0.2, 0.2, correlation_km=1000.0)
    picks, _, _, error, _ = _make(
        stations, num=100, error=error_model, sigma_s={"P": 1e-4, "S": 1e-4}, correlated=True
    )
    for name in np.unique(picks.event_id.astype(str))[:20]:
        mine = (picks.event_id == name) & (picks.phase == "P")
        assert np.std(error[mine]) < 0.02
    first = np.array(
        [
            error[(picks.event_id == n) & (picks.phase == "P")][0]
            for n in np.unique(picks.event_id.astype(str))
        ]
    )
    assert 0.15 < np.std(first) < 0.26


def test_the_share_and_the_size_of_outliers(stations):
    _, _, _, error, _ = _make(stations, num=400, outlier_fraction=0.1, outlier_s=(2.0, 5.0))
    wrong = np.abs(error) > 1.0
    assert stats.binomtest(int(wrong.sum()), len(wrong), 0.1).pvalue > 1e-3
    assert np.all(np.abs(error[wrong]) < 5.5)
    assert np.all(np.abs(error[wrong]) > 1.5)
    assert 0.35 < np.mean(error[wrong] > 0) < 0.65
    _, _, _, none, _ = _make(stations, num=400)
    assert np.all(np.abs(none) < 1)


def test_numbers_of_stations_and_of_s(stations):
    picks, truth, _, _, _ = _make(stations, num_stations=(3, 6), s_fraction=0.5)
    assert len(truth) == 300
    per_event = [len(set(picks.station[picks.event_id == name])) for name in truth.event_id]
    assert (min(per_event), max(per_event)) == (3, 6)
    share = np.sum(picks.phase == "S") / np.sum(picks.phase == "P")
    assert 0.45 < share < 0.55
    names = list(zip(picks.event_id, picks.station, picks.phase, strict=True))
    assert len(set(names)) == len(names)


def test_no_station_beyond_reach(stations):
    """A station beyond reach records only where fewer than the smallest number are within it."""
    picks, _, places, _, _ = _make(stations, num_stations=(2, 8), reach_km=10.0)
    event = np.array([int(name[3:]) for name in picks.event_id])
    row = np.array([int(code[1:]) for code in picks.station])
    distance = np.hypot(*(places[event] - POSITIONS[row])[:, :2].T)
    for e in np.unique(event):
        within = np.sum(np.hypot(*(places[e] - POSITIONS)[:, :2].T) <= 10.0)
        used = len(set(row[event == e]))
        assert used <= max(within, 2)
        assert len(set(row[(event == e) & (distance > 10.0)])) <= max(0, 2 - within)


def test_the_same_key_gives_the_same_picks(stations):
    a, b = _make(stations, num=20)[0], _make(stations, num=20)[0]
    np.testing.assert_array_equal(a.time, b.time)
    other = _make(stations, num=20, seed=1)[0]
    assert len(other) != len(a) or not np.array_equal(other.time, a.time)


def test_the_truth_is_where_it_was_put(stations):
    _, truth, places, _, _ = _make(stations, num=20)
    np.testing.assert_allclose(
        FRAME.to_ned(truth.latitude, truth.longitude, truth.depth_km), places, atol=1e-6
    )
    assert np.all(np.isnan(truth.magnitude))


def test_wrong_picks_as_the_robust_likelihood_states_them(stations):
    picks, _, _, error, _ = _make(stations, num=400, outlier_fraction=0.2, outlier_scale_s=0.7)
    sigma = picks.uncertainty_s

    def share_below(x):
        return 0.8 * stats.norm.cdf(x / sigma).mean() + 0.2 * stats.cauchy.cdf(x / 0.7)

    grid = np.array([-30.0, -3.0, -0.7, -0.1, 0.0, 0.05, 0.7, 3.0, 30.0])
    observed = np.array([np.mean(error < x) for x in grid])
    np.testing.assert_allclose(observed, [share_below(x) for x in grid], atol=3 * 0.5 / np.sqrt(len(error)))
