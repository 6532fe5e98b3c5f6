"""Response spectra: against other ways to compute them, PEER's and Boore's numbers, and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.signal import (
    BandLimited,
    LinearSubsteps,
    NoSubsteps,
    batched_response_spectra,
    oscillator_response,
    response_spectrum,
    smooth_response_spectrum,
)
from diffseis.signal.oscillator_steps import oscillator_step
from tests.helpers.gradients import check_grads, tol
from tests.signal.references import boore_output, exact_response, peer_spectra

DT_S = 0.01
PERIOD_S = np.array([0.02, 0.055, 0.1, 0.5, 2.0, 20.0])
X64 = jax.config.read("jax_enable_x64")
needs_x64 = pytest.mark.skipif(not X64, reason="compares beyond single precision")


def record(num=400, seed=3):
    rng = np.random.default_rng(seed)
    t = DT_S * np.arange(num)
    return jnp.asarray(rng.normal(size=num) * np.exp(-((t - 1.2) ** 2)), float)


def psa(acceleration, **options):
    return response_spectrum(acceleration, DT_S, PERIOD_S, **options).pseudo_acceleration_m_s2


@pytest.mark.parametrize("damping", [0.0, 0.05, 0.7])
def test_spectrum_is_that_of_the_matrix_exponential(damping):
    a = record()
    found = response_spectrum(a, DT_S, PERIOD_S, damping)
    for k, period in enumerate(PERIOD_S):
        expected = np.abs(exact_response(np.asarray(a, float), DT_S, period, damping)).max()
        np.testing.assert_allclose(found.pseudo_acceleration_m_s2[k], expected, rtol=1e-9 if X64 else 2e-4)
        w = 2 * np.pi / period
        np.testing.assert_allclose(found.displacement_m[k] * w, found.pseudo_velocity_m_s[k], rtol=1e-5)
        np.testing.assert_allclose(found.displacement_m[k] * w**2, expected, rtol=1e-9 if X64 else 2e-4)


def test_response_at_every_sample():
    a = record()
    motion = oscillator_response(a, DT_S, PERIOD_S, 0.05)
    found = motion.pseudo_acceleration_m_s2
    for k, period in enumerate(PERIOD_S):
        expected = exact_response(np.asarray(a, float), DT_S, period, 0.05)
        error = np.abs(np.asarray(found[:, k]) - expected).max() / np.abs(expected).max()
        assert error < (1e-10 if X64 else 2e-4)
    # The equation of motion ties the parts together: velocity is the derivative of displacement, absolute acceleration that of all.
    k = 4
    moved = np.diff(np.asarray(motion.displacement_m[:, k], float)) / DT_S
    v = np.asarray(motion.velocity_m_s[:, k], float)
    np.testing.assert_allclose((v[1:] + v[:-1]) / 2, moved, atol=0.05 * np.abs(v).max())
    w = 2 * np.pi / PERIOD_S[k]
    total = -(w**2) * motion.displacement_m[:, k] - 2 * 0.05 * w * motion.velocity_m_s[:, k]
    np.testing.assert_allclose(motion.absolute_acceleration_m_s2[:, k], total, rtol=1e-4, atol=1e-5)


def test_many_blocks_are_one_record():
    """A long record is cut into blocks, a short one is not."""
    a = record(3000)
    found = response_spectrum(a, DT_S, PERIOD_S[:3], 0.02).pseudo_acceleration_m_s2
    for k, period in enumerate(PERIOD_S[:3]):
        expected = np.abs(exact_response(np.asarray(a, float), DT_S, period, 0.02)).max()
        np.testing.assert_allclose(found[k], expected, rtol=1e-10 if X64 else 2e-4)


def test_linear_substeps_are_a_finer_record():
    """What PEER does by interpolating the record."""
    a = np.asarray(record(), float)
    found = psa(jnp.asarray(a), substeps=LinearSubsteps())
    for k, period in enumerate(PERIOD_S):
        n = int(10 * DT_S / period - 0.01) + 1
        fine = np.interp(np.arange((len(a) - 1) * n + 1) / n, np.arange(len(a)), a)
        expected = np.abs(exact_response(fine, DT_S / n, period, 0.05)).max()
        np.testing.assert_allclose(found[k], expected, rtol=1e-9 if X64 else 2e-4)


def test_band_limited_is_the_continuous_record():
    """Of a pulse far below Nyquist's frequency, and near it, where linear interpolation fails."""
    fine = 64
    t = DT_S * np.arange(400 * fine) / fine
    for frequency, largest in ((5.0, 0.01), (33.0, 0.2)):
        a = np.exp(-(((t - 2) / 0.2) ** 2)) * np.sin(2 * np.pi * frequency * t)
        found = psa(jnp.asarray(a[::fine]), substeps=BandLimited())
        expected = [np.abs(exact_response(a, DT_S / fine, period, 0.05)).max() for period in PERIOD_S]
        np.testing.assert_allclose(found, expected, rtol=4e-3)
        # What the other choices lose there.
        lost = np.abs(psa(jnp.asarray(a[::fine]), substeps=LinearSubsteps()) / np.array(expected) - 1).max()
        assert lost > largest


def test_padding_does_not_count():
    a = np.asarray(record())
    padded = jnp.asarray(np.concatenate([a, np.full(100, 9.0)]).astype(a.dtype))
    for choice in (NoSubsteps(), LinearSubsteps()):
        found = psa(padded, substeps=choice, num_samples=len(a))
        np.testing.assert_allclose(found, psa(jnp.asarray(a), substeps=choice), rtol=10 * tol(a.dtype))


