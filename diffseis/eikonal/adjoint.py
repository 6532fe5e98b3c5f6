"""How the solution of an eikonal equation is differentiated."""

import abc

import equinox as eqx

from diffseis.eikonal.factored import Factored
from diffseis.eikonal.implicit import solve_implicit


class AbstractAdjoint(eqx.Module):
    """A way to solve an equation so that the solution can be differentiated."""

    @abc.abstractmethod
    def solve(self, equation: Factored, *, order: int, max_rounds: int, tolerance: float):
        """tau at the nodes, the stencils, the number of rounds, and whether they converged."""


class ImplicitAdjoint(AbstractAdjoint):
    """By the implicit function theorem: a linear set of sweeps, whatever number the solution took.

    No sweep is remembered, so memory does not grow with their number. Which neighbour the wave comes from
    is held fixed: derivatives of any order are exact, forward and reverse, except where two waves arrive
    together.
    """

    def solve(self, equation: Factored, *, order: int, max_rounds: int, tolerance: float):
        return solve_implicit(equation, order, max_rounds, tolerance)
