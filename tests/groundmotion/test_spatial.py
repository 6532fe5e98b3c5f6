"""Ground motion at places given records: against the conditional of the joint normal density."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import groundmotion as gm
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
TOLERANCE = 1e-6 if X64 else 1e-3


def case(num_places=5, num_stations=4):
    random = np.random.default_rng(7)
    motion = lambda n: gm.LogNormalIM(
        jnp.asarray(random.normal(size=n), float),
        jnp.asarray(random.uniform(0.3, 0.5, n), float),
        jnp.asarray(random.uniform(0.4, 0.7, n), float),
    )
    places, stations = (
        jnp.asarray(random.uniform(-20, 20, (n, 2)), float) for n in (num_places, num_stations)
    )
    return (
        places,
        motion(num_places),
        stations,
        jnp.asarray(random.normal(size=num_stations), float),
        motion(num_stations),
    )


def test_against_the_joint_density():
    places, motion, stations, recorded, there = case()
    noise = jnp.asarray([0.0, 0.2, 0.0, 0.4])
    found = jax.jit(gm.condition_on_records)(
        places, motion, stations, recorded, there, jnp.asarray(15.0), noise
    )
    xy = np.concatenate([places, stations])
    tau = np.concatenate([motion.tau, there.tau])
    phi = np.concatenate([motion.phi, there.phi])
    apart = np.linalg.norm(xy[:, None] - xy, axis=-1)
    joint = np.outer(tau, tau) + np.outer(phi, phi) * np.exp(-3 * apart / 15)
    joint[5:, 5:] += np.diag(np.asarray(noise) ** 2)
    weights = joint[:5, 5:] @ np.linalg.inv(joint[5:, 5:])
    residual = np.asarray(recorded - there.mean_ln)
    np.testing.assert_allclose(found.mean_ln, motion.mean_ln + weights @ residual, atol=TOLERANCE)
    left = np.diag(joint[:5, :5] - weights @ joint[5:, :5])
    np.testing.assert_allclose(found.sigma, np.sqrt(left), atol=TOLERANCE)
    term = there.tau @ np.linalg.inv(joint[5:, 5:]) @ residual
    np.testing.assert_allclose(found.event_term, term, atol=TOLERANCE)
    assert 0 < found.event_sd < 1


def test_at_a_station_the_record_stands_and_far_away_the_event_term():
    _, _, stations, recorded, there = case()
    places = jnp.concatenate([stations, jnp.full((1, 2), 1e4, float)])
    motion = jax.tree.map(lambda x: jnp.concatenate([x, x[:1]]), there)
    found = gm.condition_on_records(places, motion, stations, recorded, there, jnp.asarray(10.0))
    np.testing.assert_allclose(found.mean_ln[:4], recorded, atol=1e-3)
    np.testing.assert_allclose(found.sigma[:4], 0, atol=2e-3)
    np.testing.assert_allclose(
        found.mean_ln[4], motion.mean_ln[4] + motion.tau[4] * found.event_term, atol=TOLERANCE
    )
    expected = np.sqrt(motion.phi[4] ** 2 + (motion.tau[4] * found.event_sd) ** 2)
    np.testing.assert_allclose(found.sigma[4], expected, atol=TOLERANCE)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients():
    places, motion, stations, recorded, there = case(3, 3)

    def total(x):
        found = gm.condition_on_records(places, motion, stations, x[:3], there, x[3], x[4:])
        return jnp.sum(found.mean_ln) + jnp.sum(found.sigma) + found.event_term

    check_grads(jax.jit(total), jnp.concatenate([recorded, jnp.asarray([12.0, 0.1, 0.2, 0.3])]))
    same = jnp.zeros((2, 2), float)
    moved = jax.grad(lambda x: jnp.sum(gm.spatial_correlation(x, x, jnp.asarray(9.0))))(same)
    assert np.all(np.isfinite(moved))


def test_stated_deviations_hold_what_they_say():
    """Fields drawn from the model: places left out lie within 68 and 95 % as often as that."""
    random = np.random.default_rng(3)
    xy = random.uniform(-30, 30, (60, 2))
    apart = np.linalg.norm(xy[:, None] - xy, axis=-1)
    tau, phi = 0.4, 0.6
    factor = np.linalg.cholesky(tau**2 + phi**2 * np.exp(-3 * apart / 20))
    motion = lambda n: gm.LogNormalIM(*(jnp.full(n, x, float) for x in (0.0, tau, phi)))
    condition = jax.jit(gm.condition_on_records)
    inside = []
    for _ in range(200):
        field = factor @ random.normal(size=60)
        found = condition(
            jnp.asarray(xy[:40], float), motion(40), jnp.asarray(xy[40:], float), jnp.asarray(field[40:], float), motion(20), jnp.asarray(20.0, float),
        )  # fmt: skip
        z = np.abs(field[:40] - np.asarray(found.mean_ln)) / np.asarray(found.sigma)
        inside.append([np.mean(z < 1), np.mean(z < 1.96)])
    np.testing.assert_allclose(np.mean(inside, axis=0), [0.683, 0.95], atol=0.03)


def test_ranges_of_correlation():
    assert gm.correlation_range_km(gm.Measure("PGA")) == 8.5
    assert gm.correlation_range_km(gm.Measure("PGA"), clustered=True) == 40.7
    assert gm.correlation_range_km(gm.Measure("SA", 2.0)) == pytest.approx(29.4)
    assert gm.correlation_range_km(gm.Measure("PGV")) == pytest.approx(25.7)
    with pytest.raises(ValueError, match="give one in km"):
        gm.correlation_range_km(gm.Measure("IA"))
