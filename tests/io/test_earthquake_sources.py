"""Seismic sources: CSV and NRML in, and what is refused with its name."""

import gzip

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_nrml_sources, read_sources_csv
from diffseis.io.earthquake_sources import MagnitudeLaw, MagnitudeRates

HEAD = "source,latitude,longitude,depth_km,rate,b,least_magnitude,largest_magnitude,strike_deg,dip_deg,rake_deg,length_km,width_km,share"
ROWS = (
    "grid,42.5,13.0,10,0.05,1.0,5,6.5,150,50,-90,,,1",
    "grid,42.7,13.3,10,0.05,1.0,5,6.5,150,50,-90,,,3",
    "fault,42.4,13.4,2,0.01,0.9,5.5,7.0,140,55,-90,30,14,",
    "point,42.9,12.9,8,0.02,1.0,5,6,,60,0,,,",
)


def written(tmp_path, rows=ROWS, head=HEAD):
    path = tmp_path / "sources.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_csv(tmp_path):
    grid, fault, point = read_sources_csv(written(tmp_path))
    assert (grid.name, grid.is_fault, grid.is_finite) == ("grid", False, True)
    np.testing.assert_allclose(grid.share, [0.25, 0.75])
    np.testing.assert_allclose(grid.latitude, [42.5, 42.7])
    law = grid.law
    assert isinstance(law, MagnitudeLaw)
    np.testing.assert_allclose(10 ** (law.a - 5 * law.b) - 10 ** (law.a - 6.5 * law.b), 0.05)
    assert (fault.is_fault, fault.length_km, fault.width_km) == (True, 30.0, 14.0)
    assert (point.is_finite, point.aspect, point.upper_depth_km) == (False, 1.0, 0.0)


@pytest.mark.parametrize(
    ("row", "old", "new", "field", "words"),
    [
        (0, "42.5", "95", "latitude", "exchanged"),
        (0, ",10,0.05", ",-3,0.05", "depth_km", "below the ground"),
        (3, ",0.02,", ",,", "a", "neither `a` nor `rate`"),
        (3, ",0.02,", ",0,", "rate", "is 0"),
        (1, "0.05", "0.04", "rate", "differs within grid"),
        (1, "6.5", "6.9", "largest_magnitude", "differs within grid"),
        (2, "7.0", "5.0", "largest_magnitude", "not above the least"),
        (2, "140", "", "strike_deg", "a fault needs strike"),
        (2, ",14,", ",,", "width_km", "needs both"),
        (3, "1.0", "0", "b", "is 0"),
        (1, "150,50", "150,", "dip_deg", "strike and dip"),
        (3, "8,0.02", "eight,0.02", "depth_km", "no finite number"),
    ],
)
def test_what_a_csv_cannot_hold(tmp_path, row, old, new, field, words):
    rows = list(ROWS)
    assert old in rows[row]
    rows[row] = rows[row].replace(old, new, 1)
    with pytest.raises(InputError, match=words) as caught:
        read_sources_csv(written(tmp_path, rows))
    assert caught.value.field == field
    assert caught.value.fix


def test_shares_depths_and_names_of_faults(tmp_path):
    rows = ["one,1,2,3,0.1,1,5,6,,,,,,0"]
    with pytest.raises(InputError, match="sum to 0"):
        read_sources_csv(written(tmp_path, rows))
    rows = [ROWS[2], ROWS[2]]
    with pytest.raises(InputError, match="of this name is there"):
        read_sources_csv(written(tmp_path, rows))
    head = HEAD.replace("share", "lower_depth_km")
    with pytest.raises(InputError, match="between the upper and the lower"):
        read_sources_csv(written(tmp_path, ["one,1,2,30,0.1,1,5,6,10,60,0,,,20"], head))
    with pytest.raises(InputError, match="holds no sources"):
        read_sources_csv(written(tmp_path, []))
    with pytest.raises(InputError, match="both `a` and `rate`"):
        read_sources_csv(written(tmp_path, ["one,1,2,30,0.1,1,5,6,10,60,0,,,3"], HEAD.replace("share", "a")))


NRML = """<?xml version="1.0" encoding="utf-8"?>
<nrml xmlns="http://openquake.org/xmlns/nrml/0.5" xmlns:gml="http://www.opengis.net/gml"><sourceModel name="m">
<sourceGroup tectonicRegion="Stable Continental Crust">
<pointSource id="1" name="p"><pointGeometry><gml:Point><gml:pos>13.2 42.1</gml:pos></gml:Point>
<upperSeismoDepth>0</upperSeismoDepth><lowerSeismoDepth>20</lowerSeismoDepth></pointGeometry>
<magScaleRel>PointMSR</magScaleRel><ruptAspectRatio>1.5</ruptAspectRatio>
<truncGutenbergRichterMFD aValue="3.5" bValue="1.0" minMag="4.5" maxMag="7.0"/>
<nodalPlaneDist><nodalPlane probability="0.3" strike="30" dip="60" rake="90"/><nodalPlane probability="0.7" strike="120" dip="90" rake="0"/></nodalPlaneDist>
<hypoDepthDist><hypoDepth probability="0.4" depth="5"/><hypoDepth probability="0.6" depth="15"/></hypoDepthDist></pointSource>
<areaSource id="2" name="a" tectonicRegion="Active Shallow Crust"><areaGeometry><gml:Polygon><gml:exterior><gml:LinearRing>
<gml:posList>13 42 14 42 14 43</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>
<upperSeismoDepth>0</upperSeismoDepth><lowerSeismoDepth>20</lowerSeismoDepth></areaGeometry>
<magScaleRel>WC1994</magScaleRel><ruptAspectRatio>1.5</ruptAspectRatio>
<incrementalMFD minMag="5.05" binWidth="0.1"><occurRates>0.1 0.08 0.02</occurRates></incrementalMFD>
<nodalPlaneDist><nodalPlane probability="1" strike="30" dip="60" rake="90"/></nodalPlaneDist>
<hypoDepthDist><hypoDepth probability="1" depth="5"/></hypoDepthDist></areaSource>
<simpleFaultSource id="3" name="f"><simpleFaultGeometry><gml:LineString><gml:posList>13.0 42.0 13.0 42.4</gml:posList></gml:LineString>
<dip>45</dip><upperSeismoDepth>3</upperSeismoDepth><lowerSeismoDepth>13</lowerSeismoDepth></simpleFaultGeometry>
<magScaleRel>WC1994</magScaleRel><ruptAspectRatio>2</ruptAspectRatio>
<arbitraryMFD><occurRates>0.01 0.002</occurRates><magnitudes>6.5 7</magnitudes></arbitraryMFD><rake>-90</rake></simpleFaultSource>
</sourceGroup></sourceModel></nrml>
"""


