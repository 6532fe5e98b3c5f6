"""Travel-time errors learnt from residuals, and the misfit that says whether stated errors fit them."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.inference import Laplace
from diffseis.location import (
    InlierOutlier,
    TravelTimeError,
    default_volume,
    estimate_travel_time_error,
    fit_travel_time_error,
    locate,
    normalised_misfit,
)
from diffseis.synthesis import synthetic_picks
from tests.location.problem import gradient_times, scattered_network

TRUE = (0.03, 0.15)


def test_the_fit_finds_what_made_the_residuals():
    rng = np.random.default_rng(0)
    travel = rng.uniform(1, 15, 4000)
    pick = rng.choice([0.05, 0.1], 4000)
    residual = rng.normal(0, np.hypot(pick, np.clip(TRUE[0] * travel, TRUE[1], 0.5)))
    residual[:200] += rng.uniform(1, 5, 200)
    found = fit_travel_time_error(residual, travel, pick, maximum_s=0.5)
    np.testing.assert_allclose(found, TRUE, rtol=0.15)


def test_without_an_error_the_fit_finds_next_to_none():
    rng = np.random.default_rng(1)
    travel = rng.uniform(1, 15, 4000)
    residual = rng.normal(0, 0.1, 4000)
    fraction, least = fit_travel_time_error(residual, travel, np.full(4000, 0.1))
    assert fraction < 0.003
    assert least < 0.03


@pytest.fixture(scope="module")
def catalogue():
    stations, frame = scattered_network(14, 40.0, seed=2)
    rng = np.random.default_rng(2)
    events = np.column_stack([rng.uniform(-20, 20, (60, 2)), rng.uniform(4, 15, 60)])
    picks, _ = synthetic_picks(
        events,
        gradient_times(),
        stations,
        frame,
        error=TravelTimeError(*TRUE, 2.0),
        sigma_s={"P": 0.05, "S": 0.08},
        num_stations=(8, 10),
        s_fraction=0.6,
        key=jr.key(0),
    )
    return picks, stations, frame


@pytest.mark.slow
def test_a_catalogue_teaches_its_error_and_then_fits(catalogue):
    picks, stations, frame = catalogue
    times, volume = gradient_times(), default_volume(stations, frame)
    options = {"prior": volume, "frame": frame, "key": jr.key(0)}
    far = locate(
        picks, stations, times, likelihood=InlierOutlier(TravelTimeError(0.01, 0.03)), sampler=Laplace(32), **options
    ).value  # fmt: skip
    assert normalised_misfit(far) > 1.4, "too small errors are seen"
    start = InlierOutlier(TravelTimeError(0.02, 0.05, correlation_km=1.0))
    error, history = estimate_travel_time_error(picks, stations, times, likelihood=start, **options)
    assert len(history) >= 2
    # What matters is the error at the times there are; near the bend either number may give way to the other.
    at = jnp.array([2.0, 4.0, 8.0, 12.0])
    np.testing.assert_allclose(error.sigma_s(at), TravelTimeError(*TRUE).sigma_s(at), rtol=0.25)
    assert float(error.correlation_km) == 1.0
    right = locate(
        picks, stations, times, likelihood=InlierOutlier(error), sampler=Laplace(32), **options
    ).value
    assert 0.85 < normalised_misfit(right) < 1.15
    assert normalised_misfit(far) > normalised_misfit(right) + 0.3


@pytest.mark.slow
def test_too_few_picks_teach_nothing(catalogue):
    picks, stations, frame = catalogue
    few = picks.take(np.arange(len(picks)) < 5)
    with pytest.raises(ValueError, match="picks"):
        estimate_travel_time_error(few, stations, gradient_times(), frame=frame, key=jr.key(0))
