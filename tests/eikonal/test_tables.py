"""Station tables against the exact times they tabulate."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.eikonal import FieldTimes, LayeredTime, build_layered_tables, table_bytes, table_error
from diffseis.velocity import Layered

DEPTH_KM = [0.0, 1.0, 3.0, 7.0, 31.0]
VP_KM_S = [5.3, 5.65, 5.93, 6.2, 7.5]
VS_KM_S = [2.75, 2.8, 3.1, 3.4, 4.0]
STATIONS = [[0.0, 0.0, -1.3], [20.0, 5.0, -0.25], [-8.0, 11.0, 0.05]]
RANGES = {"max_distance_km": 80.0, "depth_range_km": (-2.0, 33.0), "spacing_km": (0.5, 0.25)}
X64 = bool(jax.config.read("jax_enable_x64"))


@eqx.filter_jit
def _slope(times, source, *args):
    return jax.grad(times)(source, *args)


@eqx.filter_jit
def _times_and_slopes(times, sources, *args):
    return jax.vmap(lambda x: jax.value_and_grad(times)(x, *args))(sources)


def _tables(kind="layers"):
    models = Layered(DEPTH_KM, VP_KM_S, kind), Layered(DEPTH_KM, VS_KM_S, kind)
    tables = build_layered_tables(*models, jnp.asarray(STATIONS), **RANGES)
    return tables, FieldTimes(*map(LayeredTime, models))


@pytest.mark.parametrize(
    ("kind", "largest_s", "median_s"),
    [("layers", 0.015, 1e-5), pytest.param("linear", 0.006, 1e-5, marks=pytest.mark.slow)],
)
def test_error(kind, largest_s, median_s):
    # The largest errors sit on kinks: where direct and head wave arrive together, and on interfaces.
    tables, exact = _tables(kind)
    error = table_error(tables, exact, jnp.asarray(STATIONS), num_points=4000, key=jr.key(0))
    assert error["max_s"] < largest_s
    assert error["p99_s"] < 0.004
    assert error["median_s"] < median_s


@pytest.mark.long
def test_gradient_in_the_source_and_twice():
    tables, exact = _tables()
    args = (jnp.asarray(STATIONS[1]), jnp.asarray(1), jnp.asarray(0))
    source = jnp.asarray([3.0, -4.0, 10.0])
    np.testing.assert_allclose(_slope(tables, source, *args), _slope(exact, source, *args), atol=1e-3)
    above = jnp.asarray([20.0, 5.0, 10.0])
    curvature = eqx.filter_jit(lambda t, x: jax.hessian(t)(x, *args))(tables, above)
    assert np.all(np.isfinite(curvature))
    np.testing.assert_allclose(_slope(tables, above, *args)[:2], 0, atol=1e-12)


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="the tolerances are for float64")
def test_speeds_can_be_differentiated():
    stations = jnp.asarray(STATIONS[:1])
    source = jnp.asarray([9.0, 12.0, 5.1])

    def time(vp):
        tables = build_layered_tables(
            Layered(jnp.asarray(DEPTH_KM), vp),
            Layered(jnp.asarray(DEPTH_KM), vp / 1.8),
            stations,
            max_distance_km=20.0,
            depth_range_km=(-2.0, 8.0),
            spacing_km=(0.5, 0.5),
        )
        return tables(source, stations[0], jnp.asarray(0), jnp.asarray(0))

    vp = jnp.asarray(VP_KM_S)
    exact = jax.grad(lambda v: LayeredTime(Layered(jnp.asarray(DEPTH_KM), v))(source, stations[0]))(vp)
    np.testing.assert_allclose(eqx.filter_jit(jax.grad(time))(vp), exact, atol=3e-3)


def test_memory_estimate_is_the_size():
    tables, _ = _tables()
    assert (
        table_bytes(jnp.asarray(STATIONS), **RANGES, bytes_per_value=tables.coefficients.dtype.itemsize)
        == tables.coefficients.nbytes
    )


def test_stations_at_one_depth_share_a_table():
    models = Layered(DEPTH_KM, VP_KM_S), Layered(DEPTH_KM, VS_KM_S)
    twins = jnp.asarray([*STATIONS, [30.0, -7.0, STATIONS[1][2]]])
    tables = build_layered_tables(*models, twins, **RANGES)
    own = _tables()[0]
    np.testing.assert_array_equal(tables.coefficients.shape, own.coefficients.shape)
    source, shift = jnp.asarray([3.0, -4.0, 10.0]), twins[3] - twins[1]
    for phase in jnp.arange(2):
        here = tables(source + shift, twins[3], jnp.asarray(3), phase)
        np.testing.assert_allclose(
            here, own(source, twins[1], jnp.asarray(1), phase), rtol=1e-12 if X64 else 1e-5
        )


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="compares single with double precision")
def test_single_precision_halves_the_memory_and_keeps_microseconds():
    models = Layered(DEPTH_KM, VP_KM_S), Layered(DEPTH_KM, VS_KM_S)
    compact = build_layered_tables(*models, jnp.asarray(STATIONS), **RANGES, single_precision=True)
    full, _ = _tables()
    assert compact.coefficients.nbytes * 2 == full.coefficients.nbytes
    sources = jr.uniform(jr.key(3), (200, 3)) * 40.0
    args = (jnp.asarray(STATIONS[0]), jnp.asarray(0), jnp.asarray(1))
    times, slopes = zip(*(_times_and_slopes(t, sources, *args) for t in (compact, full)), strict=True)
    assert times[0].dtype == jnp.float64
    np.testing.assert_allclose(times[0], times[1], rtol=2e-7)
    np.testing.assert_allclose(slopes[0], slopes[1], atol=2e-5)


def test_default_spacing_respects_the_largest_number_of_nodes():
    models = Layered([0.0], [6.0]), Layered([0.0], [3.5])
    tables = build_layered_tables(
        *models, jnp.asarray(STATIONS), max_distance_km=500.0, depth_range_km=(-1.0, 60.0), max_nodes=(50, 20)
    )
    assert tables.grid.shape == (50, 20)
    np.testing.assert_allclose(tables.grid.end_km, [500.0, 60.0], rtol=1e-6)


def test_beyond_the_table_time_still_grows():
    tables, _ = _tables()
    args = (jnp.asarray(STATIONS[0]), jnp.asarray(0), jnp.asarray(0))
    near, far = (tables(jnp.asarray([x, 0.0, 10.0]), *args) for x in (100.0, 200.0))
    assert 1.9 < far / near < 2.1


@pytest.mark.parametrize(
    "wrong",
    [{"max_distance_km": -1.0}, {"depth_range_km": (5.0, 1.0)}, {"spacing_km": (0.0, 1.0)}],
    ids=["distance", "depths", "spacing"],
)
def test_wrong_calls(wrong):
    models = Layered([0.0], [6.0]), Layered([0.0], [3.5])
    with pytest.raises(ValueError, match=next(iter(wrong))):
        build_layered_tables(*models, jnp.asarray(STATIONS), **{**RANGES, **wrong})
