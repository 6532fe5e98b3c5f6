"""Waves from receivers back to sources: the time loop, transposed.

What a receiver records of a source is ``c (z - A)^-1 b``: ``A`` is a step, ``b`` how the source acts and ``c`` how the receiver reads. The
transposed loop, ``b^T (z - A^T)^-1 c^T``, is the same number, and one run of it gives what one receiver records of any number of sources. That is
reciprocity, but to rounding, at every boundary: a force on a free surface that is differenced to fourth order is only first-order accurate.
"""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from diffseis.wave.adjoint import Loop, Recursive
from diffseis.wave.base import AbstractWaveEquation, Act, State
from diffseis.wave.boundary import Boundary
from diffseis.wave.domain import Domain
from diffseis.wave.points import Stencil, spread
from diffseis.wave.resampling import add_dispersion, finer, sampled
from diffseis.wave.rims import rims_of
from diffseis.wave.sources import AbstractSources


class _Injection(eqx.Module):
    """How a receiver reads, in the other direction."""

    terms: tuple[tuple[str, float], ...] = eqx.field(static=True)
    stencils: tuple[Stencil, ...]

    def add(self, fields: dict[str, Array], amplitude: Float[Array, " receiver"]) -> dict[str, Array]:
        for (name, factor), stencil in zip(self.terms, self.stencils, strict=True):
            patches = stencil.patches(jnp.ones((), fields[name].dtype))
            fields = fields | {name: stencil.add(fields[name], patches, factor * amplitude)}
        return fields


class _Extraction(eqx.Module):
    """How sources act, in the other direction."""

    field: str = eqx.field(static=True)
    after: bool = eqx.field(static=True)
    stencil: Stencil
    factor: Float[Array, "..."]

    def read(self, state: State) -> Float[Array, " source"]:
        field = state.fields[self.field]
        if self.factor.ndim == 0:
            return self.factor * self.stencil.read(field)
        return self.stencil.read(self.factor * field)


class _Operands(eqx.Module):
    coefficients: PyTree
    injections: tuple[_Injection, ...]
    extractions: tuple[_Extraction, ...]


def transposed(
    equation: AbstractWaveEquation,
    medium: Any,
    kinds: tuple[AbstractSources, ...],
    observables: tuple[str, ...],
    receiver_km: Float[Array, " dim"],
    share: Float[Array, " observable"],
    series: Float[Array, " time"],
    dt_s: Float[Array, ""],
    *,
    boundary: Boundary,
    substeps: int,
    filter_dispersion: bool = True,
) -> Float[Array, "kind source time"]:
    """What one receiver records of sources, each alone, that all have the same series.

    Args:
        kinds: the same places with different forces or tensors; their own series are not used.
        observables: what `receiver_km` reads: all at half steps or all at whole ones.
        share: how much of each observable is recorded.
        series: of all sources, at rest at both ends.
        dt_s: its interval.
        boundary, substeps, filter_dispersion: as of `propagate`; `medium` must have a fixed grid.
    """
    domain = Domain(medium.grid, boundary)
    fine_s = dt_s / substeps
    coefficients = equation.prepare(medium, domain, fine_s)
    state = equation.start(coefficients)
    places = equation.places(domain)
    like = next(iter(state.fields.values())).dtype

    injections = tuple(
        _injection(equation, domain, places, name, receiver_km[None, :], like) for name in observables
    )
    early = places[injections[0].terms[0][0]].early
    acts = [equation.acts(kind, coefficients, medium, fine_s) for kind in kinds]
    where = kinds[0].position_km
    extractions = tuple(
        _Extraction(a.field, a.after, spread(where, domain, places[a.field], like, reading=False), a.factor)
        for a in acts[0]
    )
    fine = finer(series, substeps)
    fine = add_dispersion(fine[None])[0] if filter_dispersion else fine
    forces = (fine.astype(like)[:, None] * share.astype(like)[None, :],)
    loop = Loop(
        _Operands(coefficients, injections, extractions),
        state,
        forces,
        series.shape[0] * substeps,
        body=partial(_step_back, equation),
        undo=partial(_step_back, equation),
        rims=rims_of(domain, equation.order, check=False),
        moving=None,
    )
    _, recorded = Recursive().run(loop)

    finished = []
    for act, traces in zip(acts[0], recorded, strict=True):
        options = {"early": early, "substeps": substeps, "filter_dispersion": filter_dispersion}
        finished.append(sampled(traces, half_later=act.half, **options))
    return jnp.stack([_combined(several, finished) for several in acts])


def _injection(equation, domain: Domain, places, name: str, position_km, dtype) -> _Injection:
    terms = equation.observable(name, domain.grid.num_dims)
    stencils = tuple(spread(position_km, domain, places[f], dtype, reading=True) for f, _ in terms)
    return _Injection(terms, stencils)


def _step_back(equation: AbstractWaveEquation, operands: _Operands, state: State, force):
    """The transposed state a step later, and what sources would have added to it."""
    fields = dict(state.fields)
    for injection, amplitude in zip(operands.injections, force[0], strict=True):
        fields = injection.add(fields, amplitude[None])
    late = State(fields, state.carried)
    rest = jax.tree.map(jnp.zeros_like, state)
    # Of something linear: nothing of the state that it is differentiated at is used.
    (early,) = jax.vjp(lambda s: equation.step(s, operands.coefficients), rest)[1](late)
    found = tuple(x.read(late if x.after else early) for x in operands.extractions)
    return early, found


def _combined(acts: tuple[Act, ...], traces) -> Float[Array, "source time"]:
    scaled = [act.amplitude.astype(t.dtype)[:, None] * t for act, t in zip(acts, traces, strict=True)]
    return sum(scaled[1:], start=scaled[0])
