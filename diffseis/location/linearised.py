"""Residuals of a catalogue and their derivatives by medium, station terms and hypocentres, at one point."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.tables import PHASES
from diffseis.location.data import EventData
from diffseis.location.tomography_problem import (
    TomographyProblem,
    Unknowns,
    arrival_s,
    receivers,
    travel_times,
)


class Linearised(eqx.Module):
    """Weighted residuals and their derivatives.

    Attributes:
        misfit: residuals over their scale, times the square root of their weights; zero in the padding.
        residual_s: in s.
        log_density: of the posterior at the point.
        by_hypocentre: derivatives of the weighted predictions by the hypocentres' unit normals.
        columns: those by the shared unknowns, where they are kept as a matrix.
        products: otherwise the product with that matrix and the one with its transpose, which live within one trace.
    """

    misfit: Float[Array, "event pick"]
    residual_s: Float[Array, "event pick"]
    log_density: Float[Array, ""]
    by_hypocentre: Float[Array, "event pick 4"]
    columns: Float[Array, "shared event pick"] | None
    products: tuple[Callable, Callable] | None = eqx.field(static=True, default=None)

    def forward(self, shared: Float[Array, " shared"]) -> Float[Array, "event pick"]:
        """Change of the weighted predictions with the shared unknowns."""
        if self.products is not None:
            return self.products[0](shared)
        return jnp.tensordot(shared, self.matrix(), axes=1)

    def transpose(self, picks: Float[Array, "event pick"]) -> Float[Array, " shared"]:
        """Transpose of `forward`."""
        if self.products is not None:
            return self.products[1](picks)
        return jnp.tensordot(self.matrix(), picks, axes=2)

    def matrix(self) -> Float[Array, "shared event pick"]:
        """The derivatives by the shared unknowns, where they are kept."""
        if self.columns is None:
            raise ValueError("this point was linearised without a matrix; give `linearise` a `batch_size`")
        return self.columns

    def weighed(self, factor: Float[Array, ""]) -> "Linearised":
        """The same with all weights multiplied."""
        root = jnp.sqrt(factor)
        columns = None if self.columns is None else root * self.columns
        products = self.products
        if products is not None:
            forward, transpose = products
            products = (lambda x: root * forward(x), lambda y: transpose(root * y))
        return Linearised(
            root * self.misfit,
            self.residual_s,
            self.log_density,
            root * self.by_hypocentre,
            columns,
            products,
        )


class _Travel(NamedTuple):
    """Travel times in s, their derivatives by place, and those by the medium's unit normals: a matrix or two products."""

    time_s: Float[Array, "event pick"]
    by_place: Float[Array, "3 event pick"]
    columns: Float[Array, "medium event pick"] | None
    products: tuple[Callable, Callable] | None


def linearise(
    problem: TomographyProblem, unknowns: Unknowns, data: EventData, *, batch_size: int | None
) -> Linearised:
    """Residuals and derivatives at a point.

    Args:
        problem, data: what is asked.
        unknowns: the point.
        batch_size: find the derivatives by the medium as a matrix, so many columns at a time; None for products with it only. (Where every
            pick has a ray of its own it is a matrix, found ray by ray.)
    """
    size = problem.num_medium
    hypocentres = problem.hypocentres(unknowns.hypocentres)
    white, ned = unknowns.shared[:size], hypocentres.ned_km
    if problem.medium.one_ray_per_pick:
        travel = _by_rays(problem, white, ned, data)
    else:
        travel = _by_fields(problem, white, ned, data, batch_size)
    predicted = travel.time_s + hypocentres.origin_time_s[:, None]
    predicted = predicted + problem.terms_at_picks(unknowns.shared, data)
    residual = jnp.where(data.mask, arrival_s(data) - predicted, 0)
    sigma = problem.sigma_s(data)
    scale = jnp.where(data.mask, jnp.sqrt(problem.law.weight(residual / sigma)) / sigma, 0)
    weighed = lambda picks: scale * jnp.where(data.mask, picks, 0)

    terms = _TermColumns(problem, data, scale)
    columns, products = None, None
    if travel.columns is not None:
        columns = jnp.concatenate([jax.vmap(weighed)(travel.columns), terms.columns()])
    elif travel.products is not None:
        forward, transpose = travel.products
        products = (
            lambda shared: weighed(forward(shared[:size])) + terms.forward(shared[size:]),
            lambda picks: jnp.concatenate([transpose(weighed(picks)), terms.transpose(picks)]),
        )
    prior = jnp.sum(unknowns.shared**2) + jnp.sum(unknowns.hypocentres**2)
    return Linearised(
        misfit=scale * residual,
        residual_s=residual,
        log_density=problem.log_likelihood(residual, data) - 0.5 * prior,
        by_hypocentre=hypocentre_columns(problem, travel.by_place, scale, data),
        columns=columns,
        products=products,
    )


