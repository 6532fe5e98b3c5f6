"""Linear operators with transposes of their own."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.wave.linear import Band, Slabs, materialised, nought, place, scaled, split

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
BANDS = {
    1: [Band(0, 2, 3)],
    2: [Band(0, 0, 2), Band(1, 2, 2)],
    3: [Band(0, 2, 0), Band(1, 1, 2), Band(2, 2, 2)],
}


def _slabs(shape, key):
    size = lambda band: [band.low + band.high if a == band.axis else n for a, n in enumerate(shape)]
    return tuple(Slabs(jr.normal(jr.fold_in(key, n), size(b)), b) for n, b in enumerate(BANDS[len(shape)]))


def _ends(band):
    rest = (slice(None),) * band.axis
    yield (*rest, slice(0, band.low)), (*rest, slice(0, band.low))
    yield (*rest, slice(-band.high or 10**6, None)), (*rest, slice(band.low, None))


@pytest.mark.long
@pytest.mark.parametrize("shape", [(9,), (7, 8), (6, 5, 7), (3, 3), (4,)])
def test_slabs_are_added_where_they_belong(shape, getkey):
    """Also where they overlap, on grids thinner than two of them."""
    field, slabs = jr.normal(getkey(), shape), _slabs(shape, getkey())
    expected = np.array(field)
    for slab in slabs:
        for place_in_field, part in _ends(slab.band):
            expected[place_in_field] += np.asarray(slab.values)[part]
    np.testing.assert_allclose(
        jax.jit(place)({"f": field}, {"f": slabs})["f"], expected, rtol=1e-6, atol=1e-6
    )
    same, found = split(field, tuple(BANDS[len(shape)]))
    np.testing.assert_array_equal(same, field)
    for slab in found:
        for place_in_field, part in _ends(slab.band):
            np.testing.assert_array_equal(np.asarray(slab.values)[part], np.asarray(field)[place_in_field])


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("shape", [(9,), (7, 8), (6, 5, 7)])
def test_the_one_is_the_transpose_of_the_other(shape, getkey):
    field, slabs, bands = jr.normal(getkey(), shape), _slabs(shape, getkey()), tuple(BANDS[len(shape)])
    other = jr.normal(getkey(), shape)
    put = lambda f, s: place({"f": f}, {"f": s})["f"]
    pulled = jax.linear_transpose(put, field, slabs)(other)
    for a, b in zip(jax.tree.leaves(pulled), jax.tree.leaves(split(other, bands)), strict=True):
        np.testing.assert_array_equal(a, b)
    (back,) = jax.linear_transpose(lambda f: split(f, bands), field)((other, slabs))
    np.testing.assert_allclose(back, put(other, slabs), rtol=1e-12)
    many = jr.normal(getkey(), (3, *shape))
    mapped = jax.vmap(lambda f: put(f, slabs))(many)
    np.testing.assert_allclose(mapped, jnp.stack([put(f, slabs) for f in many]), rtol=1e-12)
    parts = jax.vmap(lambda f: [s.values for s in split(f, bands)[1]])(many)
    for n, found in enumerate(parts):
        np.testing.assert_array_equal(found, jnp.stack([split(f, bands)[1][n].values for f in many]))


def test_several_fields_at_once(getkey):
    fields = {name: jr.normal(getkey(), (7, 8)) for name in "ab"}
    slabs = {"a": _slabs((7, 8), getkey()), "b": ()}
    found = place(fields, slabs)
    np.testing.assert_array_equal(found["b"], fields["b"])
    np.testing.assert_array_equal(found["a"], place({"a": fields["a"]}, {"a": slabs["a"]})["a"])


@needs_x64
@pytest.mark.parametrize("value", [1.5, 0.0, -2.0, np.inf, np.nan])
def test_materialised_changes_nothing(value):
    """Also of numbers that are none: whether the loop that hides it from XLA runs depends on them."""
    x = jnp.asarray([[value, 1.0], [2.0, -3.0]])
    np.testing.assert_array_equal(jax.jit(materialised)(x)[0], x)
    np.testing.assert_array_equal(jax.vmap(materialised)(x)[0], x)
    _, dot = jax.jvp(jax.grad(lambda x: jnp.sum(jnp.sin(materialised(x)[0]))), (jnp.ones(3),), (jnp.ones(3),))
    np.testing.assert_allclose(dot, -jnp.sin(jnp.ones(3)), rtol=1e-12)


@needs_x64
@pytest.mark.parametrize("value", [1.5, np.inf, np.nan])
def test_materialised_after_something_else(value):
    """What is waited for changes nothing, has no derivative, and may be anything."""
    x = jnp.asarray([1.0, 2.0])
    waits = jax.jit(lambda x, last: materialised(x, 2 * x, after=last * x))
    for found, expected in zip(waits(x, value), (x, 2 * x), strict=True):
        np.testing.assert_array_equal(found, expected)
    total = lambda x, last: sum(jnp.sum(y**2) for y in waits(x, last))
    np.testing.assert_allclose(jax.grad(total)(x, value), 10 * x, rtol=1e-12)
    np.testing.assert_array_equal(jax.grad(total, 1)(x, value), 0.0)
    _, dot = jax.jvp(jax.grad(total), (x, value), (jnp.ones(2), 1.0))
    np.testing.assert_allclose(dot, 10 * jnp.ones(2), rtol=1e-12)


@needs_x64
@pytest.mark.parametrize("value", [1.5, -2.0, np.inf, -np.inf, np.nan])
def test_nought_is_zero(value):
    """It tells where a copy goes: also of fields that have become infinite."""
    assert int(jax.jit(nought)(jnp.asarray([value, 1.0]))) == 0
    assert int(nought(jnp.asarray([[value]]))) == 0


@needs_x64
def test_scaled_is_a_product(getkey):
    a, b = jr.normal(getkey(), (4,)), jr.normal(getkey(), (4,))
    np.testing.assert_array_equal(scaled(a, b), a * b)
    for argnums, expected in ((0, b), (1, a)):
        np.testing.assert_allclose(
            jax.grad(lambda *x: jnp.sum(scaled(*x)), argnums)(a, b), expected, rtol=1e-12
        )
    _, dot = jax.jvp(jax.grad(lambda x: jnp.sum(scaled(x, x**2))), (a,), (b,))
    np.testing.assert_allclose(dot, 6 * a * b, rtol=1e-12)
