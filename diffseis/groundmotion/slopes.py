"""Derivatives of means by magnitude, distances, depths and the ground, for many pairs at once."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.groundmotion.base import AbstractGroundMotionModel, Rupture, Site, ground_motions


@eqx.filter_jit
def means_and_slopes(
    model: AbstractGroundMotionModel, rupture: Rupture, site: Site, by: Sequence[str]
) -> tuple[Float[Array, "measure pair"], Float[Array, "input measure pair"]]:
    """Means of the logarithm, and their derivatives by inputs of the same pair.

    Forward derivatives, all inputs in one program that computes the means once.

    Args:
        model: any.
        rupture, site: as for `ground_motions`.
        by: fields of `Rupture` and `Site`, such as "magnitude", "rjb_km", "vs30_m_s".

    Raises:
        ValueError: if a field is not known.
    """
    pair = (rupture, site)
    places = {name: i for i, part in enumerate((Rupture, Site)) for name in part.__dataclass_fields__}
    unknown = [name for name in by if name not in places]
    if unknown:
        raise ValueError(f"there is no input {', '.join(unknown)}: known are {', '.join(places)}")
    means = lambda r, s: ground_motions(model, r, s).mean_ln
    linear = jax.linearize(means, *pair)
    zero = jax.tree.map(jnp.zeros_like, pair)

    def along(name):
        where = lambda both: getattr(both[places[name]], name)
        return linear[1](*eqx.tree_at(where, zero, jnp.ones_like(where(pair))))

    return linear[0], jnp.stack([along(name) for name in by])
