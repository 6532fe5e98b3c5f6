"""Solve the eikonal equation on a grid for one source."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.ndimage import distance_transform_edt

from diffseis.core import safe
from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import evaluate_spline, spline_coefficients
from diffseis.core.results import RESULTS, Solution
from diffseis.eikonal.adjoint import AbstractAdjoint, ImplicitAdjoint
from diffseis.eikonal.anelliptical import Anelliptical
from diffseis.eikonal.factored import FAR_S_PER_KM, Anisotropy, factor
from diffseis.eikonal.metric import AbstractMetric, Straight
from diffseis.eikonal.terrain import Terrain
from diffseis.velocity.anisotropic import TransverselyIsotropic
from diffseis.velocity.base import AbstractVelocityModel

OUTSIDE = 1e-3
"""Spacings by which rounding may put a source outside the grid."""


class FactoredSweeping(eqx.Module):
    """Factored fast sweeping of second order.

    In smooth media the error is of second order in the spacing, wherever the source lies. At a jump of speed it is of first order, since
    the jump lies somewhere between two nodes; where tau bends sharply, stencils are of first order.

    Attributes:
        order: 2, or 1 for Godunov's monotone scheme.
        max_rounds: largest number of rounds of each pass, a round being one sweep per orientation.
        tolerance: largest relative difference between a node's tau and what its neighbours make it, at which to stop (not less than a few
            units of rounding).
        near_nodes: within this many nodes of the source tau is the mean slowness of the straight segment.

    References:
        Fomel, Luo & Zhao (2009), Fast sweeping method for the factored eikonal equation,
        doi:10.1016/j.jcp.2009.05.029; Zhao (2005), A fast sweeping method for eikonal equations,
        doi:10.1090/S0025-5718-04-01678-3.
    """

    order: int = eqx.field(static=True, default=2)
    max_rounds: int = eqx.field(static=True, default=50)
    tolerance: float = eqx.field(static=True, default=1e-7)
    near_nodes: float = eqx.field(static=True, default=2.5)

    def __check_init__(self):
        if self.order not in (1, 2):
            raise ValueError(f"`order` must be 1 or 2, got {self.order}")
        if self.max_rounds < 1:
            raise ValueError(f"`max_rounds` must be >= 1, got {self.max_rounds}")
        if self.near_nodes < 1.5:
            raise ValueError(
                f"`near_nodes` must be at least 1.5 for the scheme to be monotone, got {self.near_nodes}"
            )


class GridTime(eqx.Module):
    """Travel time from one source to any point within a grid.

    Attributes:
        coefficients: of the cubic spline of ``tau = T / distance``, s/km.
        grid: its nodes.
        source_km: on the grid's axes.
        metric: what distance is, and where a point lies in the grid.
    """

    coefficients: Float[Array, "..."]
    grid: RegularGrid
    source_km: Float[Array, " dim"]
    metric: AbstractMetric

    def __call__(self, x_km: Float[Array, " dim"]) -> Float[Array, ""]:
        """Time in s at a point on the grid's axes (below a `Terrain`: at its true depth)."""
        x_km = self.metric.grid_point(x_km)
        distance = safe.sqrt(self.metric.squared_distance(list(x_km), list(self.source_km)))
        return distance * evaluate_spline(self.coefficients, self.grid.to_index(x_km))


