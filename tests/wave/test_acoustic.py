"""Waves in a fluid: closed forms, layers, reciprocity, gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.source import Ricker
from diffseis.wave import (
    Absorbing,
    Acoustic,
    AcousticMedium,
    Boundary,
    FreeSurface,
    Full,
    PressureReceivers,
    PressureSources,
    Recursive,
    TimeAxis,
    num_substeps,
    propagate,
)
from tests.helpers.gradients import check_grads
from tests.wave.closed_forms import from_line_source, from_point_source

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
SPEED, PEAK_HZ = 2.0, 15.0


def _run(
    spacing, half_width, receivers, *, num_dims=2, dtype="float64", num=560, boundary=None, order=8, **more
):
    """A source in the middle of a square or cube."""
    n = 2 * round(half_width / spacing) + 1
    grid = RegularGrid([-(n // 2) * spacing] * num_dims, spacing, (n,) * num_dims)
    medium = AcousticMedium(grid, jnp.full(grid.shape, SPEED))
    axis = TimeAxis(num, 0.002)
    pulse = Ricker(PEAK_HZ)
    series = jax.vmap(lambda t: pulse(t - 0.1))(axis.times_s())[None, :]
    sources, receivers = (
        PressureSources(jnp.zeros((1, num_dims)), series),
        PressureReceivers(jnp.asarray(receivers)),
    )
    medium, sources, receivers = jax.tree.map(lambda x: x.astype(dtype), (medium, sources, receivers))
    solution = propagate(Acoustic(order), medium, sources, receivers, axis, boundary=boundary, **more)
    return np.asarray(solution.value), np.asarray(series[0]), axis


def _misfit(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize(
    ("nodes_per_wavelength", "dtype", "largest"),
    [
        pytest.param(5.33, "float64", 1.5e-3, marks=pytest.mark.long),
        (8.0, "float64", 1e-4),
        pytest.param(8.0, "float32", 1.2e-4, marks=pytest.mark.slow),
    ],
)
def test_a_line_source(nodes_per_wavelength, dtype, largest):
    """A kilometre away: at 2.5 times the peak frequency waves have so many nodes."""
    spacing = SPEED / (2.5 * PEAK_HZ) / nodes_per_wavelength
    distance = spacing * round(1.0 / spacing)
    found, series, axis = _run(spacing, 1.05, [[distance, 0.0]], dtype=dtype, num=450)
    expected = from_line_source(series, float(axis.dt_s), distance, SPEED)
    assert _misfit(found[0], expected) < largest


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_layers_of_twenty_nodes(dtype):
    """Against a grid so large that nothing comes back: receivers along a face, source near it."""
    spacing = SPEED / (2.5 * PEAK_HZ) / 8
    places = np.stack([np.linspace(-0.9, 0.9, 19), np.full(19, -0.9)], axis=1)
    thin, *_ = _run(spacing, 1.0, places, dtype=dtype)
    thick, *_ = _run(spacing, 1.0, places, dtype=dtype, boundary=Boundary.absorbing(2, num_nodes=200))
    assert _misfit(thin, thick) < 1e-4


@pytest.mark.slow
@needs_x64
def test_a_point_source():
    spacing = SPEED / (2.5 * PEAK_HZ) / 6
    distance = 0.5
    found, series, axis = _run(
        spacing, 0.55, [[distance, 0.0, 0.0], [0.0, 0.3, 0.4]], num_dims=3, dtype="float32", num=220
    )
    expected = from_point_source(series, float(axis.dt_s), distance, SPEED)
    for trace in found:
        assert _misfit(trace, expected) < 1e-2


def _small(num_dims=2, num=60, dtype=float):
    """A rough medium on a few nodes, and a random source."""
    shape = (14, 12, 10)[:num_dims]
    grid = RegularGrid([0.0] * num_dims, [0.05, 0.06, 0.05][:num_dims], shape)
    speed = 2 + jr.uniform(jr.key(1), shape, dtype)
    series = jr.normal(jr.key(2), (1, num), dtype) * jnp.hanning(num)[None, :].astype(dtype)
    at = lambda *x: jnp.asarray([x[:num_dims]], dtype)
    return grid, speed, series, at(0.21, 0.33, 0.2), at(0.44, 0.12, 0.31), TimeAxis(num, 0.008)


def _trace(order, boundary=None, **more):
    grid, _, _, _, _, axis = _small(**more)
    boundary = Boundary.absorbing(grid.num_dims, num_nodes=5) if boundary is None else boundary

    def run(speed, series, source, receiver, adjoint=None, filter_dispersion=True):
        return propagate(
            Acoustic(order),
            AcousticMedium(grid, speed),
            PressureSources(source, series),
            PressureReceivers(receiver),
            axis,
            boundary=boundary,
            adjoint=Full() if adjoint is None else adjoint,
            substeps=2,
            filter_dispersion=filter_dispersion,
            throw=False,
        ).value

    return run


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("num_dims", [1, 2, 3])
@pytest.mark.parametrize("order", [2, 8])
def test_reciprocity(num_dims, order):
    """Source and receiver exchanged, between nodes, in a rough medium: exact, but for what layers send back."""
    _, speed, series, source, receiver, _ = _small(num_dims)
    faces = {1e-12: Boundary(((FreeSurface(), FreeSurface()),) * num_dims)}
    if num_dims == 2:
        faces[1e-6] = Boundary.absorbing(2)
    for tolerance, boundary in faces.items():
        run = jax.jit(_trace(order, num_dims=num_dims, boundary=boundary))
        there, back = run(speed, series, source, receiver), run(speed, series, receiver, source)
        assert np.linalg.norm(there) > 0
        np.testing.assert_allclose(there, back, rtol=0, atol=tolerance * np.max(np.abs(there)))


@needs_x64
@pytest.mark.parametrize(
    "num_dims", [pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.slow)]
)
def test_adjoints_agree_and_are_exact(num_dims):
    _, speed, series, source, receiver, _ = _small(num_dims)
    # A stated speed: otherwise layers are designed for the fastest node, which derivatives take as given.
    layers = Boundary.absorbing(num_dims, num_nodes=5, speed_km_s=3.0)
    run = _trace(8, num_dims=num_dims, boundary=layers)
    arguments = (speed, series, source, receiver)

    def energy(adjoint, *arguments):
        return jnp.sum(run(*arguments, adjoint=adjoint) ** 2)

    slopes = lambda adjoint: jax.jit(jax.grad(lambda *a: energy(adjoint, *a), argnums=(0, 1, 2, 3)))(
        *arguments
    )
    full = slopes(Full())
    for adjoint in (Recursive(), Recursive(1), Recursive(7)):
        for a, b in zip(full, slopes(adjoint), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.max(np.abs(a)))
    directions = [jr.normal(jr.key(n), x.shape) for n, x in enumerate(arguments)]
    along = jax.jit(
        lambda e: energy(Full(), *(x + e * d for x, d in zip(arguments, directions, strict=True)))
    )
    check_grads(along, 0.0, rtol=1e-6)


@pytest.mark.long
@needs_x64
def test_waves_are_linear_in_their_source():
    """The dot-product test: <d, A s> = <A^T d, s>."""
    _, speed, series, source, receiver, _ = _small()
    run = lambda s: _trace(8)(speed, s, source, receiver)
    data, turn = jax.vjp(run, series)
    other = jr.normal(jr.key(5), data.shape)
    np.testing.assert_allclose(jnp.vdot(other, data), jnp.vdot(turn(other)[0], series), rtol=1e-12)
    data, turn = jax.vjp(lambda c: _trace(8)(c, series, source, receiver), speed)
    step = jr.normal(jr.key(6), speed.shape)
    _, moved = jax.jvp(lambda c: _trace(8)(c, series, source, receiver), (speed,), (step,))
    np.testing.assert_allclose(jnp.vdot(other, moved), jnp.vdot(turn(other)[0], step), rtol=1e-12)


@pytest.mark.long
@needs_x64
def test_products_with_the_hessian_are_symmetric():
    _, speed, series, source, receiver, _ = _small()
    misfit = lambda c: 0.5 * jnp.sum(_trace(8)(c, series, source, receiver, adjoint=Recursive()) ** 2)
    product = jax.jit(lambda x: jax.jvp(jax.grad(misfit), (speed,), (x,))[1])
    x, y = (jr.normal(jr.key(n), speed.shape) for n in (3, 4))
    np.testing.assert_allclose(jnp.vdot(y, product(x)), jnp.vdot(x, product(y)), rtol=1e-10)


@pytest.mark.long
def test_a_gradient_for_a_whole_medium():
    """As `equinox.filter_grad` gives it: the grid's geometry counts as fixed."""
    grid, speed, series, source, receiver, axis = _small(1)

    def energy(medium):
        sources, receivers = PressureSources(source, series), PressureReceivers(receiver)
        return jnp.sum(propagate(Acoustic(2), medium, sources, receivers, axis, substeps=2).value ** 2)

    slope = eqx.filter_jit(eqx.filter_grad(energy))(AcousticMedium(grid, speed))
    assert np.all(np.isfinite(slope.speed_km_s))
    assert np.any(slope.speed_km_s != 0)
    np.testing.assert_array_equal(slope.grid.spacing_km, 0)


