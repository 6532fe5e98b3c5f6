"""Solids: closed forms of full spaces and half-spaces, and what they share with fluids."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.source import Ricker
from diffseis.wave import (
    Absorbing,
    Boundary,
    DisplacementReceivers,
    Elastic,
    ElasticMedium,
    FiberReceivers,
    Fluid,
    FluidMedium,
    ForceSources,
    FreeSurface,
    MomentSources,
    PressureReceivers,
    PressureSources,
    RotationReceivers,
    StrainReceivers,
    TimeAxis,
    VelocityReceivers,
    propagate,
    time_series,
)
from tests.wave.closed_forms import displacement_of_force, displacement_of_moment

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
P, S, DENSITY = 3.0, 1.75, 2.4
PEAK_HZ, DELAY_S = 4.0, 0.4
MOMENT = np.array([[1.0, 0.3, -0.5], [0.3, -0.7, 0.8], [-0.5, 0.8, 0.4]])
FORCE = np.array([0.3, -1.0, 0.6])
SOURCE = np.array([0.011, 0.007, 0.0])
PLACES = np.array([[0.4, 0.3, 0.32], [0.45, -0.2, 0.1], [0.013, 0.5, 0.0]])


def _misfit(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def _medium(grid, dtype="float32"):
    full = lambda v: jnp.full(grid.shape, v, dtype)
    return ElasticMedium(grid, full(P), full(S), full(DENSITY))


def _full_space(sources, receivers, order, nodes_per_wavelength):
    """Nodes per wavelength of S at 2.5 times the peak frequency; between nodes all."""
    spacing = S / (2.5 * PEAK_HZ) / nodes_per_wavelength
    points = np.vstack([SOURCE, PLACES])
    low, high = points.min(0) - 0.12, points.max(0) + 0.12
    grid = RegularGrid(low, spacing, tuple(int(n) for n in np.ceil((high - low) / spacing) + 1))
    axis = TimeAxis(120, 0.01)
    series = time_series(lambda t: Ricker(PEAK_HZ)(t), axis, DELAY_S).astype("float32")
    to = lambda x: jnp.asarray(x, "float32")
    place = to(SOURCE)[None]
    driving = {
        "moment": MomentSources(place, to(MOMENT)[None], series),
        "force": ForceSources(place, to(FORCE)[None], series),
    }[sources]
    solution = propagate(
        Elastic(order), _medium(grid), driving, receivers, axis, boundary=Boundary.absorbing(3, num_nodes=10)
    )
    return jax.tree.map(np.asarray, solution.value), axis


def _expected(sources, axis, offset):
    """Displacement, on a time axis twenty times as fine, and at the samples."""
    fine = float(axis.dt_s) / 20
    times = jnp.asarray(np.arange(axis.num_samples * 20) * fine - DELAY_S)
    series = np.asarray(jax.vmap(Ricker(PEAK_HZ))(times))
    if sources == "moment":
        return displacement_of_moment(MOMENT, series, fine, offset, P, S, DENSITY), fine
    return displacement_of_force(FORCE, series, fine, offset, P, S, DENSITY), fine


@pytest.mark.slow
@needs_x64
@pytest.mark.parametrize("sources", ["moment", "force"])
def test_a_full_space(sources):
    """Aki & Richards 4.29 and 4.23: near, intermediate and far field, at six nodes per wavelength of S."""
    places = jnp.asarray(PLACES, "float32")
    direction = np.tile([[0.6, 0.0, 0.8]], (3, 1))
    receivers = (
        DisplacementReceivers(places),
        VelocityReceivers(places),
        StrainReceivers(places),
        RotationReceivers(places),
        FiberReceivers(places, jnp.asarray(direction, "float32"), jnp.asarray(0.05, "float32")),
    )
    (displacement, velocity, strain, rotation, fibre), axis = _full_space(sources, receivers, 8, 6)
    for n, place in enumerate(PLACES):
        expected, fine = _expected(sources, axis, place - SOURCE)
        assert _misfit(displacement[n], expected[:, ::20]) < 5e-3
        assert _misfit(velocity[n], np.gradient(expected, fine, axis=1)[:, ::20]) < 5e-3
        step = 1e-4
        moved = lambda a, place=place, step=step: [
            _expected(sources, axis, place - SOURCE + s * step * np.eye(3)[a])[0][:, ::20] for s in (1, -1)
        ]
        gradient = np.stack([(m[0] - m[1]) / (2 * step) for m in map(moved, range(3))], axis=1)
        assert _misfit(strain[n], (gradient + gradient.swapaxes(0, 1)) / 2) < 1e-2
        curl = np.stack(
            [
                gradient[2, 1] - gradient[1, 2],
                gradient[0, 2] - gradient[2, 0],
                gradient[1, 0] - gradient[0, 1],
            ]
        )
        assert _misfit(rotation[n], curl / 2) < 1e-2
        ends = [
            _expected(sources, axis, place - SOURCE + s * 0.025 * direction[n])[0][:, ::20] for s in (1, -1)
        ]
        assert _misfit(fibre[n], direction[n] @ (ends[0] - ends[1]) / 0.05) < 1e-2


HALF_SPACE = {"p": 1.5, "s": 1.0, "density": 2.2}


def _half_space(order, spacing, faces_above):
    """The run of the reference traces: a vertical force at 60 m, receivers at (60, 20) and (62, 22) m."""
    low = [-0.15, 0.0 if faces_above == "free" else -10 * spacing]
    shape = tuple(round((high - begin) / spacing) + 1 for high, begin in zip((0.21, 0.15), low, strict=True))
    grid = RegularGrid(low, spacing, shape)
    full = lambda v: jnp.full(shape, v, "float32")
    density = full(HALF_SPACE["density"])
    if faces_above == "air":
        density = jnp.where(grid.axis_km(1)[None, :] < -1e-9, 0, density)
    medium = ElasticMedium(grid, full(HALF_SPACE["p"]), full(HALF_SPACE["s"]), density)
    axis = TimeAxis(3000, 0.0005)
    # The traces' first sample is 0.25 ms after the time 0, and the force's peak 80.25 ms.
    series = time_series(lambda t: Ricker(14.5)(t), axis, 0.08).astype("float32")
    force = ForceSources(jnp.asarray([[0.0, 0.06]], "float32"), jnp.asarray([[0.0, 1.0]], "float32"), series)
    receivers = VelocityReceivers(jnp.asarray([[0.06, 0.02], [0.062, 0.022]], "float32"))
    layer = Absorbing()
    boundary = Boundary(((layer, layer), (FreeSurface() if faces_above == "free" else layer, layer)))
    return np.asarray(
        propagate(
            Elastic(order, topography=faces_above == "air"), medium, force, receivers, axis, boundary=boundary
        ).value
    )


@pytest.mark.slow
@pytest.mark.reference
@needs_x64
@pytest.mark.parametrize(("faces_above", "spacing", "largest"), [("free", 0.002, 0.06), ("air", 0.001, 0.1)])
def test_a_half_space(faces_above, spacing, largest):
    """Exact traces of EX2DDIR (Berg & If 1994), as Deepwave has them: with the surface as a face, and as air over the ground."""
    folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "wave"
    across, down = (np.loadtxt(folder / f"deepwave_{c}_file_ascii").reshape(2, -1) for c in ("Ux", "Uz"))
    found = _half_space(4, spacing, faces_above)
    # Of either code the largest vertical motion is one; the reference counts upwards.
    scale, expected_scale = np.abs(found[0, 1]).max(), np.abs(down[0]).max()
    for n in range(2):
        assert np.linalg.norm(-found[n, 1] / scale - down[n] / expected_scale) < largest
        assert np.linalg.norm(found[n, 0] / scale - across[n] / expected_scale) < largest


@pytest.mark.long
@needs_x64
def test_a_solid_without_shear_is_a_fluid():
    """To rounding at second order: at higher ones velocities near the surface are differenced inside only in the one, with images in the
    other."""
    grid = RegularGrid([0.0, 0.0], [0.02, 0.025], (34, 30))
    axis = TimeAxis(80, 0.004)
    speed = 1.5 + jax.random.uniform(jax.random.key(0), grid.shape)
    density = 1.0 + jax.random.uniform(jax.random.key(1), grid.shape)
    series = time_series(lambda t: Ricker(8.0)(t), axis, 0.12)
    sources = (
        PressureSources(jnp.asarray([[0.31, 0.2]]), series),
        ForceSources(jnp.asarray([[0.41, 0.3]]), jnp.asarray([[1.0, 0.5]]), series),
    )
    points = jnp.asarray([[0.2, 0.21], [0.4, 0.43]])
    receivers = (PressureReceivers(points), VelocityReceivers(points))
    boundary = Boundary.absorbing(2, free_surface=True, num_nodes=8)
    run = lambda equation, medium: (
        propagate(equation, medium, sources, receivers, axis, boundary=boundary).value
    )
    fluid = run(Fluid(2), FluidMedium(grid, speed, density))
    solid = run(Elastic(2), ElasticMedium(grid, speed, jnp.zeros(grid.shape), density))
    for a, b in zip(fluid, solid, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * np.max(np.abs(a)))


def test_wrong_media():
    grid = RegularGrid([0.0, 0.0], 0.1, (5, 6))
    full = lambda v: jnp.full(grid.shape, v)
    with pytest.raises(ValueError, match=r"0\.866"):
        ElasticMedium(grid, full(3.0), full(2.9), full(2.0))
    with pytest.raises(ValueError, match="`density_g_cm3` must be finite"):
        ElasticMedium(grid, full(3.0), full(1.0), full(-2.0))
    with pytest.raises(ValueError, match="wherever there is density"):
        ElasticMedium(grid, full(0.0), full(0.0), full(2.0))
    with pytest.raises(ValueError, match="its grid"):
        ElasticMedium(grid, full(3.0), full(1.0)[:2], full(2.0))
    medium = ElasticMedium(grid, full(3.0), full(1.0), full(2.0))
    axis = TimeAxis(10, 0.01)
    receivers = VelocityReceivers(jnp.zeros((1, 2)))
    with pytest.raises(ValueError, match="its faces need"):
        propagate(
            Elastic(8),
            medium,
            ForceSources(jnp.zeros((1, 2)), jnp.ones((1, 2)), jnp.zeros((1, 10))),
            receivers,
            axis,
            boundary=Boundary(((FreeSurface(), FreeSurface()),) * 2),
        )
    with pytest.raises((ValueError, TypeError), match="moment"):
        MomentSources(jnp.zeros((1, 2)), jnp.zeros((1, 3, 3)), jnp.zeros((1, 10)))
    with pytest.raises((ValueError, TypeError), match="force"):
        ForceSources(jnp.zeros((1, 2)), jnp.zeros((1, 3)), jnp.zeros((1, 10)))
    with pytest.raises(ValueError, match="nothing rotates"):
        RotationReceivers(jnp.zeros((1, 1)))
