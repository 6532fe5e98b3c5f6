"""Differences near faces against the same stencils on fields that were continued by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.wave import Boundary, FreeSurface, Periodic
from diffseis.wave.domain import Domain
from diffseis.wave.edges import second_edges, staggered_edges
from diffseis.wave.images import EVEN, INSIDE, ODD, WRAPPED
from diffseis.wave.linear import place, split
from diffseis.wave.stencils import ORDERS, second_difference, staggered_difference

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
NUM = 24


def _edges(make, kind, axis, num_dims, order, **how):
    face = Periodic() if kind == WRAPPED else FreeSurface()
    domain = Domain(
        RegularGrid([0.0] * num_dims, [1.0] * num_dims, (NUM,) * num_dims),
        Boundary(((face, face),) * num_dims),
    )
    return make(domain, axis, {FreeSurface: kind}, jnp.asarray(1.0), jnp.asarray(1.0), order, **how)


def _with(edges, operator, field):
    same, near = split(field, (edges.reads,))
    added, _ = edges(near[0], edges.start(field.shape, field.dtype))
    return place({"f": operator(same)}, {"f": (added,)})["f"]


def _waves(kind, between):
    """Functions of their kind about both faces, at 0 and NUM - 1; of nodes or of the places between, the last of which is beyond a face."""
    x = np.arange(NUM) + 0.5 * between
    k = 2 * np.pi * 2 / NUM if kind == WRAPPED else 3 * np.pi / (NUM - 1)
    value, slope = {
        ODD: (np.sin(k * x), lambda x: k * np.cos(k * x)),
        EVEN: (np.cos(k * x), lambda x: -k * np.sin(k * x)),
        WRAPPED: (np.sin(k * x + 0.3), lambda x: k * np.cos(k * x + 0.3)),
        INSIDE: (np.sin(0.4 * x + 0.3), lambda x: 0.4 * np.cos(0.4 * x + 0.3)),
    }[kind]
    if between and kind != WRAPPED:
        value[-1] = 0  # there is none
    return k, value, slope


@needs_x64
@pytest.mark.parametrize("kind", [ODD, EVEN, WRAPPED])
@pytest.mark.parametrize("order", ORDERS)
def test_second_differences(kind, order):
    """Waves are eigenvectors of a stencil: with their images, up to the faces."""
    k, value, _ = _waves(kind, between=False)
    edges = _edges(second_edges, kind, 0, 1, order)
    found = _with(edges, lambda u: second_difference(u, axis=0, order=order), jnp.asarray(value))
    middle = NUM // 2
    np.testing.assert_allclose(found, value * (found[middle] / value[middle]), atol=1e-12)
    np.testing.assert_allclose(found[middle] / value[middle], -(k**2), rtol=0.03)


@needs_x64
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("kind", [ODD, EVEN, WRAPPED])
@pytest.mark.parametrize("order", ORDERS)
def test_staggered_differences(kind, order, forward):
    _, value, slope = _waves(kind, between=not forward)
    edges = _edges(staggered_edges, kind, 0, 1, order, forward=forward)
    found = np.asarray(
        _with(
            edges,
            lambda u: staggered_difference(u, axis=0, order=order, forward=forward),
            jnp.asarray(value),
        )
    )
    expected = slope(np.arange(NUM) + 0.5 * forward)
    alive = slice(0, NUM - 1) if forward and kind != WRAPPED else slice(0, NUM)
    np.testing.assert_allclose(found[alive], expected[alive] * (found[8] / expected[8]), atol=1e-12)
    np.testing.assert_allclose(found[8], expected[8], rtol=0.03)


@needs_x64
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_stencils_that_shorten_towards_the_face(order, forward):
    """They use nothing beyond it, and are as exact as their length allows; on the face itself fields between nodes have none."""
    _, value, slope = _waves(INSIDE, between=not forward)
    edges = _edges(staggered_edges, INSIDE, 0, 1, order, forward=forward)
    operator = lambda u: _with(
        edges, lambda u: staggered_difference(u, axis=0, order=order, forward=forward), u
    )
    alive = slice(0, NUM - 1) if forward else slice(1, NUM - 1)
    found = np.asarray(operator(jnp.asarray(value)))
    expected = slope(np.arange(NUM) + 0.5 * forward)
    np.testing.assert_allclose(found[alive], expected[alive], atol=0.4**3 / 24 * 1.1)
    line = np.arange(NUM) + 0.5 * (not forward)
    line[-1] = line[-1] if forward else 0
    np.testing.assert_allclose(np.asarray(operator(jnp.asarray(line)))[alive], 1, rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
def test_other_axes(axis):
    """A field of two dimensions is one of one dimension, row by row."""
    field = jax.random.normal(jax.random.key(0), (NUM, NUM))
    rows = field if axis == 1 else field.T
    along = lambda u, axis: _with(
        _edges(second_edges, ODD, axis, u.ndim, 4), lambda u: second_difference(u, axis=axis, order=4), u
    )
    expected = jnp.stack([along(row, 0) for row in rows])
    np.testing.assert_allclose(along(field, axis), expected if axis == 1 else expected.T, atol=1e-5)
