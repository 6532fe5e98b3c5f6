"""Waves from sources to receivers: the one time loop."""

import math
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS, Solution
from diffseis.wave.adjoint import AbstractAdjoint, BoundaryReconstruct, Loop, Recursive
from diffseis.wave.base import AbstractWaveEquation, Place, State
from diffseis.wave.boundary import Boundary
from diffseis.wave.domain import Domain
from diffseis.wave.linear import materialised
from diffseis.wave.points import Stencil, check_inside, spread
from diffseis.wave.receivers import AbstractReceivers
from diffseis.wave.resampling import add_dispersion, continued, finer, integrated, remove_dispersion, shifted
from diffseis.wave.rims import Rims, rims_of
from diffseis.wave.sources import AbstractSources
from diffseis.wave.time_axis import TimeAxis

SAFETY = 0.9
"""Share of the largest stable time step that is used. Steps may be long: what they do to waves is filtered out."""


def num_substeps(equation: AbstractWaveEquation, medium: Any, time_axis: TimeAxis) -> int:
    """How many steps of time between two samples are stable: a number to find once, outside `jax.jit` and `jax.grad`."""
    largest = equation.largest_step_s(medium)
    if not is_concrete(largest, time_axis.dt_s):
        raise ValueError(
            "the number of time steps depends on the medium, which is being traced: give `substeps=num_substeps(equation, medium, "
            "time_axis)`, found outside of jit and grad"
        )
    return max(1, math.ceil(float(time_axis.dt_s) / (SAFETY * float(largest)) - 1e-9))


class _Operands(eqx.Module):
    """What a step needs besides the state."""

    coefficients: PyTree
    actions: tuple["_Action", ...]
    readings: tuple[tuple["_Reading", ...], ...]


class _Action(eqx.Module):
    """Sources on a field, in the time loop."""

    field: str = eqx.field(static=True)
    after: bool = eqx.field(static=True)
    stencil: Stencil
    factor: Float[Array, "..."]


class _Reading(eqx.Module):
    """Points on a field, in the time loop."""

    terms: tuple[tuple[str, float], ...] = eqx.field(static=True)
    stencils: tuple[Stencil, ...]


def propagate(
    equation: AbstractWaveEquation,
    medium: Any,
    sources: AbstractSources | tuple[AbstractSources, ...],
    receivers: AbstractReceivers | tuple[AbstractReceivers, ...],
    time_axis: TimeAxis,
    *,
    boundary: Boundary | None = None,
    adjoint: AbstractAdjoint | None = None,
    substeps: int | None = None,
    filter_dispersion: bool = True,
    throw: bool = True,
) -> Solution[PyTree]:
    """Seismograms of point sources.

    Differentiable in the medium's values, in the sources and in the receivers, forward and reverse, any number of times; the grid's
    geometry is held fixed. Derivatives are those of the computed numbers, to rounding.

    Args:
        equation: the physics, and its order in space.
        medium: what it needs, on a grid.
        sources, receivers: anywhere within the grid; or tuples of several kinds.
        time_axis: when sources act and receivers record.
        boundary: the faces of the grid; absorbing layers outside all of them by default.
        adjoint: how derivatives are computed; `Recursive()` by default.
        substeps: steps of time between samples; as many as are stable by default.
        filter_dispersion: remove what time steps do to waves.
        throw: raise where a seismogram is not finite.

    Returns:
        As value what the receivers record (a tuple for a tuple of receivers).
    """
    boundary = Boundary.absorbing(medium.grid.num_dims) if boundary is None else boundary
    adjoint = Recursive() if adjoint is None else adjoint
    substeps = num_substeps(equation, medium, time_axis) if substeps is None else substeps
    medium = _fix_grid(medium)
    domain = Domain(medium.grid, boundary)
    dt_s = time_axis.dt_s / substeps
    coefficients = equation.prepare(medium, domain, dt_s)
    state = equation.start(coefficients)
    places = equation.places(domain)
    several = receivers if isinstance(receivers, tuple) else (receivers,)
    actions, forces = [], []
    for kind in sources if isinstance(sources, tuple) else (sources,):
        check_inside("source", kind.position_km, medium.grid)
        series = _driving(kind, time_axis, substeps, filter_dispersion)
        for act in equation.acts(kind, coefficients, medium, dt_s):
            dtype = state.fields[act.field].dtype
            stencil = spread(kind.position_km, domain, places[act.field], dtype, reading=False)
            actions.append(_Action(act.field, act.after, stencil, act.factor))
            moved = shifted(series, 0.5) if act.half else series
            forces.append((act.amplitude.astype(dtype)[:, None] * moved.astype(dtype)).T)
    readings = []
    for kind in several:
        check_inside("receiver", kind.position_km, medium.grid)
        readings.append(tuple(_reading(equation, domain, places, state, *wanted) for wanted in kind.wanted()))

    operands = _Operands(coefficients, tuple(actions), tuple(readings))
    reconstructs = isinstance(adjoint, BoundaryReconstruct)
    moving = jax.tree.map(eqx.is_inexact_array, operands)
    moving = eqx.tree_at(lambda o: o.coefficients, moving, Rims.moving(coefficients, domain.shape))
    loop = Loop(
        operands,
        state,
        tuple(forces),
        time_axis.num_samples * substeps,
        body=partial(_step, equation),
        undo=partial(_undo, equation),
        rims=rims_of(domain, equation.order, check=reconstructs),
        moving=moving if reconstructs else None,
    )
    state, recorded = adjoint.run(loop)

    def finished(traces, early: bool):
        # The first sample of fields at whole steps is that of the medium at rest.
        traces = traces.T if early else jnp.pad(traces.T, [(0, 0), (1, 0)])[:, :-1]
        num = traces.shape[1]
        traces = continued(traces)
        traces = shifted(traces, -0.5) if early else traces
        traces = remove_dispersion(traces) if filter_dispersion else traces
        return traces[:, :num:substeps]

    value = tuple(
        kind.combine(
            tuple(finished(t, places[r.terms[0][0]].early) for t, r in zip(traces, reading, strict=True)),
            lambda x: integrated(continued(x), time_axis.dt_s)[..., : time_axis.num_samples],
        )
        for kind, reading, traces in zip(several, readings, recorded, strict=True)
    )
    healthy = jnp.all(jnp.stack([jnp.all(jnp.isfinite(v)) for v in value]))
    result = RESULTS.where(healthy, RESULTS.successful, RESULTS.non_finite)
    if throw:
        value = result.error_if(value, result != RESULTS.successful)
    stats = {"num_steps": time_axis.num_samples * substeps}
    return Solution(
        value=value if isinstance(receivers, tuple) else value[0], result=result, stats=stats, state=state
    )


