"""Tensors, lune, angles and radiation against values of independent codes and of publications."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import source
from diffseis.core.frames import ned_to_use

EXACT = 1e-10 if jax.config.read("jax_enable_x64") else 1e-5
RADIANS = np.pi / 180


def _array(x):
    return jnp.asarray(x, float)


def _tensor_of(components):
    nn, ee, dd, ne, nd, ed = components
    return _array([[nn, ne, nd], [ne, ee, ed], [nd, ed, dd]])


@pytest.fixture(scope="module")
def values(reference_data):
    return json.loads((reference_data / "mechanism/reference_values/mech_reference.json").read_text())


@pytest.mark.reference
def test_shear_tensile_sources(values):
    """Cross-checked with ObsPy, pyrocko and Kwiatek's coefficients where the values were made."""
    for case in values["radiation"]:
        angles = [_array(case[name] * RADIANS) for name in ("strike", "dip", "rake", "slope")]
        tensor = source.shear_tensile(*angles, _array(case["kappa"]))
        np.testing.assert_allclose(tensor, _tensor_of(case["M_NED"]), atol=EXACT)
        rr, tt, pp, rt, rp, tp = source.gcmt_components(tensor)
        np.testing.assert_allclose([rr, tt, pp, rt, rp, tp], case["M_USE"], atol=EXACT)
        np.testing.assert_allclose(source.principal(tensor)[0], case["lam"], atol=EXACT)
        gamma, delta = source.lune_of(tensor) / RADIANS
        # A double couple's longitude is the arc tangent of two roundings only where its moment is.
        np.testing.assert_allclose(
            [gamma, delta], [case["lune_gamma_deg"], case["lune_delta_deg"]], atol=100 * EXACT
        )
        np.testing.assert_allclose(source.vp_vs_of_kappa(_array(case["kappa"])), case["vpvs"], rtol=EXACT)
        np.testing.assert_allclose(source.poisson_ratio(_array(case["kappa"])), case["nu"], rtol=EXACT)
        for ray in case["rays"]:
            azimuth, takeoff = _array(ray["az"] * RADIANS), _array(ray["takeoff"] * RADIANS)
            expected = [ray["P"], ray["SV"], ray["SH"]]
            np.testing.assert_allclose(source.radiation(tensor, azimuth, takeoff), expected, atol=EXACT)
            rows = source.radiation_rows(azimuth, takeoff)
            np.testing.assert_allclose(rows @ source.six_vector(tensor), expected, atol=EXACT)


@pytest.mark.reference
def test_angles_between_double_couples(values):
    for case in values["kagan"]:
        a, b = (source.double_couple(*_array(np.radians(case[name]))) for name in "ab")
        # Axes of single precision are good to 2e-7 radians, in degrees 1e-5; the angle of half a turn has the square root of that.
        np.testing.assert_allclose(source.kagan_angle(a, b) / RADIANS, case["kagan"], atol=EXACT * 1e1)
        np.testing.assert_allclose(source.omega_angle(a, b) / RADIANS, case["omega"], atol=EXACT * 1e1)
        p, q = (source.double_couple_quaternion(*_array(np.radians(case[name]))) for name in "ab")
        np.testing.assert_allclose(source.kagan_angle_of(p, q) / RADIANS, case["kagan"], atol=EXACT * 1e1)


@pytest.mark.reference
def test_uniform_coordinates_of_appendix_a(values):
    """Tape & Tape (2015), appendix A: the tensor is in north, west, up."""
    case = values["TT2015AppA"]
    tensor = source.uniform_tensor(*(_array(case[name]) for name in ("u", "v", "kappa", "sigma", "h")))
    nn, ww, uu, nw, nu, wu = case["M_NWU"]
    expected = _array([[nn, -nw, -nu], [-nw, ww, wu], [-nu, wu, uu]])
    np.testing.assert_allclose(tensor, expected, atol=EXACT)
    found = source.uniform_coordinates(tensor)
    wanted = [case["u"], case["v"], case["kappa"], case["sigma"], case["h"]]
    np.testing.assert_allclose(found, wanted, atol=EXACT * 10)
    gamma, delta = source.lune_of(tensor) / RADIANS
    np.testing.assert_allclose([gamma, 90 - delta], [case["gamma_deg"], case["beta_deg"]], atol=EXACT * 100)


def test_table_a1_of_the_classical_model():
    """Tape & Tape (2013), doi:10.1093/gji/ggt302, table A1: eigenvalues, beta, gamma, alpha and Poisson's ratio, to the printed digits."""
    value = _array([8.8020, 2.5840, -1.8510])
    gamma, delta = source.lune_of_values(value) / RADIANS
    np.testing.assert_allclose([90 - delta, gamma], [53.9671, -5.5194], atol=6e-5)
    _, slope, kappa = source.shear_tensile_angles(jnp.diag(value))
    # Alpha, the angle between slip and normal, is 90 degrees less the slope.
    np.testing.assert_allclose(90 - slope / RADIANS, 80.3650, atol=6e-5)
    np.testing.assert_allclose(source.poisson_ratio(kappa), 0.3717, atol=6e-5)


