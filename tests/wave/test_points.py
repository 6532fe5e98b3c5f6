"""Points near faces, on fields at nodes and between them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.wave import Absorbing, Boundary, FreeSurface, Periodic, Rigid
from diffseis.wave.base import Place
from diffseis.wave.domain import Domain
from diffseis.wave.points import spread
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
NUM = 31


def _domain(first, last):
    return Domain(RegularGrid([0.0], [1.0], (NUM,)), Boundary(((first, last),)))


def _place(between, odd):
    return Place((between,), ((odd, odd),), early=False)


def _values(wave, between):
    return jnp.asarray(wave(np.arange(NUM) + 0.5 * between))


@pytest.mark.long
@pytest.mark.parametrize("place_km", [0.0, 0.3, 2.7, 17.0, 17.5, 28.6, 30.0])
@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("odd", [False, True])
def test_waves_are_read_up_to_the_faces(place_km, between, odd):
    """Standing waves that are zero, or steepest, on the faces; and their slopes."""
    domain = _domain(FreeSurface(), Rigid())
    k = 5 * np.pi / (NUM - 1)
    wave = (lambda x: np.sin(k * x)) if odd else (lambda x: np.cos(k * x))
    slope = (lambda x: k * np.cos(k * x)) if odd else (lambda x: -k * np.sin(k * x))
    at = np.array([[place_km]])
    read = lambda **how: spread(at, domain, _place(between, odd), float, reading=True, **how).read(
        _values(wave, between)
    )
    np.testing.assert_allclose(read(), [wave(place_km)], atol=2e-4)
    np.testing.assert_allclose(read(slope=0), [slope(place_km)], atol=2e-3 * k)


@pytest.mark.parametrize("place_km", [0.0, 0.3, 29.9, 30.5])
def test_waves_are_read_round_a_periodic_axis(place_km):
    domain = _domain(Periodic(), Periodic())
    wave = lambda x: np.cos(2 * np.pi * 3 * x / NUM + 0.3)
    found = spread(np.array([[place_km]]), domain, _place(False, False), float, reading=True).read(
        _values(wave, False)
    )
    np.testing.assert_allclose(found, [wave(place_km)], atol=2e-4)


@pytest.mark.parametrize("place_km", [0.0, 1e-3, 0.7])
def test_sources_at_a_face_act_with_their_images(place_km):
    """On the face of a grid a node has half a cell: what is put there, by cells, is what was given."""
    domain = _domain(Rigid(), Absorbing(8))
    stencil = spread(np.array([[place_km]]), domain, _place(False, False), float, reading=False)
    field = stencil.add(jnp.zeros(NUM + 8), stencil.patches(jnp.asarray(1.0)), jnp.asarray([2.0]))
    cells = np.ones(NUM + 8)
    cells[0] = 0.5
    np.testing.assert_allclose(jnp.vdot(field, jnp.asarray(cells)), 2.0, rtol=2e-3)
    odd = spread(np.array([[0.0]]), domain, _place(False, True), float, reading=False)
    np.testing.assert_array_equal(
        odd.add(jnp.zeros(NUM + 8), odd.patches(jnp.asarray(1.0)), jnp.asarray([2.0])), 0
    )


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("place_km", [0.0, 0.4, 3.0, 12.3])
def test_gradients_in_the_position(place_km):
    domain = _domain(FreeSurface(), Absorbing(8))
    field = jnp.sin(jnp.arange(NUM + 8.0))

    def value(x, slope=None):
        stencil = spread(x[None, None], domain, _place(True, True), float, reading=True, slope=slope)
        return stencil.read(field)[0]

    check_grads(value, place_km, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        jax.grad(value)(jnp.asarray(place_km)), value(jnp.asarray(place_km), 0), rtol=1e-10
    )
