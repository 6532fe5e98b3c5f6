"""What a network of waves is to fulfil, point by point: rows of a linear system, on the host.

Each row says that a value, slopes and second derivatives of the fields, times given factors, add up to a given number: an equation of waves with
its absorbing layers in the interior and in the layers, or what a face asks for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from diffseis.wave.acoustic import AcousticMedium
from diffseis.wave.background import NodalMedium, at_points
from diffseis.wave.boundary import Absorbing, Boundary, FreeSurface, Periodic, Rigid
from diffseis.wave.domain import Domain
from diffseis.wave.harmonic_operator import HarmonicMedium
from diffseis.wave.stretching import Stretch

REFLECTION = 1e-3
"""Of absorbing layers, by default: a network need not resolve stronger ones."""

FACE_WEIGHT = 1.0
"""Of rows of faces, beside those of the equation over the square of the largest wavenumber."""


@dataclass(frozen=True)
class Rows:
    """Conditions at points.

    Attributes:
        x_km: (point, dim).
        value: factors of the fields, (point, equation, field).
        first, second: of their derivatives, (point, equation, field, dim).
        driven: what the equations are multiplied by, (point,); right-hand sides must be, too.
        on_face: whether they are those of a face, whose right-hand side is minus the background (or its slope), or of the equation.
    """

    x_km: np.ndarray
    value: np.ndarray
    first: np.ndarray
    second: np.ndarray
    driven: np.ndarray
    on_face: bool

    @property
    def num_points(self) -> int:
        return self.x_km.shape[0]


def equation_rows(
    medium: HarmonicMedium, stretch: Stretch, x_km: np.ndarray, angular_hz: float, scale: float
) -> Rows:
    """The equations of waves at points, over ``scale``; real outside layers."""
    at = at_points(medium, x_km)
    excess, slope = (np.asarray(f(jnp.asarray(x_km))) for f in (stretch.excess, stretch.slope))
    inside = not np.any(excess)
    second, first = (1 + excess) ** 2, (1 + excess) * slope
    if inside:
        second, first = np.real(second), np.real(first)
    square = (angular_hz / at.speed_km_s) ** 2
    couple = _couplings(at, x_km.shape[1])
    num = couple.shape[1]
    value = -square[:, None, None] * np.eye(num)
    along = lambda d: -couple * d[:, None, None, :] / scale
    return Rows(x_km, value / scale, along(first), along(second), np.full(len(x_km), 1 / scale), False)


def _couplings(at: NodalMedium, num_dims: int) -> np.ndarray:
    """Factors of second derivatives, (point, equation, field, dim)."""
    num = at.speed_km_s.size
    if at.epsilon is None or at.delta is None:
        return np.ones((num, 1, 1, num_dims))
    couple = np.zeros((num, 2, 2, num_dims))
    slant = np.sqrt(1 + 2 * at.delta)[:, None]
    couple[:, 0, 0, :-1] = 1 + 2 * at.epsilon[:, None]
    couple[:, 0, 1, -1:] = slant
    couple[:, 1, 0, :-1] = slant
    couple[:, 1, 1, -1] = 1
    return couple


def fixed_rows(x_km: np.ndarray, num_fields: int, weight: float) -> Rows:
    """Points at which all fields have a given value: that of minus the background, so that there is no pressure; on the outside of layers that is none."""
    num, dim = x_km.shape
    value = np.broadcast_to(weight * np.eye(num_fields), (num, num_fields, num_fields))
    none = np.zeros((num, num_fields, num_fields, dim))
    return Rows(x_km, value, none, none, np.full(num, weight), True)


def default_boundary(medium: HarmonicMedium, frequency_hz: float, wavelengths: float = 1.0) -> Boundary:
    """Absorbing layers so many wavelengths of the slowest waves thick."""
    wavelength = float(np.min(np.asarray(medium.speed_km_s))) / float(frequency_hz)
    num = max(2, round(wavelengths * wavelength / float(np.min(np.asarray(medium.grid.spacing_km)))))
    return Boundary.absorbing(medium.grid.num_dims, num_nodes=num, reflection=REFLECTION)


def outside(domain: Domain, stretch: Stretch) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the box of a domain, layers included."""
    low, high, thick = (np.asarray(a) for a in (stretch.low_km, stretch.high_km, stretch.thickness_km))
    return low - thick[:, 0], high + thick[:, 1]


def collocation_rows(
    medium: HarmonicMedium,
    domain: Domain,
    stretch: Stretch,
    angular_hz: float,
    num_points: int,
    rng: np.random.Generator,
    surface: Callable[[np.ndarray], np.ndarray] | None,
) -> list[Rows]:
    """The equation at random points of the interior and of the layers, and the faces, each face with points in proportion to its area.

    Random points are a shifted Sobol' sequence. Above `surface`, a depth at horizontal places, there is air: no equation, and no pressure on it.
    """
    from scipy.stats import qmc

    low, high = outside(domain, stretch)
    num_fields = 1 if isinstance(medium, AcousticMedium) else 2
    sobol = lambda num, dim: qmc.Sobol(dim, rng=rng).random_base2(int(np.ceil(np.log2(num))))[:num]
    points = low + (high - low) * sobol(num_points, low.size)
    if surface is not None:
        points = points[points[:, -1] > surface(points[:, :-1])]
    scale = (angular_hz / float(np.min(np.asarray(medium.speed_km_s)))) ** 2
    inner_low, inner_high = np.asarray(stretch.low_km), np.asarray(stretch.high_km)
    inside = np.all((points >= inner_low) & (points <= inner_high), axis=1)
    rows = [
        equation_rows(medium, stretch, points[which], angular_hz, scale)
        for which in (inside, ~inside)
        if np.any(which)
    ]
    sides = [side for side in domain.sides if not (surface is not None and side == (low.size - 1, False))]
    areas = [np.prod(np.delete(high - low, axis)) for axis, _ in sides]
    num_faces = max(1, num_points // 5)
    # As many rows stand for a face as for the interior, whatever their number.
    weight = FACE_WEIGHT * np.sqrt(num_points / num_faces)
    found = []
    for (axis, at_end), area in zip(sides, areas, strict=True):
        num = max(1, round(num_faces * area / sum(areas)))
        places = low + (high - low) * sobol(num, low.size)
        places[:, axis] = (high if at_end else low)[axis]
        if surface is not None:
            places = places[places[:, -1] > surface(places[:, :-1])]
        face = domain.face((axis, at_end))
        if isinstance(face, Periodic | Rigid):
            raise ValueError(
                f"networks know faces that are `Absorbing` or `FreeSurface`, got {type(face).__name__}"
            )
        if isinstance(face, Absorbing | FreeSurface):
            found.append(fixed_rows(places, num_fields, weight))
    if surface is not None:
        along = low + (high - low) * sobol(max(1, num_faces // 2), low.size)
        along[:, -1] = surface(along[:, :-1])
        found.append(fixed_rows(along, num_fields, weight))
    return rows + found
