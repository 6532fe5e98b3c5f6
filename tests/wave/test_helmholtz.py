"""Waves of one frequency: closed forms, the time domain, reciprocity, layers, gradients."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.special import hankel2

from diffseis.core.grids import RegularGrid
from diffseis.source import Ricker
from diffseis.wave import (
    Absorbing,
    Acoustic,
    AcousticMedium,
    AcousticVTI,
    Boundary,
    DistributedSources,
    FreeSurface,
    HarmonicSources,
    Periodic,
    PressureReceivers,
    PressureSources,
    Rigid,
    TimeAxis,
    VTIMedium,
    propagate,
    solve_helmholtz,
    spectrum,
    time_series,
)
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _misfit(found, expected):
    return np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected)


def _homogeneous(nodes_per_wavelength, num, num_dims=2):
    """A speed and a frequency of one, the origin in the middle."""
    spacing = 1 / nodes_per_wavelength
    grid = RegularGrid([-(num // 2) * spacing] * num_dims, spacing, (num,) * num_dims)
    return AcousticMedium(grid, jnp.ones(grid.shape))


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize(
    ("nodes_per_wavelength", "order", "largest"),
    [
        pytest.param(6, 8, 3.1e-3, marks=pytest.mark.slow),
        pytest.param(8, 8, 3.0e-4, marks=pytest.mark.slow),
        (8, 4, 0.03),
        (8, 2, 0.5),
    ],
)
def test_a_line_source(nodes_per_wavelength, order, largest):
    """On and between nodes: over up to six wavelengths, from one on."""
    medium = _homogeneous(nodes_per_wavelength, 81)
    places = np.array([[0.0, 0.0], [0.031, -0.043]])
    found = solve_helmholtz(medium, HarmonicSources(places), 1.0, order=order).value.values
    for field, place in zip(found, places, strict=True):
        r = np.linalg.norm(np.asarray(medium.grid.nodes_km()) - place, axis=-1)
        far = r > 1
        assert _misfit(field[far], -0.25j * hankel2(0, 2 * np.pi * r[far])) < largest


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize(("nodes_per_wavelength", "largest"), [(6, 6e-3), (8, 1e-3)])
def test_a_point_source(nodes_per_wavelength, largest):
    """In an eighth of the space: rigid faces through the source, and so eight images of it in one place."""
    spacing, num = 1 / nodes_per_wavelength, 13
    grid = RegularGrid([0.0] * 3, spacing, (num,) * 3)
    boundary = Boundary(((Rigid(), Absorbing(8, reflection=1e-4)),) * 3)
    medium = AcousticMedium(grid, jnp.ones(grid.shape))
    found = solve_helmholtz(medium, HarmonicSources(np.zeros((1, 3))), 1.0, boundary=boundary).value.values[0]
    r = np.linalg.norm(np.asarray(grid.nodes_km()), axis=-1)
    far = r > 0.5
    assert _misfit(found[far], 8 * np.exp(-2j * np.pi * r[far]) / (4 * np.pi * r[far])) < largest


@pytest.mark.slow
@needs_x64
def test_an_elliptical_medium():
    """An isotropic one that has been stretched sideways, and with it the source."""
    plain, delta = _homogeneous(8, 49), 0.2
    full = lambda v: jnp.full(plain.grid.shape, v)
    medium = VTIMedium(plain.grid, full(1.0), full(delta), full(delta))
    boundary = Boundary.absorbing(2, num_nodes=12)
    found = solve_helmholtz(medium, HarmonicSources(np.zeros((1, 2))), 1.0, boundary=boundary).value.values[0]
    stretch = np.sqrt(1 + 2 * delta)
    x = np.asarray(plain.grid.nodes_km())
    r = np.hypot(x[..., 0] / stretch, x[..., 1])
    far = r > 1
    assert _misfit(found[far], -0.25j * hankel2(0, 2 * np.pi * r[far]) / stretch) < 4e-4


def _rough(kind, num=22, dtype=float):
    """A rough medium, with a source and a receiver between nodes."""
    grid = RegularGrid([0.0, 0.0], [0.05, 0.06], (num, num - 4))
    keys = jr.split(jr.key(1), 3)
    speed = 2 + jr.uniform(keys[0], grid.shape, dtype)
    if kind == "acoustic":
        return AcousticMedium(grid, speed)
    delta = 0.1 * jr.uniform(keys[1], grid.shape, dtype)
    return VTIMedium(grid, speed, delta + 0.1 * jr.uniform(keys[2], grid.shape, dtype), delta)


FACES = {
    "absorbing": Boundary.absorbing(2, num_nodes=8),
    "free surface": Boundary.absorbing(2, num_nodes=8, free_surface=True),
    "rigid and periodic": Boundary(((Periodic(), Periodic()), (Rigid(), Absorbing(8)))),
}
# So far from the faces that no point is spread into a layer.
HERE, THERE = np.array([[0.38, 0.42]]), np.array([[0.62, 0.55]])


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("faces", FACES)
def test_reciprocity(faces):
    """Source and receiver exchanged, in a rough medium: exact, since layers are symmetric."""
    run = lambda a, b: solve_helmholtz(
        _rough("acoustic"), HarmonicSources(a), 4.0, boundary=FACES[faces], order=4
    ).value(jnp.asarray(b))[0, 0]
    there, back = run(HERE, THERE), run(THERE, HERE)
    assert abs(there) > 0
    np.testing.assert_allclose(there, back, rtol=1e-10)


@pytest.mark.long
@needs_x64
def test_free_surfaces_have_no_pressure():
    boundary = FACES["free surface"]
    values = solve_helmholtz(_rough("acoustic"), HarmonicSources(HERE), 4.0, boundary=boundary).value.values
    assert np.max(np.abs(values[..., 0])) < 1e-10 * np.max(np.abs(values))


@pytest.mark.slow
@needs_x64
def test_thin_layers_against_thick():
    """A source near a corner, read along the faces."""
    medium, places = _homogeneous(8, 49), np.array([[-2.5, -2.5]])
    run = lambda num: np.asarray(
        solve_helmholtz(
            medium, HarmonicSources(places), 1.0, boundary=Boundary.absorbing(2, num_nodes=num)
        ).value.values[0]
    )
    thick = run(40)
    edge = np.zeros(medium.grid.shape, bool)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    assert _misfit(run(20)[edge], thick[edge]) < 3e-4
    assert _misfit(run(10)[edge], thick[edge]) < 3e-3


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("kind", ["acoustic", "vti"])
def test_the_time_domain(kind):
    """Spectra of seismograms in layers, of the same differences: what is left are the time step's filters and the layers."""
    grid = RegularGrid([0.0, 0.0], 0.02, (51, 46))
    depth = grid.nodes_km()[..., 1]
    speed = jnp.where(depth > 0.5, 3.0, 2.0)
    medium, equation = AcousticMedium(grid, speed), Acoustic(8)
    if kind == "vti":
        epsilon = jnp.where(depth > 0.3, 0.15, 0.0)
        medium, equation = VTIMedium(grid, speed, epsilon, epsilon / 2), AcousticVTI(8)
    places = np.array([[0.8, 0.15], [0.5, 0.8], [0.31, 0.41]])
    axis = TimeAxis(1500, 0.002)
    series = time_series(lambda t: Ricker(9.0)(t), axis, 0.15)
    source = jnp.asarray([[0.35, 0.12]])
    records = propagate(
        equation, medium, PressureSources(source, series), PressureReceivers(jnp.asarray(places)), axis
    ).value
    for frequency in (6.0, 10.0):
        amplitude = spectrum(series, axis.dt_s, frequency)
        field = solve_helmholtz(medium, HarmonicSources(source, amplitude), frequency).value
        expected = spectrum(records, axis.dt_s, frequency)
        assert _misfit(field(jnp.asarray(places))[0], expected) < 1e-3


