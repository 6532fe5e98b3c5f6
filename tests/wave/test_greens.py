"""Stores of Green's functions: beside direct runs, and by themselves."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core import bsplines
from diffseis.core.grids import RegularGrid
from diffseis.source import Gaussian, Ricker
from diffseis.wave import (
    Acoustic,
    AcousticMedium,
    Boundary,
    DisplacementReceivers,
    Elastic,
    ElasticMedium,
    GreensStore,
    MomentSources,
    TimeAxis,
    VelocityReceivers,
    Viscoelastic,
    ViscoelasticMedium,
    greens_store,
    impulse,
    num_substeps,
    propagate,
    source_lattice,
    station_coefficients,
    tensor_pairs,
    time_series,
)
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
MOMENT = np.array([[1.0, 0.3, -0.5], [0.3, -0.7, 0.8], [-0.5, 0.8, 0.4]])


def _made_up(dtype=jnp.float64, num_dims=2, degree=3, num_stations=2):
    """A store of smooth functions of place and time that solve nothing."""
    lattice = RegularGrid([1.0] * num_dims, 0.5, (degree + 3,) * num_dims)
    axis = TimeAxis(24, 0.1)
    nodes = np.asarray(lattice.nodes_km())
    times = 0.1 * np.arange(30.0)
    rows = np.arange(num_stations * len(tensor_pairs(num_dims)) * num_dims)
    phase = np.sum(nodes, -1)[..., None] * (1 + 0.1 * rows) + 0.3 * nodes[..., :1] ** 2
    strain = jnp.asarray(np.sin(phase[..., None] + 2 * times) * np.exp(-times))
    found = bsplines.coefficients(strain, tuple(range(num_dims)), degree)
    shape = (*found.shape[:num_dims], num_stations, len(tensor_pairs(num_dims)), num_dims, 30)
    found = jnp.moveaxis(found.reshape(shape), num_dims, 0).astype(dtype)
    return GreensStore(found, lattice, axis, jnp.asarray(2.0), num_before=6, degree=degree)


def _moment(num_dims):
    return jnp.asarray(MOMENT[:num_dims, :num_dims])


def _series(store, sigma=0.25, origin=0.8):
    return time_series(Gaussian(sigma), store.time_axis, origin)[0]


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("place", [[2.13, 1.71], [2.0, 1.5]])
def test_gradients(place):
    """By place (on a node too), tensor, time function and origin time."""
    store = _made_up()
    pull = jnp.cos(jnp.arange(2 * 2 * 24.0)).reshape(2, 2, 24)
    moment = _moment(2)
    at = lambda v: jnp.sum(
        pull * store.displacement(v[:2], v[2:6].reshape(2, 2), _series(store, sigma=v[6], origin=v[7]))
    )
    check_grads(
        jax.jit(at), jnp.concatenate([jnp.asarray(place), moment.reshape(-1), jnp.asarray([0.25, 0.8])])
    )


@pytest.mark.long
@needs_x64
def test_second_derivatives():
    """But at nodes, where a cubic spline's third derivative jumps."""
    store, place = _made_up(), jnp.asarray([2.13, 1.71])
    energy = lambda x: jnp.sum(store.velocity(x, _moment(2), _series(store)) ** 2)
    check_grads(jax.jit(lambda x: jnp.sum(jax.grad(energy)(x) ** 2)), place)


@needs_x64
def test_gradient_by_the_store():
    store = _made_up(num_stations=1)
    place, moment = jnp.asarray([2.13, 1.71]), _moment(2)

    def loss(scale):
        bent = GreensStore(
            store.coefficients * scale**2,
            store.lattice,
            store.time_axis,
            store.pass_hz,
            num_before=6,
            degree=3,
        )
        return jnp.sum(bent.velocity(place, moment, _series(store)) ** 2)

    check_grads(jax.jit(loss), 1.3)


