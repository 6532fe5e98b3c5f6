"""Which mechanisms HASH accepts: few enough polarities and S/P ratios misfit, for any of many trials of the rays' angles.

All mechanisms of a grid are held against one ray after another, so that memory hardly depends on the number of rays: a grid's few vectors are nearly all there is.

References:
    Hardebeck & Shearer (2002), A new method for determining first-motion focal mechanisms, doi:10.1785/0120010200.
    Hardebeck & Shearer (2003), Using S/P amplitude ratios to constrain the focal mechanisms of small earthquakes, doi:10.1785/0120020236.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, Key

_CHUNK = 4
"""Rays at once: the grid's vectors are read once for all of them."""

_LEAST = 1e-6
"""Smallest amplitude whose logarithm is taken, of an S or P of unit moment."""

LOG_RATIOS = (-2.0, 4.0)
"""Between these a predicted log10 S/P is kept: what HASH takes on the nodes of S and of P."""


class HashRays(eqx.Module):
    """Rays of one event, those with a ratio first; shapes are padded to a power of two, at least four.

    Attributes:
        azimuth_rad, takeoff_rad: at the source; take-off from down.
        azimuth_sigma_rad, takeoff_sigma_rad: standard deviations.
        up: whether the first motion is.
        weight: what a wrong polarity adds to each misfit: of impulsive ones and of all where there are two; 0 where there is none.
        size: of the polarity, for the misfit fraction; 0 where there is none.
        log10_sp: of the first rays.
        num_rays, num_ratios: how many there are.
    """

    azimuth_rad: Float[Array, " ray"]
    takeoff_rad: Float[Array, " ray"]
    azimuth_sigma_rad: Float[Array, " ray"]
    takeoff_sigma_rad: Float[Array, " ray"]
    up: Bool[Array, " ray"]
    weight: Float[Array, "ray level"]
    size: Float[Array, " ray"]
    log10_sp: Float[Array, " ray"]
    num_rays: Int[Array, ""]
    num_ratios: Int[Array, ""]


class HashLimits(eqx.Module):
    """How much misfit is accepted: in all, and above the best mechanism's.

    Attributes:
        polarity_total, polarity_extra: counts, or sums of weights.
        ratio_total, ratio_extra: sums of absolute differences of log10.
    """

    polarity_total: Float[Array, ""]
    polarity_extra: Float[Array, ""]
    ratio_total: Float[Array, ""]
    ratio_extra: Float[Array, ""]


def ray_directions(
    azimuth_rad: Float[Array, "*rays"], takeoff_rad: Float[Array, "*rays"]
) -> Float[Array, "*rays 3"]:
    """Unit vectors in north, east, down."""
    sine = jnp.sin(takeoff_rad)
    return jnp.stack(
        [sine * jnp.cos(azimuth_rad), sine * jnp.sin(azimuth_rad), jnp.cos(takeoff_rad)], axis=-1
    )


def drawn_directions(rays: HashRays, num_trials: int, *, key: Key[Array, ""]) -> Float[Array, "trial ray 3"]:
    """The rays as they are, then as they may be. A trial's draw does not depend on how many there are."""
    keys = jax.vmap(lambda trial: jr.fold_in(key, trial))(jnp.arange(num_trials))
    dtype = rays.azimuth_rad.dtype
    off = jax.vmap(lambda k: jr.normal(k, (2, rays.azimuth_rad.shape[0]), dtype))(keys)
    off = off.at[0].set(0)
    azimuth = rays.azimuth_rad[None, :] + off[:, 0] * rays.azimuth_sigma_rad[None, :]
    takeoff = rays.takeoff_rad[None, :] + off[:, 1] * rays.takeoff_sigma_rad[None, :]
    return ray_directions(azimuth, takeoff)


def log_ratio(along_normal: Array, along_slip: Array, log_cube: Array) -> Array:
    """log10 of S over P from a ray's components along normal and slip; `log_cube` is log10 of (Vp/Vs)^3."""
    p = 2 * along_normal * along_slip
    s_square = jnp.maximum(along_normal**2 + along_slip**2 - p**2, _LEAST**2)
    return 0.5 * jnp.log10(s_square / jnp.maximum(p**2, _LEAST**2)) + log_cube


