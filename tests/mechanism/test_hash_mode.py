"""The HASH-compatible mode on made-up events: what must come out, whatever the draws."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.core.radiation_table import RadiationTable
from diffseis.mechanism import HashOptions, hash_grade, hash_mechanisms, hash_mode
from diffseis.mechanism.accepted import HashLimits, HashRays, accepted_mechanisms, log_ratio, ray_directions
from diffseis.mechanism.hash_grid import hash_grid, planes_of_quaternion
from diffseis.mechanism.hash_rays import limits_of, rays_of
from diffseis.mechanism.preferred import preferred_mechanisms, spread_rows
from diffseis.mechanism.station_distribution import coverage_gaps_deg, hash_misfit
from diffseis.source import double_couple, double_couple_quaternion, kagan_angle_of, radiation
from tests.mechanism.northridge import kagan_deg

TRUE = (30.0, 60.0, 45.0)
QUICK = HashOptions(grid_spacing_deg=10.0, num_trials=5)


def _radiation(plane, azimuth_deg, takeoff_deg):
    tensor = double_couple(*jnp.radians(jnp.asarray(plane, float)))
    rays = (jnp.radians(jnp.asarray(x, float)) for x in (azimuth_deg, takeoff_deg))
    return np.asarray(jax.vmap(lambda a, t: radiation(tensor, a, t))(*rays))


def _event(name="one", num=60, plane=TRUE, seed=0, sigma=2.0, ratios=False):
    """Rays spread evenly over the sphere, turned at random."""
    i = np.arange(num) + 0.5
    azimuth = (np.random.default_rng(seed).uniform(0, 360) + 360 * i / 1.618033988749895) % 360
    takeoff = np.degrees(np.arccos(1 - 2 * i / num))
    p, sv, sh = _radiation(plane, azimuth, takeoff).T
    sp = np.log10(4.9 * np.hypot(sv, sh) / np.abs(p)) if ratios else np.full(num, np.nan)
    return RadiationTable.of(
        [name] * num,
        [f"S{k}" for k in range(num)],
        azimuth_deg=azimuth,
        takeoff_deg=takeoff,
        azimuth_sigma_deg=np.full(num, sigma),
        takeoff_sigma_deg=np.full(num, sigma),
        polarity=np.sign(p),
        log10_sp=sp,
    )


def _join(*tables):
    names = [f.name for f in dataclasses.fields(RadiationTable) if f.name != "extra"]
    return RadiationTable(**{n: np.concatenate([getattr(t, n) for t in tables]) for n in names})


def _solve(table, *names, options=QUICK, seed=0):
    return hash_mechanisms(table, names or ("one",), options=options, key=jr.key(seed))


def _plane(solution):
    return solution.strike_deg[0], solution.dip_deg[0], solution.rake_deg[0]


def _same(a, b):
    for f in dataclasses.fields(a):
        np.testing.assert_array_equal(getattr(a, f.name), getattr(b, f.name))


def test_a_clean_event_is_found_and_graded_a():
    (found,) = _solve(_event(num=200, sigma=0.0), options=HashOptions(num_trials=1, bad_fraction=0.0))
    assert kagan_deg(_plane(found), TRUE) < 5
    assert kagan_deg(found.auxiliary_deg[0], TRUE) < 5
    assert found.grade == "A"
    assert found.probability[0] == 1
    assert found.misfit_fraction[0] < 0.02
    assert (found.num_polarities, found.num_ratios, found.ratio_misfit[0]) == (200, 0, 0)
    true = double_couple_quaternion(*jnp.radians(jnp.asarray(TRUE, float)))
    far = jax.vmap(lambda q: kagan_angle_of(q, true))(jnp.asarray(found.accepted))
    assert np.degrees(float(far.min())) < 5


@pytest.mark.long
def test_ratios_narrow_the_accepted_set():
    table = _event(num=16, ratios=True)
    (without,) = _solve(dataclasses.replace(table, log10_sp=np.full(16, np.nan)))
    (found,) = _solve(table, options=dataclasses.replace(QUICK, ratio_bad=0.1))
    assert len(found.accepted) < 0.5 * len(without.accepted)
    assert kagan_deg(_plane(found), TRUE) < 10
    assert found.num_ratios == 16
    assert 0 < found.ratio_misfit[0] < 0.4


@pytest.mark.long
def test_wrong_polarities_raise_the_misfit_and_lower_the_grade():
    table = _event()
    fractions = []
    for every in (0, 12, 5, 3):
        polarity = table.polarity.copy()
        if every:
            polarity[::every] *= -1
        (found,) = _solve(dataclasses.replace(table, polarity=polarity))
        fractions.append(found.misfit_fraction[0])
    assert fractions == sorted(fractions)
    assert fractions[2] > 0.1
    assert found.grade != "A"


@pytest.mark.long
def test_too_few_polarities_are_f_and_gaps_are_e():
    table = _event()
    few = dataclasses.replace(table, polarity=np.where(np.arange(60) < 7, table.polarity, 0))
    (found,) = _solve(few)
    assert (found.grade, found.num_polarities, len(found.strike_deg)) == ("F", 7, 0)
    assert found.grades == ()
    gap = table.take((table.azimuth_deg < 120) & (table.takeoff_deg > 90))
    (found,) = _solve(gap)
    assert found.grade == "E"
    assert found.azimuthal_gap_deg > 90 or found.takeoff_gap_deg > 60
    wide = dataclasses.replace(QUICK, max_azimuthal_gap_deg=360.0, max_takeoff_gap_deg=90.0)
    assert _solve(gap, options=wide)[0].grade in "ABCD"


def test_an_event_without_data_is_f():
    found, other = _solve(_event(), "nobody", "one")
    assert (found.event_id, found.grade, found.num_polarities, found.azimuthal_gap_deg) == (
        "nobody",
        "F",
        0,
        360,
    )
    assert other.grade == "A"
    assert hash_mechanisms(_event(), [], key=jr.key(0)) == []


def test_rows_without_angles_or_data_do_not_count():
    table = _event()
    lost = dataclasses.replace(table, takeoff_deg=np.where(np.arange(60) < 20, np.nan, table.takeoff_deg))
    (found,) = _solve(lost)
    assert found.num_polarities == 40
    _same(found, _solve(table.take(np.arange(60) >= 20))[0])


def test_neither_order_nor_neighbours_matter():
    first, second = _event(), _event("two", num=40, plane=(200.0, 30.0, -80.0), seed=1, sigma=8.0)
    table = _join(first, second)
    alone = _solve(second, "two")[0]
    a, b = _solve(table, "two", "one")
    _same(a, alone)
    _same(b, _solve(first)[0])
    shuffled = table.take(np.random.default_rng(5).permutation(len(table)))
    _same(_solve(shuffled, "two")[0], alone)


def test_draws_depend_on_the_key_and_vanish_with_the_errors():
    wide = _event(sigma=10.0)
    assert len(_solve(wide)[0].accepted) != len(_solve(wide, seed=1)[0].accepted)
    exact = _event(sigma=0.0)
    (once,) = _solve(exact, options=dataclasses.replace(QUICK, num_trials=1))
    _same(once, _solve(exact, seed=3)[0])
    assert len(_solve(wide)[0].accepted) > len(once.accepted)


def test_errors_that_are_not_stated_are_the_default():
    unknown = np.full(60, np.nan)
    silent = dataclasses.replace(_event(), azimuth_sigma_deg=unknown, takeoff_sigma_deg=unknown)
    options = dataclasses.replace(QUICK, default_azimuth_sigma_deg=2.0, default_takeoff_sigma_deg=2.0)
    _same(_solve(silent, options=options)[0], _solve(_event(), options=options)[0])


def test_weighted_misfits_of_whole_polarities_are_counts():
    table = _event(num=40)
    (counted,), (weighted,) = _solve(table), _solve(table, options=dataclasses.replace(QUICK, weighted=True))
    _same(counted, weighted)
    small = dataclasses.replace(table, polarity=table.polarity * np.linspace(0.01, 0.02, 40))
    options = dataclasses.replace(QUICK, weighted=True)
    # The least allowance is a weight of 2, more than there is: all mechanisms are accepted.
    assert len(_solve(small, options=options)[0].accepted) == hash_grid(10.0).planes.shape[1]


def test_more_events_need_no_more_programs():
    names = [f"e{i}" for i in range(3)]
    table = _join(*(_event(n, num=30 + 10 * i, seed=i) for i, n in enumerate(names)))
    hash_mechanisms(table, names[:1], options=QUICK, key=jr.key(0))

    before = [f._cached._cache_size() for f in (hash_mode._accept, hash_mode._prefer, hash_mode._misfits)]
    hash_mechanisms(table, names, options=QUICK, key=jr.key(0))
    assert before == [
        f._cached._cache_size() for f in (hash_mode._accept, hash_mode._prefer, hash_mode._misfits)
    ]


@pytest.mark.long
def test_thousands_of_rays_need_little_memory():
    """A composite event of 4,168 rays, on HASH's grid with its 30 trials: far from 2 GB."""
    table = _event(num=4168)
    options = HashOptions()
    rays = rays_of(table, np.arange(4168), options)
    limits = limits_of(table.polarity, 0, options)
    search = jax.jit(
        lambda planes, rays, limits, key: accepted_mechanisms(
            planes, rays, limits, jnp.float32(0), num_trials=30, key=key
        )
    )
    program = search.lower(hash_grid(5.0).planes, rays, limits, jr.key(0)).compile()
    memory = program.memory_analysis()
    assert memory.temp_size_in_bytes + memory.output_size_in_bytes < 64e6


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"grid_spacing_deg": 0.0}, "must be > 0"),
        ({"grid_spacing_deg": 0.5}, "HASH's own is 5"),
        ({"num_trials": 0}, "must be > 0"),
        ({"bad_fraction": 10.0}, "not per cent"),
        ({"bad_fraction": -0.1}, ">= 0"),
        ({"ratio_bad": float("nan")}, "finite"),
        ({"cutoff_angle_deg": 121.0}, "at most 120"),
        ({"max_probability": 25.0}, "not per cent"),
        ({"max_accepted": 0}, "must be > 0"),
    ],
)
def test_bad_options_say_what_to_do(changes, says):
    with pytest.raises(ValueError, match=says):
        HashOptions(**changes)


