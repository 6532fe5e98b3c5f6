"""Laws of every travel-time field."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.eikonal import (
    AbstractTravelTimeField,
    FieldTimes,
    GradientTime,
    HomogeneousTime,
    LayeredTime,
    NeuralTravelTime,
    build_layered_tables,
    train_travel_times,
)
from diffseis.velocity import Gradient, Homogeneous, Layered

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")

DEPTH_KM = [0.0, 1.0, 3.0, 7.0, 31.0]
SPEED_KM_S = [5.3, 5.0, 5.93, 6.2, 7.5]


@cache
def _neural():
    """A small network after a few steps: what it is right to is the business of its own tests."""
    solution = train_travel_times(
        Gradient(4.0, 0.05),
        jnp.asarray([-40.0, -40.0, -2.0]),
        jnp.asarray([40.0, 40.0, 25.0]),
        width=16,
        num_points=256,
        num_steps=50,
        key=jax.random.key(0),
    )
    return solution.value


FIELDS = {
    "homogeneous": (HomogeneousTime(Homogeneous(6.0)), Homogeneous(6.0)),
    "gradient": (GradientTime(Gradient(4.0, 0.05)), Gradient(4.0, 0.05)),
    "layers": (LayeredTime(Layered(DEPTH_KM, SPEED_KM_S)), Layered(DEPTH_KM, SPEED_KM_S)),
    "neural": (_neural, Gradient(4.0, 0.05)),
    "linear": (LayeredTime(Layered(DEPTH_KM, SPEED_KM_S, "linear")), Layered(DEPTH_KM, SPEED_KM_S, "linear")),
}
"""A new field is one more line: the field (or what makes it), and its medium."""

NETWORK_TOLERANCE = 2e-2
"""Largest relative error of slowness of a network."""

fields = pytest.mark.parametrize(
    ("field", "model"),
    [
        pytest.param(*case, id=name, marks=pytest.mark.long if name == "neural" else ())
        for name, case in FIELDS.items()
    ],
)


def _points(num=40):
    rng = np.random.default_rng(7)
    points = np.concatenate([rng.uniform(-40, 40, (num, 2)), rng.uniform(-1.5, 25, (num, 1))], axis=1)
    return jnp.asarray(points[: num // 2]), jnp.asarray(points[num // 2 :])


@eqx.filter_jit
def _times_and_gradients(field, a, b):
    return jax.vmap(jax.value_and_grad(field, (0, 1)))(a, b)


def _times(field, a, b):
    """By the program of the gradients, which is there anyway; without them: `law_vmap_is_loop`."""
    return _times_and_gradients(field, a, b)[0]


@eqx.filter_jit
def _speeds(model, x):
    return jax.vmap(model.speed)(x)


def law_zero_at_source(field, model):
    depth = jnp.asarray([-1.2, 0.3, 3.0, 12.0, 40.0] * 4)
    x = jnp.stack([0 * depth + 3.0, 0 * depth - 4.0, depth], axis=-1)
    times, grads = _times_and_gradients(field, x, x)
    assert np.all(times == 0)
    assert np.all(np.isfinite(grads[0]))
    assert np.all(np.isfinite(grads[1]))


def law_reciprocal(field, model):
    a, b = _points()
    np.testing.assert_allclose(_times(field, a, b), _times(field, b, a), rtol=1e-12)


def law_not_faster_than_light(field, model):
    # Between straight distance over the largest and the smallest speed on the way down to 60 km.
    a, b = _points()
    speeds = _speeds(model, jnp.stack([jnp.zeros(200), jnp.zeros(200), jnp.linspace(-2, 60, 200)], axis=-1))
    distance = jnp.linalg.norm(a - b, axis=-1)
    times = _times(field, a, b)
    assert jnp.all(times >= distance / jnp.max(speeds) * (1 - 1e-12))
    assert jnp.all(times <= distance / jnp.min(speeds) * (1 + 1e-12))


def law_eikonal(field, model):
    a, b = _points()
    tolerance = NETWORK_TOLERANCE if isinstance(field, NeuralTravelTime) else 1e-8
    _, grads = _times_and_gradients(field, a, b)
    for at, gradient in zip((a, b), grads, strict=True):
        np.testing.assert_allclose(jnp.linalg.norm(gradient, axis=-1) * _speeds(model, at), 1, rtol=tolerance)


def law_vmap_is_loop(field, model):
    a, b = _points()
    one = eqx.filter_jit(lambda f, x, y: f(x, y))
    loop = [one(field, x, y) for x, y in zip(a[:6], b[:6], strict=True)]
    np.testing.assert_allclose(_times(field, a, b)[:6], loop, rtol=1e-12)


LAWS = [law_zero_at_source, law_reciprocal, law_not_faster_than_light, law_eikonal, law_vmap_is_loop]


@needs_x64
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@fields
def test_law(law, field, model):
    law(field if isinstance(field, AbstractTravelTimeField) else field(), model)


class _Biased(AbstractTravelTimeField):
    """Deliberately wrong in the way that `flaw` says."""

    flaw: str = eqx.field(static=True)

    def __call__(self, source_ned_km, receiver_ned_km):
        time = HomogeneousTime(Homogeneous(6.0))(source_ned_km, receiver_ned_km)
        if self.flaw == "offset":
            return time + 1e-3
        if self.flaw == "one-way":
            return time * (1 + 1e-3 * jnp.tanh(source_ned_km[2] - receiver_ned_km[2]))
        if self.flaw == "slow":
            return time * 1.001
        return time - 0.1 * jnp.minimum(time, 1.0)


@needs_x64
@pytest.mark.parametrize(
    ("flaw", "law"),
    [
        ("offset", law_zero_at_source),
        ("one-way", law_reciprocal),
        ("slow", law_eikonal),
        ("fast", law_not_faster_than_light),
    ],
)
def test_laws_notice_a_wrong_field(flaw, law):
    with pytest.raises(AssertionError):
        law(_Biased(flaw), Homogeneous(6.0))


def _phase_times():
    stations = jnp.asarray([[0.0, 0.0, -1.0], [8.0, -5.0, -0.3]])
    p_model, s_model = Layered(DEPTH_KM, SPEED_KM_S), Layered(DEPTH_KM, [v / 1.75 for v in SPEED_KM_S])
    exact = FieldTimes(LayeredTime(p_model), LayeredTime(s_model))
    tables = build_layered_tables(
        p_model, s_model, stations, max_distance_km=60.0, depth_range_km=(-2.0, 20.0), spacing_km=(0.5, 0.25)
    )
    return stations, exact, tables


@pytest.mark.long
def test_phase_times_agree_and_are_safe_on_a_station():
    stations, exact, tables = _phase_times()
    row, phase = jnp.asarray([0, 0, 1, 1]), jnp.asarray([0, 1, 0, 1])
    at = stations[row]
    run = eqx.filter_jit(lambda field, x: jax.vmap(jax.value_and_grad(field))(x, at, row, phase))
    away = jnp.broadcast_to(jnp.asarray([20.0, 11.0, 9.3]), (4, 3))
    np.testing.assert_allclose(run(tables, away)[0], run(exact, away)[0], atol=5e-3)
    for field in (tables, exact):
        times, grads = run(field, at)
        assert np.all(times == 0)
        assert np.all(np.isfinite(grads))
