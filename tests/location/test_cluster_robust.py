"""Intervals that hold where picks of a station share errors that the medium does not have."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.location import TomographyProblem, cluster_robust, invert_travel_times
from tests.location.tomography import SIGMA_S, draw_truth, gradient_medium, network, observe

EVENTS, STATIONS = 24, 25


def path_errors(places, *, key):
    """Errors in s of P and S, event by station by phase: for each station a plane over the events, thrice the noise of a pick."""
    slope = jr.normal(key, (STATIONS, 2, 3)) / np.sqrt(3)
    away = (places - np.mean(places, axis=0)) / np.std(places, axis=0)
    return 3 * np.asarray(SIGMA_S) * np.einsum("spx,ex->esp", slope, away)


def departures(num, *, shared_errors, key):
    """Of truths from what was found, in standard deviations: Laplace's and both robust ones; of medium, terms and hypocentres."""
    start, _, empty = network(EVENTS, STATIONS, seed=1)
    problem = TomographyProblem(
        gradient_medium(), start, hypocentre_sd_km=1.0, origin_sd_s=0.3, term_sd_s=(0.05, 0.1), num_stations=STATIONS
    )  # fmt: skip
    found = ([], [], [])
    for k in jr.split(key, num):
        k_truth, k_noise, k_path = jr.split(k, 3)
        truth = draw_truth(problem, key=k_truth)
        data = observe(problem, truth, empty, key=k_noise)
        places = problem.hypocentres(truth.hypocentres)
        if shared_errors:
            late = path_errors(np.asarray(places.ned_km), key=k_path)
            late = late[np.arange(EVENTS)[:, None], np.asarray(data.station_row), np.asarray(data.phase_idx)]
            data = eqx.tree_at(lambda d: d.time_s, data, data.time_s + jnp.asarray(late))
        plain = invert_travel_times(problem, data).value
        robust = [cluster_robust(problem, data, plain, jackknife=j) for j in (True, False)]
        for told, value in zip(found, (plain, *robust), strict=True):
            medium = (value.log_speed - problem.log_speed(truth.shared)) / value.log_speed_sd
            terms = (value.terms_s - problem.terms_s(truth.shared)) / value.terms_sd_s
            sd = jnp.sqrt(jnp.einsum("ekk->ek", value.hypocentre_covariance))
            moved = (value.hypocentres.ned_km - places.ned_km) / sd[:, :3]
            told.append([np.asarray(x).ravel() for x in (medium, terms, moved)])
    return [[np.array([t[i] for t in told]) for i in range(3)] for told in found]


def held(ratios, half):
    """Share of truths within so many standard deviations, and how well a share of so many data sets is known."""
    share = np.mean(np.abs(ratios) < half, axis=1)
    return np.mean(share), np.std(share) / np.sqrt(len(share))


LEVELS = {0.5: 0.6745, 0.6827: 1.0, 0.9: 1.6449, 0.9545: 2.0}


@pytest.mark.slow
def test_intervals_hold_where_picks_of_a_station_share_errors():
    plain, jackknife, unbiased = departures(60, shared_errors=True, key=jr.key(5))
    for level, half in LEVELS.items():
        # Laplace's are several times too narrow.
        for ratios in plain:
            assert held(ratios, half)[0] < 0.5 * level, (level, held(ratios, half))
        medium, terms, places = (held(ratios, half) for ratios in jackknife)
        for share, error in (medium, places):
            assert abs(share - level) < 3.3 * error, (level, share, error)
        assert terms[0] > level
        share, error = held(unbiased[1], half)
        assert abs(share - level) < 3.3 * error, (level, share, error)


@pytest.mark.slow
def test_intervals_hold_where_errors_are_independent():
    _, jackknife, unbiased = departures(40, shared_errors=False, key=jr.key(6))
    for level, half in LEVELS.items():
        for ratios in (*jackknife, *unbiased):
            share, error = held(ratios, half)
            assert share > level - 3.3 * error, (level, share, error)
