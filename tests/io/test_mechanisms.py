"""Sources with mechanisms out of QuakeML."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.frames import ned_to_use
from diffseis.io import read_mechanisms
from diffseis.source import double_couple

ANGLES = (20.0, 40.0, 110.0)


def _tensor():
    return 1e16 * np.asarray(double_couple(*(jnp.asarray(np.radians(a)) for a in ANGLES)))


@pytest.fixture
def bulletin(tmp_path):
    """A tensor, a nodal plane with a magnitude, a plane without one, an origin alone, and nothing."""
    from obspy import UTCDateTime
    from obspy.core.event import (
        Catalog,
        Event,
        FocalMechanism,
        Magnitude,
        MomentTensor,
        NodalPlane,
        NodalPlanes,
        Origin,
        ResourceIdentifier,
        Tensor,
    )

    def event(name, mechanism=None, magnitude=None, origin=True):
        made = Event(resource_id=ResourceIdentifier(f"smi:local/event/{name}"))
        place = Origin(
            time=UTCDateTime("2016-10-30T06:40:17.32"), latitude=42.8, longitude=13.1, depth=9400.0
        )
        made.origins = [place] if origin else []
        made.magnitudes = [] if magnitude is None else [Magnitude(mag=magnitude)]
        made.focal_mechanisms = [] if mechanism is None else [mechanism]
        return made

    use = ned_to_use(_tensor())
    names = {"m_rr": (0, 0), "m_tt": (1, 1), "m_pp": (2, 2), "m_rt": (0, 1), "m_rp": (0, 2), "m_tp": (1, 2)}
    tensor = Tensor(**{n: float(use[at]) for n, at in names.items()})
    place = Origin(time=UTCDateTime("2016-10-30T06:40:17.32"), latitude=42.8, longitude=13.1, depth=9400.0)
    full = FocalMechanism(moment_tensor=MomentTensor(derived_origin_id=place.resource_id, tensor=tensor))
    plane = lambda: FocalMechanism(
        nodal_planes=NodalPlanes(nodal_plane_1=NodalPlane(strike=ANGLES[0], dip=ANGLES[1], rake=ANGLES[2]))
    )
    events = [
        event("tensor", full),
        event("plane", plane(), 4.5),
        event("sizeless", plane()),
        event("bare", magnitude=4.0),
        event("nowhere", plane(), 4.5, origin=False),
    ]
    Catalog(events).write(str(tmp_path / "q.xml"), format="QUAKEML")
    return tmp_path / "q.xml"


def test_mechanisms(bulletin):
    found, _ = read_mechanisms(bulletin)
    tensor, plane, sizeless, bare, nowhere = found
    assert tensor.event_id == "tensor"
    assert (tensor.latitude, tensor.longitude, tensor.depth_km) == (42.8, 13.1, 9.4)
    assert tensor.time == np.datetime64("2016-10-30T06:40:17.320", "ns")
    np.testing.assert_allclose(tensor.moment_nm, _tensor(), rtol=1e-9, atol=1e6)
    assert plane.strike_dip_rake_deg == ANGLES
    assert plane.magnitude == 4.5
    assert (tensor.problem, plane.problem) == ("", "")
    assert sizeless.problem == "it has a nodal plane but no magnitude"
    assert bare.problem == "it has neither a moment tensor nor a nodal plane"
    assert nowhere.problem == "it has no origin with time, place and depth"