def test_the_grid_is_as_fine_as_it_says():
    """31,032 pairs at 5 degrees, and no mechanism farther than about one spacing from the nearest."""
    grid = hash_grid(5.0)
    assert grid.planes.shape == (6, 31032)
    normal, slip = np.asarray(grid.planes[:3]), np.asarray(grid.planes[3:])
    np.testing.assert_allclose(np.sum(normal * slip, axis=0), 0, atol=1e-6)
    rng = np.random.default_rng(0)
    points = [
        np.radians([rng.uniform(0, 360), rng.uniform(0, 90), rng.uniform(-180, 180)]) for _ in range(20)
    ]
    nearest = jax.jit(lambda q: jnp.min(jax.vmap(lambda p: kagan_angle_of(p, q))(grid.quaternions)))
    far = [float(nearest(double_couple_quaternion(*jnp.asarray(p, float)))) for p in points]
    assert np.degrees(max(far)) < 5


def test_gaps_by_hand():
    # Up-going rays (take-off beyond 90 from down) keep their azimuth, others stand for their opposites.
    azimuth, takeoff = np.array([10.0, 100.0, 30.0]), np.array([150.0, 120.0, 40.0])
    around, steep = coverage_gaps_deg(azimuth, takeoff)
    assert around == pytest.approx(160.0)  # 10, 100, 210
    assert steep == pytest.approx(30.0)  # 30, 40, 60 of 0 to 90
    assert coverage_gaps_deg(np.zeros(0), np.zeros(0)) == (360.0, 90.0)
    assert coverage_gaps_deg(np.array([5.0]), np.array([180.0])) == (360.0, 90.0)


