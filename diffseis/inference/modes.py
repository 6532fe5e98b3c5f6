"""All the maxima of a density: many starts, a softened first look, damped Newton steps, Laplace's approximation at each.

A sharp likelihood seen from far away is flat or full of false maxima. So the caller provides ``log_density(u, softness)``,
which is broad at large `softness` and exact at 0, and the search follows the maxima as the softness falls.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffseis.inference.base import Modes

SoftLogDensity = Callable[[Float[Array, " dim"], Float[Array, ""]], Float[Array, ""]]


def select_starts(
    points: Float[Array, "point dim"],
    log_density: Float[Array, " point"],
    num_starts: int,
    radius: Float[Array, ""],
) -> Int[Array, " {num_starts}"]:
    """The best point, then the best of those not within `radius` of it, and so on: diverse, and without sorting."""

    def pick(available, _):
        best = jnp.argmax(jnp.where(available, log_density, -jnp.inf))
        distance2 = jnp.sum((points - points[best][None, :]) ** 2, axis=1)
        left = available & (distance2 > radius**2)
        # If the radius has eaten everything, the next best of all that is not taken yet.
        left = jnp.where(jnp.any(left), left, available & (distance2 > 0))
        return left, best

    finite = jnp.isfinite(log_density)
    _, chosen = jax.lax.scan(pick, finite, None, length=num_starts)
    return chosen


def _principal(hessian: Float[Array, "dim dim"], floor: float):
    """Eigenvalues and eigenvectors of the nearest sensible precision matrix: absolute eigenvalues of the negative Hessian, not below
    `floor`."""
    values, vectors = jnp.linalg.eigh(-0.5 * (hessian + hessian.T))
    return jnp.maximum(jnp.abs(values), floor), vectors


class Peak(eqx.Module):
    """Where a climb ended.

    Attributes:
        location: the point.
        log_density: there.
        hessian: of the log density there; minus the identity where it is not finite.
        converged: whether the Newton decrement had fallen below the tolerance.
    """

    location: Float[Array, " dim"]
    log_density: Float[Array, ""]
    hessian: Float[Array, "dim dim"]
    converged: Bool[Array, ""]


class _Climber(eqx.Module):
    """Position and quadratic model of a climb, and where it stands in its schedule."""

    peak: Peak
    grad: Float[Array, " dim"]
    damping: Float[Array, ""]
    level_idx: Int[Array, ""]
    steps_left: Int[Array, ""]
    fresh: Bool[Array, ""]
    done: Bool[Array, ""]


def climb(
    log_density: SoftLogDensity,
    start: Float[Array, " dim"],
    softness: Float[Array, " level"],
    num_steps: tuple[int, ...],
    *,
    max_step: float = 10.0,
    tolerance: float | None = None,
) -> Peak:
    """Maximises by Newton steps with Levenberg-Marquardt damping, level by level of softness.

    Steps that do not improve are refused and the damping is raised, so the density never falls while the softness stays. A level ends
    when its maximum is found (to a hundredth of a log unit, before the last level) or its steps are used up.

    Args:
        log_density: function of the point and the softness.
        start: where to begin.
        softness: of each level; the last one is the density that is meant.
        num_steps: largest number of steps at each level.
        max_step: longest step.
        tolerance: Newton decrement, in log units, at which the last level ends; by default 1e-8, or 1e-3 in single precision.
    """
    dtype = start.dtype
    eye = jnp.eye(start.shape[0], dtype=dtype)
    allowed = jnp.asarray(num_steps)
    last = len(num_steps) - 1
    usual = 1e-8 if dtype == jnp.float64 else 1e-3
    tight = usual if tolerance is None else tolerance

    def evaluate(u, level):
        """Value, gradient and Hessian in one pass (one copy of the density to compile)."""

        def gradient(w):
            value, grad = jax.value_and_grad(log_density)(w, level)
            return grad, (value, grad)

        hessian, (value, grad) = jax.jacfwd(gradient, has_aux=True)(u)
        return value, grad, 0.5 * (hessian + hessian.T)

    def body(c: _Climber) -> _Climber:
        values, vectors = jnp.linalg.eigh(-c.peak.hessian)
        size = jnp.maximum(jnp.abs(values), 1e-6)
        along = vectors.T @ c.grad
        step = vectors @ (along / (size * (1 + c.damping)))
        length = jnp.sqrt(jnp.sum(step**2)) + jnp.finfo(dtype).tiny
        step = step * jnp.minimum(1.0, max_step / length)
        # At a new level the first "step" stays: it only sees the density there.
        u = jnp.where(c.fresh, c.peak.location, c.peak.location + step)
        value, grad, hessian = evaluate(u, softness[c.level_idx])
        usable = jnp.isfinite(value) & jnp.all(jnp.isfinite(grad)) & jnp.all(jnp.isfinite(hessian))
        better = c.fresh | (usable & (value >= c.peak.log_density))
        grad = jnp.where(better, jnp.where(usable, grad, 0), c.grad)
        hessian = jnp.where(better, jnp.where(usable, hessian, -eye), c.peak.hessian)
        damping = jnp.where(better, c.damping * 0.2, jnp.maximum(c.damping, 0.05) * 6.0)

        decrement = _decrement(grad, hessian)
        at_last = c.level_idx >= last
        converged = jnp.where(better, usable, True) & (decrement < jnp.where(at_last, tight, 1e-2))
        over = converged | (c.steps_left <= 0) | (c.fresh & ~usable)
        level_idx = jnp.where(over, jnp.minimum(c.level_idx + 1, last), c.level_idx)
        return _Climber(
            peak=Peak(
                jnp.where(better, u, c.peak.location),
                jnp.where(better, value, c.peak.log_density),
                hessian,
                converged,
            ),
            grad=grad,
            damping=jnp.where(over, 0.1, damping).astype(dtype),
            level_idx=level_idx,
            steps_left=jnp.where(over, allowed[level_idx], c.steps_left - 1),
            fresh=over,
            done=over & at_last,
        )

    first = _Climber(
        peak=Peak(start, jnp.asarray(-jnp.inf, dtype), -eye, jnp.asarray(False)),
        grad=jnp.zeros_like(start),
        damping=jnp.asarray(0.1, dtype),
        level_idx=jnp.asarray(0),
        steps_left=allowed[0],
        fresh=jnp.asarray(True),
        done=jnp.asarray(False),
    )
    return jax.lax.while_loop(lambda c: ~c.done, body, first).peak


def _decrement(grad, hessian):
    """Squared length of the gradient in the metric of the Hessian: twice what a Newton step would gain."""
    values, vectors = jnp.linalg.eigh(-hessian)
    return jnp.sum((vectors.T @ grad) ** 2 / jnp.maximum(jnp.abs(values), 1e-6))


def laplace_modes(
    log_density: SoftLogDensity,
    starts: Float[Array, "mode dim"],
    *,
    softness: Float[Array, " level"] | None = None,
    num_steps: tuple[int, ...] = (25,),
    merge_distance: float = 1.0,
    max_sd: float = 30.0,
) -> Modes:
    """Climbs from every start while the softness falls, and describes the maxima found.

    Args:
        log_density: function of the point and the softness.
        starts: one row per start.
        softness: of each level, the last of them zero; by default one level, zero.
        num_steps: largest number of Newton steps at each level.
        merge_distance: maxima closer than this many standard deviations are the same one; the weight of the lesser is zero.
        max_sd: largest standard deviation, along any axis, of a Laplace covariance (for flat directions).
    """
    levels = jnp.zeros(1, starts.dtype) if softness is None else softness
    if levels.shape[0] != len(num_steps):
        raise ValueError(f"`num_steps` has {len(num_steps)} entries for {levels.shape[0]} levels of softness")
    peaks = jax.vmap(lambda u: climb(log_density, u, levels, num_steps))(starts)
    points, converged = peaks.location, peaks.converged
    value = jnp.where(jnp.isfinite(peaks.log_density), peaks.log_density, -jnp.inf)
    values, vectors = jax.vmap(lambda h: _principal(h, max_sd**-2))(peaks.hessian)
    precision = jnp.einsum("kia,ka,kja->kij", vectors, values, vectors)
    covariance = jnp.einsum("kia,ka,kja->kij", vectors, 1 / values, vectors)
    log_weight = value - 0.5 * jnp.sum(jnp.log(values), axis=1)

    order = jnp.argsort(-jnp.where(jnp.isfinite(value), value, -jnp.inf))
    points, covariance, precision = points[order], covariance[order], precision[order]
    value, log_weight, converged = value[order], log_weight[order], converged[order]
    return Modes(
        location=points,
        covariance=covariance,
        log_density=value,
        log_weight=_without_duplicates(points, precision, log_weight, merge_distance),
        converged=converged,
    )


def _without_duplicates(points, precision, log_weight, merge_distance):
    """Log weights with those of repeated maxima (rows are sorted by density, so the first stays) set to -inf."""
    difference = points[:, None, :] - points[None, :, :]
    # Distance of j from the better mode i, in the metric of i.
    distance2 = jnp.einsum("ija,iab,ijb->ij", difference, precision, difference)
    index = jnp.arange(points.shape[0])
    repeats = (distance2 < merge_distance**2) & (index[:, None] < index[None, :])

    def body(j, keep):
        return keep.at[j].set(~jnp.any(repeats[:, j] & keep))

    keep = jax.lax.fori_loop(0, points.shape[0], body, jnp.ones(points.shape[0], bool))
    kept = jnp.where(keep & jnp.isfinite(log_weight), log_weight, -jnp.inf)
    normaliser = jax.nn.logsumexp(kept)
    usable = jnp.isfinite(normaliser)
    fallback = jnp.where(index == 0, 0.0, -jnp.inf).astype(log_weight.dtype)
    return jnp.where(usable, kept - jnp.where(usable, normaliser, 0), fallback)
