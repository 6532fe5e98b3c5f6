"""Wave equations at one frequency, as matrices: what `diffseis.wave.solve_helmholtz` solves with.

The operator is a sum over axes of factors at nodes times matrices along one axis. Those hold the differences of the time domain with their images at
faces, and in absorbing layers ``(1 / s) (D + G a G)``: ``a = 1 / s - 1`` between nodes, ``G`` a staggered difference of half the order (layers
are smooth: more was measured to gain nothing, and to double the cost).

References:
    Operto, Virieux, Amestoy, L'Excellent, Giraud & Ben Hadj Ali (2007), 3D finite-difference frequency-domain modeling of
    visco-acoustic wave propagation using a massively parallel direct solver, doi:10.1190/1.2759835.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from diffseis.wave.acoustic import IMAGES, AcousticMedium
from diffseis.wave.boundary import Absorbing, FreeSurface, Periodic
from diffseis.wave.complex_numbers import as_complex
from diffseis.wave.domain import Domain
from diffseis.wave.images import WRAPPED, second_image
from diffseis.wave.stencils import second_coefficients, staggered_coefficients
from diffseis.wave.stretching import Stretch, stretch_of
from diffseis.wave.vti import VTIMedium

HarmonicMedium = AcousticMedium | VTIMedium


class Coupling(NamedTuple):
    """How second derivatives of one field enter the equation of another (static).

    Attributes:
        row, column: the equation and the field.
        axes: of the derivatives.
        factor: the number of the factor, or None for 1.
    """

    row: int
    column: int
    axes: tuple[int, ...]
    factor: int | None


class HarmonicOperator(eqx.Module):
    """``A u = -(w / v)^2 u - sum of factors times second derivatives``, of one or several fields.

    Attributes:
        lines: second derivatives along each axis.
        square: ``(w / v)^2``.
        factors: of the couplings.
        alive: 1 at nodes, 0 on free surfaces, where the operator is that of identity.
        driven: how much each equation has of a source.
        couplings: see there (static).
    """

    lines: tuple[Complex[Array, "_ _"], ...]
    square: Float[Array, "..."]
    factors: tuple[Float[Array, "..."], ...]
    alive: Float[Array, "..."]
    driven: tuple[Float[Array, "..."], ...]
    couplings: tuple[Coupling, ...] = eqx.field(static=True)

    @property
    def num_fields(self) -> int:
        return len(self.driven)

    def __call__(self, fields: Complex[Array, "field *shape"]) -> Complex[Array, "field *shape"]:
        total = [-as_complex(self.square) * fields[i] for i in range(self.num_fields)]
        bent = {}
        for c in self.couplings:
            for axis in c.axes:
                if (c.column, axis) not in bent:
                    moved = jnp.tensordot(self.lines[axis], fields[c.column], ((1,), (axis,)))
                    bent[c.column, axis] = jnp.moveaxis(moved, 0, axis)
                added = bent[c.column, axis]
                if c.factor is not None:
                    added = as_complex(self.factors[c.factor]) * added
                total[c.row] = total[c.row] - added
        alive = as_complex(self.alive)
        return jnp.stack([alive * t + (1 - alive) * fields[i] for i, t in enumerate(total)])


def harmonic_operator(
    medium: HarmonicMedium, domain: Domain, frequency_hz: Float[Array, ""], order: int
) -> HarmonicOperator:
    """Of a medium on a domain."""
    dtype = medium.speed_km_s.dtype
    angular = 2 * jnp.pi * frequency_hz.astype(dtype)
    stretch = stretch_of(domain, fastest(medium), angular)
    lines = tuple(_line(domain, stretch, axis, order, dtype) for axis in range(domain.grid.num_dims))
    square = (angular / domain.extend(medium.speed_km_s)) ** 2
    alive = jnp.ones(domain.shape, dtype)
    for side in domain.sides:
        if isinstance(domain.face(side), FreeSurface):
            alive = alive * (1 - domain.on_face(side).astype(dtype))
    axes = tuple(range(domain.grid.num_dims))
    if isinstance(medium, AcousticMedium):
        one = jnp.ones((), dtype)
        return HarmonicOperator(lines, square, (), alive, (one,), (Coupling(0, 0, axes, None),))
    horizontal = 1 + 2 * domain.extend(medium.epsilon)
    slant = jnp.sqrt(1 + 2 * domain.extend(medium.delta))
    couplings = (
        Coupling(0, 0, axes[:-1], 0),
        Coupling(0, 1, axes[-1:], 1),
        Coupling(1, 0, axes[:-1], 1),
        Coupling(1, 1, axes[-1:], None),
    )
    driven = (slant, jnp.ones_like(slant))
    return HarmonicOperator(lines, square, (horizontal, slant), alive, driven, couplings)


def fastest(medium: HarmonicMedium) -> Float[Array, ""]:
    """The speed that layers are made for: that of the time domain's."""
    if isinstance(medium, AcousticMedium):
        return jnp.max(medium.speed_km_s)
    return jnp.max(medium.speed_km_s * jnp.sqrt(1 + 2 * medium.epsilon))


def _line(domain: Domain, stretch: Stretch, axis: int, order: int, dtype) -> Complex[Array, "node node"]:
    """Second derivatives along an axis, per km^2."""
    spacing = domain.grid.spacing_km[axis].astype(dtype)
    second = jnp.asarray(_second_matrix(domain, axis, order), dtype)
    pair = domain.boundary.faces[axis]
    if not any(isinstance(face, Absorbing) for face in pair):
        return as_complex(second / spacing**2)
    num, before = domain.shape[axis], domain.boundary.widths[axis][0]

    def excess(steps):
        along = stretch.low_km[axis] + spacing * jnp.asarray(steps - before, dtype)
        x = jnp.broadcast_to(stretch.low_km, (len(steps), domain.grid.num_dims)).at[:, axis].set(along)
        return stretch.excess(x)[:, axis]

    slopes = jnp.asarray(_slope_matrix(num, max(2, order // 2)), dtype)
    flux = as_complex(slopes.T) @ (excess(np.arange(num + 1) - 0.5)[:, None] * as_complex(slopes))
    outer = (1 + excess(np.arange(num)))[:, None]
    return outer * (as_complex(second) - flux) / as_complex(spacing**2)


def _second_matrix(domain: Domain, axis: int, order: int) -> np.ndarray:
    """Second differences with the images of faces; beyond layers all is zero."""
    num = domain.shape[axis]
    if num < 2 * order:
        raise ValueError(
            f"axis {axis} has {num} nodes, layers included: order {order} needs {2 * order}; use a larger grid or a lower order"
        )
    matrix = np.zeros((num, num))
    for k, c in enumerate(second_coefficients(order)):
        matrix += c * (np.eye(num, k=k) + (np.eye(num, k=-k) if k else 0))
    for at_end in (False, True):
        face = domain.face((axis, at_end))
        if isinstance(face, Absorbing):
            continue
        kind = WRAPPED if isinstance(face, Periodic) else IMAGES[type(face)]
        added, opposite = second_image(kind, order, at_end=at_end)
        rows, columns = added.shape
        row = num - rows if at_end else 0
        column = num - columns if at_end != opposite else 0
        matrix[row : row + rows, column : column + columns] += added
    return matrix


def _slope_matrix(num: int, order: int) -> np.ndarray:
    """Differences half a spacing before each node, and after the last; all is zero beyond."""
    matrix = np.zeros((num + 1, num))
    for k, c in enumerate(staggered_coefficients(order), 1):
        matrix += c * (np.eye(num + 1, num, k=k - 1) - np.eye(num + 1, num, k=-k))
    return matrix
