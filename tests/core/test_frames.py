"""Local frames, also where maps end."""

import numpy as np
import pytest

from diffseis.core.frames import LocalFrame, geodesic, ned_to_use, use_to_ned

PLACES = {
    "middle": (42.8, 13.2),
    "equator": (0.0, 100.0),
    "antimeridian": (-17.0, 179.98),
    "antimeridian from the west": (51.9, -179.99),
    "by the pole": (89.9, 40.0),
    "south": (-43.5, 170.2),
    "past 180": (-17.0, 190.0),
}


@pytest.mark.parametrize(("latitude", "longitude"), PLACES.values(), ids=PLACES.keys())
def test_round_trip_and_distances(latitude, longitude):
    frame = LocalFrame(latitude, longitude)
    rng = np.random.default_rng(0)
    ned = np.concatenate([rng.uniform(-150, 150, (50, 2)), rng.uniform(-3, 40, (50, 1))], axis=1)
    lat, lon, depth = frame.to_geographic(ned)
    assert np.all(np.abs(lat) <= 90)
    assert np.all((lon >= -180) & (lon <= 180))
    np.testing.assert_allclose(frame.to_ned(lat, lon, depth), ned, atol=1e-6)
    # Longitudes of the other convention are the same places.
    np.testing.assert_allclose(frame.to_ned(lat, lon % 360, depth), ned, atol=1e-6)
    from_centre, azimuth, _ = geodesic(latitude, longitude, lat, lon)
    np.testing.assert_allclose(np.hypot(ned[:, 0], ned[:, 1]), from_centre, rtol=1e-8)
    turn = np.degrees(np.arctan2(ned[:, 1], ned[:, 0])) - azimuth
    np.testing.assert_allclose((turn + 180) % 360 - 180, 0, atol=1e-6)
    between, _, _ = geodesic(lat[:-1], lon[:-1], lat[1:], lon[1:])
    straight = np.hypot(*(ned[1:, :2] - ned[:-1, :2]).T)
    np.testing.assert_allclose(straight, between, rtol=3e-4)


def test_axes():
    ned = LocalFrame(10.0, 20.0).to_ned([10.1, 10.0], [20.0, 20.1], [-1.0, 5.0])
    assert ned[0, 0] > 11
    assert abs(ned[0, 1]) < 1e-9
    assert ned[1, 1] > 10
    assert list(ned[:, 2]) == [-1.0, 5.0]


@pytest.mark.parametrize(
    ("latitudes", "longitudes", "expected"),
    [
        ([0.0, 0.0], [179.0, -179.0], (0.0, 180.0)),
        ([89.0, 89.0, 89.0], [0.0, 120.0, 240.0], (90.0, None)),
        ([-1.0, 1.0], [30.0, 30.0], (0.0, 30.0)),
    ],
)
def test_centre(latitudes, longitudes, expected):
    frame = LocalFrame.centred_on(latitudes, longitudes)
    assert frame.latitude_deg == pytest.approx(expected[0], abs=1e-6)
    if expected[1] is not None:
        assert abs(frame.longitude_deg) == pytest.approx(expected[1], abs=1e-6)
    ned = frame.to_ned(latitudes, longitudes)
    np.testing.assert_allclose(np.mean(ned[:, :2], axis=0), 0, atol=1e-3)


def test_wrong_places():
    with pytest.raises(ValueError, match="swapped"):
        LocalFrame(120.0, 40.0)
    with pytest.raises(ValueError, match="longitude_deg"):
        LocalFrame(40.0, 400.0)
    with pytest.raises(ValueError, match="at least one point"):
        LocalFrame.centred_on([], [])
    with pytest.raises(ValueError, match="no local frame"):
        LocalFrame.centred_on([0.0, 0.0], [0.0, 180.0])
    with pytest.raises(ValueError, match="latitude_deg"):
        LocalFrame(float("nan"), 0.0)


def test_tensors():
    ned = np.array([[1.0, 4.0, 5.0], [4.0, 2.0, 6.0], [5.0, 6.0, 3.0]])
    use = ned_to_use(ned)
    # Mrr = Mdd, Mtt = Mnn, Mpp = Mee, Mrt = Mnd, Mrp = -Med, Mtp = -Mne.
    np.testing.assert_array_equal(use, [[3.0, 5.0, -6.0], [5.0, 1.0, -4.0], [-6.0, -4.0, 2.0]])
    np.testing.assert_array_equal(use_to_ned(use), ned)
