"""An accelerator gives the answers of the processor beside it: ``pytest -m gpu tests/accelerator``."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import GradientTime, solve_eikonal, train_travel_times
from diffseis.inference import SVGD
from diffseis.location import FlatSurface, SearchVolume, TravelTimeError, locate
from diffseis.synthesis import draw_hypocentres, synthetic_picks
from diffseis.velocity import Gradient, Gridded
from tests.location.problem import gradient_times, scattered_network

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(jax.default_backend() == "cpu", reason="needs an accelerator"),
]


def on_both(compute):
    """What a function of nothing gives on the accelerator and on the processor."""
    answers = []
    for platform in (jax.default_backend(), "cpu"):
        device = jax.devices(platform)[0]
        # Not the context manager, which holds in one thread only.
        jax.config.update("jax_default_device", device)
        answer = jax.block_until_ready(compute())
        for leaf in jax.tree.leaves(eqx.filter(answer, eqx.is_array)):
            if isinstance(leaf, jax.Array):
                assert leaf.devices() == {device}
        answers.append(jax.tree.map(np.asarray, eqx.filter(answer, eqx.is_array)))
    return answers


def _speed(shape):
    north, *_, down = np.meshgrid(*(np.linspace(0.0, 20.0, n) for n in shape), indexing="ij")
    return 3 + 0.2 * down + 0.3 * np.sin(north / 3) * np.cos(down / 4)


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 1e-4)])
@pytest.mark.parametrize("num_dims", [2, 3])
def test_swept_times_and_their_gradients(num_dims, dtype, rtol):
    shape = (41,) * num_dims if num_dims == 2 else (21,) * 3
    grid = RegularGrid([0.0] * num_dims, 20 / (shape[0] - 1), shape)

    def compute():
        model, source = Gridded(grid, _speed(shape)), jnp.asarray([7.313, 6.871, 5.137][:num_dims])
        model, on, source = jax.tree.map(lambda x: x.astype(dtype), (model, grid, source))

        def total(model, source):
            tau = solve_eikonal(model, on, source_km=source, throw=False).stats["tau"]
            return jnp.sum(tau), tau

        (_, tau), slopes = eqx.filter_jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))(
            model, source
        )
        return tau, (slopes[0].coefficients, slopes[1])

    (tau, slopes), (tau_cpu, slopes_cpu) = on_both(compute)
    np.testing.assert_allclose(tau, tau_cpu, rtol=rtol)
    for slope, slope_cpu in zip(slopes, slopes_cpu, strict=True):
        assert np.all(np.isfinite(slope))
        np.testing.assert_allclose(slope, slope_cpu, atol=100 * rtol * np.max(np.abs(slope_cpu)), rtol=0)


def test_training_a_network_of_times():
    model = Gradient(4.0, 0.1)
    a, b = (jr.uniform(key, (500, 3)) * jnp.asarray([[30.0, 30.0, 15.0]]) for key in jr.split(jr.key(2)))

    def compute():
        solution = train_travel_times(
            model, jnp.zeros(3), jnp.asarray([30.0, 30.0, 15.0]), num_steps=30, num_points=256, width=16, key=jr.key(1)
        )  # fmt: skip
        return eqx.filter_jit(eqx.filter_vmap(solution.value))(jnp.asarray(a), jnp.asarray(b))

    times, times_cpu = on_both(compute)
    exact = np.asarray(eqx.filter_jit(eqx.filter_vmap(GradientTime(model)))(a, b))
    misfit = np.linalg.norm(times_cpu - exact)
    assert misfit < 0.01 * np.linalg.norm(exact)  # it learnt something
    # Rounding grows through steps and line searches; the networks still are the same function.
    assert np.linalg.norm(times - times_cpu) < 0.1 * misfit


def test_locating_events():
    stations, frame = scattered_network(12, 35.0, seed=3)
    volume = SearchVolume([-30.0, -30.0, 0.0], [30.0, 30.0, 25.0], surface=FlatSurface(0.0))
    truth = draw_hypocentres(volume, 20, key=jr.key(5))
    picks, _ = synthetic_picks(
        truth, gradient_times(), stations, frame, error=TravelTimeError(0.02, 0.05, 2.0), sigma_s={"P": 0.05, "S": 0.1},
        num_stations=(9, 10), s_fraction=0.6, correlated=False, outlier_fraction=0.05, outlier_scale_s=1.0, key=jr.key(6),
    )  # fmt: skip

    def compute():
        solution = locate(
            picks, stations, gradient_times(), prior=volume, frame=frame, sampler=SVGD(256), key=jr.key(7)
        )
        return solution.value.particles.ned_km

    particles, particles_cpu = on_both(compute)
    # Particles that rounding has parted still describe the same posterior.
    apart = np.abs(particles.mean(axis=1) - particles_cpu.mean(axis=1))
    assert np.all(apart < 0.1 * particles_cpu.std(axis=1))