def test_many_records_at_once():
    records = jnp.stack([record(seed=k) for k in range(5)])
    num = jnp.array([400, 300, 400, 2, 350])
    found = batched_response_spectra(records, DT_S, PERIOD_S, num_samples=num, at_once=2)
    for k in range(5):
        expected = psa(records[k], num_samples=num[k])
        np.testing.assert_allclose(found[k], expected, rtol=10 * tol(found.dtype))


@needs_x64
@pytest.mark.long
@pytest.mark.parametrize(
    "choice", [NoSubsteps(), LinearSubsteps(), BandLimited()], ids=lambda c: type(c).__name__
)
def test_gradient_by_the_record(choice):
    a = record(40)
    weight = jnp.arange(1.0, 7.0)
    check_grads(jax.jit(lambda a: jnp.sum(weight * psa(a, substeps=choice))), a)


@needs_x64
@pytest.mark.long
def test_gradient_by_periods_and_damping():
    a = record(40)
    f = lambda p: jnp.sum(response_spectrum(a, DT_S, p[:3], p[3:]).pseudo_acceleration_m_s2 ** 2)
    check_grads(jax.jit(f), jnp.array([0.055, 0.3, 2.0, 0.02, 0.05, 0.2]), rtol=1e-5)


@pytest.mark.long
@needs_x64
def test_gradient_is_that_of_plain_autodiff():
    a = record(400)
    weight = jnp.arange(1.0, 7.0)
    plain = lambda a: jnp.sum(
        weight * jnp.max(jnp.abs(oscillator_response(a, DT_S, PERIOD_S).pseudo_acceleration_m_s2), axis=0)
    )
    adjoint = lambda a: jnp.sum(weight * psa(a))
    np.testing.assert_allclose(jax.grad(adjoint)(a), jax.grad(plain)(a), rtol=1e-9, atol=1e-13)


@needs_x64
@pytest.mark.long
def test_smooth_spectrum():
    a = record(40)
    exact, smooth = psa(a), smooth_response_spectrum(a, DT_S, PERIOD_S, order=64.0)
    assert np.all(smooth >= exact)
    assert np.all(smooth <= exact * 40 ** (1 / 64))
    check_grads(
        jax.jit(lambda a: jnp.sum(smooth_response_spectrum(a, DT_S, PERIOD_S, order=16.0))), a, rtol=1e-5
    )


@pytest.mark.long
def test_silence_has_a_gradient():
    silent = jnp.zeros(40)
    for f in (lambda a: jnp.sum(psa(a)), lambda a: jnp.sum(smooth_response_spectrum(a, DT_S, PERIOD_S))):
        value, slope = jax.value_and_grad(f)(silent)
        assert value == 0
        assert np.all(np.isfinite(slope))


def test_single_precision():
    a = record(2000).astype(jnp.float32)
    found = psa(a)
    assert found.dtype == jnp.float32
    for k, period in enumerate(PERIOD_S):
        expected = np.abs(exact_response(np.asarray(a, float), DT_S, period, 0.05)).max()
        np.testing.assert_allclose(found[k], expected, rtol=1e-4)


@needs_x64
def test_step_is_smooth_where_the_series_ends():
    one = jnp.ones(2)
    below, above = (oscillator_step(one * x, one * 0.05, one) for x in (1 - 1e-13, 1 + 1e-13))
    for name, value in vars(below).items():
        np.testing.assert_allclose(value, getattr(above, name), rtol=1e-11, err_msg=name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"period_s": np.array([0.0, 1.0])}, "period_s"),
        ({"damping": 1.0}, "damping"),
        ({"dt_s": -0.01}, "dt_s"),
        ({"acceleration_m_s2": jnp.zeros(1)}, "two samples"),
        ({"acceleration_m_s2": jnp.zeros((2, 40))}, "one axis"),
    ],
)
def test_bad_arguments(change, said):
    with pytest.raises((ValueError, TypeError)) as refused:
        response_spectrum(**({"acceleration_m_s2": record(40), "dt_s": DT_S, "period_s": PERIOD_S} | change))
    assert said in str(refused.value) or isinstance(refused.value, TypeError)


def test_substeps_of_traced_periods_are_refused():
    with pytest.raises(ValueError, match="NoSubsteps"):
        jax.jit(lambda p: response_spectrum(record(40), DT_S, p, substeps=LinearSubsteps()))(jnp.array([1.0]))


@needs_x64
@pytest.mark.reference
@pytest.mark.long
def test_peer(reference_data):
    """PEER's spectra of single components, printed with five digits."""
    for station, pair, dt_s in peer_spectra(reference_data):
        spectrum = next(s for s in station["spectra"] if "h1" in s)
        for record_g, name in zip(pair, ("h1", "h2"), strict=True):
            found = response_spectrum(
                jnp.asarray(record_g),
                dt_s,
                np.array(station["period"]),
                spectrum["damping"],
                substeps=LinearSubsteps(),
            )
            np.testing.assert_allclose(found.pseudo_acceleration_m_s2, spectrum[name], rtol=1e-4)


@needs_x64
@pytest.mark.reference
@pytest.mark.long
def test_boore(reference_data):
    columns, _, pair = boore_output(reference_data)
    for k, name in enumerate(("psa_1_ar", "psa_2_ar")):
        found = response_spectrum(jnp.asarray(pair[k]), 0.02, columns["period"], 0.05)
        np.testing.assert_allclose(found.pseudo_acceleration_m_s2, columns[name], rtol=3e-3)
