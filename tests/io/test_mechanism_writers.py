"""Mechanisms as files: what is written comes back, by our readers and by others."""

import csv
import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import (
    read_mechanism_posterior,
    read_mechanisms,
    to_obspy_catalog,
    write_mechanism_modes_csv,
    write_mechanism_posterior,
    write_mechanisms_csv,
    write_mechanisms_quakeml,
    write_psmeca,
)
from diffseis.source import moment_magnitude
from tests.io.made_mechanisms import NAMES, PLANES_DEG, made_catalogue, made_places
from tests.io.synthetic import make_catalogue

FIRST_COLUMNS = (
    "event_id,strike_deg,dip_deg,rake_deg,slope_deg,strike2_deg,dip2_deg,rake2_deg,kagan50_deg,kagan90_deg,"
    "probability_within_20_deg,grade,num_polarities,misfit,status"
)


@pytest.fixture(scope="module")
def couples():
    return made_catalogue()


@pytest.fixture(scope="module")
def tensors():
    return made_catalogue("mt")


def _rows(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_csv(couples, tmp_path):
    write_mechanisms_csv(tmp_path / "m.csv", couples)
    assert (tmp_path / "m.csv").read_text().startswith(FIRST_COLUMNS + ",")
    rows = _rows(tmp_path / "m.csv")
    assert [row["event_id"] for row in rows] == [*NAMES, "four"]
    for row, plane in zip(rows, PLANES_DEG, strict=False):
        assert [float(row[f"{n}_deg"]) for n in ("strike", "dip", "rake")] == list(plane)
        assert float(row["share_dc"]) == pytest.approx(1)
        six = [float(row[f"m_{n}"]) for n in ("nn", "ee", "dd")]
        assert sum(six) == pytest.approx(0, abs=3e-5)
    # A fault that dips by 60 degrees and slips down: P is steep.
    assert float(rows[0]["p_plunge_deg"]) > 70
    assert float(rows[0]["t_plunge_deg"]) < 20
    assert rows[3]["status"] == "no-data"
    assert rows[3]["num_polarities"] == "0"
    assert rows[3]["strike_deg"] == rows[3]["m_nn"] == rows[3]["share_dc"] == ""


def test_separate_mechanisms(couples, tmp_path):
    """One row for each that is counted; the next ones are told in QuakeML, too."""
    write_mechanism_modes_csv(tmp_path / "modes.csv", couples)
    rows = _rows(tmp_path / "modes.csv")
    assert [(row["event_id"], row["mode"], float(row["probability"])) for row in rows] == [
        (NAMES[0], "1", 0.97),
        (NAMES[1], "1", 0.7),
        (NAMES[1], "2", 0.25),
        (NAMES[2], "1", 0.9),
    ]
    for row, plane in zip([rows[0], rows[1], rows[3]], PLANES_DEG, strict=True):
        assert [float(row[f"{n}_deg"]) for n in ("strike", "dip", "rake")] == list(plane)
    assert (float(rows[2]["dip_deg"]), float(rows[2]["rake_deg"])) == (45, -90)
    write_mechanisms_quakeml(tmp_path / "m.xml", couples)
    said = [line for line in (tmp_path / "m.xml").read_text().splitlines() if "; another: strike" in line]
    assert len(said) == 1
    assert "dip 45, rake -90, probability 0.25" in said[0]


def test_csv_of_other_sources(tensors, tmp_path):
    write_mechanisms_csv(tmp_path / "m.csv", tensors)
    row = _rows(tmp_path / "m.csv")[0]
    assert float(row["lune_delta_deg"]) == pytest.approx(np.degrees(np.arctan(0.5)), abs=0.01)
    assert float(row["lune_gamma_deg"]) == pytest.approx(0, abs=0.01)
    assert float(row["share_iso"]) > 0.2


def _from_obspy(path):
    from obspy import read_events
    from obspy.io.quakeml.core import _validate

    assert _validate(str(path))
    return read_events(str(path), format="QUAKEML")


def test_quakeml(couples, tmp_path):
    path = tmp_path / "m.xml"
    write_mechanisms_quakeml(path, couples, places=made_places(4.0))
    events = _from_obspy(path)
    assert len(events) == 4
    for event, plane, row in zip(events, PLANES_DEG, range(3), strict=False):
        (focal,) = event.focal_mechanisms
        assert event.preferred_focal_mechanism() is focal
        found = focal.nodal_planes.nodal_plane_1
        assert [found.strike, found.dip, found.rake] == pytest.approx(plane)
        assert found.dip_errors.uncertainty == pytest.approx(couples.mechanisms.dip_error_deg[row])
        assert found.dip_errors.confidence_level == 68
        assert focal.nodal_planes.nodal_plane_2.strike == pytest.approx(couples.mechanisms.strike2_deg[row])
        assert (focal.station_polarity_count, focal.azimuthal_gap, focal.misfit) == (12, 70, 0.05)
        assert focal.station_distribution_ratio == 0.6
        assert focal.principal_axes.t_axis.length > 0 > focal.principal_axes.p_axis.length
        assert focal.moment_tensor is None
        said = " ".join(c.text for c in focal.comments)
        for word in ("half within 8.0", "nine tenths within 17.0", "within 20 degrees 0.940", "status: "):
            assert word in said
    assert events[2].focal_mechanisms[0].evaluation_status == "rejected"
    assert not events[3].focal_mechanisms
    assert "no-data" in events[3].comments[0].text
    assert events[0].focal_mechanisms[0].triggering_origin_id == events[0].origins[0].resource_id


def test_quakeml_by_our_own_reader(couples, tensors, tmp_path):
    path = tmp_path / "m.xml"
    write_mechanisms_quakeml(path, couples, places=made_places(4.0))
    found, _ = read_mechanisms(path)
    assert found[0].strike_dip_rake_deg == pytest.approx(PLANES_DEG[0])
    assert found[0].magnitude == 4
    assert found[0].problem == found[1].problem == ""
    assert (found[1].latitude, found[1].longitude, found[1].depth_km) == (-45.2, 179.9, 8.5)
    assert "no origin" in found[2].problem
    # Other sources keep their tensor, of the size of the event.
    write_mechanisms_quakeml(path, tensors, places=made_places(4.0))
    found, _ = read_mechanisms(path)
    moment = found[0].moment_nm
    size = np.linalg.norm(moment) / np.sqrt(2)
    assert 2 / 3 * (np.log10(size) - 9.1) == pytest.approx(4)
    np.testing.assert_allclose(moment / size, tensors.mechanisms.tensor[0], atol=1e-8)
    tensor = _from_obspy(path)[0].focal_mechanisms[0].moment_tensor
    assert tensor.double_couple + abs(tensor.clvd) + abs(tensor.iso) == pytest.approx(1)
    assert tensor.iso > 0.2


def test_a_tensor_of_unknown_size_has_no_components_in_newton_metres(tensors, tmp_path):
    path = tmp_path / "m.xml"
    write_mechanisms_quakeml(path, tensors, places=made_places())
    focal = _from_obspy(path)[0].focal_mechanisms[0]
    assert focal.moment_tensor.tensor is None
    assert focal.moment_tensor.scalar_moment is None
    assert focal.moment_tensor.iso > 0.2
    assert any("m_rr" in c.text and "ISO" in c.text for c in focal.comments)


def test_added_to_a_located_catalogue(couples, tmp_path):
    located = make_catalogue(6, 5, 30, located=1.0)
    located.events.event_id[1:3] = NAMES[:2]
    base, path = tmp_path / "catalog.xml", tmp_path / "m.xml"
    to_obspy_catalog(located).write(str(base), format="QUAKEML")
    write_mechanisms_quakeml(path, couples, located=base)
    events = _from_obspy(path)
    assert len(events) == 8
    for row in (1, 2):
        (focal,) = events[row].focal_mechanisms
        assert focal.triggering_origin_id == events[row].origins[0].resource_id
    assert not events[0].focal_mechanisms
    assert sum(len(event.picks) for event in events) == len(located.picks) > 0


def test_posterior(couples, tmp_path):
    path = tmp_path / "p.nc"
    write_mechanism_posterior(path, couples, provenance={"seed": 3, "command": "it"})
    found = read_mechanism_posterior(path)
    assert dict(found.sizes) == {"event": 4, "draw": 50, "component": 6}
    np.testing.assert_array_equal(found["six_vector"].sel(event=NAMES[1]).values, couples.draws[1])
    assert np.all(np.isnan(found["six_vector"].sel(event="four").values))
    assert list(found["component"].values[:3]) == ["nn", "ee", "dd"]
    assert (found.attrs["seed"], found.attrs["source_kind"]) == (3, "dc")


def test_a_posterior_of_something_else(tmp_path):
    import xarray

    xarray.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "p.nc", engine="h5netcdf")
    with pytest.raises(InputError, match="six_vector"):
        read_mechanism_posterior(tmp_path / "p.nc")