@pytest.mark.long
@pytest.mark.parametrize("degree", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_three_dimensions_and_batches(degree):
    """Batches are loops; the batch axis leads."""
    store = _made_up(num_dims=3, degree=degree)
    places = jnp.asarray([[2.13, 1.71, 1.4], [1.0, 3.2, 2.2]])
    moment = jnp.stack([_moment(3), jnp.eye(3)])
    series = jnp.stack([_series(store), _series(store, origin=1.0)])
    batch = jax.jit(jax.vmap(store.displacement))(places, moment, series)
    one = [store.displacement(*event) for event in zip(places, moment, series, strict=True)]
    np.testing.assert_allclose(batch, jnp.stack(one), atol=1e-5 if batch.dtype == jnp.float32 else 1e-12)
    assert batch.shape == (2, 2, 3, 24)


@pytest.mark.long
@needs_x64
def test_displacement_is_the_integral_of_velocity():
    store = _made_up()
    event = jnp.asarray([2.2, 1.7]), _moment(2), _series(store)
    velocity = np.asarray(store.velocity(*event))
    # The pulse is long and smooth: the trapezoidal rule is good to a part in 100.
    rough = np.cumsum((velocity[..., 1:] + velocity[..., :-1]) / 2, -1) * 0.1
    found = np.asarray(store.displacement(*event))
    assert np.max(np.abs(np.diff(found - np.pad(rough, [(0, 0), (0, 0), (1, 0)]), axis=-1))) < 0.02 * np.ptp(
        found
    )


@pytest.mark.long
def test_single_precision_of_data_and_double_of_places():
    store = _made_up(jnp.float32)
    found = store.velocity(jnp.asarray([2.2, 1.7]), _moment(2), _series(store))
    assert found.dtype == jnp.float32
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(store.velocity(x, _moment(2), _series(store)) ** 2)))
    assert np.all(np.isfinite(gradient(jnp.asarray([2.0, 1.5]))))


def test_one_trace_for_all_events():
    store, count = _made_up(), []

    @jax.jit
    def run(store, place, moment, series):
        count.append(1)
        return store.velocity(place, moment, series)

    for place in ([2.2, 1.7], [1.1, 2.9]):
        run(store, jnp.asarray(place), _moment(2), _series(store))
    assert len(count) == 1


def test_outside():
    """An error where it can be seen, NaN where JAX traces, and never a neighbour's seismogram."""
    store = _made_up()
    event = jnp.asarray([0.9, 1.7]), _moment(2), _series(store)
    with pytest.raises(ValueError, match=r"lies outside the store, which spans \[1. 1.\] to \[3.5 3.5\] km"):
        store.velocity(*event)
    assert np.all(np.isnan(eqx.filter_jit(store.displacement)(*event)))
    assert np.all(np.isnan(eqx.filter_jit(store.velocity)(jnp.full(2, np.nan), *event[1:])))
    edge = store.velocity(jnp.asarray([1.0, 3.5]), *event[1:])
    assert np.all(np.isfinite(edge))


def test_errors():
    store = _made_up()
    with pytest.raises(ValueError, match="`series` has shape"):
        store.velocity(jnp.asarray([2.0, 2.0]), _moment(2), jnp.zeros(7))
    with pytest.raises(ValueError, match="`position_km` must have 2 coordinates"):
        store.velocity(jnp.zeros(3), _moment(3), _series(store))
    with pytest.raises(ValueError, match="for this lattice and time axis it must be"):
        GreensStore(
            store.coefficients[..., 1:], store.lattice, store.time_axis, store.pass_hz, num_before=6, degree=3
        )
    with pytest.raises(ValueError, match="give a smaller `dt_s`"):
        impulse(TimeAxis(10, 0.1), 4.0)


def test_lattices():
    grid = RegularGrid([0.0, 1.0], 0.1, (41, 31))
    lattice = source_lattice(grid, [1.02, 1.5], [2.5, 3.0], (3, 2))
    np.testing.assert_allclose(lattice.origin_km, [1.0, 1.5], atol=1e-9)
    np.testing.assert_allclose(lattice.spacing_km, [0.3, 0.2])
    assert lattice.shape == (6, 9)
    # No room behind: it begins earlier.
    np.testing.assert_allclose(source_lattice(grid, [3.0, 1.0], [4.0, 4.0], 3).end_km, [4.0, 4.0])
    with pytest.raises(ValueError, match="does not lie within the grid"):
        source_lattice(grid, [1.0, 0.5], [2.0, 2.0], 1)
    with pytest.raises(ValueError, match="does not fit into the grid"):
        source_lattice(grid, [0.0, 1.0], [4.0, 4.0], 17)
    with pytest.raises(ValueError, match="`every` must be at least 1"):
        source_lattice(grid, [0.0, 1.0], [4.0, 4.0], 0)


def _section(dtype, spacing=0.1):
    """A medium that varies, under a free surface."""
    grid = RegularGrid([0.0, 0.0], spacing, (49, 37))
    x, z = (np.asarray(v) for v in np.moveaxis(np.asarray(grid.nodes_km()), -1, 0))
    p = 4 + 0.3 * z + 0.2 * np.sin(x)
    full = lambda v: jnp.asarray(v, dtype)
    return ElasticMedium(grid, full(p), full(p / 1.75), full(2.5 + 0 * z))


