"""Travel times by networks: what holds whatever the weights, and what training reaches."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.eikonal import (
    GradientTime,
    LayeredTime,
    NeuralSourceTime,
    NeuralTravelTime,
    mean_slowness,
    slowness_error,
    solve_eikonal,
    train_travel_times,
)
from diffseis.eikonal.neural import input_sizes
from diffseis.eikonal.neural_region import make_region
from diffseis.networks import CoordinateNetwork
from diffseis.velocity import Gradient, Gridded, Homogeneous, Layered
from tests.helpers.gradients import check_grads

pytestmark = pytest.mark.skipif(
    not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64"
)

LOW, HIGH = jnp.asarray([0.0, 0.0, 0.0]), jnp.asarray([30.0, 30.0, 15.0])
LAYERS = Layered([0.0, 2.0, 6.0], [4.0, 5.0, 6.5])


def _gridded():
    north, east, down = np.meshgrid(*(np.arange(8.0) * 5 for _ in range(3)), indexing="ij")
    speed = 4 + 0.05 * down + 0.3 * np.sin(north / 9) * np.cos(east / 7)
    return Gridded(RegularGrid([0.0, 0.0, 0.0], 5.0, (8, 8, 8)), speed)


MEDIA = {
    "depth": (Gradient(4.0, 0.1), "depth"),
    "layers": (LAYERS, "depth"),
    "space": (_gridded(), "space"),
    "plane": (Gradient(4.0, 0.1), "plane"),
}


def _untrained(model, form, seed=0):
    """Random weights, far larger than those of a new network."""
    region = make_region(model, LOW, HIGH)
    network = CoordinateNetwork(*input_sizes(form, model, region), width=12, key=jr.key(seed))
    network = eqx.tree_at(lambda n: n.readout.weight, network, 5 * network.readout.weight)
    return NeuralTravelTime(network, model, region, form)


def _pairs(num, form, seed=1):
    a, b = (LOW[None, :] + (HIGH - LOW)[None, :] * jr.uniform(k, (num, 3)) for k in jr.split(jr.key(seed)))
    return (a, b.at[:, 1].set(a[:, 1])) if form == "plane" else (a, b)


@pytest.mark.parametrize(
    ("model", "form"),
    [pytest.param(*case, id=name, marks=pytest.mark.long) for name, case in MEDIA.items()],
)
def test_holds_whatever_the_weights(model, form):
    field = _untrained(model, form)
    a, b = _pairs(200, form)
    run = eqx.filter_jit(lambda f, p, q: jax.vmap(jax.value_and_grad(f, (0, 1)))(p, q))
    times = run(field, a, b)[0]
    np.testing.assert_allclose(times, run(field, b, a)[0], rtol=1e-12)
    distance = jnp.linalg.norm(b - a, axis=-1)
    assert jnp.all(times >= distance * field.region.least_slowness * (1 - 1e-12))
    if jnp.isinf(field.region.straight_km):
        straight = jax.jit(jax.vmap(lambda p, q: mean_slowness(model, p, q)))(a, b)
        assert jnp.all(times <= distance * straight * (1 + 1e-12))
    else:
        assert jnp.all(times <= distance * field.region.greatest_slowness * (1 + 1e-12))

    value, gradients = run(field, a, a)
    assert jnp.all(value == 0)
    assert all(jnp.all(jnp.isfinite(g)) for g in gradients)
    # A centimetre away the slowness is the medium's.
    near = a + 1e-5 * jnp.asarray([0.6, 0.0, 0.8])[None, :]
    slope = jnp.linalg.norm(run(field, a, near)[1][1], axis=-1)
    inside = jnp.abs(a[:, 2:] - jnp.asarray([[2.0, 6.0]])).min(axis=1) > 0.01
    np.testing.assert_allclose((slope * jax.vmap(model.speed)(a))[inside], 1, rtol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize(("model", "form"), MEDIA.values(), ids=MEDIA.keys())
def test_gradient(model, form):
    field = _untrained(model, form)
    receiver = jnp.asarray([20.0, 5.0, 7.3])
    check_grads(jax.jit(lambda x: field(x, receiver)), jnp.asarray([4.0, 5.0, 3.1]), rtol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("model", [LAYERS, Layered([1.0, 2.0, 2.0, 8.0], [3.0, 4.0, 5.0, 7.0], "linear")])
def test_mean_slowness_of_layers_is_that_of_fine_steps(model):
    a, b = jnp.asarray([0.0, 0.0, -1.3]), jnp.asarray([3.0, 1.0, 9.7])
    fraction = (jnp.arange(200000.0) + 0.5) / 200000
    points = a[None, :] + fraction[:, None] * (b - a)[None, :]
    expected = jnp.mean(1 / jax.vmap(model.speed)(points))
    np.testing.assert_allclose(mean_slowness(model, a, b), expected, rtol=1e-5)
    level = jnp.asarray([8.0, 0.0, 4.0])
    np.testing.assert_allclose(
        mean_slowness(model, level, level.at[0].set(1.0)), 1 / model.speed(level), rtol=1e-12
    )
    check_grads(jax.jit(lambda x: mean_slowness(model, x, b)), jnp.asarray([1.0, 2.0, 4.2]))


@pytest.mark.parametrize(
    "model",
    [
        Layered([-1.0, 2.0, 38.0], [5.3, 5.6, 8.1], kind="linear"),
        Layered([-3.0, 0.0, 20.0], [3.0, 5.0, 6.5]),
        Gradient(4.0, 0.06),
    ],
)
def test_the_top_of_the_box_is_within_the_bounds(model):
    """Times of rays that stay near the top were held below a bound that left the top out, by 0.1 s at 20 km."""
    low, high = jnp.asarray([0.0, 0.0, -0.5]), jnp.asarray([80.0, 80.0, 40.5])
    region = make_region(model, low, high)
    assert region.greatest_slowness >= 1 / model.speed(low)
    assert region.least_slowness <= 1 / model.speed(high)


def test_mean_slowness_by_quadrature():
    model = Gradient(4.0, 0.2)
    a, b = jnp.asarray([0.0, 0.0, 1.0]), jnp.asarray([3.0, 1.0, 9.0])
    exact = jnp.log(model.speed(b) / model.speed(a)) / (0.2 * 8)
    np.testing.assert_allclose(mean_slowness(model, a, b), exact, rtol=1e-8)
    assert mean_slowness(Homogeneous(5.0), a, b) == 0.2


@pytest.mark.long
def test_the_medium_is_held_fixed():
    field = _untrained(LAYERS, "depth")
    a, b = jnp.asarray([4.0, 5.0, 3.1]), jnp.asarray([20.0, 5.0, 7.3])
    gradient = eqx.filter_jit(eqx.filter_grad(lambda f: f(a, b)))(field)
    assert all(jnp.all(x == 0) for x in jax.tree.leaves((gradient.model, gradient.region)))
    assert any(jnp.any(x != 0) for x in jax.tree.leaves(gradient.network))


def _error(field, exact, form="depth"):
    a, b = _pairs(2000, form, seed=5)
    known, found = (eqx.filter_jit(eqx.filter_vmap(f))(a, b) for f in (exact, field))
    return float(jnp.linalg.norm(found - known) / jnp.linalg.norm(known))


@pytest.mark.slow
def test_training_finds_the_first_arrivals_of_a_gradient():
    model = Gradient(4.0, 0.1)
    solution = train_travel_times(model, LOW, HIGH, width=16, num_points=256, num_steps=60, key=jr.key(0))
    assert solution.value.form == "depth"
    assert _error(solution.value, GradientTime(model)) < 3e-4
    assert solution.stats["residual"] < 2e-3
    assert slowness_error(_untrained(model, "depth"), key=jr.key(1)) > 20 * solution.stats["residual"]


@pytest.mark.slow
def test_training_for_one_source_agrees_with_the_grid():
    model = Gradient(4.0, 0.1)
    source = jnp.asarray([7.0, 0.0, 3.2])
    solution = train_travel_times(
        model,
        LOW,
        HIGH,
        form="plane",
        source_ned_km=source,
        width=16,
        num_points=256,
        num_steps=60,
        key=jr.key(0),
    )
    assert isinstance(solution.value, NeuralSourceTime)
    grid = RegularGrid([0.0, 0.0], [0.5, 0.5], (61, 51))
    swept = solve_eikonal(model, grid, source_km=source[jnp.asarray([0, 2])]).value
    at = _pairs(500, "plane")[1].at[:, 1].set(0)
    found = eqx.filter_vmap(solution.value)(at)
    known = eqx.filter_vmap(swept)(at[:, jnp.asarray([0, 2])])
    assert jnp.linalg.norm(found - known) / jnp.linalg.norm(known) < 5e-4
    assert solution.value(source) == 0


@pytest.mark.slow
def test_training_in_space_agrees_with_the_grid():
    model = _gridded()
    solution = train_travel_times(model, LOW, HIGH, num_points=1024, num_steps=100, key=jr.key(0))
    assert solution.value.form == "space"
    grid = RegularGrid([-2.0, -2.0, -2.0], 0.5, (69, 69, 45))
    source = jnp.asarray([11.3, 20.2, 4.7])
    swept = solve_eikonal(model, grid, source_km=source).value
    at = _pairs(2000, "space")[1]
    found = eqx.filter_vmap(lambda x: solution.value(source, x))(at)
    known = eqx.filter_vmap(swept)(at)
    assert jnp.linalg.norm(found - known) / jnp.linalg.norm(known) < 5e-4


@pytest.mark.slow
def test_known_times_of_layers_are_learnt():
    solution = train_travel_times(
        LAYERS,
        LOW,
        HIGH,
        known=LayeredTime(LAYERS),
        equation_weight=0.0,
        num_points=1024,
        num_steps=150,
        key=jr.key(0),
    )
    assert _error(solution.value, LayeredTime(LAYERS)) < 1e-3


@pytest.mark.slow
def test_weights_of_one_medium_start_the_next():
    first = train_travel_times(
        Gradient(4.0, 0.1), LOW, HIGH, width=16, num_points=256, num_steps=40, key=jr.key(0)
    )
    model = Gradient(4.2, 0.11)
    settings = {"num_points": 256, "num_steps": 10, "key": jr.key(1)}
    warm = train_travel_times(model, LOW, HIGH, network=first.value.network, **settings)
    cold = train_travel_times(model, LOW, HIGH, width=16, **settings)
    assert warm.stats["residual"] < 0.3 * cold.stats["residual"]


@pytest.mark.long
def test_bad_arguments_are_refused():
    gradient = Gradient(4.0, 0.1)
    train = lambda model=gradient, low=LOW, high=HIGH, **kw: train_travel_times(
        model, low, high, num_steps=1, key=jr.key(0), **kw
    )
    with pytest.raises(ValueError, match="below `high_km`"):
        train(low=HIGH, high=LOW)
    with pytest.raises(ValueError, match="form"):
        train(form="sphere")
    with pytest.raises(ValueError, match="depth alone"):
        train(model=_gridded(), form="depth")
    with pytest.raises(ValueError, match="nothing to learn"):
        train(equation_weight=0.0)
    with pytest.raises(ValueError, match="num_points"):
        train(num_points=2)
