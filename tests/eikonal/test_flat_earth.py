"""How late times of a flat Earth are, as README and the command's note say; the sphere's are ObsPy's TauP."""

from pathlib import Path

import jax.numpy as jnp
import obspy.taup
import pytest
from obspy.taup import TauPyModel

from diffseis.core.tables import PHASES
from diffseis.eikonal import LayeredTime
from diffseis.io import read_medium
from diffseis.velocity import layered_pair

KM_PER_DEGREE = 111.195


@pytest.mark.long
@pytest.mark.parametrize(("distance_km", "late_s"), [(160.0, 0.1), (450.0, 0.3)])
def test_p_is_late_by_what_is_said(distance_km, late_s):
    table = read_medium(Path(obspy.taup.__file__).parent / "data" / "iasp91.tvel", "layers")
    field = LayeredTime(layered_pair(table)[list(map(str, PHASES)).index("P")])
    flat_s = float(field(jnp.asarray([0.0, 0.0, 10.0]), jnp.asarray([distance_km, 0.0, 0.0])))
    arrivals = TauPyModel("iasp91").get_travel_times(
        10.0, distance_km / KM_PER_DEGREE, ["p", "P", "Pn", "Pg"]
    )
    assert flat_s - min(a.time for a in arrivals) == pytest.approx(late_s, abs=0.05)
