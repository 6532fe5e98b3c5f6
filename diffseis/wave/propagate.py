"""Waves from sources to receivers: the one time loop."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import PyTree

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS, Solution
from diffseis.wave.adjoint import AbstractAdjoint, BoundaryReconstruct, Loop, Recursive
from diffseis.wave.base import AbstractWaveEquation
from diffseis.wave.boundary import Boundary
from diffseis.wave.decomposition import check_divisible, run_divided
from diffseis.wave.domain import Domain
from diffseis.wave.loop import Reading, make_loop
from diffseis.wave.receivers import AbstractReceivers
from diffseis.wave.resampling import continued, integrated, sampled
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
    mesh: Mesh | None = None,
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
        mesh: devices to divide the grid among, along its first axis; results are the same to the last bit. For derivatives by the medium; those
            by sources differ in rounding.
        throw: raise where a seismogram is not finite.

    Returns:
        As value what the receivers record (a tuple for a tuple of receivers).
    """
    domain, loop, adjoint = set_up(
        equation,
        medium,
        sources,
        receivers,
        time_axis,
        boundary=boundary,
        adjoint=adjoint,
        substeps=substeps,
        filter_dispersion=filter_dispersion,
    )
    if mesh is None:
        state, recorded = adjoint.run(loop)
    else:
        check_divisible(domain, mesh, adjoint)
        state, recorded = run_divided(loop, adjoint, equation, domain, mesh)
    several = receivers if isinstance(receivers, tuple) else (receivers,)
    places, fine = equation.places(domain), loop.num_steps // time_axis.num_samples

    def traces(recorded, reading: Reading):
        early = places[reading.terms[0][0]].early
        return sampled(recorded, early=early, substeps=fine, filter_dispersion=filter_dispersion)

    integrate = lambda x: integrated(continued(x), time_axis.dt_s)[..., : time_axis.num_samples]
    value = tuple(
        kind.combine(tuple(map(traces, recorded_of, readings)), integrate)
        for kind, recorded_of, readings in zip(several, recorded, loop.operands.readings, strict=True)
    )
    healthy = jnp.all(jnp.stack([jnp.all(jnp.isfinite(v)) for v in value]))
    result = RESULTS.where(healthy, RESULTS.successful, RESULTS.non_finite)
    if throw:
        value = result.error_if(value, result != RESULTS.successful)
    value = value if isinstance(receivers, tuple) else value[0]
    return Solution(value=value, result=result, stats={"num_steps": loop.num_steps}, state=state)


def set_up(
    equation: AbstractWaveEquation,
    medium: Any,
    sources: AbstractSources | tuple[AbstractSources, ...],
    receivers: AbstractReceivers | tuple[AbstractReceivers, ...],
    time_axis: TimeAxis,
    *,
    boundary: Boundary | None,
    adjoint: AbstractAdjoint | None,
    substeps: int | None,
    filter_dispersion: bool,
) -> tuple[Domain, Loop, AbstractAdjoint]:
    """The time loop of `propagate`, and how it will be run; with its defaults."""
    boundary = Boundary.absorbing(medium.grid.num_dims) if boundary is None else boundary
    adjoint = Recursive() if adjoint is None else adjoint
    substeps = num_substeps(equation, medium, time_axis) if substeps is None else substeps
    medium = _fix_grid(medium)
    domain = Domain(medium.grid, boundary)
    loop = make_loop(
        equation,
        medium,
        sources if isinstance(sources, tuple) else (sources,),
        receivers if isinstance(receivers, tuple) else (receivers,),
        time_axis,
        domain,
        substeps,
        filter_dispersion=filter_dispersion,
        reversible=isinstance(adjoint, BoundaryReconstruct),
    )
    return domain, loop, adjoint


def _fix_grid(medium):
    """The medium with a grid that has no derivatives."""
    is_grid = lambda node: isinstance(node, RegularGrid)
    fix = lambda node: jax.tree.map(_fixed, node) if is_grid(node) else node
    return jax.tree.map(fix, medium, is_leaf=is_grid)


def _fixed(x):
    # Numbers stay numbers: to JAX they are none once an operation of its own has touched them while it traces.
    return x if is_concrete(x) else jax.lax.stop_gradient(x)
