"""Samples of mechanisms: probabilities on the ball, densities of axes and of kinds of sources."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from diffseis import source
from diffseis.plot import (
    draw_axis_density,
    draw_faulting_ternary,
    draw_fuzzy_ball,
    draw_lune,
    draw_posterior_planes,
    faulting_styles,
    figure_png,
)
from diffseis.plot.beachballs import disc_axes
from diffseis.plot.densities import mass_levels, normalised
from diffseis.plot.faulting import plunges_deg, ternary_place
from diffseis.plot.focal_sphere import LOWER
from diffseis.plot.lune import hammer, lune_degrees, lune_density
from diffseis.plot.mechanism_posterior import MAX_PLANES, axis_density, probability_up

CELL = 2 * 1.04 / 100


def shear_tensile(strike, dip, rake, slope=0.0, spread=8.0, num=300):
    rng = np.random.default_rng(6)
    angles = np.radians(rng.normal([strike, dip, rake, slope], [spread, spread, spread, 0.5 * spread * (slope != 0)], (num, 4)))  # fmt: skip
    many = jax.jit(jax.vmap(source.shear_tensile, in_axes=(0, 0, 0, 0, None)))
    return np.asarray(many(*jnp.asarray(angles.T), jnp.asarray(1.0)), float)


DRAWS = shear_tensile(30.0, 60.0, 45.0)
SAMPLES = {
    "double couples": DRAWS,
    "tensile": shear_tensile(30.0, 60.0, 45.0, 20.0),
    "one": DRAWS[:1],
    "none": DRAWS[:0],
    "explosions": np.repeat(np.eye(3)[None], 5, axis=0),
    "zeros": np.zeros((3, 3, 3)),
    "anything": (lambda a: a + np.swapaxes(a, 1, 2))(np.random.default_rng(1).normal(size=(200, 3, 3))),
}


def disc():
    ax = Figure(figsize=(3, 3)).subplots()
    disc_axes(ax)
    return ax


def test_the_probability_that_the_motion_is_up():
    along, both = probability_up(np.stack([np.eye(3), -np.eye(3)]), np.array([3.0, 1.0]))
    np.testing.assert_allclose(both, 0.75)
    np.testing.assert_allclose(probability_up(np.zeros((2, 3, 3)))[1], 0.5)
    # The mean over the ball is that of each draw, one half for double couples.
    _, p = probability_up(DRAWS)
    inside = along[:, None] ** 2 + along[None, :] ** 2 < 1
    assert np.mean(p[inside]) == pytest.approx(0.5, abs=0.01)
    t_axis = np.linalg.eigh(np.mean(DRAWS, axis=0))[1][:, 2]
    x, y = LOWER.place(t_axis)
    assert p[np.argmin(np.abs(along - y)), np.argmin(np.abs(along - x))] > 0.99


def test_axes_have_densities_of_integral_one():
    for name in ("P", "T"):
        along, density = axis_density(DRAWS, axis=name)
        inside = along[:, None] ** 2 + along[None, :] ** 2 <= 1
        # The disc of area pi is the half sphere of 2 pi.
        assert 2 * CELL**2 * np.sum(density[inside]) == pytest.approx(1.0, abs=0.01)
        peak = np.unravel_index(np.argmax(np.where(inside, density, 0)), density.shape)
        axis = np.linalg.eigh(np.mean(DRAWS, axis=0))[1][:, 2 if name == "T" else 0]
        apart = np.array([along[peak[1]], along[peak[0]]]) - LOWER.place(axis)
        assert min(np.linalg.norm(apart), np.linalg.norm(apart + 2 * LOWER.place(axis))) < 0.12


def test_levels_hold_their_shares():
    density = np.random.default_rng(2).exponential(size=(40, 50))
    levels = mass_levels(density, (0.9, 0.5, 0.1))
    shares = [np.sum(density[density >= level]) / np.sum(density) for level in levels]
    np.testing.assert_allclose(shares, [0.9, 0.5, 0.1], atol=0.01)
    assert np.all(mass_levels(np.zeros((3, 3))) == 0)
    np.testing.assert_allclose(normalised(None, 4), 0.25)
    with pytest.raises(ValueError, match="positive sum"):
        normalised(np.zeros(3), 3)


def test_the_projection_of_the_lune_keeps_areas():
    gamma, delta = np.meshgrid(np.linspace(-29, 29, 21), np.linspace(-85, 85, 35))
    step = 1e-3
    along = (hammer(gamma + step, delta) - hammer(gamma - step, delta)) / (2 * np.radians(step))
    across = (hammer(gamma, delta + step) - hammer(gamma, delta - step)) / (2 * np.radians(step))
    areas = along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]
    np.testing.assert_allclose(areas, np.cos(np.radians(delta)), rtol=1e-6)
    np.testing.assert_allclose(
        hammer(np.zeros(2), np.array([90.0, -90.0])), [[0, 2**0.5], [0, -(2**0.5)]], atol=1e-9
    )


def test_places_on_the_lune():
    tensors = np.stack(
        [np.diag(v) for v in ([1.0, 0, -1], [3.0, 1, 1], [1, -0.5, -0.5], [1.0, 0, 0], [-1.0, -1, -1])]
    )
    places = lune_degrees(tensors)
    expected = [[0, 0], [-30, 60.5038], [-30, 0], [-30, 35.2644], [0, -90]]
    np.testing.assert_allclose(places, expected, atol=2e-3)


@pytest.mark.parametrize("where", [(0.0, 0.0), (-30.0, 60.0), (30.0, -10.0)])
def test_density_of_the_lune_stays_inside(where):
    """Nothing is lost at the edge."""
    rng = np.random.default_rng(3)
    gamma = np.clip(rng.normal(where[0], 2, 2000), -30, 30)
    _, _, density = lune_density(gamma, rng.normal(where[1], 3, 2000))
    assert 0.01**2 * np.sum(density) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("name", SAMPLES)
def test_everything_is_drawn(name):
    """Without a warning, for ordinary and odd samples, and limits stay."""
    tensors = SAMPLES[name]
    ax = disc()
    before = ax.axis()
    draw_posterior_planes(ax, tensors[:40])
    if len(tensors):
        draw_fuzzy_ball(ax, tensors, num=41)
        draw_axis_density(ax, tensors, num=41)
    assert ax.axis() == before
    lune = Figure(figsize=(2, 4)).subplots()
    gamma, delta = lune_degrees(tensors).T
    draw_lune(lune, gamma, delta, preferred_deg=(0.0, 10.0))
    triangle = Figure(figsize=(3, 3)).subplots()
    draw_faulting_ternary(triangle, tensors[:20], balls=len(tensors) < 10)
    for each in (ax, lune, triangle):
        figure_png(each.figure, dpi=40)


def test_a_hundred_planes_at_most():
    ax = disc()
    draw_posterior_planes(ax, np.repeat(DRAWS, 3, axis=0))
    (planes,) = [a for a in ax.get_children() if isinstance(a, PathCollection)]
    assert len(planes.get_paths()) == MAX_PLANES


def test_styles_of_faulting():
    # The last two are dip-slip on a steep plane: T or P plunges by 55 degrees, enough for reverse but not for normal faulting.
    typical = (
        ((30.0, 88.0, 3.0), "strike-slip"),
        ((30.0, 45.0, 90.0), "reverse"),
        ((200.0, 50.0, -85.0), "normal"),
        ((10.0, 50.0, 20.0), "oblique"),
        ((70.0, 80.0, 90.0), "reverse"),
        ((70.0, 80.0, -90.0), "oblique"),
    )
    tensors = np.stack([np.asarray(source.double_couple(*jnp.radians(jnp.asarray(v))), float) for v, _ in typical])  # fmt: skip
    assert list(faulting_styles(tensors)) == [style for _, style in typical]
    sines = np.sin(np.radians(plunges_deg(SAMPLES["anything"])))
    np.testing.assert_allclose(np.sum(sines**2, axis=1), 1.0, atol=1e-6)


def test_the_triangle():
    corners = ternary_place(np.array([[0.0, 90, 0], [0, 0, 90], [90, 0, 0]]))
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    np.testing.assert_allclose(sides, 6**0.5, rtol=1e-12)
    assert corners[0, 1] == pytest.approx(2**0.5)
    even = np.degrees(np.arcsin(3**-0.5))
    np.testing.assert_allclose(ternary_place(np.full((1, 3), even)), 0.0, atol=1e-12)
    # All lie inside: on the inner side of each edge.
    places = ternary_place(plunges_deg(SAMPLES["anything"]))
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = (b - a)[0] * (places - a)[:, 1] - (b - a)[1] * (places - a)[:, 0]
        assert np.all(side > -1e-6)
