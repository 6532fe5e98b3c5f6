"""All the maxima of a density: many starts, a softened first look, damped Newton steps, Laplace's approximation at each.

A sharp likelihood seen from far away is flat or full of false maxima. So the caller provides ``log_density(u, softness)``,
which is broad at large `softness` and exact at 0, and the search follows the maxima as the softness falls.
"""

from collections.abc import Callable

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


def _precision(hessian: Float[Array, "dim dim"], floor: float) -> Float[Array, "dim dim"]:
    """The nearest sensible precision matrix: absolute eigenvalues of the negative Hessian, not below `floor`."""
    values, vectors = jnp.linalg.eigh(-0.5 * (hessian + hessian.T))
    return (vectors * jnp.maximum(jnp.abs(values), floor)[None, :]) @ vectors.T


def climb(
    log_density: SoftLogDensity,
    start: Float[Array, " dim"],
    softness: Float[Array, " step"],
    *,
    max_step: float = 10.0,
) -> tuple[Float[Array, " dim"], Bool[Array, ""]]:
    """Maximises by Newton steps with Levenberg-Marquardt damping, one for each entry of `softness`.

    Steps that do not improve are refused and the damping is raised, so the density never falls while the softness stays.

    Returns:
        The point and whether the last step was negligible (Newton decrement below 1e-8 of a log unit).
    """
    dtype = start.dtype
    hessian = jax.hessian(log_density)
    value_and_grad = jax.value_and_grad(log_density)
    eye = jnp.eye(start.shape[0], dtype=dtype)

    def body(carry, level):
        u, damping, _ = carry
        value, grad = value_and_grad(u, level)
        h = hessian(u, level)
        usable = jnp.all(jnp.isfinite(h)) & jnp.all(jnp.isfinite(grad))
        h = jnp.where(usable, h, -eye)
        grad = jnp.where(usable, grad, 0)
        values, vectors = jnp.linalg.eigh(-0.5 * (h + h.T))
        size = jnp.maximum(jnp.abs(values), 1e-6)
        along = vectors.T @ grad
        step = vectors @ (along / (size * (1 + damping)))
        length = jnp.sqrt(jnp.sum(step**2)) + jnp.finfo(dtype).tiny
        step = step * jnp.minimum(1.0, max_step / length)
        new_value = log_density(u + step, level)
        better = usable & jnp.isfinite(new_value) & (new_value >= value)
        damping = jnp.where(better, damping * 0.2, jnp.maximum(damping, 0.05) * 6.0)
        decrement = jnp.where(usable, jnp.sum(along**2 / size), jnp.inf)
        return (jnp.where(better, u + step, u), damping, decrement), None

    first = (start, jnp.asarray(0.1, dtype), jnp.asarray(jnp.inf, dtype))
    (u, _, decrement), _ = jax.lax.scan(body, first, softness)
    return u, decrement < jnp.asarray(1e-8 if dtype == jnp.float64 else 1e-3, dtype)


def laplace_modes(
    log_density: SoftLogDensity,
    starts: Float[Array, "mode dim"],
    *,
    softness: Float[Array, " step"] | None = None,
    merge_distance: float = 1.0,
    max_sd: float = 30.0,
) -> Modes:
    """Climbs from every start while the softness falls, and describes the maxima found.

    Args:
        log_density: function of the point and the softness.
        starts: one row per start.
        softness: of each Newton step, ending in zeros; by default 25 steps without.
        merge_distance: maxima closer than this many standard deviations are the same one; the weight of the lesser is zero.
        max_sd: largest standard deviation, along any axis, of a Laplace covariance (for flat directions).
    """
    dtype = starts.dtype
    schedule = jnp.zeros(25, dtype) if softness is None else softness
    points, converged = jax.vmap(lambda u: climb(log_density, u, schedule))(starts)

    zero = jnp.zeros((), dtype)
    value = jax.vmap(lambda u: log_density(u, zero))(points)
    value = jnp.where(jnp.isfinite(value), value, -jnp.inf)
    hess = jax.vmap(lambda u: jax.hessian(log_density)(u, zero))(points)
    good = jnp.all(jnp.isfinite(hess), axis=(1, 2))
    eye = jnp.eye(points.shape[1], dtype=dtype)
    hess = jnp.where(good[:, None, None], hess, -eye[None])
    precision = jax.vmap(lambda h: _precision(h, max_sd**-2))(hess)
    covariance = jnp.linalg.inv(precision)
    log_weight = value - 0.5 * jnp.linalg.slogdet(precision)[1]

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