def _rays(azimuth_deg, takeoff_deg, polarity, ratio=()):
    num = len(azimuth_deg)
    f32 = lambda x: jnp.asarray(x, jnp.float32)
    sp = np.zeros(num)
    sp[: len(ratio)] = ratio
    polarity = np.asarray(polarity, float)
    return HashRays(
        azimuth_rad=f32(np.radians(azimuth_deg)),
        takeoff_rad=f32(np.radians(takeoff_deg)),
        azimuth_sigma_rad=f32(np.zeros(num)),
        takeoff_sigma_rad=f32(np.zeros(num)),
        up=jnp.asarray(polarity > 0),
        weight=f32(np.abs(polarity) > 0)[:, None],
        size=f32(np.abs(polarity)),
        log10_sp=f32(sp),
        num_rays=jnp.asarray(num, jnp.int32),
        num_ratios=jnp.asarray(len(ratio), jnp.int32),
    )


def test_misfit_and_station_distribution_by_hand():
    """A vertical strike-slip fault that strikes north: P in level rays is sin(2 azimuth)."""
    q = double_couple_quaternion(*jnp.radians(jnp.asarray([0.0, 90.0, 0.0], float)))
    azimuth = np.array([45.0, 15.0, 135.0, 200.0])
    polarity = np.array([1.0, -1.0, -0.5, 1.0])
    rays = _rays(azimuth, [90.0] * 4, polarity)
    found = hash_misfit(q, rays, jnp.float32(0))
    root = np.sqrt(np.abs(np.sin(2 * np.radians(azimuth))))
    size = np.abs(polarity)
    assert float(found.station_distribution_ratio) == pytest.approx(np.sum(size * root) / 3.5, rel=1e-5)
    assert float(found.polarity) == pytest.approx(root[1] / np.sum(size * root), rel=1e-5)
    assert float(found.ratio) == 0
    # S of a level ray at 15 degrees is SH, cos(2 azimuth), over P, sin(2 azimuth).
    with_ratio = _rays([15.0], [90.0], [0.0], ratio=[0.5])
    found = hash_misfit(q, with_ratio, jnp.float32(np.log10(4.9)))
    expected = np.log10(4.9 / np.tan(np.radians(30)))
    assert float(found.ratio) == pytest.approx(expected - 0.5, abs=1e-5)
    assert float(found.station_distribution_ratio) == pytest.approx(root[1], rel=1e-5)
    assert float(found.polarity) == 0


