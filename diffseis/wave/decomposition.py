"""A grid that is divided among devices.

Each device has some of the nodes of the first axis. In a time step it passes as many as a stencil is long to either neighbour, so that every
stencil sees the same numbers in the same order as if one device had them all: results and the gradient by the medium are the same to the last bit.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import PyTree

from diffseis.wave.adjoint import AbstractAdjoint, BoundaryReconstruct, Loop
from diffseis.wave.base import AbstractWaveEquation, State
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Edges
from diffseis.wave.first_order import Slopes
from diffseis.wave.linear import Slabs
from diffseis.wave.points import Stencil
from diffseis.wave.second_order import Curvature


def check_divisible(domain: Domain, mesh: Mesh, adjoint: AbstractAdjoint) -> None:
    """Refuse what cannot be divided."""
    if len(mesh.axis_names) != 1:
        raise ValueError(
            f"the devices that a grid is divided among need a mesh of one axis, got {mesh.axis_names}"
        )
    if domain.grid.num_dims < 2:
        raise ValueError("a grid of one dimension is not divided among devices")
    if isinstance(adjoint, BoundaryReconstruct):
        raise ValueError(
            "`BoundaryReconstruct` does not run on a grid that is divided among devices; use `Recursive`"
        )
    if domain.boundary.periodic[0]:
        raise ValueError("a grid is divided along its first axis, which must not be periodic then")
    num = domain.shape[0]
    if num % mesh.size:
        more = -num % mesh.size
        raise ValueError(
            f"{num} nodes along the first axis, layers included, are not divisible by {mesh.size} devices: make the grid or a layer "
            f"{more} nodes thicker"
        )


def run_divided(
    loop: Loop, adjoint: AbstractAdjoint, equation: AbstractWaveEquation, domain: Domain, mesh: Mesh
) -> tuple[State, PyTree]:
    """The fields at the end, and what is recorded. Memories of layers stay behind."""
    (name,) = mesh.axis_names
    operands, rest = eqx.partition(loop.operands, eqx.is_array)
    split, whole = PartitionSpec(name), PartitionSpec()

    def run(operands, forces):
        operands = _local(eqx.combine(operands, rest), name)
        state = equation.start(operands.coefficients)
        here = dataclasses.replace(loop, operands=operands, state=state, forces=forces)
        state, recorded = adjoint.run(here)
        # Records are the same on all devices; which has them does not matter, but that one has.
        return state.fields, jax.tree.map(lambda x: x[None], recorded)

    specs = _specs(operands, domain, split, whole)
    divided = jax.shard_map(
        run, mesh=mesh, in_specs=(specs, whole), out_specs=(split, split), check_vma=False
    )
    fields, recorded = divided(operands, loop.forces)
    return State(fields, ()), jax.tree.map(lambda x: x[0], recorded)


_is_slabs = lambda x: isinstance(x, Slabs)
_is_special = lambda x: isinstance(x, Slabs | Edges | Slopes | Curvature | Stencil)


def _specs(operands: PyTree, domain: Domain, split: PartitionSpec, whole: PartitionSpec) -> PyTree:
    """Which arrays are divided: those over the nodes of the first axis. Slabs at its faces are on all devices, and used on two."""

    def of_array(x):
        over_nodes = x.ndim == domain.grid.num_dims and x.shape[0] == domain.shape[0]
        return split if over_nodes else whole

    def of(node):
        if isinstance(node, Slabs):
            return jax.tree.map(lambda _: whole if node.band.axis == 0 else split, node)
        if isinstance(node, Slopes):  # Masks of the air lie over all nodes.
            return jax.tree.map(of_array, node)
        return jax.tree.map(lambda x: of_array(x) if node is x else whole, node)

    return jax.tree.map(of, operands, is_leaf=_is_special)


def _local(operands: PyTree, name: str) -> Any:
    """Operands on one device that know which part is theirs."""
    index = jax.lax.axis_index(name)
    first, last = index == 0, index == jax.lax.axis_size(name) - 1

    def edges_of(edges: Edges, dtype) -> Edges:
        if edges.adds.axis:
            return edges
        low, high = jnp.full(edges.adds.low, first), jnp.full(edges.adds.high, last)
        return dataclasses.replace(edges, here=jnp.concatenate([low, high]).astype(dtype))

    def of(node):
        if isinstance(node, Edges):
            return edges_of(node, jnp.zeros(()).dtype if node.gain is None else node.gain.dtype)
        if isinstance(node, Slopes):
            edges = {a: edges_of(e, node.inverse_spacing.dtype) for a, e in node.edges.items()}
            return dataclasses.replace(node, edges=edges, shared=name)
        if isinstance(node, Curvature | Stencil):
            return dataclasses.replace(node, shared=name)
        return node

    return jax.tree.map(of, operands, is_leaf=_is_special)
