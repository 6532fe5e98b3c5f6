"""Nonergodic terms: what earthquakes of a place, ground of a place, and paths across a region do to ground motion, as Gaussian processes over a map.

Residuals of records to an ergodic model are sums of a term of the source's place, one of the site's place, attenuation along the path (of cells, in proportion to the way through each), terms of each event and each station of their own, and what is left. All are normal, so that terms and predictions
for new sources and sites follow in closed form, with how well they are known.

References:
    Landwehr, Kuehn, Scheffer & Abrahamson (2016), A nonergodic ground-motion model for California with spatially varying coefficients, doi:10.1785/0120160118.
    Kuehn, Abrahamson & Walling (2019), Incorporating nonergodic path effects into the NGA-West2 ground-motion prediction equations, doi:10.1785/0120180260.
    Lavrentiadis et al. (2023), Overview and introduction to development of non-ergodic earthquake ground-motion models, doi:10.1007/s10518-022-01485-x.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Float, Int

from diffseis.core import safe
from diffseis.core.results import RESULTS, Solution

_SAMPLES = 64
"""Points of a path that are counted by cells."""


class Scales(eqx.Module):
    """Of the terms, as logarithms: standard deviations (ln units; attenuation: ln per 100 km) and lengths in km over which they are alike.

    Attributes:
        log_source, log_site, log_path: of terms by place.
        log_source_km, log_site_km, log_path_km: lengths.
        log_event, log_station, log_rest: of terms without places: of each event, of each station, of each record.
    """

    log_source: Float[Array, ""]
    log_site: Float[Array, ""]
    log_path: Float[Array, ""]
    log_source_km: Float[Array, ""]
    log_site_km: Float[Array, ""]
    log_path_km: Float[Array, ""]
    log_event: Float[Array, ""]
    log_station: Float[Array, ""]
    log_rest: Float[Array, ""]


def usual_scales() -> Scales:
    """To start from."""
    values = (0.3, 0.3, 0.3, 30.0, 20.0, 50.0, 0.3, 0.3, 0.5)
    return Scales(*(jnp.log(jnp.asarray(x, float)) for x in values))


class Paths(eqx.Module):
    """Records on a map.

    Attributes:
        source_km, site_km: local north and east of epicentres and sites.
        crossed: way through each cell over 100 km.
        event, station: whose each record is; numbers that no other record of the fit has are new ones.
    """

    source_km: Float[Array, "record 2"]
    site_km: Float[Array, "record 2"]
    crossed: Float[Array, "record cell"]
    event: Int[Array, " record"]
    station: Int[Array, " record"]


def paths_on_cells(
    source_km: Float[Array, "record 2"],
    site_km: Float[Array, "record 2"],
    event: Int[Array, " record"],
    station: Int[Array, " record"],
    cells_km: Float[Array, "cell 2"],
) -> Paths:
    """Records with the way that each makes through cells: pieces of the straight line count for the nearest cell.

    Args:
        source_km, site_km: local north and east.
        event, station: whose each record is.
        cells_km: middles of the cells.
    """
    share = (jnp.arange(_SAMPLES, dtype=source_km.dtype) + 0.5) / _SAMPLES

    def one(a, b):
        points = a[None, :] + share[:, None] * (b - a)[None, :]
        apart = jnp.sum((points[:, None, :] - cells_km[None, :, :]) ** 2, axis=-1)
        counts = jnp.zeros(cells_km.shape[0], a.dtype).at[jnp.argmin(apart, axis=1)].add(1)
        return safe.norm(b - a) / 100 * counts / _SAMPLES

    return Paths(source_km, site_km, jax.vmap(one)(source_km, site_km), event, station)


def _alike(first, second, log_km):
    return jnp.exp(-safe.norm(first[:, None, :] - second[None, :, :]) / jnp.exp(log_km))


def nonergodic_covariance(
    scales: Scales, a: Paths, b: Paths, cells_km: Float[Array, "cell 2"]
) -> Float[Array, "first second"]:
    """Of the nonergodic terms of two sets of records, what is left of each record apart."""
    square = lambda log_sd: jnp.exp(2 * log_sd)
    same = lambda x, y: (x[:, None] == y[None, :]).astype(a.source_km.dtype)
    between_cells = _alike(cells_km, cells_km, scales.log_path_km)
    return (
        square(scales.log_source) * _alike(a.source_km, b.source_km, scales.log_source_km)
        + square(scales.log_site) * _alike(a.site_km, b.site_km, scales.log_site_km)
        + square(scales.log_path) * (a.crossed @ between_cells @ b.crossed.T)
        + square(scales.log_event) * same(a.event, b.event)
        + square(scales.log_station) * same(a.station, b.station)
    )


def _factor(scales: Scales, paths: Paths, cells_km):
    own = nonergodic_covariance(scales, paths, paths, cells_km)
    rest = jnp.exp(2 * scales.log_rest) * jnp.eye(own.shape[0], dtype=own.dtype)
    return jnp.linalg.cholesky(own + rest)


def log_evidence(
    scales: Scales, residual: Float[Array, " record"], paths: Paths, cells_km: Float[Array, "cell 2"]
) -> Float[Array, ""]:
    """Log of the joint density of residuals; memory and time are those of one matrix of all records."""
    factor = _factor(scales, paths, cells_km)
    white = jax.scipy.linalg.solve_triangular(factor, residual, lower=True)
    logs = 2 * jnp.sum(jnp.log(jnp.diagonal(factor))) + residual.shape[0] * jnp.log(2 * jnp.pi)
    return -0.5 * (white @ white + logs.astype(white.dtype))


class NonergodicTerms(eqx.Module):
    """Terms that were learned.

    Attributes:
        scales: of them.
        paths, residual: of the records that they were learned from.
        cells_km: of the path terms.
    """

    scales: Scales
    paths: Paths
    residual: Float[Array, " record"]
    cells_km: Float[Array, "cell 2"]

    def __call__(self, new: Paths) -> tuple[Float[Array, " place"], Float[Array, " place"]]:
        """Mean of all terms of new records, and standard deviation: of terms that are not known yet, and of what the terms of new events and stations add; without what is left of each record (`log_rest`)."""
        factor = _factor(self.scales, self.paths, self.cells_km)
        cross = nonergodic_covariance(self.scales, new, self.paths, self.cells_km)
        weights = jax.scipy.linalg.cho_solve((factor, True), cross.T).T
        own = jax.vmap(lambda p: nonergodic_covariance(self.scales, p, p, self.cells_km)[0, 0])(
            jax.tree.map(lambda x: x[:, None], new)
        )
        return weights @ self.residual, safe.sqrt(jnp.maximum(own - jnp.sum(weights * cross, axis=1), 0))


def fit_nonergodic_terms(
    residual: Float[Array, " record"],
    paths: Paths,
    cells_km: Float[Array, "cell 2"],
    *,
    start: Scales | None = None,
    max_steps: int = 200,
    throw: bool = True,
) -> Solution:
    """Learn the scales of all terms by the evidence of the records (a weak prior keeps each within about a factor of e^2 of `start`).

    Args:
        residual: of records to an ergodic model, in ln.
        paths: of the records; see `paths_on_cells`.
        cells_km: middles of the cells.
        start: `usual_scales` by default.
        max_steps: of the search.
        throw: whether not to get there is an error.

    Returns:
        `NonergodicTerms`.
    """
    first = usual_scales() if start is None else start

    def loss(scales, data):
        moved = jax.tree.map(lambda x, y: (x - y) ** 2, scales, first)
        prior = sum(jax.tree.leaves(moved)) / 8
        return prior - log_evidence(scales, *data)

    # Optimistix mixes Python numbers and arrays.
    with jax.numpy_dtype_promotion("standard"):
        solver = optx.BFGS(rtol=1e-5, atol=1e-5)
        found = optx.minimise(
            loss, solver, first, args=(residual, paths, cells_km), max_steps=max_steps, throw=False
        )
    settled = bool(found.result == optx.RESULTS.successful)
    finite = all(bool(jnp.isfinite(x)) for x in jax.tree.leaves(found.value))
    result = RESULTS.successful if settled else RESULTS.max_steps_reached
    result = result if finite else RESULTS.non_finite
    if throw and result != RESULTS.successful:
        raise RuntimeError(RESULTS[result])
    terms = NonergodicTerms(found.value, paths, residual, cells_km)
    return Solution(value=terms, result=result, stats={"steps": int(found.stats["num_steps"])})