def xml(tmp_path, text=NRML):
    path = tmp_path / "model.xml"
    path.write_text(text)
    return path


def test_nrml(tmp_path):
    point, area, fault = read_nrml_sources(xml(tmp_path), area_spacing_km=10.0)
    assert (point.points, point.is_finite, point.region) == (True, False, "Stable Continental Crust")
    np.testing.assert_allclose(sorted(point.share), [0.12, 0.18, 0.28, 0.42])
    assert isinstance(point.law, MagnitudeLaw)
    assert (point.law.a, point.law.least) == (3.5, 4.5)
    # A triangle of half a degree by degree: 82.3 by 111.1 km over two, by places 10 km apart.
    assert area.region == "Active Shallow Crust"
    assert len(area.latitude) == pytest.approx(82.3 * 111.1 / 2 / 100, rel=0.05)
    assert np.all(area.longitude - 13 > area.latitude - 42 - 0.01)
    assert isinstance(area.law, MagnitudeRates)
    np.testing.assert_allclose(area.law.magnitude, [5.05, 5.15, 5.25])
    # The upper edge is 3 km deep, and so 3 km to the east of a trace to the north that dips at 45 degrees.
    assert fault.is_fault
    np.testing.assert_allclose(fault.length_km, 44.43, atol=0.01)
    np.testing.assert_allclose(fault.width_km, 10 * np.sqrt(2))
    np.testing.assert_allclose(fault.strike_deg % 360, [0.0], atol=1e-6)
    np.testing.assert_allclose((fault.longitude - 13) * 111.32 * np.cos(np.radians(42.2)), [3.0], atol=0.02)
    packed = tmp_path / "model.xml.gz"
    packed.write_bytes(gzip.compress(NRML.encode()))
    assert len(read_nrml_sources(packed)) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('minMag="4.5"', "", "source 1: `minMag` is missing"),
        ('maxMag="7.0"', 'maxMag="4"', "source 1: maxMag must be above"),
        ("PointMSR", "OtherMSR", "source 1: OtherMSR is not known"),
        ('probability="0.3"', 'probability="0.5"', "source 1: probabilities sum to 1.2"),
        ('depth="15"', 'depth="25"', "source 1: 25 is not between the seismogenic"),
        ('dip="60"', 'dip="95"', "source 1: 95 is not within"),
        ("13 42 14 42 14 43", "13 42 14 42 14", "source 2: must hold longitudes and latitudes"),
        ("13 42 14 42 14 43", "42 13 42 114 43 114", "source 2: .* is no place on Earth"),
        ("0.1 0.08 0.02", "0.1 many", "source 2: holds what is no number"),
        ("incrementalMFD", "YoungsCoppersmithMFD", "source 2: its law of magnitudes"),
        ("13.0 42.0 13.0 42.4", "13.0 42.0 13.0 42.4 13.1 42.5", "source 3: the trace has 3 points"),
        ("<rake>-90</rake>", "", "source 3: is missing"),
        ("simpleFaultSource", "complexFaultSource", "source 3: this kind of source is not read"),
        (
            "<magScaleRel>WC1994</magScaleRel><ruptAspectRatio>2",
            "<magScaleRel>PointMSR</magScaleRel><ruptAspectRatio>2",
            "source 3: ruptures without size",
        ),
        ("6.5 7<", "6.5<", "source 3: a rate of 0 or more is needed per magnitude"),
        ("</nrml>", "", "no valid XML"),
        ("<nrml", "<!DOCTYPE nrml><nrml", "document type"),
        ("<sourceModel", "<other", "no valid XML"),
    ],
)
def test_what_nrml_cannot_hold(tmp_path, old, new, words):
    assert old in NRML
    with pytest.raises(InputError, match=words) as caught:
        read_nrml_sources(xml(tmp_path, NRML.replace(old, new)))
    assert caught.value.file.endswith("model.xml")
    assert caught.value.fix


def test_a_file_of_something_else(tmp_path):
    with pytest.raises(InputError, match="holds no sources"):
        read_nrml_sources(xml(tmp_path, "<nrml><logicTree/></nrml>"))