def _loss(kind, boundary):
    """A number that depends on all that a field depends on."""
    medium = _rough(kind, num=12)
    weights = jr.normal(jr.key(5), (2, 3))

    def loss(scale, amplitude, place, values):
        changed = 1 + 0.1 * scale * jnp.cos(jnp.arange(medium.speed_km_s.size, dtype=float)).reshape(
            medium.grid.shape
        )
        moved = jax.tree.map(lambda a: a * changed if a.shape == medium.grid.shape else a, medium)
        options = {"boundary": boundary, "order": 2, "throw": False}
        points = solve_helmholtz(
            moved, HarmonicSources(place[None], jax.lax.complex(amplitude, 0.5)), 3.0, **options
        )
        given = DistributedSources(jax.lax.complex(values, 0.3 * values)[None])
        spread = solve_helmholtz(moved, given, 3.0, **options)
        read = points.value(jnp.asarray([[0.2, 0.2], [0.4, 0.3], [0.33, 0.41]]))
        return jnp.sum(weights[0] * jnp.abs(read[0]) ** 2) + jnp.sum(
            weights[1, 0] * spread.value.values.real + weights[1, 1] * spread.value.values.imag
        )

    values = jr.normal(jr.key(6), medium.grid.shape)
    return loss, (jnp.asarray(0.7), jnp.asarray(1.3), jnp.asarray([0.21, 0.17]), values)


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("kind", ["acoustic", "vti"])
def test_gradients(kind):
    """By the medium, an amplitude, a place and a right-hand side; forward and reverse."""
    loss, given = _loss(kind, FACES["free surface"])
    for number in range(3):
        change = jax.jit(lambda x, n=number: loss(*(x if i == n else g for i, g in enumerate(given))))
        check_grads(change, given[number], step=1e-4, rtol=1e-6)
    along = jr.normal(jr.key(7), given[3].shape)
    change = jax.jit(lambda t: loss(*given[:3], given[3] + t * along))
    check_grads(change, jnp.asarray(0.1), rtol=1e-6)