def solve_eikonal(
    model: AbstractVelocityModel | TransverselyIsotropic,
    grid: RegularGrid,
    solver: FactoredSweeping | None = None,
    *,
    source_km: Float[Array, " dim"],
    metric: AbstractMetric | None = None,
    air: np.ndarray | None = None,
    adjoint: AbstractAdjoint | None = None,
    throw: bool = True,
) -> Solution[GridTime]:
    """First-arrival times from one source, in isotropic and in transversely isotropic media (`velocity.TransverselyIsotropic`).

    Differentiable with respect to the model and the source, any number of times, forward and reverse; derivatives are NaN where their linear
    sweeps did not converge. Under `jax.jit` a source outside the grid, which is refused elsewhere, has times that are NaN.

    Args:
        model: the medium.
        grid: waves stay within it, so that it must reach as deep as they dive (over a distance L about ``L^2 / 8 R`` below their ends, where R is
            speed over its gradient). In two dimensions (distance, down): a vertical plane through the north axis, and equally a
            medium with cylindrical symmetry; in three (north, east, down).
        solver: the scheme; `FactoredSweeping()` by default.
        source_km: anywhere within the grid, on a node or off, on the grid's axes.
        metric: `Straight` by default; `Spherical` for a grid of latitude, longitude and depth, on whose coordinates the model's speed is then a
            function, too; `Terrain` for a grid under the ground.
        air: nodes that no wave enters, of the grid's shape: air above the ground, cavities, tunnels. Waves go round them, to first order in the
            spacing, as the edge of such nodes is a staircase (a smooth ground: `Terrain`). The model's speed must be finite there, too, and
            has no effect; between the ground and the last node below it times are those of this node's tau. Isotropic media only.
        adjoint: how derivatives are found; `ImplicitAdjoint()`, at the cost of one linear set of sweeps, by
            default.
        throw: raise when the sweeps did not converge.

    Returns:
        `Solution` with a `GridTime`, and ``stats["tau"]`` (s/km at the nodes) and ``stats["num_rounds"]``.
    """
    if grid.num_dims not in (2, 3):
        raise ValueError(
            f"the eikonal equation is solved in 2 or 3 dimensions, got a grid of {grid.num_dims}"
        )
    source_km = jnp.asarray(source_km)
    if source_km.shape != (grid.num_dims,):
        raise ValueError(f"`source_km` must have {grid.num_dims} coordinates, got shape {source_km.shape}")
    chosen = FactoredSweeping() if solver is None else solver
    metric = Straight() if metric is None else metric
    _check_metric(model, grid, chosen, metric)
    known = is_concrete(source_km, grid.origin_km, grid.spacing_km, *jax.tree.leaves(metric))
    if known and not grid.contains(metric.grid_point(source_km)):
        raise ValueError(f"the source {source_km} km lies outside the grid")
    closed = None if air is None else _closed(air, model, grid, metric, source_km)
    value, converged, rounds, tau = _solve(
        model,
        grid,
        chosen,
        ImplicitAdjoint() if adjoint is None else adjoint,
        source_km,
        metric,
        closed,
    )
    result = RESULTS.where(converged, RESULTS.successful, RESULTS.max_steps_reached)
    if throw:
        value = result.error_if(value, ~converged)
    return Solution(value=value, result=result, stats={"num_rounds": rounds, "tau": tau})


class _Closed(NamedTuple):
    """`nodes`: those that no wave enters; `nearest`: for every node, the number of the nearest open one."""

    nodes: Array
    nearest: Array


def _closed(air, model, grid: RegularGrid, metric: AbstractMetric, source_km) -> _Closed:
    air = np.asarray(air)
    if air.shape != grid.shape or air.dtype != bool:
        raise ValueError(
            f"`air` must be booleans of the grid's shape {grid.shape}, got {air.dtype} of shape {air.shape}"
        )
    if isinstance(model, TransverselyIsotropic) or isinstance(metric, Terrain):
        raise ValueError("`air` goes with isotropic media on grids that are not bent; use `Terrain` alone")
    if air.all():
        raise ValueError("`air` leaves no node that a wave could enter")
    if is_concrete(source_km, grid.origin_km, grid.spacing_km):
        with jax.ensure_compile_time_eval():
            index = np.asarray(grid.to_index(metric.grid_point(source_km)))
        index = np.clip(index, 0, np.array(grid.shape) - 1)
        around = np.ix_(*(np.unique([int(np.floor(i)), int(np.ceil(i))]) for i in index))
        if air[around].all():
            raise ValueError(f"the source {source_km} km lies in the air: all nodes around it are closed")
    found = distance_transform_edt(air, return_distances=False, return_indices=True)
    nearest = np.ravel_multi_index(tuple(np.asarray(found)), grid.shape)
    return _Closed(jnp.asarray(air), jnp.asarray(nearest, jnp.int32))


