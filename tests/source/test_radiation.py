"""Radiation against ObsPy, and the free surface against its own boundary condition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from obspy.core.event.source import farfield

from diffseis import source

EXACT = 1e-12 if jax.config.read("jax_enable_x64") else 2e-6


def _rays(num, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 2 * np.pi, num), rng.uniform(0, np.pi, num)


def test_obspy_has_the_opposite_sign_for_s():
    """ObsPy's S is minus Aki & Richards's; its P is theirs. Both in x north, y east, z down here."""
    tensor = jnp.asarray([[0.3, 0.2, -0.5], [0.2, -0.9, 0.1], [-0.5, 0.1, 0.4]], float)
    azimuth, takeoff = _rays(50)
    ours = np.asarray(
        jax.vmap(lambda a, t: source.radiation(tensor, a, t))(
            *(jnp.asarray(x, float) for x in (azimuth, takeoff))
        )
    )
    basis = np.asarray(jax.vmap(source.ray_basis)(jnp.asarray(azimuth, float), jnp.asarray(takeoff, float)))
    six = [float(tensor[i, j]) for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
    rays = np.stack([takeoff, azimuth])
    p = farfield(six, rays, "P").T
    s = farfield(six, rays, "S").T
    np.testing.assert_allclose(ours[:, :1] * basis[:, 0], p, atol=1e4 * EXACT if EXACT > 1e-9 else EXACT)
    ours_s = ours[:, 1:2] * basis[:, 1] + ours[:, 2:] * basis[:, 2]
    np.testing.assert_allclose(ours_s, -s, atol=1e-5 if EXACT > 1e-9 else 1e-12)


def test_takeoff_from_up():
    np.testing.assert_allclose(
        source.takeoff_from_up(jnp.asarray([0.0, np.pi / 2, np.pi])), [np.pi, np.pi / 2, 0], atol=1e-6
    )
    np.testing.assert_allclose(source.ray_basis(jnp.asarray(0.0), jnp.asarray(0.0))[0], [0, 0, 1], atol=1e-7)


def test_an_explosion_radiates_p_alone():
    azimuth, takeoff = _rays(20, 1)
    found = jax.vmap(lambda a, t: source.radiation(jnp.eye(3), a, t))(
        jnp.asarray(azimuth, float), jnp.asarray(takeoff, float)
    )
    np.testing.assert_allclose(found, np.tile([1.0, 0, 0], (20, 1)), atol=1e-6)


def _traction(slowness, wave, vp, vs, direction):
    """Traction on a level plane and displacement of a plane wave in a solid of density 1: amplitude along `direction` (x, z down), slowness vector `slowness`."""
    mu = vs**2
    lam = vp**2 - 2 * mu
    (sx, sz), (ux, uz) = slowness, wave * np.asarray(direction)
    return np.array([mu * (sz * ux + sx * uz), lam * (sx * ux + sz * uz) + 2 * mu * sz * uz])


@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="an exact condition")
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999, 1.1, 1.5])
def test_the_surface_is_free(share):
    """What the factors say moves the surface leaves no traction on it, with reflected waves made of nothing but those factors."""
    vp, vs = 6.0, 3.3
    p = share / vp
    found = source.free_surface(*(jnp.asarray(x, float) for x in (p, vp, vs)))
    cos_i, cos_j = np.sqrt(complex(1 - (p * vp) ** 2)), np.sqrt(complex(1 - (p * vs) ** 2))
    sin_i, sin_j = p * vp, p * vs
    incoming = {
        "sv": ((cos_j, sin_j), (p, -cos_j / vs), found.sv_radial, -found.sv_vertical),
        "p": ((sin_i, -cos_i), (p, -cos_i / vp), found.p_radial, -found.p_vertical),
    }
    for name, (direction, slowness, x, z) in incoming.items():
        if name == "p" and share > 1:
            continue  # there is no such wave
        # Amplitudes of the reflected P and SV that make up the rest of the displacement.
        rest = np.array([complex(x) - direction[0], complex(z) - direction[1]])
        matrix = np.array([[sin_i, cos_j], [cos_i, -sin_j]])
        reflected = np.linalg.solve(matrix, rest)
        traction = _traction(slowness, 1.0, vp, vs, direction)
        traction = traction + _traction((p, cos_i / vp), reflected[0], vp, vs, (sin_i, cos_i))
        traction = traction + _traction((p, cos_j / vs), reflected[1], vp, vs, (cos_j, -sin_j))
        np.testing.assert_allclose(traction, 0, atol=1e-12)


def test_straight_up_the_surface_doubles():
    found = source.free_surface(*(jnp.asarray(x, float) for x in (0.0, 6.0, 3.3)))
    np.testing.assert_allclose([found.p_vertical, found.sv_radial, found.sh], 2, rtol=1e-6)
    np.testing.assert_allclose([found.p_radial, found.sv_vertical], 0, atol=1e-6)
