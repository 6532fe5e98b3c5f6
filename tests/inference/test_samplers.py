"""The contract of samplers, and Stein particles on targets with known moments."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.inference import NUTS, SVGD, AbstractSampler, DenseGrid, Laplace, laplace_modes, run_sampler

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[1.0, 0.5, 0.1], [0.5, 0.6, -0.1], [0.1, -0.1, 0.3]])
PRECISION = np.linalg.inv(COVARIANCE)

SAMPLERS = {
    "svgd": SVGD(256),
    "laplace": Laplace(256),
    "grid": DenseGrid(1000, num_fine=32),
    "nuts": NUTS(1000, num_warmup=150),
}
"""A new sampler is one more line."""

samplers = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS.keys())


def _normal(data):
    """Normal with the mean and precision that are the data."""
    mean, precision = data
    return lambda u: -0.5 * (u - mean) @ precision @ (u - mean)


def _normal_data(mean=MEAN, precision=PRECISION):
    return jnp.asarray(mean, float), jnp.asarray(precision, float)


def _draw(sampler, make, data, starts, key, num_steps=25):
    target = make(data)
    modes = laplace_modes(lambda u, softness: target(u), starts)
    return run_sampler(sampler, target, modes, key=key)[0]


_drawn = eqx.filter_jit(_draw)
_DRAWS = {}


def _on_normal(sampler, seed=0):
    """Draws for the normal target; kept, since every law looks at them."""
    name = (sampler, seed)
    if name not in _DRAWS:
        starts = jnp.asarray([[0.0, 0.0, 0.0], [3.0, 1.0, -1.0]])
        _DRAWS[name] = _drawn(sampler, _normal, _normal_data(), starts, jr.key(seed))
    return _DRAWS[name]


def law_moments(sampler):
    # Independent draws would have errors of the mean of sd / sqrt(n): 4 of those, in the whitened frame. The
    # variance of a variance is 2 / n. Chains are correlated: NUTS is allowed twice as much.
    draws = _on_normal(sampler)
    num = sampler.num_particles
    slack = 8 if isinstance(sampler, NUTS) else 4
    factor = np.linalg.cholesky(COVARIANCE)
    for mean, covariance in (
        (draws.mean, draws.covariance),
        (np.mean(draws.position, axis=0), np.cov(np.asarray(draws.position).T)),
    ):
        white = np.linalg.solve(factor, np.asarray(mean, np.float64) - MEAN)
        assert np.max(np.abs(white)) < slack / np.sqrt(num)
        unit = np.linalg.solve(factor, np.linalg.solve(factor, np.asarray(covariance, np.float64)).T)
        assert np.max(np.abs(unit - np.eye(3))) < slack * np.sqrt(2 / num)
    assert bool(draws.converged)
    assert 0 < float(draws.effective_fraction) <= 1


def law_shapes_and_densities(sampler):
    draws = _on_normal(sampler)
    assert draws.position.shape == (sampler.num_particles, 3)
    value = jax.vmap(_normal(_normal_data()))(draws.position)
    rtol, atol = (1e-9, 1e-9) if value.dtype == jnp.float64 else (1e-3, 1e-3)
    np.testing.assert_allclose(draws.log_density, value, rtol=rtol, atol=atol)


def law_repeats_with_the_key(sampler):
    _on_normal(sampler)
    again = _drawn(
        sampler,
        _normal,
        _normal_data(),
        jnp.asarray([[0.0, 0.0, 0.0], [3.0, 1.0, -1.0]]),
        jr.key(0),
    )
    np.testing.assert_array_equal(again.position, _on_normal(sampler).position)
    assert np.any(np.asarray(_on_normal(sampler, 1).position) != np.asarray(again.position))


LAWS = [law_moments, law_shapes_and_densities, law_repeats_with_the_key]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@samplers
def test_law(law, sampler):
    law(sampler)


class _Sabotaged(AbstractSampler):
    """Laplace's draws, spoiled."""

    flaw: str = eqx.field(static=True)
    num_particles: int = eqx.field(static=True, default=256)
    num_steps: int = eqx.field(static=True, default=0)
    max_dims = None

    def init(self, log_density, modes, *, key):
        return Laplace(self.num_particles).init(
            log_density, modes, key=jr.key(4) if self.flaw == "key" else key
        )

    def step(self, log_density, state, *, key):
        return state, None

    def finish(self, log_density, state, *, key):
        draws = Laplace(self.num_particles).finish(log_density, state, key=key)
        if self.flaw == "narrow":
            centre = jnp.mean(draws.position, axis=0, keepdims=True)
            return eqx.tree_at(lambda d: d.position, draws, centre + 0.7 * (draws.position - centre))
        if self.flaw == "stale":
            return eqx.tree_at(lambda d: d.log_density, draws, draws.log_density + 1)
        return draws


@pytest.mark.long
@pytest.mark.parametrize(
    ("flaw", "law"),
    [("narrow", law_moments), ("stale", law_shapes_and_densities), ("key", law_repeats_with_the_key)],
)
def test_laws_notice_a_wrong_sampler(flaw, law):
    with pytest.raises(AssertionError):
        law(_Sabotaged(flaw))


@pytest.mark.parametrize("sampler", [SVGD(32, 3), Laplace(32)], ids=["svgd", "laplace"])
def test_new_data_do_not_retrace(sampler):
    run = eqx.filter_jit(eqx.debug.assert_max_traces(_draw, max_traces=1))
    for shift in (0.0, 1.0):
        # Lowered, not compiled: tracing is what is counted.
        run.lower(sampler, _normal, _normal_data(MEAN + shift), jnp.zeros((1, 3)), jr.key(1))


