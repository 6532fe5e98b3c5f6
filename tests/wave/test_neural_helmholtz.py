"""Networks of waves: layers in the equation, closed forms of the background, errors against the direct solver."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.special import hankel2

from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    Absorbing,
    AcousticMedium,
    Background,
    Boundary,
    HarmonicSources,
    VTIMedium,
    add_sources,
    gabor_features,
    judge_helmholtz,
    rescaled,
    scattered_sources,
    sine_features,
    solve_helmholtz,
    train_helmholtz,
)
from diffseis.wave.background import background_field
from diffseis.wave.domain import Domain
from diffseis.wave.hankel import hankel_one, hankel_zero
from diffseis.wave.harmonic_operator import fastest
from diffseis.wave.neural_rows import equation_rows
from diffseis.wave.stretching import stretch_of
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")


def _medium(kind="acoustic", num_dims=2):
    """Two wavelengths at one hertz across, over four tenths of one of which a second medium begins; sources where it has not."""
    grid = RegularGrid([0.0] * num_dims, 0.1, (21,) * num_dims)
    share = jnp.clip((grid.nodes_km()[..., -1] - 0.8) / 0.4, 0, 1)
    share = share**2 * (3 - 2 * share)
    if kind == "acoustic":
        return AcousticMedium(grid, 1 + 0.6 * share)
    return VTIMedium(grid, 1 + 0.6 * share, 0.2 * share, 0.1 * share)


SOURCES = HarmonicSources([[0.6, 0.3], [1.5, 0.4]])


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("num_dims", [1, 2, 3])
def test_outgoing_waves_fulfil_the_stretched_equation(num_dims):
    """Everywhere, layers included: the equation of the network, with the derivatives along complex coordinates of a closed form."""
    grid = RegularGrid([0.0] * num_dims, 0.1, (11,) * num_dims)
    medium = AcousticMedium(grid, jnp.full(grid.shape, 1.3))
    domain = Domain(grid, Boundary.absorbing(num_dims, num_nodes=5))
    stretch = stretch_of(domain, fastest(medium), jnp.asarray(9.0))
    source = HarmonicSources(np.full((1, num_dims), 0.4))
    background = Background(jnp.asarray([1.3]), jnp.zeros(1))
    x = np.random.default_rng(0).uniform(-0.49, 1.49, (40, num_dims))
    rows = equation_rows(medium, stretch, x, 9.0, 1.0)
    value = lambda x: (
        background_field(background, source, 9.0, np.asarray(stretch.stretched(jnp.asarray(x)))).value
    )
    total, size = rows.value[:, 0] * value(x), np.abs(rows.value[:, 0] * value(x))
    # Derivatives along the real coordinates, by differences of eighth order.
    step, taps = (
        4e-3,
        {1: (4 / 5, 8 / 5), 2: (-1 / 5, -1 / 5), 3: (4 / 105, 8 / 315), 4: (-1 / 280, -1 / 560)},
    )
    for axis in range(num_dims):
        unit = step * np.eye(num_dims)[axis]
        slope, bend = 0, -205 / 72 * value(x)
        for k, (c, d) in taps.items():
            ahead, behind = value(x + k * unit), value(x - k * unit)
            slope, bend = slope + c * (ahead - behind), bend + d * (ahead + behind)
        total = total + rows.first[:, 0, :, axis] * slope / step
        total = total + rows.second[:, 0, :, axis] * bend / step**2
    # Where a layer begins the stretch has a corner in its second derivative, which differences do not see sharply; and at a source.
    offset = np.minimum(np.abs(x), np.abs(x - 1)).min(axis=1)
    smooth = (offset > 5 * step) & (np.linalg.norm(x - 0.4, axis=1) > 0.2)
    assert smooth.sum() > 15
    assert np.max((np.abs(total) / size)[smooth]) < 1e-5


@pytest.mark.long
@needs_x64
def test_derivatives_of_the_stretch():
    grid = RegularGrid([0.0, 0.0], 0.1, (11, 11))
    layer = Absorbing(5, frequency_hz=1.0)
    stretch = stretch_of(Domain(grid, Boundary(((layer, layer),) * 2)), jnp.asarray(1.3), jnp.asarray(9.0))
    for place in ([-0.2, 1.3], [0.5, 1.1], [1.4, 0.2]):
        x = jnp.asarray(place)
        for axis in range(2):
            along = lambda t, a=axis, x=x: stretch.excess(x.at[a].set(t))[a]
            slope = stretch.slope(x)[axis]
            found = jax.jvp(along, (x[axis],), (jnp.ones(()),))[1]
            np.testing.assert_allclose(found, slope, rtol=1e-12, atol=1e-12)


@pytest.mark.long
@needs_x64
def test_hankel_functions():
    x = jnp.asarray([0.1, 2.0, 30.0])
    np.testing.assert_allclose(hankel_zero(x), hankel2(0, np.asarray(x)), rtol=1e-14)
    np.testing.assert_allclose(hankel_one(x), hankel2(1, np.asarray(x)), rtol=1e-14)
    loss = lambda x: jnp.sum(hankel_zero(x).real + hankel_one(x).imag)
    check_grads(loss, x, rtol=1e-7)
    check_grads(jax.grad(lambda t: loss(jnp.stack([t]))), jnp.asarray(2.0), rtol=1e-7)


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize(
    ("kind", "num", "largest"),
    [pytest.param("acoustic", 500, 0.03, marks=pytest.mark.slow), ("vti", 500, 0.06)],
)
def test_two_layers(kind, num, largest):
    """The scattered field against the direct solver; of a source that the network was not trained on, as good; at other nodes and derivatives, too."""
    medium = _medium(kind)
    boundary = Boundary.absorbing(2, num_nodes=8, reflection=1e-3)
    trained = train_helmholtz(medium, SOURCES, 1.0, boundary=boundary, num_features=num, key=jr.key(1))
    fine = _refined(medium)
    report = judge_helmholtz(trained, fine)
    assert report.error < largest
    assert "solver equivalents" in str(report)
    other = HarmonicSources([[1.05, 0.15]])
    new = add_sources(trained.state, other)
    nodes = fine.grid.nodes_km().reshape(-1, 2)
    truth = solve_helmholtz(fine, scattered_sources(fine, other, 1.0), 1.0).value.values
    found = np.asarray(new.on(nodes)).reshape(truth.shape)
    assert np.linalg.norm(found - truth) < 1.5 * largest * np.linalg.norm(truth)
    x = jnp.asarray([1.2, 0.7])
    total = lambda x: jnp.sum(new(x).real + 0.5 * new(x).imag)
    check_grads(total, x, rtol=1e-6)


def _refined(medium):
    """The same medium, linear between nodes, on a grid twice as fine."""
    shape = tuple(2 * n - 1 for n in medium.grid.shape)
    grid = RegularGrid(medium.grid.origin_km, medium.grid.spacing_km / 2, shape)

    def finer(values):
        for axis in range(values.ndim):
            values = jnp.moveaxis(values, axis, 0)
            between = jnp.concatenate([(values[:-1] + values[1:]) / 2, values[-1:]])
            values = jnp.stack([values, between], axis=1).reshape(-1, *values.shape[1:])[:-1]
            values = jnp.moveaxis(values, 0, axis)
        return values

    if isinstance(medium, AcousticMedium):
        return AcousticMedium(grid, finer(medium.speed_km_s))
    return VTIMedium(grid, *(finer(v) for v in (medium.speed_km_s, medium.epsilon, medium.delta)))


@pytest.mark.slow
@needs_x64
def test_the_ground():
    """A free surface that slopes, over a medium that is the same everywhere: the source and its image."""
    grid = RegularGrid([0.0, 0.0], 0.1, (21, 21))
    medium = AcousticMedium(grid, jnp.ones(grid.shape))
    normal = np.array([-0.15, 1.0]) / np.hypot(0.15, 1.0)
    ground = lambda x: 0.2 + 0.15 * x[:, 0]
    sources = HarmonicSources([[1.0, 0.9]])
    trained = train_helmholtz(medium, sources, 1.0, surface=ground, num_features=700, key=jr.key(0))
    x = np.random.default_rng(1).uniform(0.3, 1.7, (300, 2))
    x = x[x[:, 1] > ground(x[:, :1]) + 0.05]
    place = np.asarray(sources.position_km[0])
    image = place - 2 * ((place - [0.0, 0.2]) @ normal) * normal
    expected = 0.25j * hankel2(0, 2 * np.pi * np.linalg.norm(x - image, axis=1))
    found = np.asarray(trained.value.on(jnp.asarray(x)))[0]
    assert np.linalg.norm(found - expected) < 0.1 * np.linalg.norm(expected)


@pytest.mark.slow
@needs_x64
def test_steps_on_the_features():
    """Fewer features than the waves need: steps on their weights lessen the residual."""
    trained = train_helmholtz(
        _medium(), SOURCES, 1.0, num_features=120, num_rounds=2, num_steps=30, key=jr.key(0)
    )
    residuals = trained.stats["residuals"]
    assert residuals.shape == (3,)
    assert trained.stats["residual"] == residuals.min() < 0.9 * residuals[0]


@pytest.mark.long
def test_features_of_other_frequencies():
    medium, box = _medium(), (np.zeros(2), np.full(2, 2.0))
    x = jnp.asarray([0.7, 0.4])
    for make in (gabor_features, sine_features):
        features = make(medium, *box, 1.0, 30, key=jr.key(0))
        higher = rescaled(features, 2.0)
        assert features(x).shape == higher(x).shape == (30,)
    np.testing.assert_allclose(higher(x / 2), features(x), rtol=1e-5)


def test_wrong_calls():
    medium = _medium("vti")
    with pytest.raises(ValueError, match=r"epsilon is 0\.2 and delta 0\.1"):
        scattered_sources(medium, HarmonicSources([[1.0, 1.5]]), 1.0)
    shifted = Boundary.absorbing(2, num_nodes=5, frequency_hz=1.0)
    with pytest.raises(ValueError, match="without a shift"):
        train_helmholtz(medium, SOURCES, 1.0, boundary=shifted, num_features=10, key=jr.key(0))