@pytest.mark.long
@pytest.mark.reference
@pytest.mark.parametrize("frame", range(1, 6))
def test_tensors_all_over_the_lune(reference_data, frame):
    """The tensors of Tape's mtbeach in five orientations; their files have seven digits."""
    table = np.loadtxt(reference_data / f"mechanism/tape_lune/beachballs_ipts1_iref{frame}.txt")
    tensors = jax.vmap(source.tensor_of_gcmt)(_array(table[:, 2:] / 1e16))
    gamma, delta = jax.vmap(source.lune_of)(tensors).T / RADIANS
    inside = np.abs(table[:, 1]) < 89.9
    tolerance = 3e-5 if jax.config.read("jax_enable_x64") else 1e-3
    np.testing.assert_allclose(delta, table[:, 1], atol=tolerance)
    spread = tolerance / np.cos(np.radians(table[inside, 1]))
    assert np.all(np.abs(gamma[inside] - table[inside, 0]) < spread)
    back = jax.vmap(lambda m: source.uniform_tensor(*source.uniform_coordinates(m)))(tensors)
    norm = np.linalg.norm(tensors, axis=(1, 2), keepdims=True)
    # Where the coordinates are flat (u near its ends) their inverse has a fourth root of the rounding error.
    np.testing.assert_allclose(back, tensors / norm, atol=1e-3 if jax.config.read("jax_enable_x64") else 5e-2)


@pytest.mark.long
@pytest.mark.reference
def test_published_catalogues_on_the_lune_and_in_the_rectangle(reference_data):
    """Twenty published catalogues in both systems of coordinates, to their printed digits."""
    for path in sorted((reference_data / "mechanism/tape_lune").glob("sourcetype_gdvw_*.dat")):
        gamma, delta, v, w = np.loadtxt(path, ndmin=2).T
        found_v = jax.vmap(source.v_of_gamma)(_array(gamma * RADIANS))
        found_w = 3 * np.pi / 8 - jax.vmap(source.u_of_delta)(_array(delta * RADIANS))
        np.testing.assert_allclose(found_v, v, atol=3e-4)
        np.testing.assert_allclose(found_w, w, atol=3e-4)


@pytest.mark.reference
def test_axes_of_published_tensors(reference_data):
    """Minson et al. (2007), table 8: eigenvalues, trends and plunges."""
    rows = [
        line.split()
        for line in (reference_data / "mechanism/tape_lune/Minson2007_Table8.txt").read_text().splitlines()
    ]
    for row in (r for r in rows if not r[0].startswith("#")):
        numbers = np.array(row[1:], float).reshape(3, 3)
        trend, plunge = np.radians(numbers[:, 1]), np.radians(numbers[:, 2])
        axes = np.stack(
            [np.cos(plunge) * np.cos(trend), np.cos(plunge) * np.sin(trend), np.sin(plunge)], axis=1
        )
        tensor = np.einsum("k,ki,kj->ij", numbers[:, 0] / numbers[0, 0], axes, axes)
        found = np.asarray(source.principal_axes(_array(tensor)))
        # The published axes are rounded to 0.1 degrees, so that they are not quite at right angles to each other.
        np.testing.assert_allclose(found[:, 0], numbers[:, 0] / numbers[0, 0], atol=6e-3)
        apart = np.abs(np.einsum("ki,ki->k", axes, _directions(found)))
        assert np.all(apart > np.cos(np.radians(1.0))), row[0]


def _directions(found):
    trend, plunge = found[:, 1], found[:, 2]
    return np.stack([np.cos(plunge) * np.cos(trend), np.cos(plunge) * np.sin(trend), np.sin(plunge)], axis=1)


def test_a_great_earthquake():
    """Maule 2010: the tensor of the Global CMT catalogue (201002270634A) has the planes (18, 18, 112) and (174, 73, 83) there."""
    tensor = source.tensor_of_gcmt(_array([1.040, -0.030, -1.010, 0.227, -1.510, -0.120]))
    planes = np.asarray(source.nodal_planes(tensor)) / RADIANS
    planes = planes[np.argsort(planes[:, 1])]
    np.testing.assert_allclose(planes, [[18, 18, 112], [174, 73, 83]], atol=1.5)
    np.testing.assert_allclose(ned_to_use(np.asarray(tensor))[0], [1.040, 0.227, -1.510], atol=1e-6)


@pytest.mark.long
def test_random_pairs_of_double_couples_are_as_far_apart_as_they_should():
    """The mean rotation between random double couples is 75.2 degrees (Kagan 1992, doi:10.1111/j.1365-246X.1992.tb02109.x)."""
    q = jax.random.normal(jax.random.key(0), (2, 20_000, 4))
    q = q / jnp.linalg.norm(q, axis=-1, keepdims=True)
    angle = np.asarray(jax.vmap(source.kagan_angle_of)(q[0], q[1])) / RADIANS
    assert abs(angle.mean() - 75.16) < 0.6
    assert abs(np.median(angle) - 78.66) < 0.8
    assert angle.max() < 120.0001
    assert abs(np.mean(angle < 30) - 0.0298) < 0.004
