"""Case 15: events outside the volume, above the ground, on a station, on an interface."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.padding import bucket_size
from diffseis.eikonal import FieldTimes, LayeredTime
from diffseis.location import InlierOutlier, Problem, event_arrays, prepare_picks
from diffseis.velocity import Layered
from tests.faults.world import place_of, sources

OUTSIDE = {
    "north": [70.0, 0.0, 10.0],
    "south-west": [-60.0, -60.0, 10.0],
    "below": [2.0, 1.0, 55.0],
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_an_event_outside_the_volume_is_at_its_boundary(world, case):
    picks = world.picks({"out": OUTSIDE[case], **sources(1)}, rows=range(8))
    events = world.locate(picks).value.events
    assert events.status[0] == "boundary"
    assert "Enlarge the volume" in events.reason[0]
    assert events.status[1] == "located", "its neighbour is not harmed"


def test_the_same_event_in_a_larger_volume_is_located(world):
    wide = replace(world, lower_km=(-120.0, -120.0, -1.0), upper_km=(120.0, 120.0, 40.0))
    solution = wide.locate(wide.picks({"out": [52.0, 3.0, 10.0]}, rows=range(8)))
    assert solution.value.events.status[0] in ("located", "underdetermined")
    assert abs(place_of(solution)[0] - 52) < 3 * np.sqrt(solution.value.events.covariance_km2[0, 0, 0])


@pytest.mark.parametrize("depth_km", [-1.0, -2.0, -8.0])
def test_an_event_above_the_ground_never_flies(world, depth_km):
    """Picks of a source at or above the surface (at -1 km): no particle is in the air.

    Seen from stations of equal height, a source above them is the mirror image of one below, so that it may
    be located.
    """
    solution = world.locate(world.picks({"air": [1.0, 1.0, depth_km]}, rows=range(1, 12, 2), noise=0.3))
    assert solution.value.events.status[0] in ("boundary", "located")
    assert np.all(solution.value.particles.ned_km[0, :, 2] >= -1.0)
    assert np.all(np.isfinite(solution.value.particles.log_density))


def test_an_event_exactly_at_a_station(world):
    solution = world.locate(world.picks({"at": world.positions[3]}, rows=[1, 2, 3, 4, 5, 7, 9, 11]))
    events = solution.value.events
    assert events.status[0] in ("located", "boundary")
    assert np.all(np.isfinite(solution.value.particles.log_density))
    error = np.hypot(*(place_of(solution) - world.positions[3])[:2])
    assert error < 3 * events.horizontal_error_km[0]
    assert np.all(np.isfinite(solution.value.arrivals.takeoff_deg))


@pytest.fixture(scope="module")
def gradient_on_layers(world):
    """Gradient of the log posterior in layers whose second top is at 8 km."""
    tops = jnp.array([0.0, 8.0, 16.0])
    times = FieldTimes(
        LayeredTime(Layered(tops, jnp.array([5.0, 6.0, 7.0]))),
        LayeredTime(Layered(tops, jnp.array([2.9, 3.5, 4.0]))),
    )
    problem = Problem(times, InlierOutlier(), world.volume)
    picks, stations = world.picks(sources(1)), world.stations
    prepared = prepare_picks(picks, stations)
    data = event_arrays(
        prepared, picks, stations, world.frame, 0, station_terms_s=np.zeros((12, 2)), size=bucket_size(16)
    )
    data = jax.tree.map(jnp.asarray, data)
    return jax.jit(jax.value_and_grad(lambda x: problem.log_posterior(x, jnp.asarray(3.0), data)))


@pytest.mark.parametrize(
    "place", [(3.0, -4.0, 8.0), (3.0, -4.0, 16.0), (0.0, 0.0, 0.0), "station", "below station"], ids=str
)
def test_gradients_are_finite_on_interfaces_and_stations(world, gradient_on_layers, place):
    if place == "station":
        place = world.positions[3]
    elif place == "below station":
        place = world.positions[3] * np.array([1, 1, 0]) + np.array([0, 0, 8.0])
    value, gradient = gradient_on_layers(jnp.asarray(place))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))
