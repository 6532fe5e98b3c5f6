"""Distances from rectangles, against the nearest of many points on them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import groundmotion as gm
from tests.helpers.gradients import check_grads

X64 = jax.config.read("jax_enable_x64")
PLANES = [(30.0, 50.0, 12.0, 9.0, 2.0), (200.0, 90.0, 25.0, 10.0, 0.0), (300.0, 5.0, 8.0, 20.0, 6.0)]


def plane_of(strike, dip, length, width, depth):
    values = (np.radians(strike), np.radians(dip), length, width)
    return gm.Plane(jnp.asarray([1.0, -2.0, depth]), *(jnp.asarray(x, float) for x in values))


def points_of(strike, dip, length, width, depth, num=400):
    """Middle of the upper edge, plus shares along the strike and down the dip."""
    s, d = np.radians(strike), np.radians(dip)
    along = np.array([np.cos(s), np.sin(s), 0])
    down = np.array([-np.sin(s) * np.cos(d), np.cos(s) * np.cos(d), np.sin(d)])
    u, v = np.meshgrid(np.linspace(-length / 2, length / 2, num), np.linspace(0, width, num))
    return np.array([1.0, -2.0, depth]) + u[..., None] * along + v[..., None] * down


@pytest.mark.parametrize("values", PLANES)
def test_against_many_points(values):
    plane, points = plane_of(*values), points_of(*values)
    sites = np.random.default_rng(1).uniform(-40, 40, (60, 3))
    sites[:, 2] = np.random.default_rng(2).uniform(-1, 0, 60)
    found = jax.jit(jax.vmap(gm.plane_distances, in_axes=(None, 0)))(plane, jnp.asarray(sites, float))
    for i, site in enumerate(sites):
        apart = points - site
        np.testing.assert_allclose(found.rrup_km[i], np.linalg.norm(apart, axis=-1).min(), atol=2e-3)
        np.testing.assert_allclose(found.rjb_km[i], np.linalg.norm(apart[..., :2], axis=-1).min(), atol=0.05)
    strike = np.radians(values[0])
    across = (sites[:, 1] + 2) * np.cos(strike) - (sites[:, 0] - 1) * np.sin(strike)
    np.testing.assert_allclose(found.rx_km, across, rtol=1e-4, atol=1e-4)
    assert np.all(np.asarray(found.rjb_km) <= np.asarray(found.rrup_km) + 1e-5)


def test_the_hanging_wall_is_to_the_right_of_the_strike():
    """A plane that strikes north dips to the east."""
    plane = plane_of(0.0, 45.0, 20.0, 10.0, 0.0)
    east = gm.plane_distances(plane, jnp.asarray([1.0, 1.0, 0.0]))
    assert east.rx_km == pytest.approx(3.0)
    assert east.rjb_km == 0
    assert east.rrup_km == pytest.approx(3 / np.sqrt(2), rel=1e-5)
    beyond = gm.plane_distances(plane, jnp.asarray([21.0, -2.0, 0.0]))
    assert beyond.ry0_km == pytest.approx(10.0)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients():
    plane = plane_of(*PLANES[0])

    def total(x):
        moved = gm.Plane(x[:3], x[3], x[4], x[5], x[6])
        d = gm.plane_distances(moved, x[7:])
        return d.rjb_km + 2 * d.rrup_km + d.rx_km + d.ry0_km

    flat = [plane.strike_rad, plane.dip_rad, plane.length_km, plane.width_km]
    for site in ([20.0, 15.0, 0.0], [-9.0, 3.0, -1.0], [3.0, 3.0, 0.0]):
        check_grads(jax.jit(total), jnp.concatenate([plane.top_ned_km, jnp.stack(flat), jnp.asarray(site)]))
    on_it = jnp.concatenate([plane.top_ned_km, jnp.stack(flat), plane.top_ned_km])
    assert np.all(np.isfinite(jax.grad(total)(on_it)))
    apart = lambda x: sum(gm.point_distances(x[:3], x[3:]))
    check_grads(apart, jnp.asarray([1.0, 2.0, 9.0, 4.0, 5.0, 0.0]))
    assert np.all(np.isfinite(jax.grad(apart)(jnp.zeros(6))))


def test_sizes_and_places_of_ruptures():
    """Wells & Coppersmith's table 2A at magnitude 7: strike slip of 59 km by 13.5 km; an upper edge that would stand out is moved down the dip."""
    length, width = gm.expected_size(jnp.asarray(7.0), jnp.asarray(0.0))
    assert length == pytest.approx(10 ** (-2.57 + 0.62 * 7), rel=1e-4)
    assert width == pytest.approx(10 ** (-0.76 + 0.27 * 7), rel=1e-4)
    every, _ = gm.expected_size(jnp.asarray(7.0), jnp.asarray(jnp.nan))
    assert every == pytest.approx(10 ** (-2.44 + 0.59 * 7), rel=1e-4)
    place = jnp.asarray([0.0, 0.0, 2.0])
    quarter = jnp.asarray(np.pi / 4, float)
    plane = gm.plane_about(place, quarter, quarter, jnp.asarray(20.0, float), jnp.asarray(12.0, float))
    assert plane.top_ned_km[2] == pytest.approx(0, abs=1e-6)
    near = gm.plane_distances(plane, place)
    assert near.rrup_km == pytest.approx(0, abs=1e-5)
    assert np.all(np.isfinite(jax.grad(lambda m: gm.expected_size(m, jnp.asarray(1.6))[0])(jnp.asarray(7.0))))
