"""Layered first arrivals against closed forms, Fermat's principle, another code, and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffseis.eikonal import GradientTime, HomogeneousTime, LayeredTime
from diffseis.velocity import Gradient, Homogeneous, Layered
from tests.eikonal.fermat import fermat_time

X64 = bool(jax.config.read("jax_enable_x64"))
needs_x64 = pytest.mark.skipif(not X64, reason="the tolerances are for float64")

DEPTH_KM = [0.0, 1.0, 3.0, 7.0, 31.0]
SPEED_KM_S = [5.3, 5.65, 5.93, 6.2, 7.5]


@eqx.filter_jit
def _times(model, offset_km, upper_km, lower_km):
    def one(r, a, b):
        return LayeredTime(model)(jnp.stack([0 * r, 0 * r, a]), jnp.stack([0.6 * r, 0.8 * r, b]))

    return jax.vmap(one)(*(jnp.asarray(x, float) for x in (offset_km, upper_km, lower_km)))


def _awkward_points(rng, nodes_km, num=60):
    offset = 10 ** rng.uniform(-2, 2.3, num)
    a, b = rng.uniform(-2, 25, num), rng.uniform(-2, 25, num)
    a[:10] = rng.choice(nodes_km, 10)  # a source on an interface
    b[5:15] = a[5:15]  # the same depth, some of them on an interface
    offset[15:20] = 0.0  # straight above
    b[20:25] = -1.9
    return offset, a, b


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("kind", ["layers", "linear"])
def test_equal_layers_are_homogeneous(kind):
    rng = np.random.default_rng(0)
    r, a, b = _awkward_points(rng, DEPTH_KM)
    expected = np.hypot(r, a - b) / 6
    np.testing.assert_allclose(_times(Layered(DEPTH_KM, [6.0] * 5, kind), r, a, b), expected, rtol=1e-10)
    assert isinstance(HomogeneousTime(Homogeneous(6.0)), eqx.Module)


@pytest.mark.long
@needs_x64
def test_linear_layers_that_sample_a_gradient():
    rng = np.random.default_rng(1)
    depth = np.array([-3.0, 2.0, 5.0, 5.0, 9.0, 20.0, 80.0])
    r, a, b = _awkward_points(rng, depth[1:6])
    model = Gradient(4.0, 0.07)
    exact = jax.vmap(
        lambda r, a, b: GradientTime(model)(jnp.stack([r, 0 * r, a]), jnp.stack([0 * r, 0 * r, b]))
    )
    got = _times(Layered(depth, 4 + 0.07 * depth, "linear"), r, a, b)
    np.testing.assert_allclose(got, exact(*map(jnp.asarray, (r, a, b))), rtol=1e-9, atol=1e-9)


@needs_x64
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(i, marks=pytest.mark.slow) for i in range(2, 8))])
def test_against_fermat(seed):
    # Odd seeds: any order of speeds, so with layers of low speed and faster layers above.
    rng = np.random.default_rng(seed)
    tops = np.r_[0.0, np.cumsum(rng.uniform(0.2, 6, 5))]
    speed = rng.uniform(2, 8, 6) if seed % 2 else np.sort(rng.uniform(2, 8, 6))
    r, a, b = _awkward_points(rng, tops[1:], num=40)
    expected = [fermat_time(tops, speed, *p) for p in zip(r, np.minimum(a, b), np.maximum(a, b), strict=True)]
    np.testing.assert_allclose(_times(Layered(tops, speed), r, a, b), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("seed", [0, *(pytest.param(i, marks=pytest.mark.slow) for i in range(1, 4))])
def test_linear_layers_between_staircases(seed):
    rng = np.random.default_rng(seed)
    depth = np.r_[0.0, np.cumsum(rng.uniform(0.5, 6, 5))]
    speed = rng.uniform(3, 8, 6) if seed % 2 else np.sort(rng.uniform(3, 8, 6))
    if seed % 3 == 0:
        depth[3] = depth[2]
    # Staircases that are nowhere slower, and nowhere faster, than the model bracket its times.
    tops, fast, slow = [-5.0], [speed[0]], [speed[0]]
    for i in np.flatnonzero(np.diff(depth)):
        fraction = np.linspace(0, 1, 61)
        steps = speed[i] + fraction * (speed[i + 1] - speed[i])
        tops += list(depth[i] + fraction[:-1] * (depth[i + 1] - depth[i]))
        fast += list(np.maximum(steps[1:], steps[:-1]))
        slow += list(np.minimum(steps[1:], steps[:-1]))
    tops, fast, slow = [*tops, depth[-1]], [*fast, speed[-1]], [*slow, speed[-1]]
    r, a, b = _awkward_points(rng, depth[1:], num=40)
    got = _times(Layered(depth, speed, "linear"), r, a, b)
    assert np.all(got >= _times(Layered(tops, fast), r, a, b) * (1 - 1e-6))
    assert np.all(got <= _times(Layered(tops, slow), r, a, b) * (1 + 1e-6))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["layers", pytest.param("linear", marks=pytest.mark.slow)])
def test_against_fast_marching(kind):
    skfmm = pytest.importorskip("skfmm")
    step, source = 0.05, 8.0
    x, z = np.arange(0, 40, step), np.arange(-1, 20, step)
    model = Layered([0.0, 2.0, 5.0, 12.0], [4.0, 5.0, 4.6, 7.0], kind)
    depths = jnp.asarray(z, float)
    column = jax.vmap(model.speed)(jnp.stack([0 * depths, 0 * depths, depths], axis=-1))
    radius = np.hypot(x[:, None], z[None, :] - source)
    start = 0.5
    time = skfmm.travel_time(radius - start, np.tile(np.asarray(column), (len(x), 1)), dx=step, order=2)
    time = np.asarray(time) + start / float(column[np.argmin(np.abs(z - source))])
    i, j = np.arange(100, len(x), 90), np.arange(5, len(z), 45)
    grid = np.stack(np.meshgrid(x[i], z[j], indexing="ij"), axis=-1).reshape(-1, 2)
    got = _times(model, grid[:, 0], np.full(len(grid), source), grid[:, 1])
    np.testing.assert_allclose(got, time[np.ix_(i, j)].reshape(-1), atol=0.02)


def test_head_wave_by_hand():
    # Two layers, both ends at the surface: T = r / v2 + 2 h cos(i_c) / v1.
    h, v1, v2, r = 5.0, 4.0, 6.0, 60.0
    expected = r / v2 + 2 * h * np.sqrt(1 - (v1 / v2) ** 2) / v1
    got = _times(Layered([0.0, h], [v1, v2]), [r], [0.0], [0.0])
    np.testing.assert_allclose(got, [expected], rtol=1e-6)


RAYS = jnp.asarray(
    [
        [3.0, 4.0, 5.1, 0.0, 0.0, -1.0],
        [40.0, 30.0, 9.3, 0.0, 0.0, -1.0],
        [120.0, 60.0, 12.0, 0.0, 0.0, -0.4],
        [4.0, 2.0, 2.2, 0.0, 0.0, 2.2],
        [1.0, 0.5, 40.0, 0.0, 0.0, -0.4],
    ]
)
"""Sources and receivers: direct, refracted or turning, at one depth, steep."""


@needs_x64
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["layers", "linear"])
def test_gradients(kind):
    # All rays at once, each of its own inputs: one program for each derivative.
    def of_all(x):
        return LayeredTime(Layered(jnp.asarray(DEPTH_KM), x[6:], kind))(x[:3], x[3:6])

    speeds = jnp.broadcast_to(jnp.asarray(SPEED_KM_S), (len(RAYS), len(SPEED_KM_S)))
    x = jnp.concatenate([RAYS, speeds], axis=1)
    gradient = jax.jit(jax.vmap(jax.grad(of_all)))
    first, forward = gradient(x), jax.jit(jax.vmap(jax.jacfwd(of_all)))(x)
    np.testing.assert_allclose(first, _differences(jax.jit(jax.vmap(of_all)), x), rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(forward, first, rtol=1e-9, atol=1e-12)
    second = jax.jit(jax.vmap(jax.hessian(of_all)))(x)
    np.testing.assert_allclose(second, _differences(gradient, x), rtol=2e-3, atol=2e-6)


def _differences(f, x, step=1e-5):
    """Fourth-order central differences of ``f(x)``, row by row, in each column of `x` (the last axis)."""
    out = []
    for column in range(x.shape[1]):
        h = step * jnp.maximum(1, jnp.abs(x[:, column]))
        value = {k: f(x.at[:, column].add(k * h)) for k in (-2, -1, 1, 2)}
        change = value[-2] - 8 * value[-1] + 8 * value[1] - value[2]
        out.append(change / (12 * h).reshape((-1,) + (1,) * (change.ndim - 1)))
    return jnp.stack(out, axis=-1)


@pytest.mark.long
@pytest.mark.parametrize("offset_km", [127.0, 200.0, 300.0])
def test_a_ray_that_grazes_a_thin_layer(offset_km):
    """Two metres of constant speed above the first node: the ray along them is a wave along an interface, not one that was sought in vain."""
    model = Layered([0.0, 1.0, 2.5, 9.0], [2.0, 1.0, 1.0, 3.0], "linear")
    depth = np.array([-0.001953125, 0.0])
    thin, none = np.asarray(_times(model, np.array([offset_km] * 2), np.array([2.5] * 2), depth))
    assert thin == pytest.approx(none + 0.001953125 / 2, abs=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["layers", "linear"])
@settings(max_examples=60, deadline=None)
@given(
    speed=st.lists(st.floats(0.5, 9.0, width=32), min_size=4, max_size=4),
    offset=st.floats(0, 300, width=32),
    depths=st.tuples(*[st.sampled_from([-3.0, 0.0, 1.0, 2.5, 9.0, 40.0]) | st.floats(-3, 60, width=32)] * 2),
)
def test_any_model_any_points(kind, speed, offset, depths):
    model = Layered([0.0, 1.0, 2.5, 9.0], speed, kind)
    a, b = depths
    time, back = np.asarray(_times(model, np.array([offset] * 2), np.array([a, b]), np.array([b, a])))
    slack = 1e-10 if X64 else 1e-4
    distance = np.hypot(offset, a - b)
    assert np.isfinite(time)
    assert time == pytest.approx(back, rel=slack, abs=slack)
    assert distance / max(speed) * (1 - slack) - slack <= time <= distance / min(speed) * (1 + slack) + slack


@pytest.mark.parametrize("kind", ["layers", pytest.param("linear", marks=pytest.mark.slow)])
def test_single_precision_is_finite_with_its_gradient(kind):
    model = jax.tree.map(lambda x: x.astype(jnp.float32), Layered(DEPTH_KM, SPEED_KM_S, kind))
    rng = np.random.default_rng(2)
    r, a, b = (jnp.asarray(x, jnp.float32) for x in _awkward_points(rng, DEPTH_KM[1:]))

    def time(r, a, b):
        return LayeredTime(model)(jnp.stack([r, 0 * r, a]), jnp.stack([0 * r, 0 * r, b]))

    values, grads = eqx.filter_jit(jax.vmap(jax.value_and_grad(time, (0, 1, 2))))(r, a, b)
    assert values.dtype == jnp.float32
    assert np.all(np.isfinite(values))
    assert all(np.all(np.isfinite(g)) for g in grads)


def test_new_speeds_do_not_retrace():
    traced = eqx.debug.assert_max_traces(lambda m, x: LayeredTime(m)(x, 0 * x), max_traces=1)
    run = eqx.filter_jit(traced)
    x = jnp.asarray([1.0, 2.0, 3.0])
    for speed in (5.0, 6.0):
        run(Layered([0.0, 2.0], [speed, 7.0]), x)
