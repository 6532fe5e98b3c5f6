"""Linear operators that JAX differentiates by transposes written by hand.

Reverse-mode differentiation of an operator made of slices pads and adds one array for each. What is defined here is one operation
instead, with the transpose that it is given; forward mode, batches and any nesting of them follow from linearity.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.lax import slice_in_dim
from jaxtyping import Array, Float, Int


def linear_primitive(name: str, apply: Callable, like: Callable, transpose: Callable, batch: Callable):
    """A primitive that is linear in all its operands.

    Args:
        name: of the primitive.
        apply: what it does: ``apply(*operands, **params) -> list``.
        like: the shapes of the results: abstract values of operands and parameters to a list of abstract values.
        transpose: ``transpose(cotangents, operands' abstract values, **params) -> list`` of one array per operand.
        batch: parameters of a batch along a new first axis, from those of one.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True
    primitive.def_impl(apply)
    primitive.def_abstract_eval(like)
    mlir.register_lowering(primitive, mlir.lower_fun(apply, multiple_results=True))

    def pull(cotangents, *operands, **params):
        if all(isinstance(c, ad.Zero) for c in cotangents):
            return [ad.Zero(x.aval) for x in operands]
        return transpose([ad.instantiate_zeros(c) for c in cotangents], [x.aval for x in operands], **params)

    def mapped(values, batched, /, **params):
        size = next(v.shape[a] for v, a in zip(values, batched, strict=True) if a is not None)
        first = [
            jnp.broadcast_to(v[None], (size, *v.shape)) if a is None else jnp.moveaxis(v, a, 0)
            for v, a in zip(values, batched, strict=True)
        ]
        found = primitive.bind(*first, **batch(params))
        return found, [0] * len(found)

    ad.deflinear2(primitive, pull)
    batching.primitive_batchers[primitive] = mapped
    return primitive


def nought(x: Float[Array, "..."]) -> Int[Array, ""]:
    """Zero, which XLA on CPUs cannot see: an integer made of data. Elsewhere a constant."""
    return _nought_p.bind(x)


def _hidden_nought(x):
    # Of a field that is not finite any more too.
    return jnp.maximum(jnp.minimum((x.reshape(-1)[0] * 0).astype(jnp.int32), 0), 0)


_nought_p = Primitive("diffseis_nought")
_nought_p.def_impl(lambda x: jnp.zeros((), jnp.int32))
_nought_p.def_abstract_eval(lambda x: ShapedArray((), np.dtype("int32")))
mlir.register_lowering(_nought_p, mlir.lower_fun(lambda x: jnp.zeros((), jnp.int32), multiple_results=False))
mlir.register_lowering(_nought_p, mlir.lower_fun(_hidden_nought, multiple_results=False), platform="cpu")


def _opaque(last, *xs):
    # XLA fuses a stencil into whatever consumes it; where that is an update of a slice or a concatenation, the stencil
    # is then computed without vector instructions, three times slower. It cannot see through a loop whose number of passes,
    # always zero, it does not know.
    never = nought(last) > 0
    flip = lambda carry: (jnp.zeros((), bool), tuple(-x for x in carry[1]))
    return list(jax.lax.while_loop(lambda carry: carry[0], flip, (never, xs))[1])


_materialised_p = linear_primitive(
    "diffseis_materialised",
    apply=lambda _, *xs: list(xs),
    like=lambda _, *xs: list(xs),
    transpose=lambda cotangents, like: [ad.Zero(like[0]), *_materialised_p.bind(cotangents[0], *cotangents)],
    batch=lambda params: params,
)
mlir.register_lowering(_materialised_p, mlir.lower_fun(_opaque, multiple_results=True), platform="cpu")


def _materialised_jvp(primals, tangents):
    moving = [ad.instantiate_zeros(t) for t in tangents[1:]]
    return _materialised_p.bind(*primals), _materialised_p.bind(moving[0], *moving)


ad.primitive_jvps[_materialised_p] = _materialised_jvp


def materialised(
    *xs: Float[Array, "..."], after: Float[Array, "..."] | None = None
) -> tuple[Float[Array, "..."], ...]:
    """The same arrays, computed before whatever uses them is: on CPUs, where XLA's fusions would make stencils slow.

    What uses the arrays themselves, too, should be computed before: the last of it is `after`. Else they are copied.
    """
    if not xs or not xs[0].size:
        return xs
    last = xs[0] if after is None else jax.lax.stop_gradient(after)
    return tuple(_materialised_p.bind(last, *xs))


@jax.custom_jvp
def scaled(factor: Float[Array, "*shape"], x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Their product. Where it is differentiated, the second factor is kept; a loop that keeps nothing (the first of those that recompute) does
    not compute it by itself."""
    return factor * x


@scaled.defjvp
def _scaled_jvp(primals, tangents):
    (factor, x), (dfactor, dx) = primals, tangents
    product = factor * x
    (kept,) = materialised(x, after=product)
    return product, dfactor * kept + factor * dx


class Band(NamedTuple):
    """How many nodes at the beginning and at the end of an axis."""

    axis: int
    low: int
    high: int


class Slabs(eqx.Module):
    """Values near the two faces of an axis: those of the first nodes, then those of the last.

    Attributes:
        values: the nodes of both, along the axis.
        band: how many of either (static).
    """

    values: Float[Array, "..."]
    band: Band = eqx.field(static=True)

    def __mul__(self, other: "Slabs") -> "Slabs":
        """Node by node: both have the same band."""
        return Slabs(self.values * other.values, self.band)

    def outer(self, band: Band) -> "Slabs":
        """Those nearer the faces."""
        return self if band == self.band else Slabs(_cut(self.values, band), band)


def _cut(values, band: Band):
    """The first and the last nodes along an axis."""
    num = values.shape[band.axis]
    parts = [(0, band.low), (num - band.high, num)]
    parts = [slice_in_dim(values, *part, axis=band.axis) for part in parts if part[0] < part[1]]
    if not parts:
        return slice_in_dim(values, 0, 0, axis=band.axis)
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, band.axis)


def minus(slabs: Slabs) -> Slabs:
    """The same with their signs changed."""
    return Slabs(-slabs.values, slabs.band)


def slabs_of(values: Float[Array, "*shape"], band: Band) -> Slabs:
    """Of coefficients, which do not change with time."""
    return Slabs(_cut(values, band), band)


def place(fields: dict[str, Array], slabs: dict[str, tuple[Slabs, ...]]) -> dict[str, Array]:
    """Fields with slabs added near some faces."""
    names = sorted(fields)
    bands = tuple(tuple(s.band for s in slabs[name]) for name in names)
    pieces = [s.values for name in names for s in slabs[name]]
    placed = _place_p.bind(*(fields[name] for name in names), *pieces, bands=bands)
    return dict(zip(names, placed, strict=True))


def split(
    field: Float[Array, "*shape"], bands: tuple[Band, ...]
) -> tuple[Float[Array, "*shape"], tuple[Slabs, ...]]:
    """The field, and slabs of it: a copy of each, by an operation whose transpose is `place`."""
    if not bands:
        return field, ()
    same, *parts = _split_p.bind(field, bands=bands)
    return same, tuple(Slabs(p, b) for p, b in zip(parts, bands, strict=True))


def _place(*operands, bands):
    fields = list(operands[: len(bands)])
    pieces = iter(operands[len(bands) :])
    plan = [(number, band, next(pieces)) for number, several in enumerate(bands) for band in several]
    fields = list(materialised(*fields))
    for axis in range(fields[0].ndim):
        # Bands are computed first and then copied into the fields, in place: an addition that is fused with the update is slow.
        here = [entry for entry in plan if entry[1].axis == axis]
        for group in (
            (here,) if all(b.low + b.high <= fields[0].shape[axis] for _, b, _ in here) else _one_by_one(here)
        ):
            updates = [
                (number, begin, slice_in_dim(fields[number], begin, begin + size, axis=axis) + part)
                for number, band, piece in group
                for begin, size, part in _ends(fields[number].shape[axis], band, piece)
            ]
            computed = materialised(*(values for *_, values in updates))
            for (number, begin, _), values in zip(updates, computed, strict=True):
                at = [begin if a == axis else 0 for a in range(values.ndim)]
                fields[number] = jax.lax.dynamic_update_slice(fields[number], values, at)
    return list(materialised(*fields))


def _one_by_one(entries):
    """Low and high ends in turn: on a grid so small that they overlap."""
    for number, band, piece in entries:
        low, high = Band(band.axis, band.low, 0), Band(band.axis, 0, band.high)
        yield [(number, low, _cut(piece, low))]
        yield [(number, high, _cut(piece, high))]


def _ends(num: int, band: Band, piece):
    """Where a slab's two parts begin, their thickness, and their values."""
    if band.low:
        yield 0, band.low, slice_in_dim(piece, 0, band.low, axis=band.axis)
    if band.high:
        total = piece.shape[band.axis]
        yield num - band.high, band.high, slice_in_dim(piece, total - band.high, total, axis=band.axis)


def _split_like(field, *, bands):
    resized = lambda b: field.update(
        shape=(*field.shape[: b.axis], b.low + b.high, *field.shape[b.axis + 1 :])
    )
    return [field, *(resized(b) for b in bands)]


def _place_transpose(cotangents, _, *, bands):
    found = [_split_p.bind(c, bands=several) for c, several in zip(cotangents, bands, strict=True)]
    return [f[0] for f in found] + [piece for f in found for piece in f[1:]]


_next_axis = lambda bands: tuple(Band(b.axis + 1, b.low, b.high) for b in bands)

_place_p = linear_primitive(
    "diffseis_place",
    apply=_place,
    like=lambda *operands, bands: list(operands[: len(bands)]),
    transpose=_place_transpose,
    batch=lambda params: {"bands": tuple(_next_axis(several) for several in params["bands"])},
)
_split_p = linear_primitive(
    "diffseis_split",
    apply=lambda field, *, bands: [field, *(_cut(field, b) for b in bands)],
    like=_split_like,
    transpose=lambda cotangents, _, *, bands: _place_p.bind(*cotangents, bands=(bands,)),
    batch=lambda params: {"bands": _next_axis(params["bands"])},
)


def extended(values: Float[Array, "*shape"], widths: tuple[tuple[int, int], ...]) -> Float[Array, "*all"]:
    """With the outermost values repeated at both ends of each axis. Its transpose adds them up one by one: the sum does not depend on what
    XLA makes of it."""
    return _extended_p.bind(values, widths=widths)[0]


def _extended_transpose(cotangents, _, *, widths):
    (total,) = cotangents
    for axis, (low, high) in enumerate(widths):
        num = total.shape[axis]
        row = lambda i, x, axis=axis: jax.lax.dynamic_slice_in_dim(x, i, 1, axis)
        inside = slice_in_dim(total, low, num - high, axis=axis)
        for rows, at in ((range(low), 0), (range(num - high, num), num - low - high - 1)):
            if len(rows):
                add = lambda i, s, total=total, row=row: s + row(i, total)
                (gained,) = materialised(
                    jax.lax.fori_loop(rows.start, rows.stop, add, jnp.zeros_like(row(0, total)))
                )
                begin = [at if a == axis else 0 for a in range(inside.ndim)]
                inside = jax.lax.dynamic_update_slice(inside, row(at, inside) + gained, begin)
        (total,) = materialised(inside)
    return [total]


_extended_p = linear_primitive(
    "diffseis_extended",
    apply=lambda values, *, widths: [jnp.pad(values, widths, mode="edge")],
    like=lambda values, *, widths: [
        values.update(shape=tuple(n + sum(w) for n, w in zip(values.shape, widths, strict=True)))
    ],
    transpose=_extended_transpose,
    batch=lambda params: {"widths": ((0, 0), *params["widths"])},
)
