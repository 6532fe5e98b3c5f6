"""Free surfaces of any shape, in steps of the grid: where solid nodes meet air.

Surfaces run through the outermost solid nodes. There tractions across them are zero, and nodes stand for half a cell: moduli along the surface and densities are
halved, which is what stress imaging amounts to at a flat surface. Stencils longer than two nodes that would reach into the air
are replaced by those of two.

References:
    Zeng, Xia, Miller & Tsoflias (2012), An improved vacuum formulation for 2D finite-difference modeling of Rayleigh waves including surface
    topography and internal discontinuities, doi:10.1190/geo2011-0067.1. Cao & Chen (2018), A parameter-modified method for implementing
    surface topography in elastic-wave finite-difference modeling, doi:10.1190/geo2018-0098.1.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.wave.domain import Domain


class Ground(eqx.Module):
    """The shape of the ground, as arrays of 0 and 1 at nodes.

    Attributes:
        solid: where there is no air.
        across: by axis, where solid nodes have air next to them along it.
    """

    solid: Float[Array, "..."]
    across: tuple[Float[Array, "..."], ...]

    def share(self, axes) -> Float[Array, "..."]:
        """How much of a cell nodes stand for, by the surfaces across some axes."""
        share = jnp.ones_like(self.solid)
        for axis in axes:
            share = share * (1 - 0.5 * self.across[axis])
        return share


def ground(domain: Domain, density: Float[Array, "*all"]) -> Ground:
    """Where air is, by densities of zero."""
    solid = (density > 0).astype(density.dtype)
    across = []
    for axis in range(density.ndim):
        before, after = _moved(solid, axis, -1), _moved(solid, axis, 1)
        across.append(solid * (1 - before * after))
        if is_concrete(density) and np.any(np.asarray(solid * (1 - before) * (1 - after)) > 0):
            raise ValueError(
                f"the ground is one node thick somewhere along axis {axis}: it must be two at least; use a finer grid"
            )
    return Ground(solid, tuple(across))


def _moved(values, axis: int, shift: int):
    """What lies a node on (or before), the last repeated."""
    num = values.shape[axis]
    if shift > 0:
        parts = [slice_in_dim(values, 1, num, axis=axis), slice_in_dim(values, num - 1, num, axis=axis)]
    else:
        parts = [slice_in_dim(values, 0, 1, axis=axis), slice_in_dim(values, 0, num - 1, axis=axis)]
    return jnp.concatenate(parts, axis)


def whole_stencils(
    alive: Float[Array, "*all"], axis: int, order: int, *, forward: bool
) -> Float[Array, "*all"]:
    """1 where a staggered difference finds values at all its taps, 0 where some are in the air. Beyond the grid nothing is."""
    half = order // 2
    num = alive.shape[axis]
    wide = jnp.pad(alive, [(half, half) if a == axis else (0, 0) for a in range(alive.ndim)], mode="edge")
    whole = jnp.ones_like(alive)
    for k in range(1, half + 1):
        for shift in (k, 1 - k) if forward else (k - 1, -k):
            whole = whole * slice_in_dim(wide, half + shift, half + shift + num, axis=axis)
    return whole