def _check_metric(
    model: AbstractVelocityModel | TransverselyIsotropic,
    grid: RegularGrid,
    solver: FactoredSweeping,
    metric: AbstractMetric,
) -> None:
    """Raises ValueError where medium, grid, scheme and metric do not go together."""
    terrain = metric if isinstance(metric, Terrain) else None
    if (terrain is not None or isinstance(model, TransverselyIsotropic)) and solver.order == 1:
        raise ValueError("anisotropic media and terrains need the scheme of second order (`order=2`)")
    if terrain is not None and is_concrete(
        terrain.top_km, terrain.bottom_km, grid.origin_km, grid.spacing_km
    ):
        ends, wanted = (terrain.top_km, terrain.bottom_km), (grid.origin_km[-1], grid.end_km[-1])
        if not np.allclose(np.asarray(ends), np.asarray(wanted)):
            raise ValueError(
                f"`top_km` and `bottom_km` of the terrain are {ends[0]} and {ends[1]}, but the grid goes from {wanted[0]} to {wanted[1]} km"
            )
    if not isinstance(model, TransverselyIsotropic):
        return
    if not isinstance(metric if terrain is None else terrain.flat, Straight):
        raise ValueError(
            f"anisotropic media are solved in a flat space only, got the metric {type(metric).__name__}"
        )
    if grid.num_dims == 2 and is_concrete(model.axis_ned) and abs(float(model.axis_ned[1])) > 1e-9:
        raise ValueError(
            f"in a vertical plane the axis of symmetry must lie in it, got `axis_ned` = {model.axis_ned}"
        )


@eqx.filter_jit
def _solve(model, grid, solver, adjoint, source_km, metric, closed):
    def place(x_km):
        x_km = metric.model_point(x_km)
        return x_km if grid.num_dims == 3 else jnp.stack([x_km[0], jnp.zeros_like(x_km[0]), x_km[1]])

    source_km, anisotropy, medium = metric.grid_point(source_km), None, model
    if isinstance(model, TransverselyIsotropic):
        medium = model.axial
        axis = model.axis_ned if grid.num_dims == 3 else model.axis_ned[jnp.asarray([0, 2])]
        anisotropy = Anisotropy(lambda x: model.thomsen(place(x)), axis)
        flat = Anelliptical(*model.thomsen(place(source_km)), axis)
        metric = eqx.tree_at(lambda m: m.flat, metric, flat) if isinstance(metric, Terrain) else flat
    equation = factor(
        lambda x: medium.speed(place(x)), grid, source_km, solver.near_nodes, metric, anisotropy
    )
    if closed is not None:
        near, far = equation.near | closed.nodes, jnp.asarray(FAR_S_PER_KM, equation.near_tau.dtype)
        near_tau = jnp.where(closed.nodes, far, equation.near_tau)
        equation = eqx.tree_at(lambda e: (e.near, e.near_tau), equation, (near, near_tau))
    tau, _, rounds, converged = adjoint.solve(
        equation, order=solver.order, max_rounds=solver.max_rounds, tolerance=solver.tolerance
    )
    if closed is not None:
        tau = tau.reshape(-1)[closed.nearest]
    # Where a source outside cannot be refused, while JAX traces, it has no times.
    at = grid.to_index(source_km)
    last = jnp.asarray(grid.shape, at.dtype) - 1
    inside = jnp.all((at >= -OUTSIDE) & (at <= last + OUTSIDE))
    converged, tau = converged & inside, jnp.where(inside, tau, jnp.nan)
    coefficients = spline_coefficients(tau, grid.num_dims)
    return GridTime(coefficients, grid, source_km, metric), converged, rounds, tau
