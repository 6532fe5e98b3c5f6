"""How residuals of many events scatter about zero, as least squares needs it: weights that change with the residual.

`likelihood` judges the picks of one event; these are sums over all events of a catalogue, each with the weights of its Gauss-Newton step.

References:
    Lange, Little & Taylor (1989), Robust statistical modeling using the t distribution, doi:10.1080/01621459.1989.10478852
    (weights, Fisher information).
"""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import AbstractVar
from jaxtyping import Array, Float


class AbstractResidualLaw(eqx.Module):
    """Probability of a residual over its standard deviation.

    Laws, tested on every implementation: ``-d log_prob / dx = weight(x) x``; the mean of `weight` times `information` over the law is the
    Fisher information of a shift.
    """

    extra_s: AbstractVar[Float[Array, "2"]]
    """Standard deviation in s that is added (in squares) to those of P and S picks: what no medium of this kind can explain."""

    @abc.abstractmethod
    def log_prob(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Log density of the ratio, normalised."""

    @abc.abstractmethod
    def weight(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Weight of the square in a Gauss-Newton step; one for a normal law."""

    @abc.abstractmethod
    def information(self) -> Float[Array, ""]:
        """Factor from weights to information: weights of a heavy-tailed law at the solution overstate what is known."""

    def sigma_s(self, sigma_s: Float[Array, "*shape"], phase_idx: Array) -> Float[Array, "*shape"]:
        """Standard deviation (scale) in s of every residual."""
        extra = jnp.where(phase_idx == 0, self.extra_s[0], self.extra_s[1])
        return jnp.sqrt(sigma_s**2 + extra**2)


class NormalResiduals(AbstractResidualLaw):
    """No outliers: one gross error bends the medium as far as it likes."""

    extra_s: Float[Array, "2"]

    def __init__(self, *, extra_s=(0.0, 0.0)):
        self.extra_s = _checked_extra(extra_s)

    def log_prob(self, x):
        return -0.5 * x**2 - 0.5 * math.log(2 * math.pi)

    def weight(self, x):
        return jnp.ones_like(x)

    def information(self):
        return jnp.ones((), self.extra_s.dtype)


class StudentResiduals(AbstractResidualLaw):
    """Student's t, by iteratively reweighted least squares: picks far off lose their say.

    Attributes:
        dof: degrees of freedom, > 0; below about 5 it is robust.
    """

    extra_s: Float[Array, "2"]
    dof: Float[Array, ""]

    def __init__(self, *, dof=4.0, extra_s=(0.0, 0.0)):
        if not dof > 0:
            raise ValueError(f"`dof` must be > 0, got {dof}")
        self.dof = jnp.asarray(dof, float)
        self.extra_s = _checked_extra(extra_s)

    def log_prob(self, x):
        half = 0.5 * (self.dof + 1)
        norm = (
            jax.scipy.special.gammaln(half)
            - jax.scipy.special.gammaln(0.5 * self.dof)
            - 0.5 * jnp.log(math.pi * self.dof)
        )
        return norm - half * jnp.log1p(x**2 / self.dof)

    def weight(self, x):
        return (self.dof + 1) / (self.dof + x**2)

    def information(self):
        # The mean weight is one, the Fisher information (dof + 1) / (dof + 3).
        return (self.dof + 1) / (self.dof + 3)


def _checked_extra(extra_s) -> Float[Array, "2"]:
    extra = jnp.broadcast_to(jnp.asarray(extra_s, float), (2,))
    if not bool(jnp.all(extra >= 0)):
        raise ValueError(f"`extra_s` must be >= 0, got {extra_s}")
    return extra
