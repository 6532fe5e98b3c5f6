"""Networks of waves in time: closed forms, what faces do, energy, derivatives, errors against finite differences."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    Absorbing,
    AcousticMedium,
    Boundary,
    FreeSurface,
    Periodic,
    PressureSources,
    Rigid,
    TimeAxis,
    judge_waves,
    train_waves,
)
from tests.helpers.gradients import check_grads

needs_x64 = pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="the tolerances are for float64")
PASS_HZ = 5.0
SPEED = 2.0
AXIS = TimeAxis(101, 0.02)
CENTRE_S, SIGMA_S = 0.4, 0.09


def _line(faces=None, speed=SPEED, num=61, **options):
    """A line of three kilometres, a sample of which is 0.4 km of the fastest waves apart."""
    medium = AcousticMedium(RegularGrid([0.0], 0.05, (num,)), jnp.full((num,), speed))
    boundary = None if faces is None else Boundary((faces,))
    return medium, train_waves(medium, PASS_HZ, boundary=boundary, key=jr.key(0), **options)


def _pulse():
    """The derivative of a bell, whose waves in one dimension are bells."""
    t = np.asarray(AXIS.times_s()) - CENTRE_S
    return jnp.asarray(-t / SIGMA_S**2 * np.exp(-(t**2) / 2 / SIGMA_S**2))[None]


def _travelling(x, source, radius, times):
    """``v / 2 g(t - |x - s| / v)``, mean over the bell of a source in space."""
    offset = np.linspace(-6, 6, 801)
    weight = np.exp(-(offset**2) / 2)
    late = times[:, None] - CENTRE_S - np.abs(x - source - radius * offset) / SPEED
    return SPEED / 2 * np.exp(-(late**2) / 2 / SIGMA_S**2) @ (weight / weight.sum())


def _off(found, truth):
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize(
    ("first", "image"), [(Absorbing(20, reflection=1e-3), 0.0), (FreeSurface(), -1.0), (Rigid(), 1.0)]
)
def test_waves_of_closed_form(first, image):
    """Outgoing waves, and those of the image behind a face; on a free surface there is none."""
    _, trained = _line((first, Absorbing(20, reflection=1e-3)))
    network = trained.value
    source, x = 0.83, np.asarray([0.0, 0.31, 1.57, 2.4])
    field = network(PressureSources(jnp.asarray([[source]]), _pulse()), AXIS)
    found = np.asarray(field.records(jnp.asarray(x)[:, None])[0])
    radius, times = float(network.radius_km), np.asarray(AXIS.times_s())
    at = lambda s: np.stack([_travelling(here, s, radius, times) for here in x])
    truth = at(source) + image * at(-source)
    assert _off(found[1:], truth[1:]) < 2e-3
    if image < 0:
        assert np.max(np.abs(found[0])) < 1e-12
    between = np.asarray([0.815, 1.23])
    read = np.asarray([field(jnp.asarray(x[2:3]), jnp.asarray(t))[0] for t in between])
    np.testing.assert_allclose(read, np.interp(between, times, found[2]), atol=0.02 * np.max(np.abs(found)))
    assert not np.any(field.amplitude[0])
    assert not np.any(field.rate[0])


@pytest.mark.long
@needs_x64
def test_energy_stays_between_hard_faces():
    """Between walls, over five hundred periods, whatever the step."""
    _, trained = _line((Rigid(), FreeSurface()))
    network = trained.value
    quiet = jnp.zeros((1, 5000)).at[:, : AXIS.num_samples].set(_pulse())
    for substeps in (1, 3):
        field = network(PressureSources(jnp.asarray([[1.1]]), quiet), TimeAxis(5000, 0.02), substeps=substeps)
        swing = (
            np.asarray(field.rate) ** 2 + (np.asarray(network.angular_hz) * np.asarray(field.amplitude)) ** 2
        )
        swing = np.sum(swing, axis=(1, 2))[150:]
        np.testing.assert_allclose(swing, swing[0], rtol=1e-7)


@pytest.mark.long
@needs_x64
def test_waves_leave():
    """Through layers, and none comes back later."""
    _, trained = _line()
    quiet = jnp.zeros((1, 1000)).at[:, : AXIS.num_samples].set(_pulse())
    records = trained.value(PressureSources(jnp.asarray([[1.1]]), quiet), TimeAxis(1000, 0.02)).records(
        jnp.linspace(0, 3, 13)[:, None]
    )
    assert np.max(np.abs(records[..., -500:])) < 1e-3 * np.max(np.abs(records))


@pytest.mark.long
@needs_x64
def test_derivatives():
    """By places and series of sources, by the point and the time; finite at the source itself."""
    _, trained = _line(num=21)
    series = _pulse()

    def value(place, size, x, t):
        field = trained.value(PressureSources(place[None, None], size * series), AXIS)
        return field(x[None], t)[0]

    check_grads(jax.jit(lambda p: value(p[0], p[1], p[2], p[3])), jnp.asarray([0.42, 1.3, 0.77, 0.655]))
    slopes = jax.grad(value, argnums=(0, 1, 2, 3))(*(jnp.asarray(v) for v in (0.5, 1.0, 0.5, 0.6)))
    assert np.all(np.isfinite(slopes))


@pytest.mark.long
@needs_x64
def test_enough_features():
    errors = []
    for num in (45, 60, 140):
        _, trained = _line(num_features=num)
        field = trained.value(PressureSources(jnp.asarray([[1.1]]), _pulse()), AXIS)
        found = np.asarray(field.records(jnp.linspace(0, 3, 13)[:, None])[0])
        truth = np.stack(
            [
                _travelling(x, 1.1, float(trained.value.radius_km), np.asarray(AXIS.times_s()))
                for x in np.linspace(0, 3, 13)
            ]
        )
        errors.append(_off(found, truth))
    assert errors[0] > 0.1
    assert max(errors[1:]) < 0.01


@needs_x64
def test_single_precision_is_refused():
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(ValueError, match="enable_x64"):
            train_waves(AcousticMedium(RegularGrid([0.0], 0.1, (5,)), jnp.ones(5)), 1.0, key=jr.key(0))
    finally:
        jax.config.update("jax_enable_x64", True)


@needs_x64
def test_what_networks_do_not_know():
    medium = AcousticMedium(RegularGrid([0.0] * 3, 0.1, (5, 5, 5)), jnp.ones((5, 5, 5)))
    with pytest.raises(ValueError, match="one or two dimensions, got a grid of 3"):
        train_waves(medium, 1.0, key=jr.key(0))
    with pytest.raises(ValueError, match="got Periodic"):
        _line((Periodic(), Periodic()))
    with pytest.raises(ValueError, match="neither `frequency_hz` nor `sideways`"):
        _line((Rigid(), Absorbing(10, frequency_hz=1.0)))


@pytest.mark.long
@needs_x64
@pytest.mark.parametrize("layered", [pytest.param(False, marks=pytest.mark.slow), True])
def test_beside_finite_differences(layered):
    """Two dimensions, sources that the network has never seen, within and beyond the time that any of its waves needs to cross."""
    grid = RegularGrid([0.0, 0.0], 0.04, (31, 26))
    depth = np.asarray(grid.nodes_km())[..., 1]
    speed = np.where(depth < 0.5, 1.6, 2.4) if layered else np.full(grid.shape, 2.0)
    medium = AcousticMedium(grid, jnp.asarray(speed))
    trained = train_waves(medium, PASS_HZ, key=jr.key(1))
    places = jnp.asarray([[0.3, 0.2], [0.7, 0.8]])
    sources = PressureSources(places, jnp.concatenate([_pulse(), _pulse()]))
    report = judge_waves(trained, medium, sources, AXIS, boundary=Boundary.absorbing(2, num_nodes=30))
    assert float(report.error) < 0.03
    assert np.max(report.error_at) < 0.04
    assert "solver equivalents" in str(report)