def test_log_ratios_are_those_of_the_radiation():
    azimuth, takeoff = np.linspace(3, 350, 40), np.linspace(5, 175, 40)
    p, sv, sh = _radiation(TRUE, azimuth, takeoff).T
    q = double_couple_quaternion(*jnp.radians(jnp.asarray(TRUE, float)))
    towards = ray_directions(
        jnp.radians(jnp.asarray(azimuth, float)), jnp.radians(jnp.asarray(takeoff, float))
    )
    normal, slip = planes_of_quaternion(q)
    found = log_ratio(towards @ normal, towards @ slip, jnp.asarray(0.3, float))
    np.testing.assert_allclose(found, np.log10(np.hypot(sv, sh) / np.abs(p)) + 0.3, atol=1e-4)


def _brute(planes, azimuth_deg, takeoff_deg, up, impulsive, total, extra):
    """HASH's rule for polarities, as its program words it: a loop over mechanisms."""
    ray = np.stack(
        [
            np.sin(takeoff_deg) * np.cos(azimuth_deg),
            np.sin(takeoff_deg) * np.sin(azimuth_deg),
            np.cos(takeoff_deg),
        ],
        axis=1,
    )
    wrong = ((ray @ planes[:3]) * (ray @ planes[3:]) > 0) != up[:, None]
    first, whole = np.sum(wrong & impulsive[:, None], axis=0), np.sum(wrong, axis=0)
    least = first.min()
    most_first = max(total, least + extra)
    most_whole = max(total if least == 0 else len(up), whole[first == least].min() + extra)
    return (first <= most_first) & (whole <= most_whole)


@pytest.mark.parametrize("seed", range(3))
def test_emergent_polarities_come_second(seed):
    rng = np.random.default_rng(seed)
    azimuth, takeoff = rng.uniform(0, 2 * np.pi, 24), rng.uniform(0, np.pi, 24)
    polarity = np.where(rng.random(24) < 0.4, 0.5, 1.0) * rng.choice([-1, 1], 24)
    if seed == 0:
        polarity = np.abs(polarity) * np.sign(
            _radiation(TRUE, np.degrees(azimuth), np.degrees(takeoff))[:, 0]
        )
    impulsive = np.abs(polarity) > 0.5
    rays = _rays(np.degrees(azimuth), np.degrees(takeoff), polarity)
    levels = jnp.asarray(np.stack([impulsive, np.ones(24)], axis=1), jnp.float32)
    rays = dataclasses.replace(rays, weight=levels)
    limits = limits_of(polarity, 0, HashOptions())
    grid = hash_grid(10.0)
    found = accepted_mechanisms(grid.planes, rays, limits, jnp.float32(0), num_trials=1, key=jr.key(0))
    expected = _brute(np.asarray(grid.planes), azimuth, takeoff, polarity > 0, impulsive, 2, 2)
    # On a nodal plane, roundoff decides.
    assert np.mean(np.asarray(found) != expected) < 1e-3
    assert expected.any()


