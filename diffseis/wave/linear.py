"""Linear operators that JAX differentiates by transposes written by hand.

Reverse-mode differentiation of an operator made of slices pads and adds one array for each. What is defined here is one operation
instead, with the transpose that it is given; forward mode, batches and any nesting of them follow from linearity.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Float, Array


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

    def mapped(values, axes, **params):
        size = next(v.shape[a] for v, a in zip(values, axes, strict=True) if a is not None)
        first = [
            jnp.broadcast_to(v[None], (size, *v.shape)) if a is None else jnp.moveaxis(v, a, 0)
            for v, a in zip(values, axes, strict=True)
        ]
        found = primitive.bind(*first, **batch(params))
        return found, [0] * len(found)

    ad.deflinear2(primitive, pull)
    batching.primitive_batchers[primitive] = mapped
    return primitive


def _opaque_on_cpu(x):
    return x if x.size == 0 else _materialised_p.bind(x)[0]


def _opaque(x):
    # XLA fuses a stencil into whatever consumes it; where that is a concatenation or an update of a slice, the stencil
    # is then computed without vector instructions, three times slower. It cannot see through a loop whose number of passes,
    # always zero, it does not know: an integer made of data, not above zero.
    never = jnp.minimum((x.reshape(-1)[0] * 0).astype(jnp.int32), 0)
    go_on = lambda carry: carry[0] < never
    return jax.lax.while_loop(go_on, lambda c: (c[0] + 1, -c[1]), (jnp.zeros((), jnp.int32), x))[1]


_materialised_p = linear_primitive(
    "diffseis_materialised",
    apply=lambda x: [x],
    like=lambda x: [x],
    transpose=lambda cotangents, _: [_materialised_p.bind(*cotangents)[0]],
    batch=lambda params: params,
)
mlir.register_lowering(
    _materialised_p, mlir.lower_fun(lambda x: [_opaque(x)], multiple_results=True), platform="cpu"
)


def materialised(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The same array, computed before whatever uses it is: on CPUs, where XLA's fusions would make a stencil slow."""
    return _opaque_on_cpu(x)


@jax.custom_jvp
def scaled(factor: Float[Array, "*shape"], x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Their product. Where it is differentiated, the second factor is computed once and kept, not once more for the keeping."""
    return factor * x


@scaled.defjvp
def _scaled_jvp(primals, tangents):
    (factor, x), (dfactor, dx) = primals, tangents
    x = materialised(x)
    return factor * x, dfactor * x + factor * dx


Side = tuple[int, bool]
"""A face of a grid: its axis, and whether it is at the axis's end."""


def place(
    field: Float[Array, "*shape"], pieces: dict[Side, Float[Array, "..."]]
) -> Float[Array, "*shape"]:
    """The field with a slab added at each of some faces, as thick along the face's axis as the slab."""
    if not pieces:
        return field
    sides = tuple(sorted(pieces))
    return _place_p.bind(field, *(pieces[s] for s in sides), sides=sides)[0]


def split(
    field: Float[Array, "*shape"], widths: dict[Side, int]
) -> tuple[Float[Array, "*shape"], dict[Side, Float[Array, "..."]]]:
    """The field, and slabs of it at some faces: a copy of each, by an operation whose transpose is `place`."""
    if not widths:
        return field, {}
    sides = tuple(sorted(widths))
    sizes = tuple(min(widths[s], field.shape[s[0]]) for s in sides)
    same, *slabs = _split_p.bind(field, sides=sides, sizes=sizes)
    return same, dict(zip(sides, slabs, strict=True))


def _place(field, *pieces, sides):
    # Bands are computed first and then copied into the field, in place: an addition that is fused with the update is slow.
    field = _opaque_on_cpu(field)
    for (axis, at_end), piece in zip(sides, pieces, strict=True):
        begin = [0] * field.ndim
        begin[axis] = field.shape[axis] - piece.shape[axis] if at_end else 0
        band = jax.lax.dynamic_slice(field, begin, piece.shape) + piece
        field = jax.lax.dynamic_update_slice(field, _opaque_on_cpu(band), begin)
    return [field]


def _split(field, *, sides, sizes):
    slabs = []
    for (axis, at_end), size in zip(sides, sizes, strict=True):
        begin = field.shape[axis] - size if at_end else 0
        slabs.append(jax.lax.slice_in_dim(field, begin, begin + size, axis=axis))
    return [field, *slabs]


def _split_like(field, *, sides, sizes):
    resized = lambda axis, size: field.update(shape=(*field.shape[:axis], size, *field.shape[axis + 1 :]))
    return [field, *(resized(axis, size) for (axis, _), size in zip(sides, sizes, strict=True))]


def _later_axis(params):
    return params | {"sides": tuple((axis + 1, at_end) for axis, at_end in params["sides"])}


_place_p = linear_primitive(
    "diffseis_place",
    apply=_place,
    like=lambda field, *_, sides: [field],
    transpose=lambda cotangents, avals, *, sides: _split_p.bind(
        *cotangents, sides=sides, sizes=tuple(a.shape[s[0]] for a, s in zip(avals[1:], sides, strict=True))
    ),
    batch=_later_axis,
)
_split_p = linear_primitive(
    "diffseis_split",
    apply=_split,
    like=_split_like,
    transpose=lambda cotangents, _, *, sides, sizes: _place_p.bind(*cotangents, sides=sides),
    batch=_later_axis,
)
