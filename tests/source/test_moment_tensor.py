"""Moment tensors against Aki & Richards's components and against ObsPy's planes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from obspy.imaging.beachball import MomentTensor as ObsPyTensor
from obspy.imaging.beachball import aux_plane, mt2plane

from diffseis.core.frames import ned_to_use
from diffseis.source import MomentTensor, double_couple, scalar_moment, slip_and_normal

PLANES = np.deg2rad(
    [
        [30.0, 40.0, 90.0],
        [210.0, 89.0, 10.0],
        [355.0, 20.0, -120.0],
        [90.0, 60.0, -90.0],
        [120.0, 75.0, 170.0],
    ]
)


def _close(dtype=float):
    return 1e-12 if jnp.asarray(0.0, dtype).dtype == np.float64 else 1e-5


@pytest.mark.parametrize("plane", PLANES)
def test_components_of_aki_and_richards(plane):
    """Quantitative Seismology (2002), box 4.4, equation 1."""
    s, d, r = plane
    sin, cos = np.sin, np.cos
    nn = -(sin(d) * cos(r) * sin(2 * s) + sin(2 * d) * sin(r) * sin(s) ** 2)
    ne = sin(d) * cos(r) * cos(2 * s) + 0.5 * sin(2 * d) * sin(r) * sin(2 * s)
    nd = -(cos(d) * cos(r) * cos(s) + cos(2 * d) * sin(r) * sin(s))
    ee = sin(d) * cos(r) * sin(2 * s) - sin(2 * d) * sin(r) * cos(s) ** 2
    ed = -(cos(d) * cos(r) * sin(s) - cos(2 * d) * sin(r) * cos(s))
    dd = sin(2 * d) * sin(r)
    found = double_couple(*jnp.asarray(plane, float))
    np.testing.assert_allclose(found, [[nn, ne, nd], [ne, ee, ed], [nd, ed, dd]], atol=_close())
    np.testing.assert_allclose(scalar_moment(found), 1, rtol=_close())


@pytest.mark.parametrize("plane", PLANES)
def test_planes_of_obspy(plane):
    """Our tensor, turned to r, theta, phi, is one of which ObsPy finds our plane or its auxiliary one."""
    use = ned_to_use(np.asarray(double_couple(*jnp.asarray(plane, float)), np.float64))
    found = mt2plane(ObsPyTensor(use, 0))
    ours = np.rad2deg(plane)
    candidates = np.array([ours, aux_plane(*ours)])
    apart = (candidates - [found.strike, found.dip, found.rake] + 180) % 360 - 180
    # ObsPy's eigenvectors are good to about 1e-4 degrees; strike and rake are ill-defined together by 180 degrees on vertical planes.
    assert np.min(np.max(np.abs(apart), axis=1)) < (1e-3 if plane[1] < np.deg2rad(85) else 0.5)


@pytest.mark.parametrize("plane", PLANES)
def test_slip_lies_in_its_plane(plane):
    slip, normal = slip_and_normal(*jnp.asarray(plane, float))
    np.testing.assert_allclose([slip @ normal, slip @ slip, normal @ normal], [0, 1, 1], atol=_close())


def test_the_moment_of_nothing_has_a_finite_gradient():
    slope = jax.grad(lambda m: scalar_moment(m))(jnp.zeros((3, 3)))
    np.testing.assert_array_equal(slope, 0)


def test_wrong_number_of_components():
    with pytest.raises(ValueError, match="six nn, ee, dd, ne, nd, ed"):
        MomentTensor([1.0, 2.0, 3.0])
