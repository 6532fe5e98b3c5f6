"""Networks of waves in time, made out of a medium."""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.linalg.blas
from jaxtyping import Array, Key

from diffseis.core.results import RESULTS, Solution
from diffseis.networks import AbstractFeatures, HeldFeatures
from diffseis.wave.acoustic import AcousticMedium
from diffseis.wave.background import at_points
from diffseis.wave.boundary import Absorbing, Boundary, FreeSurface, Periodic
from diffseis.wave.domain import Domain
from diffseis.wave.extents import box_of
from diffseis.wave.neural_features import default_number, gabor_features
from diffseis.wave.neural_rows import default_boundary, outside
from diffseis.wave.neural_waves import Memory, WaveNetwork
from diffseis.wave.stretching import Stretch, stretch_of

PER_WAVELENGTH = {1: 7.0, 2: 5.2}
"""Features per wavelength of the highest frequency and axis, by the number of axes. Layers up to 7 Hz, 5.2 and 6.4: the same error of 0.6 % (measured); homogeneous, 4.1: 0.9 %."""
WIDTH, LARGEST = 0.5, 1.2
"""Of windows in wavelengths, and of wavenumbers: narrower windows than 0.5 lose digits, wider ones their independence (measured)."""
WAVELENGTHS = 1.5
"""Of the shortest waves, that absorbing layers are thick by default."""
CELLS, NODES = 6, 16
"""Points of integration per wavelength of the slowest waves of the highest frequency: of equal weights where fields have faded at both ends of an axis, which is exact for what products of
features hold; of Gauss where one end is hard, since equal weights see nothing of what happens in the first half of a cell (measured: a free surface that reflected as a wall does)."""
TOLERANCE = 1e-9
"""Mixtures of features with a smaller share of the largest one's mass are given up: they are differences of almost equal ones."""
ABOVE = 2.0
"""Modes up to this multiple of the highest frequency are kept."""
RADIUS = 0.3
"""Of sources in wavelengths of the highest frequency: features cannot follow much narrower ones (measured: 3 % off beside sources while they act, for 0.25)."""
CHUNK = 2048
"""Points of integration at a time."""

_blas = scipy.linalg.blas


def train_waves(
    medium: AcousticMedium,
    pass_hz: float,
    *,
    boundary: Boundary | None = None,
    features: AbstractFeatures | None = None,
    num_features: int | None = None,
    key: Key[Array, ""],
) -> Solution[WaveNetwork]:
    """A network of waves in a medium, for all sources in it and all times, from the equation alone.

    Features are random windows with waves of local wavelengths. What the last layer must fulfil in time are the wave equation's products with each feature, integrated over
    the grid and its layers: ordinary differential equations, whose modes are found here once. There is no data and no descent; the
    error is that of features which are too few, and falls with their number.

    Args:
        medium: of one or two dimensions, linear between its nodes.
        pass_hz: the highest frequency of waves.
        boundary: faces that absorb (by default, in layers of one and a half wavelengths of the slowest waves of `pass_hz`), are free, or rigid.
        features: to use in place of random ones.
        num_features: by default in proportion to the number of wavelengths, in each axis.
        key: of the features.

    Returns:
        As value a `WaveNetwork`; ``stats`` of the numbers of features and modes, and seconds.

    Raises:
        ValueError: in single precision, for periodic faces, and for grids of three dimensions.

    Cost: for N features and P points of integration about ``4 P N^2 + 30 N^3`` operations and ``40 N^2`` bytes; then, per step and source, ``4 N L`` for L points in layers.
    """
    if not jax.config.read("jax_enable_x64"):
        raise ValueError(
            "networks of waves in time are mixtures of almost equal features, which single precision cannot tell apart: call "
            "`diffseis.core.precision.enable_x64()` first"
        )
    start_s = time.perf_counter(), time.process_time()
    boundary = default_boundary(medium, pass_hz, WAVELENGTHS) if boundary is None else boundary
    domain = Domain(medium.grid, boundary)
    _check(domain)
    speed = np.asarray(medium.speed_km_s, float)
    wavelength = float(speed.min()) / float(pass_hz)
    stretch = stretch_of(domain, jnp.max(medium.speed_km_s).astype(float), jnp.asarray(1.0))
    low, high = outside(domain, stretch)
    if features is None:
        num = (
            default_number(medium, low, high, pass_hz, PER_WAVELENGTH)
            if num_features is None
            else num_features
        )
        rim = 0.4 * wavelength
        features = gabor_features(
            medium, low - rim, high + rim, pass_hz, num, width=WIDTH, largest=LARGEST, filled=True, key=key
        )
    for axis, at_end in domain.sides:
        if isinstance(domain.face((axis, at_end)), FreeSurface):
            place, length = (high if at_end else low)[axis], wavelength / 6
            features = HeldFeatures(
                features, axis, jnp.asarray(place), jnp.asarray(-length if at_end else length)
            )
    hard = [any(not isinstance(face, Absorbing) for face in pair) for pair in boundary.faces]
    points, weights = quadrature(low, high, wavelength, hard)
    parts = _assemble(medium, stretch, features, points, weights)
    modes, omega, drag, drag_hz = _modes(*parts, ABOVE * 2 * np.pi * float(pass_hz))
    network = WaveNetwork(
        features,
        jnp.asarray(modes),
        jnp.asarray(omega),
        jnp.asarray(drag),
        jnp.asarray(drag_hz),
        _memory(stretch, features, modes, points, weights),
        jnp.asarray(float(pass_hz)),
        jnp.asarray(RADIUS * wavelength),
        box_of(medium.grid),
    )
    healthy = np.all(np.isfinite(modes)) and np.all(np.isfinite(omega))
    stats = {
        "num_features": features.num_features,
        "num_modes": modes.shape[1],
        "num_points": len(points),
        "seconds": time.perf_counter() - start_s[0],
        "cpu_seconds": time.process_time() - start_s[1],
    }
    return Solution(network, RESULTS.successful if healthy else RESULTS.non_finite, stats, None)


