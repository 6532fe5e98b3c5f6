"""An earthquake at teleseismic distance, by the polarities of P, SV and SH and ratios of all three: FOCMEC's own example, against its centroid moment tensor."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.io import read_focmec
from diffseis.mechanism import invert
from diffseis.source import axes_quaternion, double_couple_quaternion, kagan_angle_of

CMT = (55.86, 76.17, -64.11)
"""Strike, dip and rake of the final CMT of 1990-05-12, as FOCMEC's documentation lists it."""


@pytest.mark.reference
@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="learning is in double precision")
def test_sakhalin(reference_data):
    """Angles of teleseismic rays, of tables for the whole Earth, are good to a degree."""
    rays, *_ = read_focmec(reference_data / "mechanism/focmec_etn_sakhalin/sakhalin-doc_focmec_8sta.inp")
    for name, num in (("polarity", 8), ("sv_polarity", 7), ("sh_polarity", 8)):
        assert np.sum(np.isfinite(getattr(rays, name))) == num
    found = invert(rays, default_takeoff_sigma_deg=1.0, default_azimuth_sigma_deg=1.0, key=jr.key(0))
    row = found.value.mechanisms
    assert (row.num_polarities[0], row.num_ratios[0], row.status[0]) == (23, 11, "ok")
    truth = double_couple_quaternion(*jnp.radians(jnp.asarray(CMT)))
    off = np.degrees(kagan_angle_of(axes_quaternion(jnp.asarray(row.tensor[0])), truth))
    assert off <= 5
    assert off <= row.kagan90_deg[0]
