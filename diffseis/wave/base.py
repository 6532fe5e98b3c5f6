"""What a wave equation is to the one time loop."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from diffseis.wave.domain import Domain

Fields = dict[str, Float[Array, "..."]]
"""Arrays over all nodes of a domain, by name."""


class State(eqx.Module):
    """A wavefield between two steps.

    Attributes:
        fields: what sources act on and receivers read.
        carried: what else the next step needs.
    """

    fields: Fields
    carried: PyTree


class Act(eqx.Module):
    """One way for point sources to act on a field.

    Attributes:
        field: which (static).
        amplitude: of each source, per unit of its series.
        factor: what each node's share is multiplied by.
        half: whether it is to be sampled half a step after the times of steps (static).
        after: whether it is added to what a step ends with (static); if not, to what it begins with.
    """

    field: str = eqx.field(static=True)
    amplitude: Float[Array, " source"]
    factor: Float[Array, "..."]
    half: bool = eqx.field(static=True)
    after: bool = eqx.field(static=True)


class Place(eqx.Module):
    """Where and when a field lives (static).

    Attributes:
        between: along which axes its values lie half a spacing after the nodes.
        odd: at which faces it has images of the opposite sign; at others, of the same sign.
        early: whether its values at the end of a step are those of half a step before.
    """

    between: tuple[bool, ...] = eqx.field(static=True)
    odd: tuple[tuple[bool, bool], ...] = eqx.field(static=True)
    early: bool = eqx.field(static=True)


class AbstractWaveEquation(eqx.Module):
    """How a wavefield goes from one time step to the next.

    Everything that does not change with time is put into `coefficients` once; `step` is linear in the state.
    """

    order: eqx.AbstractVar[int]

    @abc.abstractmethod
    def largest_step_s(self, medium: Any) -> Float[Array, ""]:
        """The time step at which waves begin to grow."""

    @abc.abstractmethod
    def prepare(self, medium: Any, domain: Domain, dt_s: Float[Array, ""]) -> PyTree:
        """What steps need of the medium and the boundary."""

    @abc.abstractmethod
    def start(self, coefficients: PyTree) -> State:
        """A medium at rest."""

    @abc.abstractmethod
    def step(self, state: State, coefficients: PyTree) -> State:
        """The state a step later."""

    def step_back(self, state: State, coefficients: PyTree) -> State:
        """The state a step before, as far as no absorbing layer has changed it: for equations that lose nothing inside."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot be run backwards: waves are absorbed everywhere; use `adjoint=Recursive()`"
        )

    @abc.abstractmethod
    def places(self, domain: Domain) -> dict[str, Place]:
        """Where and when each field lives."""

    @abc.abstractmethod
    def acts(
        self, sources: Any, coefficients: PyTree, medium: Any, dt_s: Float[Array, ""]
    ) -> tuple[Act, ...]:
        """How sources act; `TypeError` for sources that the equation does not know."""

    @abc.abstractmethod
    def observable(self, name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
        """Fields and factors that add up to what receivers ask for: ``pressure``, or ``velocity 0`` and so on along the axes."""
