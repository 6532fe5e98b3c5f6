"""Tomography of a block: derivatives through the sweeps of three dimensions, and a blob that comes back."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.eikonal import FactoredSweeping
from diffseis.location import ConjugateGradients, Hypocentres, TomographyProblem, invert_travel_times
from diffseis.location.tomography_problem import travel_times
from tests.location.tomography import block_medium, network, observe


@pytest.mark.slow
def test_block_products_are_differences(getkey):
    """Times of all picks change with speeds and places as the products with the Jacobian say."""
    start, stations, data = network(3, 2, seed=4)
    # Godunov's scheme, coarsely: it compiles in half the time.
    medium = block_medium(stations, nodes=(4, 4, 3), spacing_km=3.5, solver=FactoredSweeping(order=1))
    prior = medium.prior

    def times(white, ned):
        return travel_times(medium.times(prior.log_speed(white.reshape(prior.shape))), ned, data)

    at = (0.3 * jr.normal(getkey(), (prior.size,)), start.ned_km)
    along = (jr.normal(getkey(), (prior.size,)), jr.normal(getkey(), start.ned_km.shape))
    # One program tells times and products.
    both = jax.jit(lambda k: jax.jvp(times, jax.tree.map(lambda x, d: x + k * d, at, along), along))
    step = 1e-4
    values = [np.asarray(both(k * step)[0]) for k in (-2, -1, 1, 2)]
    reference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
    product = np.asarray(both(0.0)[1])
    np.testing.assert_allclose(product, reference, rtol=0, atol=1e-7 * np.max(np.abs(product)))


@pytest.mark.slow
def test_blobs_come_back():
    """A fast and a slow blob, jointly with hypocentres that start half a kilometre away, matrix-free."""
    places, stations, empty = network(30, 10, seed=7)
    medium = block_medium(stations)
    prior = medium.prior
    north, east, down = np.meshgrid(*(medium.grid.axis_km(a) for a in range(3)), indexing="ij")
    blob = lambda n, e: np.exp(-((north - n) ** 2 + (east - e) ** 2) / 40 - (down - 5) ** 2 / 30)
    anomaly = 0.1 * (blob(-4.0, -4.0) - blob(4.0, 4.0))
    truth = np.asarray(prior.mean) + anomaly[None]
    known = TomographyProblem(
        eqx.tree_at(lambda m: m.prior.mean, medium, jnp.asarray(truth)), places, hypocentre_sd_km=0.0, origin_sd_s=0.0
    )  # fmt: skip
    data = observe(known, known.at_prior(), empty, key=jr.key(2))
    away = 0.5 * np.random.default_rng(3).normal(size=(30, 3))
    start = Hypocentres(places.ned_km + away, places.origin_time_s)
    problem = TomographyProblem(medium, start, hypocentre_sd_km=1.0, origin_sd_s=0.3)
    solver = ConjugateGradients(rtol=0.03, max_steps=40, rank=80)
    value = invert_travel_times(problem, data, solver, tolerance=0.05).value
    found = np.asarray(value.log_speed - prior.mean)
    sd, resolution = np.asarray(value.log_speed_sd), np.asarray(value.resolution())
    for phase in (0, 1):
        # Measured: a third of the nodes; correlation 0.93 and 0.92; within one standard deviation 0.95 and 0.93, within two all.
        seen = resolution[phase] > 0.5
        error = np.abs(found[phase] - anomaly)[seen] / sd[phase][seen]
        assert np.mean(seen) > 0.21
        assert np.corrcoef(found[phase][seen], anomaly[seen])[0, 1] > 0.88
        assert np.mean(error < 1) > 0.68
        assert np.mean(error < 2) > 0.95
    # From 0.66, 0.50 and 0.46 km to 0.11, 0.12 and 0.18.
    error = np.asarray(value.hypocentres.ned_km - places.ned_km)
    assert np.all(np.sqrt(np.mean(error**2, axis=0)) < [0.16, 0.18, 0.28])
    sd = np.sqrt(np.einsum("ekk->ek", np.asarray(value.hypocentre_covariance)))[:, :3]
    assert np.mean(np.abs(error) < sd) > 0.68
    assert np.mean(np.abs(error) < 2 * sd) > 0.95
