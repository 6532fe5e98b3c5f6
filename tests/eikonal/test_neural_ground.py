"""Networks of travel times under hills and round valleys."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import (
    GradientTime,
    NeuralTravelTime,
    Surface,
    Terrain,
    solve_eikonal,
    train_travel_times,
)
from diffseis.eikonal.neural import input_sizes
from diffseis.eikonal.neural_ground import make_ground, path_slowness
from diffseis.eikonal.neural_region import make_region
from diffseis.networks import CoordinateNetwork
from diffseis.velocity import Gradient, Homogeneous, TransverselyIsotropic
from tests.eikonal.test_terrain import hill, taut_string_km
from tests.helpers.gradients import check_grads

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64"
)

LOW, HIGH = jnp.asarray([0.0, 0.0, -2.0]), jnp.full(3, 20.0)
MODEL = Gradient(3.0, 0.2)
PLANE = jnp.asarray([0, 2])


def _points(ground, num, seed=1):
    """Below the ground, some of them on it."""
    x = LOW[None] + (HIGH - LOW)[None] * jr.uniform(jr.key(seed), (num, 3))
    return jax.vmap(ground.lowered)(x.at[: num // 4, 2].set(LOW[2]))


def _relative(found, exact):
    return float(np.linalg.norm(np.asarray(found) - exact) / np.linalg.norm(exact))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "form"),
    [(MODEL, "space"), pytest.param(TransverselyIsotropic(MODEL, 0.2, 0.1), "plane", marks=pytest.mark.slow)],
    ids=["space", "VTI"],
)
def test_holds_whatever_the_weights(model, form):
    ground = make_ground(hill(-2.0), LOW, HIGH, form)
    region = make_region(model, LOW, HIGH, ground=ground)
    network = CoordinateNetwork(*input_sizes(form, model, region), width=12, key=jr.key(0))
    network = eqx.tree_at(lambda n: n.readout.weight, network, 5 * network.readout.weight)
    field = NeuralTravelTime(network, model, region, form, 9, ground)
    a, b = _points(ground, 60), _points(ground, 60, seed=2)
    if form == "plane":
        b = b.at[:, 1].set(a[:, 1])

    @jax.jit
    def run(p, q):
        bound = jax.vmap(lambda x, y: path_slowness(model, ground, x, y, num_nodes=9))(p, q)
        return *jax.vmap(jax.value_and_grad(field, (0, 1)))(p, q), bound

    times, slopes, bound = run(a, b)
    np.testing.assert_allclose(times, run(b, a)[0], rtol=1e-12)
    distance = jnp.linalg.norm(b - a, axis=-1)
    assert jnp.all(times >= distance * region.least_slowness * (1 - 1e-12))
    assert jnp.all(times <= distance * bound * (1 + 1e-12))
    assert all(jnp.all(jnp.isfinite(x)) for x in slopes)
    times, slopes, _ = run(a, a)
    assert jnp.all(times == 0)
    assert all(jnp.all(jnp.isfinite(x)) for x in slopes)

    # On the ground, where it slopes, derivatives are those from below.
    receiver = jnp.asarray([11.5, 8.0, 0.0])
    receiver = receiver.at[2].set(ground.depth_km(receiver))
    source = jnp.asarray([4.0, 5.0, 3.1]).at[1].set(5.0 if form == "space" else 8.0)
    time = jax.jit(lambda x: field(x[:3], receiver.at[2].add(x[3])))
    check_grads(time, jnp.concatenate([source, jnp.zeros(1)]))
    with pytest.raises(Exception, match="above the ground"):
        time(jnp.concatenate([source, jnp.full(1, -0.1)]))


@pytest.mark.long
def test_paths_stay_below_the_ground():
    """Coordinates there and back; a path's length is at least that of the taut string, and of a short one the distance."""
    ground = make_ground(hill(-2.0), LOW, HIGH, "plane")
    x = _points(ground, 20)
    back = jax.jit(jax.vmap(lambda p: ground.flat(ground.bent(ground.flat(p)))))(x)
    np.testing.assert_allclose(back, jax.vmap(ground.flat)(x), rtol=1e-12)
    a, b = jnp.asarray([3.0, 0.0, 0.0]), jnp.asarray([17.0, 0.0, 0.0])
    a, b = (p.at[2].set(ground.depth_km(p) + 0.1) for p in (a, b))
    length = jax.jit(lambda p, q: path_slowness(Homogeneous(1.0), ground, p, q, num_nodes=33))
    shortest = taut_string_km(hill(-2.0), np.asarray(a[PLANE]), np.asarray(b[PLANE]))
    assert length(a, b) * jnp.linalg.norm(b - a) > shortest > jnp.linalg.norm(b - a)
    # A metre away on a slope: squares of a thousandth.
    near = jnp.asarray([8.0, 0.0, 9.0])
    np.testing.assert_allclose(length(near, near + 1e-3 * jnp.asarray([0.6, 0.0, 0.8])), 1, atol=1e-6)
    normal = ground.inward(a)
    np.testing.assert_allclose(jnp.linalg.norm(normal), 1, rtol=1e-12)
    assert normal[2] > 0