def hypocentre_columns(
    problem: TomographyProblem,
    by_place: Float[Array, "3 event pick"],
    scale: Float[Array, "event pick"],
    data: EventData,
) -> Float[Array, "event pick 4"]:
    """Derivatives of weighted predictions by the hypocentres' unit normals, from those of travel times by place (s/km)."""
    weighed = jnp.where(data.mask[None], by_place, 0) * scale[None]
    columns = jnp.concatenate([weighed, scale[None]]) * problem.hypocentre_sd[:, None, None]
    return jnp.moveaxis(columns, 0, -1)


_RAYS_AT_ONCE = 128
"""What they need on the way fits a processor's cache: 2.4 times as fast as all at once, and next to no memory."""


def _by_rays(
    problem: TomographyProblem,
    white: Float[Array, " medium"],
    ned_km: Float[Array, "event 3"],
    data: EventData,
) -> _Travel:
    """One ray after the other, in reverse: the derivatives of a time by all speeds and its place at once."""
    prior = problem.medium.prior

    def one(pick):
        source, receiver, row, phase = pick
        time = lambda speed, place: problem.medium.times(speed)(place, receiver, row, phase)
        return jax.value_and_grad(time, (0, 1))(log_speed, source)

    log_speed = problem.log_speed(white)
    source = jnp.broadcast_to(ned_km[:, None, :], (*data.mask.shape, 3))
    picks = (source, *receivers(data))
    flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), picks)
    time, (by_speed, by_place) = jax.lax.map(one, flat, batch_size=_RAYS_AT_ONCE)
    root = jax.vmap(prior.scale)(jnp.eye(prior.size, dtype=white.dtype).reshape(-1, *prior.shape))
    columns = root.reshape(prior.size, -1) @ by_speed.reshape(by_speed.shape[0], -1).T
    unflat = lambda x: x.reshape(*x.shape[:-1], *data.mask.shape)
    return _Travel(unflat(time), unflat(by_place.T), unflat(columns), None)


def _by_fields(
    problem: TomographyProblem,
    white: Float[Array, " medium"],
    ned_km: Float[Array, "event 3"],
    data: EventData,
    batch_size: int | None,
) -> _Travel:
    """Through fields of time that many picks share: by the implicit adjoint of the solver that makes them."""

    def travel(medium, place):
        return travel_times(problem.medium.times(problem.log_speed(medium)), place, data)

    time, derivative = jax.linearize(travel, white, ned_km)
    # A pick feels its own event's place only: moving all events north at once tells the derivatives of all.
    everywhere = lambda direction: jnp.broadcast_to(direction, ned_km.shape)
    size = white.shape[0]
    if batch_size is None:
        still = jnp.zeros_like(white)
        by_place = jax.lax.map(lambda d: derivative(still, everywhere(d)), jnp.eye(3, dtype=white.dtype))
        forward = lambda medium: derivative(medium, jnp.zeros_like(ned_km))
        transposed = jax.linear_transpose(forward, white)
        return _Travel(time, by_place, None, (forward, lambda picks: transposed(picks)[0]))
    number = size + 3
    batch_size = -(-number // -(-number // batch_size))
    # Filled up to whole batches: a remainder would be compiled once more.
    basis = jnp.eye(-(-number // batch_size) * batch_size, number, dtype=white.dtype)
    both = jax.lax.map(lambda d: derivative(d[:size], everywhere(d[size:])), basis, batch_size=batch_size)
    return _Travel(time, both[size:number], both[:size], None)


class _TermColumns:
    """Derivatives of weighted predictions by the station terms, which need no differentiation."""

    def __init__(self, problem: TomographyProblem, data: EventData, scale: Float[Array, "event pick"]):
        _, row, phase = receivers(data)
        self.num = problem.num_shared - problem.num_medium
        self.scale = scale * jnp.where(phase == 0, problem.term_sd_s[0], problem.term_sd_s[1])
        self.column = row * len(PHASES) + phase

    def forward(self, terms: Float[Array, " term"]) -> Float[Array, "event pick"]:
        return self.scale * terms[self.column] if self.num else jnp.zeros_like(self.scale)

    def transpose(self, picks: Float[Array, "event pick"]) -> Float[Array, " term"]:
        zeros = jnp.zeros(self.num, picks.dtype)
        return zeros.at[self.column].add(self.scale * picks) if self.num else zeros

    def columns(self) -> Float[Array, "term event pick"]:
        which = jnp.arange(self.num, dtype=self.column.dtype)
        return jnp.where(which[:, None, None] == self.column[None], self.scale[None], 0)
