"""What a run will need, before it runs."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr
from jaxtyping import PyTree

from diffseis.wave.adjoint import AbstractAdjoint
from diffseis.wave.base import AbstractWaveEquation
from diffseis.wave.boundary import Boundary
from diffseis.wave.propagate import num_substeps, set_up
from diffseis.wave.receivers import AbstractReceivers
from diffseis.wave.sources import AbstractSources
from diffseis.wave.time_axis import TimeAxis


class Plan(eqx.Module):
    """What a run needs beyond its arguments. Its `str` is a table.

    Attributes:
        num_nodes: of the grid, layers included.
        num_steps: of time.
        coefficients_bytes: what steps need of the medium.
        state_bytes: one wavefield, memories of layers included.
        kept_bytes: what reverse mode keeps of the wavefield.
        forward_bytes, gradient_bytes: all that is in use at the same time.
        recomputation: steps of the wavefield that a gradient computes, over those of a forward run.
    """

    num_nodes: int
    num_steps: int
    coefficients_bytes: int
    state_bytes: int
    kept_bytes: int
    forward_bytes: int
    gradient_bytes: int
    recomputation: float

    def __str__(self) -> str:
        rows = (
            ("nodes, layers included", f"{self.num_nodes:,}"),
            ("time steps", f"{self.num_steps:,}"),
            ("coefficients", _megabytes(self.coefficients_bytes)),
            ("one wavefield", _megabytes(self.state_bytes)),
            ("kept for the gradient", _megabytes(self.kept_bytes)),
            ("forward run", _megabytes(self.forward_bytes)),
            ("gradient", _megabytes(self.gradient_bytes)),
            ("steps computed for the gradient", f"{self.recomputation:.2f} times those of a forward run"),
        )
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.1f} MB"


def plan(
    equation: AbstractWaveEquation,
    medium: Any,
    sources: AbstractSources | tuple[AbstractSources, ...],
    receivers: AbstractReceivers | tuple[AbstractReceivers, ...],
    time_axis: TimeAxis,
    *,
    boundary: Boundary | None = None,
    adjoint: AbstractAdjoint | None = None,
    substeps: int | None = None,
) -> Plan:
    """What `propagate` with the same arguments, and its gradient by the medium, will need. Nothing is compiled or run: the program is traced, and what its
    loops keep is added up. A batch of shots needs that many times as much.
    """
    substeps = num_substeps(equation, medium, time_axis) if substeps is None else substeps
    options = {"boundary": boundary, "adjoint": adjoint, "substeps": substeps, "filter_dispersion": True}
    variable, fixed = eqx.partition(
        medium, lambda x: eqx.is_inexact_array(x) and x.shape == medium.grid.shape
    )

    def made(variable):
        return set_up(equation, eqx.combine(variable, fixed), sources, receivers, time_axis, **options)

    def recorded(variable):
        _, loop, adjoint = made(variable)
        return adjoint.run(loop)[1]

    domain, loop, chosen = eqx.filter_eval_shape(made, variable)
    records = jax.eval_shape(recorded, variable)
    zeros = lambda tree: jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), tree)
    turned = jax.make_jaxpr(lambda v: jax.vjp(recorded, v)[1](zeros(records)))(variable)
    coefficients, state = _bytes(loop.operands), _bytes(loop.state)
    kept = _kept(turned.jaxpr)
    forward = coefficients + 2 * state + _bytes(records) + _bytes(loop.forces)
    return Plan(
        num_nodes=math.prod(domain.shape),
        num_steps=loop.num_steps,
        coefficients_bytes=coefficients,
        state_bytes=state,
        kept_bytes=kept,
        forward_bytes=forward,
        gradient_bytes=forward + coefficients + 2 * state + kept,
        recomputation=chosen.recomputation(loop.num_steps),
    )


def _bytes(tree: PyTree) -> int:
    """Of arrays, or of what they are like."""
    arrays = (x for x in jax.tree.leaves(tree) if isinstance(x, jax.Array | jax.ShapeDtypeStruct))
    return sum(math.prod(x.shape) * np.dtype(x.dtype).itemsize for x in arrays)


def _kept(jaxpr) -> int:
    """What loops of a program pile up, at the time when it is most: the loops of one level one after the other, all their piles alive; and of
    what is inside them the largest."""
    here, inside = 0, 0
    for eqn in jaxpr.eqns:
        programs = _programs(eqn.params)
        below = [_kept(program) for program in programs]
        if eqn.primitive.name == "scan":
            # What is carried has the same shape outside; what piles up has one more axis.
            outside, of_one = eqn.outvars, programs[0].outvars
            piles = (v.aval for v, w in zip(outside, of_one, strict=True) if v.aval.ndim > w.aval.ndim)
            here += _bytes([jax.ShapeDtypeStruct(p.shape, p.dtype) for p in piles])
            inside = max([inside, *below])
        else:
            here += sum(below)
    return here + inside


def _programs(params) -> list:
    """Programs within an operation."""
    opened = (p.jaxpr if isinstance(p, ClosedJaxpr) else p for p in params.values())
    return [p for p in opened if isinstance(p, Jaxpr)]