def test_ratios_that_fit_only_wrong_polarities_are_judged_anew():
    """Ratios of one mechanism with the polarities of another: no mechanism fits both, and some is accepted nevertheless."""
    table, other = _event(num=24), _event(num=24, plane=(30.0, 90.0, 180.0), ratios=True)
    mixed = dataclasses.replace(table, log10_sp=other.log10_sp)
    options = dataclasses.replace(QUICK, ratio_bad=0.0, bad_fraction=0.0, num_trials=1)
    (found,) = _solve(mixed, options=options)
    assert 0 < len(found.accepted) < 3000
    assert found.misfit_fraction[0] < 0.2


def test_limits_are_hash_s():
    """Rounded half up, never less than 2; a half of them above the best."""
    limits = limits_of(np.array([1.0] * 25 + [np.nan, 0.0]), 10, HashOptions())
    assert float(limits.polarity_total) == 3  # 2.5
    assert float(limits.polarity_extra) == 2  # 1.25, at least 2
    assert float(limits.ratio_total) == 3
    assert float(limits.ratio_extra) == 2
    assert isinstance(limits, HashLimits)


@pytest.mark.parametrize(
    ("values", "grade"),
    [
        ((0.81, 25.0, 0.15, 0.5), "A"),
        ((0.80, 25.0, 0.15, 0.5), "B"),
        ((0.90, 36.0, 0.1, 0.6), "C"),
        ((0.51, 45.0, 0.3, 0.3), "C"),
        ((0.50, 20.0, 0.1, 0.6), "D"),
        ((0.99, 10.0, 0.1, 0.29), "D"),
    ],
)
def test_grades_are_those_of_the_program(values, grade):
    assert hash_grade(*values) == grade


def _cloud(plane, spread_deg, num, seed):
    rng = np.random.default_rng(seed)
    angles = np.radians(np.asarray(plane) + spread_deg * rng.normal(size=(num, 3)))
    return jax.vmap(lambda a: double_couple_quaternion(*a))(jnp.asarray(angles, float))


@pytest.mark.long
def test_two_clusters_are_two_solutions():
    first, second = _cloud(TRUE, 4.0, 60, 0), _cloud((210.0, 50.0, -100.0), 4.0, 30, 1)
    lone = _cloud((300.0, 80.0, 0.0), 1.0, 6, 2)
    every = jnp.concatenate([first, second, lone])
    there = jnp.ones(96, bool)
    found = preferred_mechanisms(every, there, jnp.asarray(np.radians(45.0), float), jnp.asarray(0.1, float))
    assert int(found.num_solutions) == 2
    np.testing.assert_allclose(found.probability[:2], [60 / 96, 30 / 96], atol=1e-6)
    for q, plane in zip(found.quaternions, (TRUE, (210.0, 50.0, -100.0)), strict=False):
        true = double_couple_quaternion(*jnp.radians(jnp.asarray(plane, float)))
        assert np.degrees(float(kagan_angle_of(q, true))) < 3
    alone = preferred_mechanisms(
        every, jnp.arange(96) < 60, jnp.asarray(np.radians(45.0), float), jnp.asarray(0.1, float)
    )
    assert int(alone.num_solutions) == 1
    assert float(alone.probability[0]) == 1
    assert np.degrees(float(alone.uncertainty_rad[0].max())) < 12


def test_rows_are_spread_over_what_there_is():
    mask = np.zeros(1000, bool)
    mask[::3] = True
    index, there = spread_rows(jnp.asarray(mask), 500)
    assert int(there.sum()) == 334
    np.testing.assert_array_equal(np.asarray(index)[:334], np.flatnonzero(mask))
    index, there = spread_rows(jnp.asarray(mask), 50)
    index = np.asarray(index)
    assert there.all()
    assert mask[index].all()
    assert len(set(index)) == 50
    assert np.ptp(np.diff(index)) <= 3