def test_wrong_calls():
    grid, speed, series, source, receiver, axis = _small()
    medium = AcousticMedium(grid, speed)
    call = lambda **more: propagate(
        Acoustic(),
        more.get("medium", medium),
        PressureSources(more.get("source", source), more.get("series", series)),
        PressureReceivers(receiver),
        axis,
    )
    with pytest.raises(ValueError, match="lies outside the grid"):
        call(source=source + 5)
    with pytest.raises(ValueError, match="samples, the time axis"):
        call(series=series[:, :5])
    with pytest.raises(ValueError, match=r"must be finite and above 0 at every node, got .* at \("):
        AcousticMedium(grid, speed.at[0, 0].set(-1.0))
    with pytest.raises(ValueError, match="its grid"):
        AcousticMedium(grid, speed[:3])
    with pytest.raises(ValueError, match="must be one of"):
        Acoustic(3)
    with pytest.raises(ValueError, match="found outside of jit"):
        jax.grad(lambda c: jnp.sum(call(medium=AcousticMedium(grid, c)).value))(speed)
    with pytest.raises(ValueError, match="at least 1"):
        Absorbing(num_nodes=0)


@pytest.mark.long
def test_steps_at_the_limit():
    """Just below the largest stable step waves stay bounded; just above it they grow."""
    grid, speed, series, source, receiver, _ = _small(num=60)
    medium = AcousticMedium(grid, speed)
    assert num_substeps(Acoustic(), medium, TimeAxis(10, 0.05)) > 1
    largest = float(Acoustic().largest_step_s(AcousticMedium(grid, jnp.full(grid.shape, 3.0))))
    medium = AcousticMedium(grid, jnp.full(grid.shape, 3.0))
    thin = Boundary.absorbing(2, num_nodes=2)
    run = lambda share: propagate(
        Acoustic(),
        medium,
        PressureSources(source, jnp.tile(series, (1, 20))),
        PressureReceivers(receiver),
        TimeAxis(1200, share * largest),
        boundary=thin,
        substeps=1,
        filter_dispersion=False,
        throw=False,
    )
    stable, unstable = np.asarray(run(0.99).value), np.asarray(run(1.05).value)
    assert np.max(np.abs(stable)) < 100
    assert not np.max(np.abs(unstable)) < 1e6
    assert eqx.is_array(run(0.99).value)
