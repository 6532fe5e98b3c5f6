"""Finite-difference operators on regular grids, zero outside, with transposes that are written by hand.

Reverse-mode differentiation of a stencil made of shifted slices pads and adds one array per slice. The operators here are linear
primitives instead: the second difference is its own transpose, a staggered first difference has that of the other stagger,
with its sign changed, so that a gradient costs no more than the operator.

References:
    Fornberg (1988), Generation of finite difference formulas on arbitrarily spaced grids,
    doi:10.1090/S0025-5718-1988-0935077-0. Virieux (1986), P-SV wave propagation in heterogeneous media,
    doi:10.1190/1.1442147.
"""

from fractions import Fraction
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from diffseis.wave.linear import linear_primitive, materialised, nought

ORDERS = (2, 4, 8)


class Cut(NamedTuple):
    """An axis of an array that is divided among devices: among those along an axis of their mesh, of some name."""

    name: str
    axis: int


Shared = Cut | None


def _first_axis(name: str | None) -> Shared:
    return None if name is None else Cut(name, 0)


def _next_axes(params):
    """Parameters of a batch along a new first axis."""
    shared = params["shared"]
    shared = None if shared is None else Cut(shared.name, shared.axis + 1)
    return params | {"axes": tuple(a + 1 for a in params["axes"]), "shared": shared}


@cache
def second_coefficients(order: int) -> tuple[float, ...]:
    """``c0, c1, ...`` of ``u'' h^2 = c0 u[i] + sum c_k (u[i+k] + u[i-k])``."""
    check_order(order)
    half = order // 2
    # Even Taylor terms: sum over k of 2 c_k k^(2m) / (2m)! is 1 for m = 1 and 0 for the others.
    rows = [[Fraction(2 * k ** (2 * m)) for k in range(1, half + 1)] for m in range(1, half + 1)]
    right = [Fraction(2 if m == 1 else 0) for m in range(1, half + 1)]
    sides = _solve(rows, right)
    return (float(-2 * sum(sides)), *(float(c) for c in sides))


@cache
def central_coefficients(order: int) -> tuple[float, ...]:
    """``c1, c2, ...`` of ``u' h = sum c_k (u[i+k] - u[i-k])``."""
    check_order(order)
    half = order // 2
    rows = [[Fraction(2 * k ** (2 * m + 1)) for k in range(1, half + 1)] for m in range(half)]
    return tuple(float(c) for c in _solve(rows, [Fraction(int(m == 0)) for m in range(half)]))


@cache
def staggered_coefficients(order: int) -> tuple[float, ...]:
    """``c1, c2, ...`` of ``u'[i+1/2] h = sum c_k (u[i+k] - u[i+1-k])``, of any even order."""
    half = order // 2
    places = [Fraction(2 * k - 1, 2) for k in range(1, half + 1)]
    rows = [[2 * x ** (2 * m + 1) for x in places] for m in range(half)]
    right = [Fraction(1 if m == 0 else 0) for m in range(half)]
    return tuple(float(c) for c in _solve(rows, right))


def check_order(order: int) -> None:
    """Refuse orders that there are no operators of."""
    if order not in ORDERS:
        raise ValueError(f"`order` must be one of {ORDERS}, got {order}")


