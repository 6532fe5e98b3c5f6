"""Waves from sources to receivers: the one time loop."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.results import RESULTS, Solution
from diffseis.wave.adjoint import AbstractAdjoint, Recursive
from diffseis.wave.base import AbstractWaveEquation
from diffseis.wave.boundary import Boundary
from diffseis.wave.dispersion import add_dispersion, remove_dispersion
from diffseis.wave.domain import Domain
from diffseis.wave.points import check_inside, spread

SAFETY = 0.9
"""Share of the largest stable time step that is used. Steps may be long: what they do to waves is filtered out."""


class TimeAxis(eqx.Module):
    """When sources act and receivers record: every `dt_s` from the time 0.

    Attributes:
        num_samples: their number (static).
        dt_s: the interval.
    """

    num_samples: int = eqx.field(static=True)
    dt_s: Float[Array, ""]

    def __init__(self, num_samples: int, dt_s):
        self.num_samples = int(num_samples)
        self.dt_s = jnp.asarray(dt_s, float)

    def times_s(self) -> Float[Array, " time"]:
        """The times of all samples."""
        return self.dt_s * jnp.arange(self.num_samples, dtype=self.dt_s.dtype)


class Sources(eqx.Module):
    """Points that drive a wavefield.

    Attributes:
        position_km: on the axes of the grid.
        series: what each does, at the times of a `TimeAxis`; it should begin and end at rest.
    """

    position_km: Float[Array, "source dim"]
    series: Float[Array, "source time"]


class Receivers(eqx.Module):
    """Points that record.

    Attributes:
        position_km: on the axes of the grid.
    """

    position_km: Float[Array, "receiver dim"]


def num_substeps(equation: AbstractWaveEquation, medium: Any, time_axis: TimeAxis) -> int:
    """How many steps of time between two samples are stable: a number to find once, outside `jax.jit` and `jax.grad`."""
    largest = equation.largest_step_s(medium)
    if not is_concrete(largest, time_axis.dt_s):
        raise ValueError(
            "the number of time steps depends on the medium, which is being traced: give `substeps=num_substeps(equation, medium, "
            "time_axis)`, found outside of jit and grad"
        )
    return max(1, math.ceil(float(time_axis.dt_s) / (SAFETY * float(largest)) - 1e-9))


def propagate(
    equation: AbstractWaveEquation,
    medium: Any,
    sources: Sources,
    receivers: Receivers,
    time_axis: TimeAxis,
    *,
    boundary: Boundary | None = None,
    adjoint: AbstractAdjoint | None = None,
    substeps: int | None = None,
    filter_dispersion: bool = True,
    throw: bool = True,
) -> Solution[Float[Array, "receiver time"]]:
    """Seismograms of point sources.

    Differentiable in the medium's values, in the sources and in the receivers, forward and reverse, any number of times; the grid's
    geometry is held fixed. Derivatives are those of the computed numbers, to rounding.

    Args:
        equation: the physics, and its order in space.
        medium: what it needs, on a grid.
        sources, receivers: anywhere within the grid.
        time_axis: when sources act and receivers record.
        boundary: the faces of the grid; absorbing layers outside all of them by default.
        adjoint: how derivatives are computed; `Recursive()` by default.
        substeps: steps of time between samples; as many as are stable by default.
        filter_dispersion: remove what time steps do to waves.
        throw: raise where a seismogram is not finite.
    """
    boundary = Boundary.absorbing(medium.grid.num_dims) if boundary is None else boundary
    adjoint = Recursive() if adjoint is None else adjoint
    substeps = num_substeps(equation, medium, time_axis) if substeps is None else substeps
    check_inside("source", sources.position_km, medium.grid)
    check_inside("receiver", receivers.position_km, medium.grid)
    num, dtype = time_axis.num_samples, sources.series.dtype
    if sources.series.shape[1] != num:
        raise ValueError(f"sources have {sources.series.shape[1]} samples, the time axis {num}")
    medium = eqx.tree_at(lambda m: m.grid, medium, replace_fn=jax.lax.stop_gradient)
    domain = Domain(medium.grid, boundary)
    coefficients = equation.prepare(medium, domain, time_axis.dt_s / substeps)
    state = equation.start(coefficients)
    acting = spread(sources.position_km, domain, dtype)
    recording = spread(receivers.position_km, domain, dtype)
    factor = equation.source_factor(coefficients, medium)
    series = _finer(sources.series, substeps)
    series = add_dispersion(series) if filter_dispersion else series
    # What a source does at a step changes the field of the next.
    forces = jnp.pad(series, [(0, 0), (1, 0)])[:, :-1].T

    def body(state, force):
        state = equation.finish(state, coefficients)
        field = acting.add(equation.field(state), factor, force)
        state = equation.with_field(state, field)
        return equation.advance(state, coefficients), recording.read(field)

    state, recorded = adjoint.loop(body, state, forces, num * substeps)
    traces = remove_dispersion(recorded.T) if filter_dispersion else recorded.T
    traces = traces[:, ::substeps]
    result = RESULTS.where(jnp.all(jnp.isfinite(traces)), RESULTS.successful, RESULTS.non_finite)
    if throw:
        traces = result.error_if(traces, result != RESULTS.successful)
    return Solution(value=traces, result=result, stats={"num_steps": num * substeps}, state=state)


def _finer(series, factor: int):
    """Band-limited values between samples; silence follows the last."""
    if factor == 1:
        return series
    num = series.shape[-1]
    spectrum = jnp.fft.rfft(series, n=2 * num, axis=-1)
    padded = jnp.pad(spectrum, [(0, 0)] * (series.ndim - 1) + [(0, num * (factor - 1))])
    return (jnp.fft.irfft(padded, n=2 * num * factor, axis=-1) * factor)[..., : num * factor].astype(
        series.dtype
    )
