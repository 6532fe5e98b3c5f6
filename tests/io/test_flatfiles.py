"""Flatfiles of three kinds."""

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_flatfile

NGA = (
    "Record Sequence Number,EQID,Station Sequence Number,Earthquake Magnitude,Rake Angle (deg),Dip (deg),Hypocenter Depth (km),Joyner-Boore Dist. (km),ClstD (km),"
    "Vs30 (m/s) selected for analysis,Northern CA/Southern CA - H11 Z1 (m),PGA (g),PGV (cm/sec),T0.010S,T1.000S\n"
    "1,5,9,6.5,-90,60,8,12,13,760,300,0.2,15,0.21,0.1\n2,5,10,6.5,-90,60,8,30,31,-999,-999,0.05,-999,0.05,-999\n"
)
ESM = (
    "event_id;network_code;station_code;Mw;EMEC_Mw;fm_type_code;es_rake;ev_depth_km;JB_dist;epi_dist;vs30_m_sec;vs30_m_sec_WA;rotD50_pga;rotD50_pgv;rotD50_T0_100;rotD50_T10_000\n"
    "E1;IT;AAA;;5.4;NF;;9;;14.2;;450;98.0665;3;196.133;0.5\nE1;IT;BBB;5.5;5.4;TF;85;9;20;24;600;450;0;2;49.03325;0.1\n"
)


def _read(tmp_path, text):
    path = tmp_path / "flat.csv"
    path.write_text(text)
    return read_flatfile(path)


def test_nga_west2(tmp_path):
    table, notices = _read(tmp_path, NGA)
    assert (table.format, len(table), notices) == ("NGA-West2", 2, [])
    assert list(table.event_id) == ["5", "5"]
    np.testing.assert_allclose(table.values["rake_rad"], -np.pi / 2)
    np.testing.assert_allclose(table.values["z1_km"], [0.3, np.nan])
    np.testing.assert_allclose(table.values["vs30_m_s"], [760, np.nan])
    np.testing.assert_allclose(table.observed["SA(1)"], [0.1, np.nan])
    np.testing.assert_allclose(table.observed["PGV"], [15, np.nan])
    assert "width_km" not in table.values


def test_esm(tmp_path):
    """Accelerations in cm/s2; second choices of magnitude and VS30; styles where there is no rake; what is not above 0 is unknown."""
    table, notices = _read(tmp_path, ESM)
    assert list(table.station_id) == ["IT.AAA", "IT.BBB"]
    np.testing.assert_allclose(table.values["magnitude"], [5.4, 5.5])
    np.testing.assert_allclose(np.degrees(table.values["rake_rad"]), [-90, 85])
    np.testing.assert_allclose(table.values["vs30_m_s"], [450, 600])
    np.testing.assert_allclose(table.observed["PGA"], [0.1, np.nan])
    np.testing.assert_allclose(table.observed["SA(0.1)"], [0.2, 0.05])
    assert "SA(10)" in table.observed
    assert [n.kind for n in notices] == ["not-positive"]


@pytest.mark.reference
def test_egsim(reference_data):
    table, notices = read_flatfile(reference_data / "groundmotion/residuals/test_flatfile.csv")
    assert (len(table), len(set(table.event_id)), len(set(table.station_id))) == (489, 2, 279)
    assert notices == []
    assert sorted(set(np.round(table.values["magnitude"], 2))) == [7.55, 7.83]
    assert len([m for m in table.observed if m.startswith("SA")]) == 111
    assert 0.01 < np.nanmedian(table.observed["PGA"]) < 0.3
    assert np.nanmin(table.values["rrup_km"]) == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "no flatfile that is known"),
        (NGA.split("\n")[0] + "\n", "no records"),
        (NGA.replace(",760,", ",fast,"), "'fast' is no number"),
        (NGA.replace(",0.1\n", "\n"), "cells where the header"),
    ],
)
def test_refusals(tmp_path, text, says):
    with pytest.raises(InputError, match=says):
        _read(tmp_path, text)


def test_accelerations_in_other_units_are_remarked_on(tmp_path):
    _, notices = _read(tmp_path, NGA.replace(",0.2,15", ",196,15").replace(",0.05,-999", ",49,-999"))
    assert [n.kind for n in notices] == ["suspicious-units"]


def test_values_that_cannot_be_are_unknown_and_told(tmp_path):
    """VS30 in km/s, a negative distance, an infinite acceleration; the rest of the records stays."""
    text = (
        NGA.replace(",760,300", ",0.76,300").replace(",30,31,", ",-30,31,").replace(",0.05,-999", ",inf,-999")
    )
    table, notices = _read(tmp_path, text)
    said = " ".join(str(n) for n in notices)
    assert "1 value of vs30_m_s cannot be (m/s; are they km/s?)" in said
    assert "1 value of rjb_km cannot be (km)" in said
    assert "1 value of PGA not above 0, or infinite" in said
    np.testing.assert_array_equal(table.values["rjb_km"], [12, np.nan])
    np.testing.assert_array_equal(table.observed["PGA"], [0.2, np.nan])


def test_repeated_records_are_told(tmp_path):
    """Of one event and station with the same values; not those of another station."""
    head, first, *_ = NGA.split("\n")
    _, notices = _read(tmp_path, "\n".join([head, first, first, first.replace(",9,", ",11,"), ""]))
    assert [(n.kind, n.count) for n in notices] == [("repeated", 1)]