def _moments(sampler, make, data, starts, seed=3):
    draws = _drawn(sampler, make, data, jnp.asarray(starts, float), jr.key(seed))
    position = np.asarray(draws.position)
    return draws, position.mean(axis=0), position.std(axis=0)


def _skewed(scale):
    """Independent Gumbel variables."""
    return lambda u: jnp.sum(-u / scale - jnp.exp(-u / scale))


@pytest.mark.long
def test_svgd_on_a_skewed_target():
    scale = jnp.asarray([1.0, 20.0])
    draws, mean, sd = _moments(SVGD(512), _skewed, scale, [[0.0, 0.0]])
    expected_sd = np.pi / np.sqrt(6) * np.asarray(scale)
    # 512 independent draws: 4.4 % of a standard deviation in the mean; 5 % in the standard deviation (the
    # kurtosis is 5.4). Both three times.
    assert np.all(np.abs(mean - np.euler_gamma * np.asarray(scale)) < 0.13 * expected_sd)
    np.testing.assert_allclose(sd, expected_sd, rtol=0.15)
    assert bool(draws.converged)


def test_svgd_on_a_shifted_and_scaled_normal():
    centre = np.array([0.2, -30.0, 400.0])
    data = _normal_data(centre, np.diag(np.array([1e-3, 1.0, 50.0]) ** -2.0))
    start = np.add(centre, (1e-3, 1.0, 20.0))  # twice, so that the program is that of the laws
    _, mean, sd = _moments(SVGD(256), _normal, data, [start, start])
    # The Laplace approximation's largest standard deviation is 5: the particles must widen from there.
    np.testing.assert_allclose(sd[:2], [1e-3, 1.0], rtol=0.15)
    np.testing.assert_allclose(mean, centre, atol=20, rtol=2e-3)


def _two_hills(weight):
    """Two normals of different widths, 8 apart; the first holds `weight` of the probability."""

    def log_density(u):
        one = jnp.log(weight) - 0.5 * jnp.sum(u**2)
        other = (
            jnp.log(1 - weight) - 0.5 * jnp.sum((u - 8) ** 2) / 0.25 - 2 * jnp.log(jnp.asarray(0.5, u.dtype))
        )
        return jnp.logaddexp(one, other)

    return log_density


@pytest.mark.long
def test_svgd_keeps_two_modes_in_proportion():
    weight = jnp.asarray(0.7)
    draws, _, _ = _moments(SVGD(400), _two_hills, weight, [[0.5, 0.2], [7.5, 8.2], [0.1, -0.3]])
    position = np.asarray(draws.position)
    near = position[:, 0] < 4
    assert near.mean() == pytest.approx(0.7, abs=0.03)
    np.testing.assert_allclose(position[near].std(axis=0), 1, rtol=0.12)
    np.testing.assert_allclose(position[~near].std(axis=0), 0.5, rtol=0.2)
    expected = 0.3 * 8
    np.testing.assert_allclose(draws.mean, expected, atol=0.25)


def _far_tail(share):
    """A normal, and `share` of the probability in a far wider one."""

    def log_density(u):
        wide = jnp.log(share) - 0.5 * jnp.sum(u**2) / 30**2 - u.shape[0] * math.log(30)
        return jnp.logaddexp(jnp.log1p(-share) - 0.5 * jnp.sum(u**2), wide)

    return log_density


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_svgd_holds_a_tail_that_decides_the_standard_deviation(seed):
    share = 0.005
    draws, _, sd = _moments(SVGD(1000), _far_tail, jnp.asarray(share), [[0.1, 0.0, -0.2]], seed)
    exact = np.sqrt(1 - share + share * 30**2)  # 2.3: half a per cent more than doubles it
    np.testing.assert_allclose(np.sqrt(np.diagonal(draws.covariance)), exact, rtol=0.1)
    np.testing.assert_allclose(sd, exact, rtol=0.15)
    assert bool(draws.converged)


@pytest.mark.long
def test_raw_particles_are_too_narrow_and_corrected_ones_are_not():
    sd = np.sqrt(np.diag(COVARIANCE))
    starts = np.zeros((1, 3))
    data = _normal_data()
    ratio = {}
    for rounds in (0, 2):
        sampler = SVGD(150, 200 if rounds == 0 else 20, num_rounds=rounds)
        widths = [_moments(sampler, _normal, data, starts, seed)[2] / sd for seed in range(4)]
        ratio[rounds] = np.mean(widths)
    assert ratio[0] < 0.95
    assert ratio[2] == pytest.approx(1, abs=0.03)


def test_refused():
    with pytest.raises(ValueError, match="one particle has no spread"):
        SVGD(1)
    with pytest.raises(ValueError, match="num_steps"):
        SVGD(10, 0)
    with pytest.raises(ValueError, match="num_centres"):
        SVGD(10, num_centres=1)
    with pytest.raises(ValueError, match="are those returned"):
        SVGD(10, num_centres=5, num_rounds=0)
    with pytest.raises(ValueError, match="num_rounds"):
        SVGD(10, num_rounds=1)
    with pytest.raises(ValueError, match="start_power"):
        SVGD(10, start_power=0.0)
    with pytest.raises(ValueError, match="up to 3 dimensions"):
        # While it is traced: nothing is computed.
        _drawn(DenseGrid(10), lambda _: lambda u: -jnp.sum(u**2), None, jnp.zeros((1, 4)), jr.key(0))
