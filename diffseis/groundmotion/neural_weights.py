"""The networks of learned ground-motion models: their inputs, weights and prior.

The form is that of Derras, Bard & Cotton: magnitude, distance, depth, style and VS30 through one hidden layer; here each measure has a network of its own, with a linear part beside the hidden units, so that far from the data it goes on in a straight line.

References:
    Derras, Bard & Cotton (2014), Towards fully data driven ground-motion prediction models for Europe, doi:10.1007/s10518-013-9481-0.
    Sill (1998), Monotonic networks, NeurIPS 10.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from diffseis.groundmotion.base import Rupture, Site
from diffseis.groundmotion.terms import styles

INPUT_FIELDS = ("magnitude", "rake_rad", "hypocentre_depth_km", "rjb_km", "vs30_m_s")
"""Of `Rupture` and `Site`, that the networks see."""
NUM_INPUTS = 6
_NEAR_KM = 5.0
_WEIGHT_SD = 1.0
_LEVEL_SD = 10.0
"""Prior standard deviations of weights, and of levels and slopes, in units of scaled inputs."""


def inputs_of(rupture: Rupture, site: Site) -> Float[Array, " input"]:
    """Magnitude, ln of distance (smooth at 0), depth, normal, reverse and ln VS30, scaled to about one."""
    normal, reverse = styles(rupture.rake_rad, 45.0)
    distance = 0.5 * jnp.log(site.rjb_km**2 + _NEAR_KM**2)
    return jnp.stack(
        [
            rupture.magnitude - 6,
            distance - 3.5,
            (rupture.hypocentre_depth_km - 10) / 10,
            normal,
            reverse,
            2 * jnp.log(site.vs30_m_s / 500),
        ]
    )


class Weights(eqx.Module):
    """Of one measure's network."""

    hidden: Float[Array, "unit input"]
    bias: Float[Array, " unit"]
    out: Float[Array, " unit"]
    linear: Float[Array, " input"]
    level: Float[Array, ""]

    def __call__(self, x: Float[Array, " input"], monotone: bool) -> Float[Array, ""]:
        """The network at one point.

        Args:
            x: scaled inputs.
            monotone: whether it grows with magnitude and falls with distance, everywhere.
        """
        hidden, out, linear = self.hidden, self.out, self.linear
        if monotone:
            sign = jnp.asarray([1.0, -1.0, 0.0, 0.0, 0.0, 0.0], x.dtype)
            bound = lambda w: jnp.where(sign == 0, w, sign * jax.nn.softplus(w))
            # Units that all push the same way.
            hidden, out, linear = jax.vmap(bound)(hidden), jax.nn.softplus(out), bound(linear)
        return self.level + linear @ x + out @ jnp.tanh(hidden @ x + self.bias)


def first_weights(num_units: int, key: Key[Array, ""]) -> Weights:
    """Random, with a flat mean."""
    k_hidden, k_bias, k_out = jr.split(key, 3)
    normal = lambda key, shape: 0.5 * jr.normal(key, shape, float)
    return Weights(
        normal(k_hidden, (num_units, NUM_INPUTS)),
        normal(k_bias, (num_units,)),
        normal(k_out, (num_units,)),
        jnp.zeros(NUM_INPUTS, float),
        jnp.zeros((), float),
    )


def precision_of(weights: Weights) -> Weights:
    """Of the prior: weak for levels and slopes."""
    tight, loose = 1 / _WEIGHT_SD**2, 1 / _LEVEL_SD**2
    full = jax.tree.map(lambda x: jnp.full_like(x, tight), weights)
    free = lambda w: (w.linear, w.level)
    return eqx.tree_at(free, full, jax.tree.map(lambda x: jnp.full_like(x, loose), free(weights)))
