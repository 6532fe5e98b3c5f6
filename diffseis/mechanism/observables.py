"""The interface of what was observed of one event."""

import abc

import equinox as eqx
from equinox import AbstractVar
from jaxtyping import Array, Bool, Float, Key

from diffseis.mechanism.noise import Noise


class AbstractObservable(eqx.Module):
    """Data of one kind of one event, padded: rows that are masked count for nothing, whatever they hold.

    Laws, tested on every implementation: masked rows and the order of rows change nothing; finite values and derivatives for every source,
    nodal ones included.
    """

    mask: AbstractVar[Bool[Array, "*event ray"]]
    """Which rows there are."""

    @abc.abstractmethod
    def log_prob(self, six: Float[Array, "source 6"], noise: Noise) -> Float[Array, " source"]:
        """Of the data, given each of many sources (six-vectors of unit scalar moment)."""

    @abc.abstractmethod
    def simulate(self, six: Float[Array, "6"], noise: Noise, *, key: Key[Array, ""]) -> "AbstractObservable":
        """The same rays with data that a source would have given, drawn by the likelihood's own model."""

    @abc.abstractmethod
    def features(self) -> Float[Array, "ray feature"]:
        """What a network may look at, ray by ray, numbers of order one; zero for masked rows."""

    @abc.abstractmethod
    def num_data(self) -> Float[Array, ""]:
        """How many there are."""