def test_quakeml_of_hash_has_no_posterior(couples, tmp_path):
    """Its errors are root mean squares, without a level of confidence; no plane is told to be the fault."""
    write_mechanisms_quakeml(tmp_path / "m.xml", dataclasses.replace(couples, method="hash"))
    text = (tmp_path / "m.xml").read_text()
    assert "accepted mechanisms: half within" in text
    for word in ("posterior", "confidenceLevel", "preferredPlane"):
        assert word not in text


def test_psmeca(couples, tensors, tmp_path):
    path = tmp_path / "m.psmeca"
    placeless, nominal = write_psmeca(path, couples, made_places())
    assert placeless.message.startswith("1 event without a place")
    assert nominal.message.startswith("2 events without a magnitude")
    head, note, *lines = path.read_text().splitlines()
    assert "meca -Sa" in head
    assert note.startswith("# Magnitude not known: 5 ")
    assert len(lines) == 2
    assert "nan" not in path.read_text().lower()
    words = lines[1].split()
    assert [float(w) for w in words[:7]] == [179.9, -45.2, 8.5, *PLANES_DEG[1], 5.0]
    assert words[7:] == ["0", "0", "two/2_&_so_on"]
    assert [said.kind for said in write_psmeca(path, tensors, made_places(4.2))] == ["no-place"]
    head, first, _ = path.read_text().splitlines()
    assert "-Sm" in head
    words = first.split()
    rr, tt, pp, rt, rp, tp = (float(w) * 10 ** float(words[9]) / 1e7 for w in words[3:9])
    tensor = np.array([[rr, rt, rp], [rt, tt, tp], [rp, tp, pp]])
    moment = np.linalg.norm(tensor) / np.sqrt(2)
    assert float(moment_magnitude(jnp.asarray(moment / 1e18))) == pytest.approx(4.2, abs=1e-3)
    (said,) = write_psmeca(path, couples, None)
    assert said.count == 3