def accepted_mechanisms(
    planes: Float[Array, "6 mechanism"],
    rays: HashRays,
    limits: HashLimits,
    log_cube: Float[Array, ""],
    *,
    num_trials: int,
    key: Key[Array, ""],
) -> Bool[Array, " mechanism"]:
    """Those that any trial accepts.

    Args:
        planes: normals and slips, `MechanismGrid.planes`.
        rays: of the event.
        limits: of misfit.
        log_cube: log10 of (Vp/Vs)^3.
        num_trials: of the rays' angles.
        key: of their draws.
    """
    towards = drawn_directions(rays, num_trials, key=key)

    def add(found, directions):
        polarity = _polarity_misfits(planes, rays, directions)
        ratio = _ratio_misfit(planes, rays, directions, log_cube)
        return found | _accept(polarity, ratio, limits), None

    return jax.lax.scan(add, jnp.zeros(planes.shape[1], bool), towards)[0]


def _accept(polarity, ratio, limits):
    """HASH's choice; the last of the polarity misfits is of all, the first of impulsive ones."""
    first, whole = polarity[0], polarity[-1]
    least = jnp.min(first)
    first_limit = jnp.maximum(limits.polarity_total, least + limits.polarity_extra)
    # Emergent polarities are held to the limit only if the impulsive ones are all explained, and may always be as wrong as at the best mechanism.
    whole_limit = jnp.where(least == 0, limits.polarity_total, jnp.inf)
    best = jnp.min(jnp.where(first == least, whole, jnp.inf))
    by_sign = (first <= first_limit) & (whole <= jnp.maximum(whole_limit, best + limits.polarity_extra))
    allowed = lambda least: ratio <= jnp.maximum(limits.ratio_total, least + limits.ratio_extra)
    both = by_sign & allowed(jnp.min(ratio))
    # Where the best ratios belong to mechanisms with wrong polarities, ratios are judged among those with right ones.
    return jnp.where(jnp.any(both), both, by_sign & allowed(jnp.min(jnp.where(by_sign, ratio, jnp.inf))))


def _along(planes, direction):
    normal = planes[0] * direction[0] + planes[1] * direction[1] + planes[2] * direction[2]
    slip = planes[3] * direction[0] + planes[4] * direction[1] + planes[5] * direction[2]
    return normal, slip


def _chunks(num_rays):
    return (num_rays + _CHUNK - 1) // _CHUNK


def _polarity_misfits(planes, rays, directions):
    def add(chunk, totals):
        piece = lambda x: jax.lax.dynamic_slice_in_dim(x, chunk * _CHUNK, _CHUNK)
        direction, up, weight = piece(directions), piece(rays.up), piece(rays.weight)
        for i in range(_CHUNK):
            normal, slip = _along(planes, direction[i])
            wrong = (normal * slip > 0) != up[i]
            totals = [total + jnp.where(wrong, w, 0) for total, w in zip(totals, weight[i], strict=True)]
        return totals

    none = [jnp.zeros(planes.shape[1], planes.dtype) for _ in range(rays.weight.shape[1])]
    return jax.lax.fori_loop(0, _chunks(rays.num_rays), add, none)


def _ratio_misfit(planes, rays, directions, log_cube):
    def add(chunk, total):
        piece = lambda x: jax.lax.dynamic_slice_in_dim(x, chunk * _CHUNK, _CHUNK)
        direction, observed = piece(directions), piece(rays.log10_sp)
        there = chunk * _CHUNK + jnp.arange(_CHUNK, dtype=chunk.dtype) < rays.num_ratios
        for i in range(_CHUNK):
            predicted = jnp.clip(log_ratio(*_along(planes, direction[i]), log_cube), *LOG_RATIOS)
            total = total + jnp.where(there[i], jnp.abs(observed[i] - predicted), 0)
        return total

    return jax.lax.fori_loop(0, _chunks(rays.num_ratios), add, jnp.zeros(planes.shape[1], planes.dtype))
