"""Networks of waves of one frequency, learnt from the equation."""

import time
from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key

from diffseis.core.results import RESULTS, Solution
from diffseis.inference import AbstractTrainer
from diffseis.networks import AbstractFeatures, GaborFeatures
from diffseis.wave.background import (
    Background,
    background_at,
    background_field,
    check_no_shift,
    scattering,
)
from diffseis.wave.background import at_points as medium_at
from diffseis.wave.boundary import Boundary
from diffseis.wave.domain import Domain
from diffseis.wave.extents import box_of
from diffseis.wave.harmonic_operator import HarmonicMedium, fastest
from diffseis.wave.harmonic_sources import HarmonicSources
from diffseis.wave.neural_features import default_number, gabor_features, generator, joined
from diffseis.wave.neural_helmholtz import HelmholtzNetwork
from diffseis.wave.neural_inner import improve
from diffseis.wave.neural_least_squares import LastLayer, factorise, residual
from diffseis.wave.neural_rows import Rows, collocation_rows, default_boundary, outside
from diffseis.wave.stretching import Stretch, stretch_of

POINTS_PER_FEATURE = 3.2
"""Collocation points, by default."""


class HelmholtzProblem(eqx.Module):
    """What a network was trained on, to go on with and to add sources to.

    Attributes:
        medium: as given.
        stretch: of the absorbing layers.
        layer: the factorised last layer (static: host arrays).
        angular_hz: of the waves.
    """

    medium: HarmonicMedium
    stretch: Stretch
    layer: LastLayer = eqx.field(static=True)
    angular_hz: float = eqx.field(static=True)