def _direct(equation, medium, boundary, stations, place, moment, series, axis):
    sources = MomentSources(place[None], moment[None], series[None])
    receivers = (VelocityReceivers(stations), DisplacementReceivers(stations))
    return propagate(equation, medium, sources, receivers, axis, boundary=boundary).value


def _misfit(found, expected):
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected))


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("kind", ["elastic", pytest.param("viscoelastic", marks=pytest.mark.slow)])
def test_beside_direct_runs(kind):
    """Seismograms on the ground and below it, of sources between nodes of the lattice and on them; and then what they are for."""
    medium, equation = _section(jnp.float64), Elastic(order=4)
    if kind == "viscoelastic":
        quality = jnp.full(medium.grid.shape, 30.0)
        medium, equation = ViscoelasticMedium(medium, quality, quality), Viscoelastic((0.3, 5.0), order=4)
    boundary = Boundary.absorbing(2, free_surface=True, num_nodes=10)
    axis = TimeAxis(70, 0.06)
    stations = jnp.asarray([[1.03, 0.0], [3.9, 0.31]])
    lattice = source_lattice(medium.grid, [1.9, 1.4], [3.0, 2.4], 2)
    substeps = num_substeps(equation, medium, axis)
    store = jax.jit(
        lambda: greens_store(
            equation, medium, stations, lattice, axis, 3.0, boundary=boundary, substeps=substeps
        )
    )()
    series = time_series(Ricker(1.1), axis, 1.4)[0]
    for place, error in (([2.433, 1.847], 1e-3), (np.asarray(lattice.nodes_km())[2, 2], 1e-4)):
        place = jnp.asarray(place)
        velocity, displacement = _direct(
            equation, medium, boundary, stations, place, _moment(2), series, axis
        )
        assert _misfit(store.velocity(place, _moment(2), series), velocity) < error
        assert _misfit(store.displacement(place, _moment(2), series), displacement) < error

    # The tensor out of a direct run's seismograms: by least squares, for they are linear in it.
    place = jnp.asarray([2.433, 1.847])
    _, observed = _direct(equation, medium, boundary, stations, place, _moment(2), series, axis)
    predict = lambda six: store.displacement(place, six[jnp.asarray([[0, 1], [1, 2]])], series).reshape(-1)
    matrix = jax.jacfwd(predict)(jnp.zeros(3))
    found = jnp.linalg.lstsq(matrix, observed.reshape(-1))[0]
    np.testing.assert_allclose(found, [1.0, 0.3, -0.7], atol=2e-3)


@pytest.mark.slow
@needs_x64
def test_gradients_of_building():
    """By the medium and by the station's place."""
    medium, equation = _section(jnp.float64, 0.2), Elastic(order=2)
    boundary = Boundary.absorbing(2, num_nodes=4)
    axis = TimeAxis(12, 0.15)
    lattice = source_lattice(medium.grid, [4.0, 3.0], [5.2, 4.2], 2)

    def loss(scale, station):
        faster = ElasticMedium(
            medium.grid, medium.p_speed_km_s * scale, medium.s_speed_km_s * scale, medium.density_g_cm3
        )
        found = station_coefficients(
            equation, faster, station, lattice, axis, 1.5, boundary=boundary, substeps=8
        )
        return jnp.sum(found**2)

    station = jnp.asarray([5.13, 3.41])
    check_grads(jax.jit(lambda scale: loss(scale, station)), 1.0)
    check_grads(jax.jit(lambda at: loss(1.0, at)), station)


def test_build_errors():
    medium = _section(jnp.float32)
    axis = TimeAxis(20, 0.06)
    lattice = source_lattice(medium.grid, [1.9, 1.4], [3.0, 2.4], 2)
    with pytest.raises(ValueError, match="station 1 at"):
        greens_store(Elastic(), medium, jnp.asarray([[1.0, 1.0], [9.0, 0.0]]), lattice, axis, 3.0)
    with pytest.raises(ValueError, match="`degree` must be 3 or 5"):
        greens_store(Elastic(), medium, jnp.asarray([[1.0, 1.0]]), lattice, axis, 3.0, degree=4)
    water = AcousticMedium(medium.grid, medium.p_speed_km_s)
    with pytest.raises(TypeError, match="has no velocity to record"):
        greens_store(Acoustic(), water, jnp.asarray([[1.0, 1.0]]), lattice, axis, 3.0)
