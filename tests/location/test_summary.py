"""What the quality card says about a cloud of particles, and which picks belong to an event."""

import numpy as np
import pytest

from diffseis.core.frames import LocalFrame
from diffseis.core.tables import PickTable, StationTable
from diffseis.location import prepare_picks
from diffseis.location.summary import azimuthal_gap, count_peaks, region_volumes

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("seed", range(20))
def test_a_normal_cloud_has_one_peak(seed):
    cloud = np.random.default_rng(seed).normal(size=(1000, 3)) * [0.3, 1.0, 4.0]
    assert count_peaks(cloud) == 1


def test_a_skewed_or_flat_cloud_has_one_peak():
    skewed = RNG.gamma(2.0, size=(1000, 3))
    assert count_peaks(skewed) == 1
    assert count_peaks(RNG.uniform(size=(1000, 3))) == 1


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_two_depths_are_two_peaks(axis, share):
    cloud = RNG.normal(size=(1000, 3))
    cloud[: int(1000 * share), axis] += 7
    assert count_peaks(cloud) == 2


def test_two_peaks_along_a_diagonal():
    cloud = RNG.normal(size=(1000, 3)) * 0.7
    cloud[:400] += 2.0
    assert count_peaks(cloud) == 2


def test_a_handful_far_away_is_no_peak():
    cloud = RNG.normal(size=(1000, 3))
    cloud[:20, 2] += 30
    assert count_peaks(cloud) == 1


def test_one_point_is_one_peak():
    assert count_peaks(np.zeros((100, 3))) == 1


def test_volumes_of_a_normal_cloud_are_those_of_its_ellipsoids():
    from scipy.stats import chi2

    cloud = RNG.normal(size=(20000, 3)) * [1.0, 2.0, 0.5]
    log_density = -0.5 * np.sum((cloud / [1.0, 2.0, 0.5]) ** 2, axis=1)
    exact = 4 / 3 * np.pi * 1.0 * chi2.ppf([0.5, 0.9, 0.95], 3) ** 1.5
    np.testing.assert_allclose(region_volumes(cloud, log_density), exact, rtol=0.05)


def test_the_gap_is_the_widest_angle():
    assert azimuthal_gap(np.array([350.0, 10.0, 100.0])) == pytest.approx(250.0)
    assert azimuthal_gap(np.array([5.0])) == 360.0


def _picks(seconds: list[float]) -> tuple[PickTable, StationTable]:
    num = len(seconds)
    names = np.array([f"S{i}" for i in range(num)], dtype=object)
    latitude, longitude, _ = LocalFrame(0.0, 0.0).to_geographic(RNG.normal(size=(num, 3)))
    network = np.array(["XX"] * num, dtype=object)
    picks = PickTable(
        event_id=np.array(["a"] * num, dtype=object),
        network=network,
        station=names,
        phase=np.array(["P"] * num, dtype=object),
        time=np.datetime64("2020-01-01", "ns") + (np.array(seconds) * 1e9).astype("timedelta64[ns]"),
        uncertainty_s=np.full(num, 0.1),
        probability=np.full(num, np.nan),
    )
    return picks, StationTable(network, names, latitude, longitude, np.zeros(num))


def test_a_pick_a_day_off_is_set_aside_and_the_rest_goes_on():
    prepared = prepare_picks(*_picks([10.0, 86410.0, 11.0, 12.5, 9.0]))
    assert prepared.status.tolist() == ["used", "far-in-time", "used", "used", "used"]
    assert prepared.rows[0].tolist() == [4, 0, 2, 3]
    assert prepared.reference_time[0] == np.datetime64("2020-01-01T00:00:09", "ns")


def test_an_empty_table_has_no_strays():
    picks, stations = _picks([1.0])
    assert len(prepare_picks(picks.take(np.array([], int)), stations).event_id) == 0
