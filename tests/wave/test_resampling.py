"""The filters of time dispersion against sums over all samples, and against a recurrence in time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.wave.resampling import add_dispersion, remove_dispersion
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
NUM = 400
SAMPLES = np.arange(NUM)
PULSE = np.exp(-(((SAMPLES - 150) / 15) ** 2)) * np.cos(0.35 * SAMPLES)


@needs_x64
def test_against_sums():
    """Spectra at stretched frequencies, term by term."""
    length = 4 * NUM
    angle = 2 * np.pi * np.arange(length // 2 + 1) / length
    spectrum = np.exp(-1j * np.outer(2 * np.sin(angle / 2), SAMPLES)) @ PULSE
    expected = np.fft.irfft(spectrum, n=length)[:NUM]
    np.testing.assert_allclose(add_dispersion(jnp.asarray(PULSE)), expected, atol=1e-12)


@needs_x64
def test_the_one_undoes_the_other():
    np.testing.assert_allclose(remove_dispersion(add_dispersion(jnp.asarray(PULSE))), PULSE, atol=1e-12)


@needs_x64
@pytest.mark.parametrize("step", [1.0, 1.25, 1.5])
def test_oscillator_with_large_steps(step):
    """An oscillator driven by the filtered force in leaps of up to a quarter of its period moves, filtered, as the exact one does.

    It is not driven at its own frequency, so that it comes to rest before the series ends.
    """
    natural = 1.0
    driven = add_dispersion(jnp.asarray(PULSE))

    def leap(state, force):
        before, now = state
        after = 2 * now - before + step**2 * (force - natural**2 * now)
        return (now, after), now

    _, moved = jax.lax.scan(leap, (jnp.asarray(0.0), jnp.asarray(0.0)), driven)
    found = remove_dispersion(moved)
    # A series of band-limited samples, integrated against the exact response on a grid a thousand times finer.
    fine = 1000
    t = step * np.arange(NUM * fine) / fine
    spectrum = np.fft.rfft(PULSE)
    padded = np.zeros(NUM * fine // 2 + 1, complex)
    padded[: len(spectrum)] = spectrum
    force = np.fft.irfft(padded, n=NUM * fine) * fine
    response = np.sin(natural * t) / natural
    size = 2 * NUM * fine
    exact = (
        np.fft.irfft(np.fft.rfft(force, size) * np.fft.rfft(response, size), size)[: NUM * fine : fine]
        * step
        / fine
    )
    np.testing.assert_allclose(found, exact, atol=1e-6 * np.max(np.abs(exact)))
    # Without the filters it does not.
    _, plain = jax.lax.scan(leap, (jnp.asarray(0.0), jnp.asarray(0.0)), jnp.asarray(PULSE))
    assert np.max(np.abs(plain - exact)) > 1e-4 * np.max(np.abs(exact))  # measured: from 9e-4


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("filtered", [add_dispersion, remove_dispersion])
def test_gradients_and_batches(filtered):
    weights = np.cos(np.arange(20))
    check_grads(lambda x: jnp.sum(weights * filtered(x) ** 2), PULSE[140:160])
    many = jnp.asarray(np.stack([PULSE, PULSE[::-1]]))
    np.testing.assert_allclose(filtered(many)[1], filtered(many[1]), atol=1e-13)


def test_single_precision():
    found = remove_dispersion(add_dispersion(jnp.asarray(PULSE, jnp.float32)))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, PULSE, atol=2e-6)
