"""Solve the eikonal equation on a grid for one source."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.core.grids import RegularGrid
from diffseis.core.interpolate import evaluate_spline, spline_coefficients
from diffseis.core.results import RESULTS, Solution
from diffseis.eikonal.adjoint import AbstractAdjoint, ImplicitAdjoint
from diffseis.eikonal.factored import factor
from diffseis.eikonal.metric import AbstractMetric, Straight
from diffseis.velocity.base import AbstractVelocityModel, is_concrete


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
        metric: what distance is.
    """

    coefficients: Float[Array, "..."]
    grid: RegularGrid
    source_km: Float[Array, " dim"]
    metric: AbstractMetric

    def __call__(self, x_km: Float[Array, " dim"]) -> Float[Array, ""]:
        """Time in s at a point on the grid's axes."""
        distance = safe.sqrt(self.metric.squared_distance(list(x_km), list(self.source_km)))
        return distance * evaluate_spline(self.coefficients, self.grid.to_index(x_km))


def solve_eikonal(
    model: AbstractVelocityModel,
    grid: RegularGrid,
    solver: FactoredSweeping | None = None,
    *,
    source_km: Float[Array, " dim"],
    metric: AbstractMetric | None = None,
    adjoint: AbstractAdjoint | None = None,
    throw: bool = True,
) -> Solution[GridTime]:
    """First-arrival times from one source.

    Differentiable with respect to the model and the source, any number of times, forward and reverse; derivatives are NaN where their linear
    sweeps did not converge.

    Args:
        model: the medium.
        grid: in two dimensions (distance, down): a vertical plane through the north axis, and equally a
            medium with cylindrical symmetry; in three (north, east, down).
        solver: the scheme; `FactoredSweeping()` by default.
        source_km: anywhere within the grid, on a node or off, on the grid's axes.
        metric: `Straight` by default; `Spherical` for a grid of latitude, longitude and depth, on whose coordinates the model's speed is then a
            function, too.
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
    if is_concrete(source_km, grid.origin_km, grid.spacing_km) and not grid.contains(source_km):
        raise ValueError(f"the source {source_km} km lies outside the grid")
    value, converged, rounds, tau = _solve(
        model,
        grid,
        FactoredSweeping() if solver is None else solver,
        ImplicitAdjoint() if adjoint is None else adjoint,
        source_km,
        Straight() if metric is None else metric,
    )
    result = RESULTS.where(converged, RESULTS.successful, RESULTS.max_steps_reached)
    if throw:
        value = result.error_if(value, ~converged)
    return Solution(value=value, result=result, stats={"num_rounds": rounds, "tau": tau})


@eqx.filter_jit
def _solve(model, grid, solver, adjoint, source_km, metric):
    def speed(x_km):
        if grid.num_dims == 3:
            return model.speed(x_km)
        return model.speed(jnp.stack([x_km[0], jnp.zeros_like(x_km[0]), x_km[1]]))

    equation = factor(speed, grid, source_km, solver.near_nodes, metric)
    tau, _, rounds, converged = adjoint.solve(
        equation, order=solver.order, max_rounds=solver.max_rounds, tolerance=solver.tolerance
    )
    coefficients = spline_coefficients(tau, grid.num_dims)
    return GridTime(coefficients, grid, source_km, metric), converged, rounds, tau
