"""Stated regions hold the truth as often as they say, on earthquakes drawn from the prior with the noise as stated.

The full tables (1,000 events, two real networks, wrong picks) are in experiments/001_location_calibration.
"""

import jax.random as jr
import numpy as np
import pytest
from scipy.stats import chi2

from diffseis.inference import SVGD, Laplace
from diffseis.location import FlatSurface, Gaussian, InlierOutlier, SearchVolume, TravelTimeError, locate
from diffseis.synthesis import draw_hypocentres, synthetic_picks
from tests.location.problem import gradient_times, scattered_network

NUM_EVENTS = 200


@pytest.fixture(scope="module")
def network():
    stations, frame = scattered_network(12, 35.0, seed=3)
    return stations, frame, SearchVolume([-30.0, -30.0, 0.0], [30.0, 30.0, 25.0], surface=FlatSurface(0.0))


CASES = {
    "robust, SVGD": (InlierOutlier, SVGD(256), 1.0),
    "gaussian, Laplace": (Gaussian, Laplace(512), None),
}


@pytest.mark.long
@pytest.mark.parametrize("case", ["robust, SVGD", pytest.param("gaussian, Laplace", marks=pytest.mark.slow)])
def test_regions_hold_the_truth(network, case):
    stations, frame, volume = network
    likelihood, sampler, outlier_scale = CASES[case]
    error = TravelTimeError(0.02, 0.05, 2.0)
    truth = draw_hypocentres(volume, NUM_EVENTS, key=jr.key(5))
    picks, _ = synthetic_picks(
        truth,
        gradient_times(),
        stations,
        frame,
        error=error,
        sigma_s={"P": 0.05, "S": 0.1},
        num_stations=(9, 10),
        s_fraction=0.6,
        correlated=outlier_scale is None,
        outlier_fraction=0.0 if outlier_scale is None else 0.05,
        outlier_scale_s=outlier_scale,
        key=jr.key(6),
    )
    found = locate(
        picks, stations, gradient_times(), likelihood=likelihood(error), prior=volume, frame=frame, sampler=sampler,
        key=jr.key(7),
    ).value  # fmt: skip
    row = np.array([int(str(name)[3:]) for name in found.events.event_id])
    ned = found.particles.ned_km
    offset = ned.mean(axis=1) - truth[row]
    squared = np.array(
        [d @ np.linalg.solve(c, d) for d, c in zip(offset, found.events.covariance_km2, strict=True)]
    )
    # Of particles, too: a region of a given covariance holds as much of a posterior that is no normal one as it holds.
    for level in (0.5, 0.9, 0.95):
        limit = np.empty(len(row))
        for e in range(len(row)):
            centred = ned[e] - ned[e].mean(axis=0)
            own = np.einsum("pi,ij,pj->p", centred, np.linalg.inv(found.events.covariance_km2[e]), centred)
            limit[e] = np.quantile(own, level)
        held = np.mean(squared < limit)
        assert abs(held - level) < 3 * np.sqrt(level * (1 - level) / NUM_EVENTS), (level, held)
    # Each direction by itself: ranks of the truth among the particles are uniform.
    rank = np.mean(ned < truth[row][:, None, :], axis=1)
    counts = np.stack([np.histogram(rank[:, k], np.linspace(0, 1, 9))[0] for k in range(3)])
    statistic = np.sum((counts - NUM_EVENTS / 8) ** 2 / (NUM_EVENTS / 8), axis=1)
    assert np.all(statistic < chi2.ppf(0.999, 7)), statistic
