"""Networks of travel times in transversely isotropic media."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import NeuralTravelTime, mean_slowness, solve_eikonal, train_travel_times
from diffseis.eikonal.medium import eikonal_excess, group_slowness
from diffseis.eikonal.neural import input_sizes
from diffseis.eikonal.neural_region import make_region
from diffseis.eikonal.neural_residuals import slowness_vector
from diffseis.networks import CoordinateNetwork
from diffseis.velocity import Gradient, Homogeneous, Layered, SpeedRatio, TransverselyIsotropic, model_hash
from diffseis.velocity.anisotropic import group_slowness_ratio
from tests.eikonal.test_anisotropy import stretched
from tests.helpers.gradients import check_grads

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64"
)

LOW, HIGH = jnp.zeros(3), jnp.full(3, 20.0)
MODEL = Gradient(3.0, 0.2)
TILTED = TransverselyIsotropic(MODEL, 0.2, 0.05, (np.sin(0.4), 0.0, np.cos(0.4)))
UPRIGHT = TransverselyIsotropic(MODEL, 0.2, 0.05)
PLANE = jnp.asarray([0, 2])


def _untrained(model, form, seed=0):
    region = make_region(model, LOW, HIGH)
    network = CoordinateNetwork(*input_sizes(form, model, region), width=12, key=jr.key(seed))
    network = eqx.tree_at(lambda n: n.readout.weight, network, 5 * network.readout.weight)
    return NeuralTravelTime(network, model, region, form)


def _points(num, seed=1):
    return jr.uniform(jr.key(seed), (num, 3)) * HIGH[None]


def _relative(found, exact):
    return float(np.linalg.norm(np.asarray(found) - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize(
    ("model", "form"),
    [
        pytest.param(TILTED, "space", id="TTI", marks=pytest.mark.long),
        pytest.param(UPRIGHT, "depth", id="VTI", marks=pytest.mark.long),
    ],
)
def test_holds_whatever_the_weights(model, form):
    field = _untrained(model, form)
    a, b = _points(100), _points(100, seed=2)

    @jax.jit
    def run(p, q):
        times, slopes = jax.vmap(jax.value_and_grad(field, (0, 1)))(p, q)
        straight = jax.vmap(lambda x, y: mean_slowness(model, x, y))(p, q)
        # A centimetre away the slowness vector lies on the surface of the medium.
        there = jax.vmap(
            lambda x, y: slowness_vector(field, x, x + 1e-5 * (y - x) / jnp.linalg.norm(y - x + 1e-9))
        )
        excess = jax.vmap(lambda x, s: eikonal_excess(model, x, s))(p, there(p, q))
        return times, slopes, straight, excess

    times, _, straight, excess = run(a, b)
    np.testing.assert_allclose(times, run(b, a)[0], rtol=1e-12)
    distance = jnp.linalg.norm(b - a, axis=-1)
    assert jnp.all(times <= distance * straight * (1 + 1e-12))
    assert jnp.all(times >= distance * field.region.least_slowness * (1 - 1e-12))
    np.testing.assert_allclose(excess, 0, atol=1e-4)
    times, slopes, *_ = run(a, a)
    assert jnp.all(times == 0)
    assert all(jnp.all(jnp.isfinite(x)) for x in slopes)


@pytest.mark.long
def test_gradients():
    """By the receiver: of times, beside the axis and on it, where square roots of squares end; and of the group's slowness by all it depends on."""
    field, source = _untrained(TILTED, "space"), jnp.asarray([4.0, 5.0, 3.1])
    run = jax.jit(lambda x: field(source, x))
    check_grads(run, jnp.asarray([15.0, 9.0, 17.3]))
    assert jnp.all(jnp.isfinite(jax.grad(run)(source + 8 * TILTED.axis_ned)))
    ratio = jax.jit(lambda x: group_slowness_ratio(x[0], x[1], x[2]))
    for cosine in (0.0, 0.6, 1.0 - 1e-4):
        check_grads(ratio, jnp.asarray([cosine, 0.2, 0.05]))