@pytest.mark.slow
def test_one_source_under_a_hill():
    """In a gradient, against the closed form: nothing is in the way of waves that start so deep."""
    source = jnp.asarray([7.313, 0.0, 6.871])
    solution = train_travel_times(
        MODEL,
        LOW,
        HIGH,
        form="plane",
        source_ned_km=source,
        ground=hill(1.5),
        width=24,
        num_points=512,
        num_steps=100,
        key=jr.key(0),
    )
    at = _points(solution.value.ground, 2000).at[:, 1].set(0)
    exact = eqx.filter_jit(jax.vmap(lambda x: GradientTime(MODEL)(source, x)))(at)
    error = _relative(eqx.filter_jit(eqx.filter_vmap(solution.value))(at), exact)
    assert error < 1.9e-5  # measured 9.7e-6


@pytest.mark.slow
def test_waves_creep_round_a_valley():
    """Two kilometres deep, in a uniform medium: against the shortest path."""
    ground = hill(-2.0)
    source = jnp.asarray([3.0, 0.0, 0.3]).at[2].add(ground(jnp.asarray([3.0])))
    solution = train_travel_times(
        Homogeneous(5.0),
        LOW.at[2].set(0),
        HIGH,
        form="plane",
        source_ned_km=source,
        ground=ground,
        width=24,
        num_points=512,
        num_steps=100,
        key=jr.key(0),
    )
    x = jnp.linspace(4.0, 19.5, 30)
    at = jnp.stack([x, 0 * x, 0.02 + jax.vmap(ground)(x[:, None])], axis=-1)
    exact = [taut_string_km(ground, np.asarray(source[PLANE]), p) / 5 for p in np.asarray(at[:, PLANE])]
    straight = np.linalg.norm(np.asarray(at - source[None]), axis=1) / 5
    assert np.max(exact - straight) > 0.1, "the valley is in the way"
    error = _relative(eqx.filter_jit(eqx.filter_vmap(solution.value))(at), np.array(exact))
    assert error < 2.5e-3  # measured 1.4e-3; the grid's at 101 x 101 nodes is 9.8e-4


@pytest.mark.slow
def test_all_pairs_of_a_section_with_a_hill():
    """Against sweeps from one source close to the ground, beside the hill."""
    solution = train_travel_times(
        MODEL,
        LOW,
        HIGH,
        form="plane",
        ground=hill(1.5),
        width=32,
        num_points=512,
        num_steps=100,
        key=jr.key(0),
    )
    source = jnp.asarray([4.1, 0.0, 0.7])
    grid = RegularGrid([0.0, 0.0], 0.1, (201, 201))
    swept = solve_eikonal(MODEL, grid, source_km=source[PLANE], metric=Terrain(hill(1.5), 0.0, 20.0)).value
    at = _points(solution.value.ground, 2000).at[:, 1].set(0)
    exact = eqx.filter_jit(jax.vmap(swept.__call__))(at[:, PLANE])
    found = eqx.filter_jit(eqx.filter_vmap(lambda x: solution.value(source, x)))(at)
    error = _relative(found, exact)
    assert error < 2e-3  # measured 1.0e-3


@pytest.mark.slow
def test_one_source_in_space():
    """Under a round hill of a spline through nodes."""
    grid = RegularGrid([-2.0, -2.0], 1.0, (25, 25))
    surface = Surface(grid, jax.vmap(hill(1.5))(grid.nodes_km().reshape(-1, 2)).reshape(grid.shape))
    source = jnp.asarray([7.3, 9.1, 6.9])
    solution = train_travel_times(
        MODEL,
        LOW,
        HIGH,
        form="space",
        source_ned_km=source,
        ground=surface,
        width=24,
        num_points=512,
        num_steps=80,
        key=jr.key(0),
    )
    at = _points(solution.value.ground, 2000)
    exact = eqx.filter_jit(jax.vmap(lambda x: GradientTime(MODEL)(source, x)))(at)
    error = _relative(eqx.filter_jit(eqx.filter_vmap(solution.value))(at), exact)
    assert error < 3e-4  # measured 1.5e-4


def test_wrong_calls():
    train = lambda surface, **kw: train_travel_times(
        MODEL, LOW, HIGH, ground=surface, num_steps=1, key=jr.key(0), **kw
    )
    with pytest.raises(ValueError, match="'plane' and 'space'"):
        train(hill(1.0), form="depth")
    with pytest.raises(ValueError, match="above all of the ground"):
        train(hill(3.0), form="plane")
    with pytest.raises(ValueError, match="lies above the `ground`"):
        train(hill(1.0), form="plane", source_ned_km=jnp.asarray([1.0, 0.0, -1.0]))
    with pytest.raises(ValueError, match="receiver_depth_km"):
        train(hill(1.0), form="plane", receiver_depth_km=(0.0, 1.0))