def test_psmeca_tells_measured_from_nominal_magnitudes(couples, tmp_path):
    """The nominal ones come last, under their comment."""
    places = made_places(4.2)
    places.magnitude[0] = np.nan
    write_psmeca(tmp_path / "m.psmeca", couples, places)
    _, measured, note, nominal = (tmp_path / "m.psmeca").read_text().splitlines()
    assert measured.split()[6] == "4.20"
    assert note.startswith("# Magnitude not known")
    assert (nominal.split()[6], nominal.split()[-1]) == ("5.00", "one")


def test_nothing_to_write(tmp_path):
    """A catalogue without events, and one without mechanisms, give valid and empty files."""
    for rows in ([], [3]):
        whole = made_catalogue()
        empty = type(whole)(
            whole.mechanisms.take(rows), whole.draws[rows], whole.rays, "dc", "grid", whole.noise
        )
        write_mechanisms_csv(tmp_path / "m.csv", empty)
        assert len((tmp_path / "m.csv").read_text().splitlines()) == 1 + len(rows)
        write_mechanisms_quakeml(tmp_path / "m.xml", empty)
        write_mechanism_posterior(tmp_path / "p.nc", empty)
        assert read_mechanism_posterior(tmp_path / "p.nc").sizes["event"] == len(rows)
        assert write_psmeca(tmp_path / "m.psmeca", empty, None) == []