def test_mean_slowness_of_straight_lines():
    """Exact for Thomsen's parameters that are the same everywhere; by quadrature elsewhere."""
    a, b = jnp.asarray([1.0, 2.0, 3.0]), jnp.asarray([9.0, 4.0, 13.0])
    layers = TransverselyIsotropic(Layered([0.0, 5.0], [3.0, 4.0]), 0.2, 0.05)
    direction = (b - a) / jnp.linalg.norm(b - a)
    expected = sum(
        w * group_slowness(layers, jnp.asarray([0.0, 0.0, z]), direction) for w, z in ((0.2, 4.0), (0.8, 6.0))
    )
    np.testing.assert_allclose(mean_slowness(layers, a, b), expected, rtol=1e-12)
    ratio = SpeedRatio(Gradient(3.6, 0.24), MODEL)
    varying = TransverselyIsotropic(MODEL, ratio, ratio)
    same = TransverselyIsotropic(MODEL, 0.22, 0.22)
    run = jax.jit(lambda m: mean_slowness(m, a, b, num_nodes=9), static_argnums=())
    np.testing.assert_allclose(run(varying), run(same), rtol=1e-9)
    np.testing.assert_allclose(mean_slowness(TILTED, a, a), 1 / MODEL.speed(a), rtol=1e-12)


def _against_the_grid(model, form, **settings):
    source = jnp.asarray([7.313, 0.0, 6.871])
    solution = train_travel_times(
        model, LOW, HIGH, form=form, source_ned_km=source, width=24, num_points=512, key=jr.key(0), **settings
    )
    return solution.value, source


@pytest.mark.slow
@pytest.mark.parametrize(("tilt_rad", "largest"), [(0.0, 2e-6), (0.5, 7e-6)])  # measured 9.8e-7, 3.8e-6
def test_an_elliptical_medium(tilt_rad, largest):
    """A section from one source, against the stretched closed form."""
    axis = np.array([np.sin(tilt_rad), np.cos(tilt_rad)])
    medium = TransverselyIsotropic(MODEL, 0.2, 0.2, (axis[0], 0.0, axis[1]))
    field, source = _against_the_grid(medium, "plane", num_steps=100)
    at = _points(2000).at[:, 1].set(0)
    exact = stretched(np.asarray(at[:, PLANE]), np.asarray(source[PLANE]), axis, 0.2)
    error = _relative(eqx.filter_jit(eqx.filter_vmap(field))(at), exact)
    assert error < largest


@pytest.mark.slow
@pytest.mark.parametrize(("model", "largest"), [(UPRIGHT, 1.5e-5), (TILTED, 1.4e-5)], ids=["VTI", "TTI"])
def test_an_anelliptical_medium(model, largest):
    """A section from one source, against the grid: measured 7.6e-6 and 6.9e-6."""
    field, source = _against_the_grid(model, "plane", num_steps=100)
    grid = RegularGrid([0.0, 0.0], 0.2, (101, 101))
    swept = solve_eikonal(model, grid, source_km=source[PLANE]).value
    at = _points(2000).at[:, 1].set(0)
    exact = eqx.filter_jit(eqx.filter_vmap(swept))(at[:, PLANE])
    error = _relative(eqx.filter_jit(eqx.filter_vmap(field))(at), exact)
    assert error < largest


@pytest.mark.slow
@pytest.mark.parametrize(("form", "steps", "largest"), [("depth", 100, 3.4e-5), ("space", 100, 3.6e-5)])
def test_all_pairs_of_an_elliptical_medium(form, steps, largest):
    """Measured 1.7e-5 and 2.0e-5."""
    medium = TransverselyIsotropic(MODEL, 0.1, 0.1)
    solution = train_travel_times(
        medium, LOW, HIGH, form=form, num_points=512, width=24, num_steps=steps, key=jr.key(0)
    )
    a, b = _points(2000), _points(2000, seed=2)
    exact = [
        stretched(np.asarray(q), np.asarray(p), np.array([0.0, 0.0, 1.0]), 0.1)
        for p, q in zip(a, b, strict=True)
    ]
    error = _relative(eqx.filter_jit(eqx.filter_vmap(solution.value))(a, b), np.array(exact))
    assert error < largest


def test_wrong_calls():
    train = lambda model, **kw: train_travel_times(model, LOW, HIGH, num_steps=1, key=jr.key(0), **kw)
    with pytest.raises(ValueError, match="upright axis"):
        train(TILTED, form="depth")
    with pytest.raises(ValueError, match="use 'space'"):
        train(TransverselyIsotropic(MODEL, lambda x: 0.1 + 0.0 * x[0], 0.0), form="depth")
    with pytest.raises(ValueError, match="must lie in it"):
        train(TransverselyIsotropic(Homogeneous(3.0), 0.1, 0.1, (0.0, 1.0, 1.0)), form="plane")
    with pytest.raises(ValueError, match="has no hash"):
        model_hash(TransverselyIsotropic(MODEL, lambda x: 0.1, 0.0))
    assert len({model_hash(m) for m in (MODEL, UPRIGHT, TILTED)}) == 3