def quadrature(low_km: np.ndarray, high_km: np.ndarray, wavelength_km: float, hard: list[bool]):
    """Points of a box and their weights; by axis, whether an end of it is a hard face."""
    along, weights = [], []
    for low, high, is_hard in zip(low_km, high_km, hard, strict=True):
        num = int(np.ceil((high - low) / wavelength_km * (1 if is_hard else CELLS)))
        x, w = np.polynomial.legendre.leggauss(NODES) if is_hard else (np.zeros(1), np.full(1, 2.0))
        step = (high - low) / num
        along.append((low + step * (np.arange(num)[:, None] + (x + 1) / 2)).reshape(-1))
        weights.append(np.tile(w / 2 * step, num))
    points = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, low_km.size)
    return points, np.prod(np.meshgrid(*weights, indexing="ij"), axis=0).reshape(-1)


def damping(stretch: Stretch, x_km: np.ndarray) -> np.ndarray:
    """Of layers at points along each axis, in 1/s."""
    share = np.asarray(stretch.share(jnp.asarray(x_km)))
    return np.sum(np.asarray(stretch.damping) * share**2, axis=-1)


def _check(domain: Domain) -> None:
    if domain.grid.num_dims > 2:
        raise ValueError(
            f"networks of waves in time are of one or two dimensions, got a grid of {domain.grid.num_dims}: use `propagate`"
        )
    for side in domain.sides:
        face = domain.face(side)
        if isinstance(face, Periodic):
            raise ValueError("networks know faces that absorb, are free or rigid, got Periodic")
        if isinstance(face, Absorbing) and (face.frequency_hz or face.sideways):
            raise ValueError(
                "layers of networks have neither `frequency_hz` nor `sideways`: leave both at their defaults"
            )


@eqx.filter_jit
def _values(features: AbstractFeatures, x):
    found = jax.vmap(features.derivatives)(x)
    return found.value, jnp.swapaxes(found.first, 0, 1)


def _assemble(medium, stretch, features, points, weights):
    """Mass, stiffness and drag of all pairs of features."""
    num = features.num_features
    mass, stiff, drag = (np.zeros((num, num), order="F") for _ in range(3))
    # Lower triangles of sums of products.
    add = lambda total, rows: _blas.dsyrk(1.0, rows.T, beta=1.0, c=total, lower=1, overwrite_c=1)  # type: ignore[attr-defined]
    for begin in range(0, len(points), CHUNK):
        x = points[begin : begin + CHUNK]
        root = np.sqrt(weights[begin : begin + CHUNK])[:, None]
        value, first = (root * np.asarray(a) for a in _values(features, jnp.asarray(x)))
        value = value / at_points(medium, x).speed_km_s[:, None]
        mass = add(mass, value)
        for along in first:
            stiff = add(stiff, along)
        rate = damping(stretch, x)
        inside = rate.sum(axis=1) > 0
        if np.any(inside):
            there, rate = value[inside], rate[inside]
            drag = add(drag, there * np.sqrt(rate.sum(axis=1))[:, None])
            if rate.shape[1] == 2:
                stiff = add(stiff, there * np.sqrt(rate.prod(axis=1))[:, None])
    whole = lambda lower: np.tril(lower) + np.tril(lower, -1).T
    return whole(mass), whole(stiff), whole(drag)


def _modes(mass, stiff, drag, largest):
    """Columns in which the mass is one and the stiffness diagonal; roots of the latter; drag as directions and rates."""
    scale = 1 / np.sqrt(np.diag(mass))
    alike = lambda a: scale[:, None] * a * scale[None, :]
    share, mixtures = scipy.linalg.eigh(alike(mass))
    kept = share > share[-1] * TOLERANCE
    basis = mixtures[:, kept] / np.sqrt(share[kept])
    square, turn = scipy.linalg.eigh(basis.T @ alike(stiff) @ basis)
    omega = np.sqrt(np.maximum(square, 0))
    slow = omega < largest
    basis = basis @ turn[:, slow]
    rates, directions = scipy.linalg.eigh(basis.T @ alike(drag) @ basis)
    felt = rates > max(1e-10 * rates[-1], 1e-8 * largest)
    return scale[:, None] * basis, omega[slow], directions[:, felt], rates[felt]


def _memory(stretch, features, modes, points, weights) -> Memory:
    rate = damping(stretch, points)
    inside = rate.sum(axis=1) > 0
    x = points[inside]
    slope = np.zeros((x.shape[1], len(x), modes.shape[1]))
    for begin in range(0, len(x), CHUNK):
        part = slice(begin, begin + CHUNK)
        slope[:, part] = np.asarray(_values(features, jnp.asarray(x[part]))[1]) @ modes
    return Memory(jnp.asarray(slope * np.sqrt(weights[inside])[:, None]), jnp.asarray(rate[inside].T))
