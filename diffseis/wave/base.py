"""What a wave equation is to the one time loop."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from diffseis.wave.domain import Domain


class AbstractWaveEquation(eqx.Module):
    """How a wavefield goes from one time step to the next.

    Everything that does not change with time is put into `coefficients` once; `step` is linear in the state and in the forces.
    """

    order: eqx.AbstractVar[int]

    @abc.abstractmethod
    def largest_step_s(self, medium: Any) -> Float[Array, ""]:
        """The time step at which waves begin to grow."""

    @abc.abstractmethod
    def prepare(self, medium: Any, domain: Domain, dt_s: Float[Array, ""]) -> PyTree:
        """What steps need of the medium and the boundary."""

    @abc.abstractmethod
    def start(self, coefficients: PyTree) -> PyTree:
        """A medium at rest."""

    @abc.abstractmethod
    def finish(self, state: PyTree, coefficients: PyTree) -> PyTree:
        """The state with what the last `advance` left to be added; then it can be read."""

    @abc.abstractmethod
    def advance(self, state: PyTree, coefficients: PyTree) -> PyTree:
        """The state a step later, but for what `finish` adds."""

    @abc.abstractmethod
    def source_factor(self, coefficients: PyTree, medium: Any) -> Float[Array, "..."]:
        """What each node's share of a source is multiplied by."""

    @abc.abstractmethod
    def field(self, state: PyTree) -> Float[Array, "..."]:
        """What sources act on and receivers read."""

    @abc.abstractmethod
    def with_field(self, state: PyTree, field: Float[Array, "..."]) -> PyTree:
        """The state with another field."""
