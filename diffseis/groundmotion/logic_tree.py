"""Several models with weights: one distribution of ground motion that is a mixture of theirs.

References:
    Scherbaum & Kuehn (2011), Logic tree branch weights and probabilities: summing up to one is not enough, doi:10.1193/1.3652744.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffseis.core import safe
from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.distribution import log_exceedance


class Mixture(eqx.Module):
    """Distributions of the models of a tree.

    Attributes:
        branches: of each model; arrays have a leading axis of models.
        weight: of the models, summing to 1.
    """

    branches: LogNormalIM
    weight: Float[Array, " model"]

    def moments(self) -> LogNormalIM:
        """Mean, and standard deviations between and within events, of the mixture: the spread of the models' means counts as between events, for it is common to all sites."""
        over = lambda x: jnp.tensordot(self.weight, x, axes=1)
        mean = over(self.branches.mean_ln)
        spread = over((self.branches.mean_ln - mean[None]) ** 2)
        tau = safe.sqrt(over(self.branches.tau**2) + spread)
        return LogNormalIM(mean, tau, safe.sqrt(over(self.branches.phi**2)))

    def exceedance(self, level: ArrayLike) -> Float[Array, "..."]:
        """Probability of more than a level, in the measures' units: the weighted mean of the models' own."""
        log_level = jnp.log(jnp.asarray(level, self.weight.dtype))
        found = jnp.exp(log_exceedance(self.branches, log_level))
        return jnp.tensordot(self.weight, found, axes=1)


class LogicTree(eqx.Module):
    """Models and their weights.

    Args:
        models: that give the same measures.
        weights: not negative; brought to a sum of 1.
    """

    models: tuple[AbstractGroundMotionModel, ...]
    weight: Float[Array, " model"]

    def __init__(
        self, models: Sequence[AbstractGroundMotionModel], weights: ArrayLike | Sequence[float] | None = None
    ):
        if not models:
            raise ValueError("at least one model is needed")
        if any(m.measures != models[0].measures for m in models):
            raise ValueError("all models of a logic tree must give the same measures")
        weight = jnp.ones(len(models), float) if weights is None else jnp.asarray(weights, float)
        if weight.shape != (len(models),):
            raise ValueError(f"{len(models)} models need as many weights, got the shape {weight.shape}")
        self.models = tuple(models)
        self.weight = weight / jnp.sum(weight)

    def __call__(self, rupture: Rupture, site: Site) -> Mixture:
        """All models at one site."""
        found = [model(rupture, site) for model in self.models]
        stacked = LogNormalIM(
            *(jnp.stack([getattr(f, name) for f in found]) for name in ("mean_ln", "tau", "phi"))
        )
        return Mixture(stacked, self.weight.astype(stacked.mean_ln.dtype))
