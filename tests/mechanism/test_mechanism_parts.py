"""Small parts of the mechanism room: moments of logarithms, packing, gaps, grades, fits, bad arguments."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate
from scipy.stats import norm

from diffseis import mechanism, source
from diffseis.mechanism import draws
from diffseis.mechanism.invert import solve_apart
from diffseis.mechanism.summary import summarise
from tests.helpers.gradients import check_grads
from tests.mechanism.made_up import catalogue, couples, only

X64 = jax.config.read("jax_enable_x64")


@pytest.mark.parametrize("mean", [0.0, 0.3, 1.0, 1.7, 2.5, 4.0, 9.0])
def test_moments_of_the_logarithm_of_a_normal_variable(mean):
    """Against quadrature on both sides of the singularity."""

    def moment(power):
        density = lambda z: np.log(abs(z + mean)) ** power * norm.pdf(z)
        left = integrate.quad(density, -mean - 12, -mean, limit=300)[0] if mean < 12 else 0.0
        return left + integrate.quad(density, -mean, 14.0, limit=300)[0]

    with np.errstate(all="ignore"):
        expected = moment(1)
        variance = moment(2) - expected**2
    found = mechanism.log_normal_moments(jnp.asarray(mean**2))
    assert abs(float(found[0]) - expected) < 0.01
    assert abs(float(found[1]) / variance - 1) < 0.03


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
def test_gradients_of_the_moments():
    check_grads(
        lambda x: jnp.sum(jnp.stack(mechanism.log_normal_moments(x))),
        jnp.asarray([0.01, 0.5, 3.0, 50.0, 200.0]),
    )
    assert np.all(np.isfinite(jax.grad(lambda x: mechanism.log_normal_moments(x)[0])(jnp.asarray(0.0))))


def test_packing_keeps_every_ray_once():
    table, _ = catalogue(3, 9)
    mixed = table.take(np.random.default_rng(0).permutation(len(table))[:20])
    data = mechanism.event_data(mixed, ["e2", "e0"], sorted(set(mixed.station)))
    (signs, ratios) = data.blocks
    for row, name in enumerate(["e2", "e0"]):
        own = mixed.take(mixed.event_id == name)
        assert int(np.sum(np.asarray(signs.mask)[row])) == len(own)
        np.testing.assert_array_equal(np.asarray(signs.sign)[row][np.asarray(signs.mask)[row]], own.polarity)
        assert int(np.sum(np.asarray(ratios.mask)[row])) == np.isfinite(own.log10_sp).sum()
    assert data.num_events == 2


def test_doubtful_polarities_are_right_less_often():
    table, _ = catalogue(1, 3)
    table = dataclasses.replace(
        table,
        polarity=np.array([1.0, -0.5, 0.2]),
        polarity_probability=np.array([np.nan, np.nan, 0.9]),
    )
    block = mechanism.event_data(only(table, "polarity"), ["e0"]).blocks[0]
    np.testing.assert_allclose(np.asarray(block.right)[0, :3], [1.0, 0.75, 0.9])
    wrong = np.asarray(block.wrong(mechanism.default_noise(mispick=0.1)))[0, :3]
    np.testing.assert_allclose(wrong, [0.1, 0.1 + 0.8 * 0.25, 0.1 + 0.8 * 0.1], rtol=1e-5)


@pytest.mark.long
def test_separate_mechanisms_have_their_shares_and_means():
    """Draws about two double couples 90 degrees apart."""
    random = np.random.default_rng(2)
    centres = [source.double_couple_quaternion(*jnp.asarray(a)) for a in ([0.3, 1.2, 0.1], [0.3, 0.3, 1.6])]
    points = np.concatenate(
        [
            np.asarray(centres[0]) + 0.01 * random.normal(size=(60, 4)),
            np.asarray(centres[1]) + 0.01 * random.normal(size=(20, 4)),
        ]
    )
    points = jnp.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), float)
    likely = -np.concatenate([np.full(60, 2.0), np.full(20, 1.0)])
    space = mechanism.DoubleCouples()
    nothing = jnp.asarray(0.0, float)
    one = draws.Draws(
        points, jnp.full(80, -np.log(80.0), float), jnp.asarray(likely, float), nothing, nothing
    )
    found = jax.jit(lambda key: summarise(space, one, 50, True, key=key))(jax.random.key(0))
    np.testing.assert_allclose(found.mode_share, [0.75, 0.25, 0, 0, 0], atol=1e-6)
    for planes, centre in zip(found.mode_planes[:2], centres, strict=True):
        angle = source.kagan_angle_of(source.double_couple_quaternion(*planes[0]), centre)
        assert np.degrees(angle) < 1
    np.testing.assert_array_equal(found.mode_planes[0], found.planes)


def test_gaps():
    azimuth, takeoff = mechanism.coverage_gaps_deg(np.array([0.0, 90, 180]), np.array([30.0, 60, 80]))
    assert (azimuth, takeoff) == (180, 30)
    # A ray that leaves upwards is on the other side of the lower hemisphere.
    azimuth, takeoff = mechanism.coverage_gaps_deg(
        np.array([0.0, 90, 180, 90]), np.array([30.0, 60, 80, 140])
    )
    assert (azimuth, takeoff) == (90, 30)
    assert mechanism.coverage_gaps_deg(np.array([]), np.array([])) == (360, 90)


@pytest.mark.parametrize(
    ("arguments", "letter"),
    [
        ((0.9, 0.1, 20, 60.0, 30.0), "A"),
        ((0.9, 0.18, 20, 60.0, 30.0), "B"),
        ((0.5, 0.25, 20, 60.0, 30.0), "C"),
        ((0.3, 0.1, 20, 60.0, 30.0), "D"),
        ((0.5, 0.1, 20, 95.0, 30.0), "E"),
        ((0.3, 0.1, 5, 200.0, 30.0), "F"),
        ((0.9, np.nan, 0, 95.0, 30.0), "A"),
    ],
)
def test_grades(arguments, letter):
    assert mechanism.grade_of(*arguments) == letter


def test_a_fit_against_its_own_radiation():
    table, tensors = catalogue(1, 40)
    amplitude = mechanism.radiated(tensors[0], table.azimuth_deg, table.takeoff_deg)
    six = jnp.asarray(tensors[0])
    one = source.radiation(
        six, *(jnp.radians(jnp.asarray(x[0])) for x in (table.azimuth_deg, table.takeoff_deg))
    )
    np.testing.assert_allclose(amplitude[0], one, rtol=1e-5, atol=1e-6)
    sign = np.sign(amplitude[:, 0])
    sign[0] = -sign[0]
    ratio = np.log10(np.hypot(amplitude[:, 1], amplitude[:, 2]) / np.abs(amplitude[:, 0])) + 0.3
    event = np.zeros(len(sign), int)
    fit = mechanism.fits_of(
        dataclasses.replace(table, polarity=sign, log10_sp=ratio), event, tensors[:1], 0.1
    )
    root = np.sqrt(np.abs(amplitude[:, 0]))
    np.testing.assert_allclose(fit.misfit, [root[0] / root.sum()], rtol=1e-6)
    np.testing.assert_allclose(fit.station_distribution_ratio, [root.mean()], rtol=1e-6)
    np.testing.assert_allclose(fit.ratio_misfit, [0.2], rtol=1e-6)
    assert (fit.num_polarities[0], fit.num_ratios[0]) == (40, 40)


def test_fits_of_many_events_are_those_of_each():
    table, tensors = catalogue(3, 12)
    event = np.unique(table.event_id, return_inverse=True)[1]
    table = dataclasses.replace(table, log10_sp=np.where(np.arange(len(event)) % 3, 0.1 * event, np.nan))
    order = np.random.default_rng(0).permutation(len(event))
    together = mechanism.fits_of(table.take(order), event[order], tensors, 0.2)
    for i in range(3):
        own = table.take(event == i)
        alone = mechanism.fits_of(own, np.zeros(len(own), int), tensors[i : i + 1], 0.2)
        for name, value in vars(together).items():
            np.testing.assert_allclose(value[i], getattr(alone, name)[0], rtol=1e-12, err_msg=name)


def test_one_bad_event_takes_no_other_with_it():
    done, told = [], {}

    def solve(names):
        if "bad" in names:
            raise ArithmeticError("no")
        done.extend(names)

    batches = []
    errors = solve_apart(solve, ["a", "bad", "b"], told.__setitem__, batches.append)
    assert len(batches) == 1
    assert "3 events were computed one by one" in batches[0]
    assert done == ["a", "b"]
    assert told == {"bad": "ArithmeticError: no"}
    assert len(errors) == 1


def test_the_mixture_of_kernels_is_normalised():
    """Its mean over uniform sources is one over their volume."""
    space = mechanism.DoubleCouples()
    centres, _ = couples(4, 3)
    kernels = draws.equal_kernels(centres, 0.3 * jnp.eye(3) + 0.1 * jnp.tril(jnp.ones((3, 3)), -1))
    uniform, _ = couples(100_000, 4)
    density = np.exp(np.asarray(jax.jit(lambda p: draws.mixture_log_density(space, kernels, p))(uniform)))
    error = density.std() / len(density) ** 0.5 * np.exp(space.log_size)
    # The tails that wrap around are counted once, at the nearest image.
    assert abs(density.mean() * np.exp(space.log_size) - 1) < 4 * error + 0.02


def test_tempering_leaves_enough():
    log_weight = jax.nn.log_softmax(jnp.asarray([0.0, -50.0, -60.0, -200.0] * 8).at[0].set(100.0))
    tempered = draws.tempered(log_weight, 10.0)
    assert float(1 / jnp.sum(jnp.exp(2 * tempered))) >= 9.9
    even = jnp.full(32, -jnp.log(32.0))
    np.testing.assert_allclose(draws.tempered(even, 10.0), even, atol=1e-6)


def test_bad_arguments():
    with pytest.raises(ValueError, match="between 0 and 0"):
        mechanism.default_noise(mispick=0.6)
    with pytest.raises(ValueError, match="`ratio_sd` must be above 0"):
        mechanism.default_noise(ratio_sd=0.0)
    with pytest.raises(ValueError, match="`spacing_deg` must lie between 1 and 45"):
        mechanism.source_grid(mechanism.DoubleCouples(), 0.1)
    with pytest.raises(ValueError, match="must be one of dc"):
        mechanism.source_space("explosion")
    with pytest.raises(ValueError, match="multiple of `num_centres`"):
        mechanism.GridSearch(mechanism.source_grid(mechanism.DoubleCouples(), 40.0), num_draws=100)
    with pytest.raises(ValueError, match="dc and shear-tensile, not mt"):
        mechanism.guided_method("mt", mechanism.MomentTensors(), key=jax.random.key(0))
