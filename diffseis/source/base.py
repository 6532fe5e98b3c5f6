"""The interfaces of seismic sources and of their time functions."""

import abc

import equinox as eqx
from jaxtyping import Array, Float


class AbstractTimeFunction(eqx.Module):
    """How fast a source acts, as a function of time since the origin time.

    For a moment tensor it is the moment rate over the scalar moment, for a force the force over its amplitude. Those that
    have an integral have the integral 1, unless they say otherwise.
    """

    @abc.abstractmethod
    def __call__(self, t_s: Float[Array, ""]) -> Float[Array, ""]:
        """Rate in 1/s (or the dimension that the class states) at a time in seconds."""


class AbstractSource(eqx.Module):
    """A point source of moment.

    Laws, tested on every implementation: the tensor is symmetric, its scalar moment is what the source states, and it is
    differentiable in every array leaf.
    """

    @abc.abstractmethod
    def moment_tensor(self) -> Float[Array, "3 3"]:
        """In north, east, down; unit 1e18 N m."""