def train_helmholtz(
    medium: HarmonicMedium,
    sources: HarmonicSources,
    frequency_hz: float,
    *,
    boundary: Boundary | None = None,
    surface: Callable[[np.ndarray], np.ndarray] | None = None,
    features: AbstractFeatures | None = None,
    start: GaborFeatures | None = None,
    num_features: int | None = None,
    num_points: int | None = None,
    ridge: float = 1e-13,
    num_rounds: int = 0,
    num_steps: int = 20,
    num_batch: int = 256,
    trainer: AbstractTrainer | None = None,
    key: Key[Array, ""],
) -> Solution[HelmholtzNetwork]:
    """The pressure of several sources as a network, from the equation alone.

    The scattered field is a sum of features, by default random `GaborFeatures` of local wavelengths, with a last layer for each source; the equation is asked for
    at random points of the grid and of its absorbing layers, where axes are stretched: without these the residual of the equation says nothing of
    the error. With the features held fixed the last layers solve one linear least-squares problem, whose factorisation serves all sources, also later
    ones (`add_sources`). Then, if asked for, rounds of natural-gradient steps on the features' weights, and the last layers anew.

    Args:
        medium: on a grid; linear between nodes.
        sources: points of the grid, each in a place that is isotropic or elliptical.
        frequency_hz: of all.
        boundary: absorbing faces, or free surfaces; absorbing layers of one wavelength of the slowest waves by default.
        surface: the depth in km of the ground at horizontal places, ``(point, dim - 1) -> (point,)``, with air above; it replaces the first face of the last axis.
        features: to use; by default `gabor_features` of the medium.
        start: of a lower frequency (`rescaled`), to which random ones are added up to `num_features`.
        num_features: by default in proportion to the number of wavelengths, in each axis.
        num_points: random points of the equation; 3.2 for each feature by default.
        ridge: of the least-squares problem, relative.
        num_rounds: of steps on the features' weights.
        num_steps, num_batch: of each round, and points of each step.
        trainer: of these; `Spring()` by default.
        key: of features and points.

    Returns:
        As value a `HelmholtzNetwork`; ``stats["residual"]`` of the equation at new points, relative to the right-hand sides, ``"residuals"`` after each round,
        ``"cpu_seconds"`` and ``"seconds"``; as state a `HelmholtzProblem`.

    Cost: with N features and P points about ``4 P N^2`` multiplications, and 16 N^2 bytes three times.
    """
    start_s = time.perf_counter(), time.process_time()
    k_features, k_points, k_test, k_inner = jr.split(key, 4)
    boundary = default_boundary(medium, frequency_hz) if boundary is None else boundary
    domain = Domain(medium.grid, boundary)
    angular = 2 * np.pi * float(frequency_hz)
    stretch = stretch_of(domain, fastest(medium).astype(float), jnp.asarray(angular))
    check_no_shift(stretch)
    box = outside(domain, stretch)
    if features is None:
        features = _random_features(medium, box, frequency_hz, num_features, start, key=k_features)
    num_points = round(POINTS_PER_FEATURE * features.num_features) if num_points is None else num_points
    draw = lambda k, num: collocation_rows(medium, domain, stretch, angular, num, generator(k), surface)
    rows, tests = draw(k_points, num_points), draw(k_test, max(512, num_points // 4))
    background = background_at(medium, sources)
    given = lambda several: right_sides(several, medium, stretch, background, sources, angular)
    right, wanted = given(rows), given(tests)

    layer = factorise(features, rows, ridge)
    last = layer.solve(right)
    residuals = [residual(layer, last, wanted, tests)]
    latest = layer, last
    steps = partial(improve, num_steps=num_steps, num_batch=num_batch)
    for number in range(num_rounds):
        k_round = jr.fold_in(k_inner, number)
        moved = steps(latest[0].features, latest[1], rows, right, trainer, key=k_round)
        again = factorise(moved, rows, ridge)
        latest = again, again.solve(right)
        residuals.append(residual(latest[0], latest[1], wanted, tests))
        if residuals[-1] <= min(residuals):
            layer, last = latest
    network = HelmholtzNetwork(
        layer.features, jnp.asarray(last), background, sources, jnp.asarray(angular), box_of(medium.grid)
    )
    healthy = np.all(np.isfinite(last))
    stats = {
        "residual": min(residuals),
        "residuals": np.asarray(residuals),
        "num_features": layer.features.num_features,
        "seconds": time.perf_counter() - start_s[0],
        "cpu_seconds": time.process_time() - start_s[1],
    }
    problem = HelmholtzProblem(medium, stretch, layer, angular)
    return Solution(network, RESULTS.successful if healthy else RESULTS.non_finite, stats, problem)


def _random_features(
    medium: HarmonicMedium, box, frequency_hz: float, num_features, start, *, key
) -> GaborFeatures:
    """Those of a start, and random ones until they are enough."""
    num = default_number(medium, box[0], box[1], frequency_hz) if num_features is None else num_features
    missing = num if start is None else num - start.num_features
    if start is not None and missing <= 0:
        return start
    new = gabor_features(medium, box[0], box[1], frequency_hz, missing, key=key)
    return new if start is None else joined(start, new)


def add_sources(problem: HelmholtzProblem, sources: HarmonicSources) -> HelmholtzNetwork:
    """The network of other sources in the medium that one was trained in: features are kept, last layers solved for. Cost: a fraction of the training."""
    background = background_at(problem.medium, sources)
    right = right_sides(
        problem.layer.rows, problem.medium, problem.stretch, background, sources, problem.angular_hz
    )
    last = jnp.asarray(problem.layer.solve(right))
    angular = jnp.asarray(problem.angular_hz)
    box = box_of(problem.medium.grid)
    return HelmholtzNetwork(problem.layer.features, last, background, sources, angular, box)


def right_sides(
    rows: list[Rows],
    medium: HarmonicMedium,
    stretch: Stretch,
    background: Background,
    sources: HarmonicSources,
    angular_hz: float,
) -> list[np.ndarray]:
    """Of rows, (point, equation, source): what scatters the background; on free faces minus the background, on the outside of layers nothing."""
    found = []
    low, high = (np.asarray(a) for a in (stretch.low_km, stretch.high_km))
    for some in rows:
        x = np.asarray(stretch.stretched(jnp.asarray(some.x_km)))
        field = background_field(background, sources, angular_hz, x)
        if not some.on_face:
            right = scattering(medium_at(medium, some.x_km), background, field, angular_hz)
        else:
            num_fields = some.value.shape[2]
            slant = np.sqrt(1 + 2 * np.asarray(background.epsilon))
            factors = [slant, np.ones_like(slant)][-num_fields:]
            ends = np.any(
                (some.x_km <= low - 0.999 * np.asarray(stretch.thickness_km)[:, 0])
                & (np.asarray(stretch.thickness_km)[:, 0] > 0)
                | (some.x_km >= high + 0.999 * np.asarray(stretch.thickness_km)[:, 1])
                & (np.asarray(stretch.thickness_km)[:, 1] > 0),
                axis=1,
            )
            right = np.stack([-f * np.where(ends[:, None], 0, field.value) for f in factors], axis=1)
        found.append(right * some.driven[:, None, None])
    return found
