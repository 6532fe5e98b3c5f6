"""Waves of one frequency, by a direct sparse solve: the truth that networks are judged against.

Fields vary as ``exp(i w t)``: they are the spectra ``sum of u exp(-i w t) dt`` of what `propagate` computes, on the same grid with the same differences,
faces and sources.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS, Solution
from diffseis.wave.acoustic import at_nodes
from diffseis.wave.boundary import Boundary
from diffseis.wave.domain import Domain
from diffseis.wave.harmonic_operator import HarmonicMedium, harmonic_operator
from diffseis.wave.harmonic_sources import DistributedSources, HarmonicSources, right_hand_side
from diffseis.wave.points import check_inside, spread
from diffseis.wave.sparse_factors import solve_factored
from diffseis.wave.stencils import check_order


class HarmonicField(eqx.Module):
    """Pressure of each source at the nodes of a domain.

    Attributes:
        domain: the medium's grid and its layers.
        everywhere: at all nodes, those of the layers included.
    """

    domain: Domain
    everywhere: Complex[Array, "source *shape"]

    @property
    def values(self) -> Complex[Array, "source *nodes"]:
        """At the nodes of the medium's grid."""
        inside = [
            slice(low, low + num)
            for (low, _), num in zip(self.domain.boundary.widths, self.domain.grid.shape, strict=True)
        ]
        return self.everywhere[(slice(None), *inside)]

    def __call__(self, position_km: Float[Array, "point dim"]) -> Complex[Array, "source point"]:
        """Anywhere within the grid; differentiable in the position."""
        check_inside("point", position_km, self.domain.grid)
        dtype = self.everywhere.real.dtype
        stencil = spread(position_km, self.domain, at_nodes(self.domain), dtype, reading=True)
        read = jax.vmap(stencil.read)
        return lax.complex(read(self.everywhere.real), read(self.everywhere.imag))


def solve_helmholtz(
    medium: HarmonicMedium,
    sources: HarmonicSources | DistributedSources,
    frequency_hz: Any,
    *,
    boundary: Boundary | None = None,
    order: int = 8,
    throw: bool = True,
) -> Solution[HarmonicField]:
    """Pressure of several sources in an `AcousticMedium` or a `VTIMedium`.

    ``-(w / v)^2 u - laplacian u = s``, and what `AcousticVTI` solves. Differentiable in the medium's values, the frequency, positions and amplitudes of
    sources and right-hand sides, forward and reverse, any number of times, by the factorisation that solved it; the grid's geometry is held fixed.
    Works under `jax.jit` and `jax.vmap` (which solves one after another); computed on the host in double precision whatever the medium's is.

    Args:
        medium: on a grid of two or three dimensions (of one, too, where it is acoustic).
        sources: each makes a field of its own; all share one factorisation.
        frequency_hz: of all.
        boundary: the faces of the grid; absorbing layers outside all of them by default. ``frequency_hz`` of a layer is 0 unless it is given.
        order: of accuracy in space: 2, 4 or 8.
        throw: raise where a field is not finite.

    Returns:
        As value a `HarmonicField`; as state all fields of the equations, (source, field, nodes). Six nodes per wavelength suffice at order 8 (3e-3 over six
        wavelengths), eight are better (3e-4).

    Cost: 2-D, order 8, 141 x 141 nodes: two to four seconds and 0.2 GB for any number of sources. 3-D grows with the sixth power of the number of nodes along an
    axis: 26 nodes, layers included, take seconds at order 2 and minutes at order 8.
    """
    check_order(order)
    boundary = Boundary.absorbing(medium.grid.num_dims) if boundary is None else boundary
    if is_concrete(frequency_hz) and not 0 < float(frequency_hz) < float("inf"):
        raise ValueError(f"`frequency_hz` must be above 0, got {frequency_hz}")
    if not isinstance(medium, HarmonicMedium):
        raise TypeError(f"`medium` must be an `AcousticMedium` or a `VTIMedium`, got {type(medium).__name__}")
    grid = jax.tree.map(lambda x: x if is_concrete(x) else lax.stop_gradient(x), medium.grid)
    medium = eqx.tree_at(lambda m: m.grid, medium, grid, is_leaf=lambda x: isinstance(x, RegularGrid))
    domain = Domain(grid, boundary)
    operator = harmonic_operator(medium, domain, jnp.asarray(frequency_hz), order)
    right = right_hand_side(sources, operator, domain, at_nodes(domain))
    fields = solve_factored(operator, right)
    healthy = jnp.all(jnp.isfinite(fields))
    result = RESULTS.where(healthy, RESULTS.successful, RESULTS.non_finite)
    if throw:
        fields = result.error_if(fields, result != RESULTS.successful)
    stats = {"num_unknowns": fields[0].size, "num_sources": fields.shape[0]}
    return Solution(HarmonicField(domain, fields[:, -1]), result, stats, fields)
