"""Laws that every space of sources obeys. A new one is a line in `SPACES`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import source
from diffseis.mechanism import (
    DeviatoricTensors,
    DoubleCouples,
    MomentTensors,
    ShearTensile,
    sixes,
    tangent,
)

X64 = jax.config.read("jax_enable_x64")
EXACT = 1e-10 if X64 else 1e-4
SPACES = {
    "double couples": DoubleCouples(),
    "shear-tensile": ShearTensile(kappa=1.2),
    "deviatoric": DeviatoricTensors(),
    "tensors": MomentTensors(),
}


def _points(space, num=40):
    raw = jax.random.normal(jax.random.key(1), (num, space.size))
    return jax.vmap(space.nearest)(raw)


@pytest.mark.parametrize("name", SPACES)
def test_there_and_back(name):
    space = SPACES[name]
    points = _points(space)
    steps = 0.6 * jax.random.normal(jax.random.key(2), (len(points), space.num_dims)) / space.num_dims**0.5
    moved = jax.vmap(space.move)(points, steps)
    back = jax.vmap(lambda a, b: tangent(space, a, b))(points, moved)
    # Farther than half the way to the next image the nearest is another.
    near = np.linalg.norm(steps, axis=1) < 0.7
    np.testing.assert_allclose(back[near], steps[near], atol=10 * EXACT)
    still = jax.vmap(lambda a: tangent(space, a, a))(points)
    np.testing.assert_allclose(still, 0, atol=10 * EXACT)


@pytest.mark.parametrize("name", SPACES)
def test_unit_scalar_moment(name):
    space = SPACES[name]
    six = sixes(space, _points(space))
    np.testing.assert_allclose(np.linalg.norm(six, axis=1), np.sqrt(2), rtol=10 * EXACT)


@pytest.mark.parametrize("name", SPACES)
def test_the_grid_is_uniform_and_as_fine_as_told(name):
    """Its mean dyad is that of the uniform distribution (isotropic), and random points have a neighbour within the spacing."""
    space = SPACES[name]
    spacing = 0.35
    grid = jnp.asarray(space.grid(spacing))
    assert np.all(np.isfinite(jax.vmap(space.inside)(grid)))
    if name in ("deviatoric", "tensors"):
        dyad = np.asarray(grid.T @ grid) / len(grid)
        np.testing.assert_allclose(dyad, np.eye(space.size) / space.size, atol=0.02)
    if name == "double couples":
        mean = np.asarray(jnp.mean(sixes(space, grid), axis=0))
        np.testing.assert_allclose(mean, 0, atol=0.02)
    points = _points(space, 100)
    apart = jax.vmap(lambda a: jax.vmap(lambda b: jnp.linalg.norm(tangent(space, a, b)))(grid))(points)
    nearest = np.min(np.asarray(apart), axis=1)
    assert np.quantile(nearest, 0.9) < 1.2 * spacing


@pytest.mark.parametrize("name", SPACES)
def test_volumes(name):
    """The density of the uniform distribution in tangent coordinates, integrated by random points, is the space's volume."""
    space = SPACES[name]
    rng = np.random.default_rng(0)
    num = 60_000
    # The nearest images of uniform points have the density volume over that of the space: the share within a ball tells the volume.
    raw = rng.normal(size=(num, space.size))
    points = raw / np.linalg.norm(
        raw[:, :4] if name in ("double couples", "shear-tensile") else raw, axis=1, keepdims=True
    )
    if name == "shear-tensile":
        points[:, 4] = rng.uniform(-np.pi / 2, np.pi / 2, num)
    centre = jnp.asarray(space.nearest(jnp.ones(space.size)))
    if name == "shear-tensile":
        centre = centre.at[4].set(0.0)
    steps = jax.vmap(lambda p: tangent(space, centre, p))(jnp.asarray(points))
    radius = 0.5
    share = np.mean(np.linalg.norm(steps, axis=1) < radius)
    inside = rng.normal(size=(num, space.num_dims))
    inside = radius * inside / np.linalg.norm(inside, axis=1, keepdims=True)
    inside = inside * rng.uniform(size=(num, 1)) ** (1 / space.num_dims)
    volumes = jax.vmap(lambda t: space.volume(tuple(t)))(jnp.asarray(inside))
    ball = np.pi ** (space.num_dims / 2) / _gamma(space.num_dims / 2 + 1) * radius**space.num_dims
    expected = ball * np.mean(volumes) / np.exp(space.log_size)
    assert abs(share - expected) < 4 * np.sqrt(expected / num)


def _gamma(x):
    from math import gamma

    return gamma(x)


@pytest.mark.parametrize("name", ["double couples", "shear-tensile"])
def test_half_turns_about_the_axes_change_nothing(name):
    space = SPACES[name]
    point = _points(space, 1)[0]
    for turn in jnp.eye(4)[1:]:
        image = point.at[:4].set(source.multiply(point[:4], turn))
        np.testing.assert_allclose(space.six(image), space.six(point), atol=10 * EXACT)
        np.testing.assert_allclose(tangent(space, point, image), 0, atol=10 * EXACT)


def test_kagan_angles_are_lengths_of_tangents():
    space = DoubleCouples()
    points = _points(space, 60)
    found = jax.vmap(lambda a, b: jnp.linalg.norm(tangent(space, a, b)))(points[:30], points[30:])
    kagan = jax.vmap(source.kagan_angle_of)(points[:30], points[30:])
    np.testing.assert_allclose(2 * np.arctan(np.asarray(found) / 2), kagan, atol=10 * EXACT)


def test_shear_tensile_sources_are_those_of_the_source_room():
    space = ShearTensile(kappa=0.7)
    angles = [0.4, 1.1, -0.8, 0.5]
    tensor = source.shear_tensile(*(jnp.asarray(x) for x in angles), jnp.asarray(0.7))
    point = jnp.concatenate([source.axes_quaternion(tensor), jnp.asarray(angles[3:])])
    expected = source.six_vector(tensor / source.scalar_moment(tensor))
    np.testing.assert_allclose(space.six(point), expected, atol=10 * EXACT)
