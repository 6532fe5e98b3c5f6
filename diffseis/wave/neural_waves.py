"""Wavefields in time as networks of a point, a time and a source.

``u(x, t; s) = sum over n of features_n(x) c_n(t; s)``: a layer of windowed features, and a last layer that is a function of time and of the source.
The last layer obeys the wave equation in weak form, layers included, from rest; so there is nothing to train again for another source or a later time.

References:
    Moseley, Markham & Nissen-Meyer (2020), Solving the wave equation with physics-informed deep learning, arXiv:2006.11894 (the
    problem). Kharazmi, Zhang & Karniadakis (2021), hp-VPINNs, doi:10.1016/j.cma.2020.113547 (weak form). Bruna, Peherstorfer &
    Vanden-Eijnden (2024), Neural Galerkin schemes with active learning, doi:10.1016/j.jcp.2023.112588 (weights that follow time).
    Grote & Sim (2010), Efficient PML for the wave equation, arXiv:1001.0319 (the layers).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.networks import AbstractFeatures
from diffseis.wave.extents import Box, check_times, check_within
from diffseis.wave.resampling import finer
from diffseis.wave.sources import PressureSources
from diffseis.wave.time_axis import TimeAxis

STEPS_PER_PERIOD = 25
"""Of the highest frequency: an error of 0.3 % there (measured), less below."""

NODES = 17
"""Points per axis that stand for a bell, half a deviation apart: as smooth as a bell to finite differences, too."""


class Memory(eqx.Module):
    """What absorbing layers remember: at each point, for each axis, ``m' = -decay m + (sum of the other axes' decay - decay) du/dx``.

    Attributes:
        slope: of the modes at the layers' points, along each axis, times the root of a point's weight in integrals.
        decay: at the points, along each axis, in 1/s.
    """

    slope: Float[Array, "dim point mode"]
    decay: Float[Array, "dim point"]


class WaveNetwork(eqx.Module):
    """Waves of any source in one medium.

    Attributes:
        features: of a point.
        modes: columns of last layers, each of which swings on its own where there are no layers: (feature, mode).
        angular_hz: of their swings.
        drag: the directions in which layers slow modes down, orthonormal: (mode, drag).
        drag_hz: how fast, in 1/s.
        memory: of the layers.
        pass_hz: the highest frequency that the features are for.
        radius_km: of sources, by default.
        box_km: the lowest and the highest corner of the medium, outside which nothing is answered; None for no check.
    """

    features: AbstractFeatures
    modes: Float[Array, "feature mode"]
    angular_hz: Float[Array, " mode"]
    drag: Float[Array, "mode drag"]
    drag_hz: Float[Array, " drag"]
    memory: Memory
    pass_hz: Float[Array, ""]
    radius_km: Float[Array, ""]
    box_km: Box | None = None

    def __call__(
        self,
        sources: PressureSources,
        time_axis: TimeAxis,
        *,
        radius_km: Float[Array, ""] | None = None,
        substeps: int | None = None,
    ) -> "NetworkField":
        """The waves of sources, from rest; differentiable in their places and series.

        Args:
            sources: points in the medium, with series of frequencies up to `pass_hz`: each on its own, not their sum.
            time_axis: of the series.
            radius_km: standard deviation of the bell that stands for a point: a network has no singularity.
            substeps: per sample; by default 25 per period of `pass_hz`, which `time_axis` and `pass_hz` must be concrete for.

        Raises:
            ValueError: for sources that can be seen to lie outside the medium, and series of another length than the time axis.
        """
        check_within("source", sources.position_km, self.box_km)
        if sources.series.shape[1] != time_axis.num_samples:
            raise ValueError(
                f"sources have {sources.series.shape[1]} samples, the time axis {time_axis.num_samples}"
            )
        if radius_km is not None and is_concrete(radius_km) and not float(radius_km) > 0:
            raise ValueError(f"`radius_km` must be above 0, got {float(radius_km)}")
        if substeps is None:
            substeps = max(1, int(np.ceil(float(time_axis.dt_s) * float(self.pass_hz) * STEPS_PER_PERIOD)))
        radius = self.radius_km if radius_km is None else radius_km
        drive = jax.vmap(lambda place: self._drive(place, radius))(sources.position_km)
        amplitude, rate = _march(self, drive, sources.series, time_axis.dt_s, substeps)
        return NetworkField(self.features, self.modes, amplitude, rate, time_axis.dt_s, self.box_km)

    def _drive(self, place, radius):
        """What a source at a place does to each mode."""
        offset, weight = ball(place.shape[0])
        x = place[None, :] + jnp.asarray(radius, place.dtype) * jnp.asarray(offset, place.dtype)
        return jnp.asarray(weight, place.dtype) @ jax.vmap(self.features)(x) @ self.modes


class NetworkField(eqx.Module):
    """Pressure of several sources, at any point and time.

    Attributes:
        features, modes: of the network.
        amplitude, rate: of the modes at samples, and their derivatives by time: (time, source, mode).
        dt_s: between samples.
        box_km: as the network's.
    """

    features: AbstractFeatures
    modes: Float[Array, "feature mode"]
    amplitude: Float[Array, "time source mode"]
    rate: Float[Array, "time source mode"]
    dt_s: Float[Array, ""]
    box_km: Box | None = None

    def __call__(self, x_km: Float[Array, " dim"], time_s: Float[Array, ""]) -> Float[Array, " source"]:
        """Of each source, at a point and a time; between samples by cubics, whose slopes are the true ones. Differentiable in both.

        Raises:
            ValueError: where it can be seen that the point lies outside the medium, or the time outside the samples.
        """
        check_within("point", x_km, self.box_km)
        check_times(time_s, self.dt_s * (self.amplitude.shape[0] - 1))
        place = time_s / self.dt_s
        whole = jnp.clip(jnp.floor(lax.stop_gradient(place)), 0, self.amplitude.shape[0] - 2)
        share, first = jnp.clip(place - whole, 0, 1), whole.astype(int)
        u = self.amplitude[first], self.amplitude[first + 1]
        p = self.rate[first] * self.dt_s, self.rate[first + 1] * self.dt_s
        rest = 1 - share
        between = (
            (1 + 2 * share) * rest**2 * u[0]
            + share * rest**2 * p[0]
            + (3 - 2 * share) * share**2 * u[1]
            - share**2 * rest * p[1]
        )
        return between @ (self.features(x_km) @ self.modes)

    def records(self, x_km: Float[Array, "point dim"]) -> Float[Array, "source point time"]:
        """Seismograms at points, at the samples.

        Raises:
            ValueError: for points that can be seen to lie outside the medium.
        """
        check_within("point", x_km, self.box_km)
        there = lax.map(self.features, x_km, batch_size=256) @ self.modes
        return jnp.einsum("tsm,pm->spt", self.amplitude, there)


def ball(num_dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights whose sum is the mean over a bell of standard deviation 1 about the origin."""
    x = 0.5 * (np.arange(NODES) - NODES // 2)
    w = np.exp(-(x**2) / 2)
    points = np.stack(np.meshgrid(*(x,) * num_dims, indexing="ij"), axis=-1).reshape(-1, num_dims)
    weights = np.prod(np.meshgrid(*(w / w.sum(),) * num_dims, indexing="ij"), axis=0).reshape(-1)
    return points, weights


@eqx.filter_jit
def _march(network: WaveNetwork, drive, series, dt_s, substeps: int):
    """Amplitudes and rates at samples. A step: half of the drag and of the push, the modes' swing, the layers' memory, and the other half.

    Each part is exact on its own; drag and swing lose or keep energy, so that steps of any length are stable outside layers.
    """
    step = dt_s / substeps
    omega = network.angular_hz
    # Rows are sources.
    turn, lift = jnp.cos(omega * step)[None], (step * jnp.sinc(omega * step / jnp.pi))[None]
    back, fade = (omega**2)[None] * lift, jnp.expm1(-network.drag_hz * step / 2)[None]
    memory = network.memory
    keep = jnp.exp(-memory.decay * step)
    # Of the integral of exp(-decay s) over a step; where nothing decays it is the step.
    safe = jnp.where(memory.decay > 0, memory.decay, 1)
    mean = jnp.where(memory.decay > 0, -jnp.expm1(-memory.decay * step) / safe, step)
    gain = (jnp.sum(memory.decay, axis=0, keepdims=True) - 2 * memory.decay) * mean

    def dragged(rate):
        return rate + ((rate @ network.drag) * fade) @ network.drag.T

    def push(rate, remembered, force):
        pulled = jnp.einsum("dps,dpm->sm", remembered, memory.slope)
        return rate + step / 2 * (force[:, None] * drive - pulled)

    def one(state, forces):
        u, p, remembered, slope = state
        p = push(dragged(p), remembered, forces[0])
        u, p = turn * u + lift * p, turn * p - back * u
        now = jnp.einsum("dpm,sm->dps", memory.slope, u)
        remembered = keep[..., None] * remembered + gain[..., None] * (slope + now) / 2
        return (u, dragged(push(p, remembered, forces[1])), remembered, now), None

    def sample(state, forces):
        state, _ = lax.scan(one, state, forces)
        return state, (state[0], state[1])

    fine = finer(series, substeps).T
    pairs = jnp.stack([fine[:-1], fine[1:]], axis=1)
    num = (series.shape[1] - 1) * substeps
    pairs = pairs[:num].reshape(series.shape[1] - 1, substeps, 2, -1)
    rest = jnp.zeros(drive.shape, drive.dtype)
    quiet = jnp.zeros((*memory.decay.shape, drive.shape[0]), drive.dtype)
    _, (u, p) = lax.scan(jax.checkpoint(sample), (rest, rest, quiet, quiet), pairs)
    return jnp.concatenate([rest[None], u]), jnp.concatenate([rest[None], p])