@pytest.mark.slow
@needs_x64
def test_second_derivatives():
    loss, given = _loss("acoustic", FACES["absorbing"])
    change = jax.jit(jax.grad(lambda x: loss(x, *given[1:])))
    check_grads(change, given[0], step=1e-4, rtol=1e-5)


@pytest.mark.slow
@needs_x64
def test_batches_and_tracing():
    """Under `jit` and `vmap` fields are the same."""
    medium = _rough("acoustic", num=12)
    run = lambda hz: solve_helmholtz(medium, HarmonicSources(HERE), hz, order=2).value.values
    hertz = jnp.asarray([2.0, 3.0])
    together = jax.jit(jax.vmap(run))(hertz)
    for found, hz in zip(together, hertz, strict=True):
        np.testing.assert_allclose(found, run(hz), rtol=1e-9)


@pytest.mark.slow
def test_single_precision():
    medium = _rough("acoustic", num=12, dtype=jnp.float32)
    sources = HarmonicSources(HERE.astype(np.float32), jnp.ones((), jnp.complex64))
    values = solve_helmholtz(medium, sources, jnp.asarray(3.0, jnp.float32), order=2).value.values
    assert values.dtype == jnp.complex64
    assert np.all(np.isfinite(values))


@pytest.mark.long
def test_wrong_calls():
    medium, sources = _rough("acoustic", num=12), HarmonicSources(HERE)
    two = DistributedSources(jnp.zeros((1, 2, *medium.grid.shape), complex))
    free = Boundary(((FreeSurface(), FreeSurface()),) * 2)
    with pytest.raises(ValueError, match="`frequency_hz` must be above 0, got 0"):
        solve_helmholtz(medium, sources, 0.0)
    with pytest.raises(ValueError, match=r"`order` must be one of"):
        solve_helmholtz(medium, sources, 1.0, order=6)
    with pytest.raises(ValueError, match=r"source 0 at .* lies outside the grid"):
        solve_helmholtz(medium, HarmonicSources([[9.0, 0.0]]), 1.0)
    with pytest.raises(ValueError, match="a row for each source"):
        HarmonicSources(jnp.zeros(2))
    with pytest.raises(ValueError, match="`values` have shape"):
        solve_helmholtz(medium, DistributedSources(jnp.zeros((1, 3, 3), complex)), 1.0)
    with pytest.raises(ValueError, match="right-hand sides are of 2 equations, the medium has 1"):
        solve_helmholtz(medium, two, 1.0)
    with pytest.raises(ValueError, match="order 8 needs 16"):
        solve_helmholtz(medium, sources, 1.0, boundary=free)


@needs_x64
def test_a_field_that_is_not_finite():
    medium = _rough("acoustic", num=12)
    nothing = DistributedSources(jnp.full((1, *medium.grid.shape), jnp.nan + 0j))
    assert not np.any(np.isfinite(solve_helmholtz(medium, nothing, 1.0, order=2, throw=False).value.values))
    with pytest.raises(Exception, match="infinite or NaN"):
        solve_helmholtz(medium, nothing, 1.0, order=2)