def _solve(rows: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Gauss's elimination in fractions: coefficients without rounding."""
    rows = [[*row, value] for row, value in zip(rows, right, strict=True)]
    for i in range(len(rows)):
        pivot = next(r for r in range(i, len(rows)) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


def laplacian(
    u: Float[Array, "*shape"],
    weights: Float[Array, " _"],
    *,
    order: int,
    axes: tuple[int, ...] | None = None,
    shared: str | None = None,
) -> Float[Array, "*shape"]:
    """Second differences, summed over all axes, or some, with a weight each (the inverse square of the spacing makes them derivatives).

    Where the first axis is divided among the devices of a mesh, along its axis `shared`, each passes the nodes next to its cuts to its neighbours.
    Derivatives with respect to `weights` are not defined.
    """
    axes = tuple(range(u.ndim)) if axes is None else axes
    return _laplacian_p.bind(u, weights, order=order, axes=axes, shared=_first_axis(shared))


def second_difference(u: Float[Array, "*shape"], *, axis: int, order: int) -> Float[Array, "*shape"]:
    """``h^2 u''`` along one axis."""
    one = jnp.ones(1, u.dtype)
    return _laplacian_p.bind(u, one, order=order, axes=(axis,), shared=None)


def central_difference(u: Float[Array, "*shape"], *, axis: int, order: int) -> Float[Array, "*shape"]:
    """``h u'`` along one axis, at the nodes themselves."""
    return _central_p.bind(u, order=order, axis=axis)[0]


def staggered_difference(
    u: Float[Array, "*shape"], *, axis: int, order: int, forward: bool
) -> Float[Array, "*shape"]:
    """``h u'`` at the nodes moved by half a spacing, forward (``i + 1/2`` where ``u`` lies at ``i``) or backward (``i - 1/2``)."""
    return staggered_differences(u, {axis: forward}, order=order)[0]


def staggered_differences(
    u: Float[Array, "*shape"], forward: dict[int, bool], *, order: int, shared: str | None = None
) -> list[Float[Array, "*shape"]]:
    """The same along several axes, for each of which `forward` tells the direction: one padded copy serves all."""
    return _staggered_p.bind(
        u, order=order, axes=tuple(forward), forward=tuple(forward.values()), shared=_first_axis(shared)
    )


def _shifted(wide, axis: int, shift: int, half: int, like):
    """What lies `shift` nodes on, of an array that was padded by `half` on both sides of one or of all axes."""
    for a in range(like.ndim):
        extra = wide.shape[a] - like.shape[a]
        if extra:
            begin = extra // 2 + (shift if a == axis else 0)
            wide = slice_in_dim(wide, begin, begin + like.shape[a], axis=a)
    return wide


def _apply_laplacian(u, weights, *, order: int, axes: tuple[int, ...], shared: Shared):
    half = order // 2
    centre, *sides = second_coefficients(order)
    # One padded copy serves all axes: XLA makes one loop of all the rest.
    wide = _padded(u, axes, half, shared)
    total = (centre * jnp.sum(weights)) * u
    for n, axis in enumerate(axes):
        for k, c in enumerate(sides, 1):
            pair = _shifted(wide, axis, k, half, u) + _shifted(wide, axis, -k, half, u)
            total = total + (c * weights[n]) * pair
    return total


def _padded(u, axes: tuple[int, ...], half: int, shared: Shared):
    """An array with zeros at both ends of some axes. On an axis that several devices share, it is what their neighbours have next to the cut."""
    widths = [half if a in axes else 0 for a in range(u.ndim)]
    # On CPUs a copy into zeros is faster than a `pad`, which is what XLA makes of it where it knows the place; but not of whole rows.
    zero = jnp.zeros((), jnp.int32) if axes == (0,) else nought(u)
    wide = jax.lax.dynamic_update_slice(
        jnp.full([n + 2 * w for n, w in zip(u.shape, widths, strict=True)], zero.astype(u.dtype)),
        u,
        [zero + w for w in widths],
    )
    if shared is None or shared.axis not in axes:
        return wide
    num = u.shape[shared.axis]
    devices = jax.lax.axis_size(shared.name)
    last, first = (slice_in_dim(u, i, i + half, axis=shared.axis) for i in (num - half, 0))
    received = (
        (0, jax.lax.ppermute(last, shared.name, [(d, d + 1) for d in range(devices - 1)])),
        (num + half, jax.lax.ppermute(first, shared.name, [(d + 1, d) for d in range(devices - 1)])),
    )
    for begin, rows in received:
        at = [begin if a == shared.axis else w for a, w in enumerate(widths)]
        wide = jax.lax.dynamic_update_slice(wide, rows, at)
    return wide


def _staggered(wide, u, axis: int, order: int, forward: bool):
    """Of a padded array; `u` has the shape that it had."""
    half = order // 2
    total = jnp.zeros((), u.dtype)
    for k, c in enumerate(staggered_coefficients(order), 1):
        right, left = (k, 1 - k) if forward else (k - 1, -k)
        difference = _shifted(wide, axis, right, half, u) - _shifted(wide, axis, left, half, u)
        total = total + c * difference
    return total


def _apply_staggered(u, *, order: int, axes: tuple[int, ...], forward: tuple[bool, ...], shared: Shared):
    wide = _padded(u, axes, order // 2, shared)
    return [_staggered(wide, u, axis, order, f) for axis, f in zip(axes, forward, strict=True)]


def _apply_staggered_sum(*us, order: int, axes: tuple[int, ...], forward: tuple[bool, ...], shared: Shared):
    found = [
        _staggered(_padded(u, (axis,), order // 2, shared), u, axis, order, f)
        for u, axis, f in zip(us, axes, forward, strict=True)
    ]
    return [sum(found[1:], start=found[0])]


def _apply_central(u, *, order: int, axis: int):
    half = order // 2
    wide = jnp.pad(u, [(half, half) if a == axis else (0, 0) for a in range(u.ndim)])
    shifted = lambda k: _shifted(wide, axis, k, half, u)
    return [sum(c * (shifted(k) - shifted(-k)) for k, c in enumerate(central_coefficients(order), 1))]


_laplacian_p = Primitive("diffseis_laplacian")
_laplacian_p.def_impl(_apply_laplacian)
_laplacian_p.def_abstract_eval(lambda u, weights, **_: u)
mlir.register_lowering(_laplacian_p, mlir.lower_fun(_apply_laplacian, multiple_results=False))


def _laplacian_jvp(primals, tangents, **params):
    (u, weights), (du, dweights) = primals, tangents
    if not isinstance(dweights, ad.Zero):
        raise NotImplementedError("derivatives with respect to the spacing of a grid are not defined")
    # Of two operands one has a tangent, or this would not have been called.
    return _laplacian_p.bind(u, weights, **params), _laplacian_p.bind(du, weights, **params)


def _laplacian_transpose(cotangent, u, weights, **params):
    if isinstance(cotangent, ad.Zero):
        return ad.Zero(u.aval), None
    # A product with a coefficient, as a rule: it is computed before the copy that is padded.
    return _laplacian_p.bind(*materialised(cotangent), weights, **params), None


def _laplacian_batch(values, batch_axes, *, order, axes, shared):
    (u, weights), (u_axis, weights_axis) = values, batch_axes
    if weights_axis is not None:
        raise NotImplementedError("grids of several spacings at a time are not supported")
    u = jnp.moveaxis(u, u_axis, 0)
    params = {"order": order} | _next_axes({"axes": axes, "shared": shared})
    return _laplacian_p.bind(u, weights, **params), 0


ad.primitive_jvps[_laplacian_p] = _laplacian_jvp
ad.primitive_transposes[_laplacian_p] = _laplacian_transpose
batching.primitive_batchers[_laplacian_p] = _laplacian_batch

_next_axis = lambda params: params | {"axis": params["axis"] + 1}
_turned = lambda params: params | {"forward": tuple(not f for f in params["forward"])}

_staggered_p = linear_primitive(
    "diffseis_staggered_differences",
    apply=_apply_staggered,
    like=lambda u, *, axes, **_: [u for _ in axes],
    transpose=lambda cotangents, _, **params: [
        -_staggered_sum_p.bind(*materialised(*cotangents), **_turned(params))[0]
    ],
    batch=_next_axes,
)
_staggered_sum_p = linear_primitive(
    "diffseis_staggered_differences_summed",
    apply=_apply_staggered_sum,
    like=lambda *us, **_: [us[0]],
    transpose=lambda cotangents, _, **params: [
        -x for x in _staggered_p.bind(*materialised(*cotangents), **_turned(params))
    ],
    batch=_next_axes,
)
_central_p = linear_primitive(
    "diffseis_central_difference",
    apply=_apply_central,
    like=lambda u, **_: [u],
    transpose=lambda cotangents, _, **params: [-_central_p.bind(*materialised(*cotangents), **params)[0]],
    batch=_next_axis,
)