def _fix_grid(medium):
    """The medium with a grid that has no derivatives."""
    is_grid = lambda node: isinstance(node, RegularGrid)
    fix = lambda node: jax.tree.map(_fixed, node) if is_grid(node) else node
    return jax.tree.map(fix, medium, is_leaf=is_grid)


def _fixed(x):
    # Numbers stay numbers: to JAX they are none once an operation of its own has touched them while it traces.
    return x if is_concrete(x) else jax.lax.stop_gradient(x)


def _driving(sources: AbstractSources, time_axis: TimeAxis, substeps: int, filter_dispersion: bool):
    """Series at every step."""
    if sources.series.shape[1] != time_axis.num_samples:
        raise ValueError(
            f"sources have {sources.series.shape[1]} samples, the time axis {time_axis.num_samples}"
        )
    series = finer(sources.series, substeps)
    return add_dispersion(series) if filter_dispersion else series


def _reading(
    equation, domain: Domain, places: dict[str, Place], state: State, name: str, position_km, slope
) -> _Reading:
    terms = equation.observable(name, domain.grid.num_dims)
    stencils = tuple(
        spread(position_km, domain, places[field], state.fields[field].dtype, reading=True, slope=slope)
        for field, _ in terms
    )
    return _Reading(terms, stencils)


def _step(equation: AbstractWaveEquation, operands: _Operands, state: State, force):
    """The state a step later, and what is recorded of it."""
    state = _act(state, operands.actions, force, after=False)
    state = _act(equation.step(state, operands.coefficients), operands.actions, force, after=True)
    # Read at the end: of fields that are read and then changed XLA would make copies.
    is_reading = lambda r: isinstance(r, _Reading)
    return state, jax.tree.map(lambda r: _read(state, r), operands.readings, is_leaf=is_reading)


def _undo(equation: AbstractWaveEquation, operands: _Operands, state: State, force) -> State:
    """The state before a step."""
    force = jax.tree.map(jnp.negative, force)
    state = equation.step_back(_act(state, operands.actions, force, after=True), operands.coefficients)
    return _act(state, operands.actions, force, after=False)


def _act(state: State, actions: tuple[_Action, ...], forces, *, after: bool) -> State:
    """The state with what sources add to it before or after a step."""
    fields = dict(state.fields)
    for action, force in zip(actions, forces, strict=True):
        if action.after == after:
            added = action.stencil.add(fields[action.field], action.factor, force)
            (fields[action.field],) = materialised(added)
    return State(fields, state.carried)


def _read(state: State, reading: _Reading) -> Float[Array, " receiver"]:
    found = [
        factor * stencil.read(state.fields[field])
        for (field, factor), stencil in zip(reading.terms, reading.stencils, strict=True)
    ]
    return sum(found[1:], start=found[0])
