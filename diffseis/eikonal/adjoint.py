"""How the solution of an eikonal equation is differentiated."""

import abc

import equinox as eqx
from jaxtyping import Array, Float

from diffseis.eikonal.sweeping import Factored, implicit


class AbstractAdjoint(eqx.Module):
    """A way to differentiate a converged solution."""

    @abc.abstractmethod
    def attach(
        self, equation: Factored, tau: Float[Array, "*shape"], *, max_rounds: int
    ) -> Float[Array, "*shape"]:
        """The same tau, with derivatives with respect to the equation.

        Args:
            equation: with the derivatives of its parts.
            tau: converged, without derivatives.
            max_rounds: largest number of rounds of linear sweeps.
        """


class ImplicitAdjoint(AbstractAdjoint):
    """By the implicit function theorem: one linear set of sweeps, whatever number the solution took.

    No sweep is remembered, so memory does not grow with their number. Which neighbour the wave comes from
    is held fixed: first derivatives are exact, forward and reverse, except where two waves arrive together.
    """

    def attach(
        self, equation: Factored, tau: Float[Array, "*shape"], *, max_rounds: int
    ) -> Float[Array, "*shape"]:
        return implicit(equation, tau, max_rounds=max_rounds)
