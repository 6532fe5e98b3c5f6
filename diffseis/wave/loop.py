"""A time loop, put together of an equation, sources and receivers."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from diffseis.wave.adjoint import Loop
from diffseis.wave.base import AbstractWaveEquation, Place, State
from diffseis.wave.domain import Domain
from diffseis.wave.linear import materialised
from diffseis.wave.points import Stencil, check_inside, spread
from diffseis.wave.receivers import AbstractReceivers
from diffseis.wave.resampling import add_dispersion, finer, shifted
from diffseis.wave.rims import Rims, rims_of
from diffseis.wave.sources import AbstractSources
from diffseis.wave.time_axis import TimeAxis


class Operands(eqx.Module):
    """What a step needs besides the state."""

    coefficients: PyTree
    actions: tuple["Action", ...]
    readings: tuple[tuple["Reading", ...], ...]


class Action(eqx.Module):
    """Sources on a field, in the time loop."""

    field: str = eqx.field(static=True)
    after: bool = eqx.field(static=True)
    stencil: Stencil
    patches: Float[Array, "point ..."]


class Reading(eqx.Module):
    """Points on a field, in the time loop."""

    terms: tuple[tuple[str, float], ...] = eqx.field(static=True)
    stencils: tuple[Stencil, ...]


def make_loop(
    equation: AbstractWaveEquation,
    medium: Any,
    sources: tuple[AbstractSources, ...],
    receivers: tuple[AbstractReceivers, ...],
    time_axis: TimeAxis,
    domain: Domain,
    substeps: int,
    *,
    filter_dispersion: bool,
    reversible: bool,
) -> Loop:
    """All that does not change with time is computed here, once.

    Args:
        equation, medium, sources, receivers, time_axis, substeps, filter_dispersion: as of `propagate`.
        domain: where waves are computed.
        reversible: whether it must be possible to run it backwards.
    """
    dt_s = time_axis.dt_s / substeps
    coefficients = _materialised(equation.prepare(medium, domain, dt_s), domain.shape)
    state = equation.start(coefficients)
    places = equation.places(domain)
    rims = rims_of(domain, equation.order, check=reversible)
    actions, forces = [], []
    for kind in sources:
        check_inside("source", kind.position_km, medium.grid)
        series = _driving(kind, time_axis, substeps, filter_dispersion)
        for act in equation.acts(kind, coefficients, medium, dt_s):
            dtype = state.fields[act.field].dtype
            stencil = spread(kind.position_km, domain, places[act.field], dtype, reading=False)
            factor = rims.known_inside(act.factor) if reversible and act.factor.ndim else act.factor
            actions.append(Action(act.field, act.after, stencil, stencil.patches(factor)))
            moved = shifted(series, 0.5) if act.half else series
            forces.append((act.amplitude.astype(dtype)[:, None] * moved.astype(dtype)).T)
    readings = []
    for kind in receivers:
        check_inside("receiver", kind.position_km, medium.grid)
        readings.append(tuple(_reading(equation, domain, places, state, *wanted) for wanted in kind.wanted()))
    operands = Operands(coefficients, tuple(actions), tuple(readings))
    moving = jax.tree.map(eqx.is_inexact_array, operands)
    moving = eqx.tree_at(lambda o: o.coefficients, moving, Rims.moving(coefficients, domain.shape))
    return Loop(
        operands,
        state,
        tuple(forces),
        time_axis.num_samples * substeps,
        body=partial(_step, equation),
        undo=partial(_undo, equation),
        rims=rims,
        moving=moving if reversible else None,
    )


def _materialised(coefficients: PyTree, shape: tuple[int, ...]) -> PyTree:
    """The same, computed before the time loop begins (and their cotangents, when it has ended): so that they are the same numbers however the
    loop is run. Of arrays over all nodes, and of slabs."""
    over_nodes = Rims.moving(coefficients, shape)
    moving, rest = eqx.partition(coefficients, over_nodes)
    leaves, tree = jax.tree.flatten(moving)
    return eqx.combine(jax.tree.unflatten(tree, materialised(*leaves)), rest)


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
) -> Reading:
    terms = equation.observable(name, domain.grid.num_dims)
    stencils = tuple(
        spread(position_km, domain, places[field], state.fields[field].dtype, reading=True, slope=slope)
        for field, _ in terms
    )
    return Reading(terms, stencils)


def _step(equation: AbstractWaveEquation, operands: Operands, state: State, force):
    """The state a step later, and what is recorded of it."""
    state = _act(state, operands.actions, force, after=False)
    state = _act(equation.step(state, operands.coefficients), operands.actions, force, after=True)
    # Read at the end: of fields that are read and then changed XLA would make copies.
    is_reading = lambda r: isinstance(r, Reading)
    return state, jax.tree.map(lambda r: _read(state, r), operands.readings, is_leaf=is_reading)


def _undo(equation: AbstractWaveEquation, operands: Operands, state: State, force) -> State:
    """The state before a step."""
    force = jax.tree.map(jnp.negative, force)
    state = equation.step_back(_act(state, operands.actions, force, after=True), operands.coefficients)
    return _act(state, operands.actions, force, after=False)


def _act(state: State, actions: tuple[Action, ...], forces, *, after: bool) -> State:
    """The state with what sources add to it before or after a step."""
    fields = dict(state.fields)
    for action, force in zip(actions, forces, strict=True):
        if action.after == after:
            added = action.stencil.add(fields[action.field], action.patches, force)
            (fields[action.field],) = materialised(added)
    return State(fields, state.carried)


def _read(state: State, reading: Reading) -> Float[Array, " receiver"]:
    found = [
        factor * stencil.read(state.fields[field])
        for (field, factor), stencil in zip(reading.terms, reading.stencils, strict=True)
    ]
    return sum(found[1:], start=found[0])
