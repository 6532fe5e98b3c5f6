"""Sources, receivers and the times between them as CSV."""

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_points_csv, write_travel_times_csv


def _file(tmp_path, text):
    path = tmp_path / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_local_and_geographic(tmp_path):
    local = read_points_csv(_file(tmp_path, "x_km,id,z_km,y_km\n1,a,3,2\n-4,b,-0.5,0\n"))
    assert not local.geographic
    assert list(local.point_id) == ["a", "b"]
    np.testing.assert_array_equal(local.coordinates, [[1, 2, 3], [-4, 0, -0.5]])
    globe = read_points_csv(_file(tmp_path, "id,latitude,longitude,depth_km\nq,42.5,13.1,8\n"))
    assert globe.geographic
    np.testing.assert_array_equal(globe.coordinates, [[42.5, 13.1, 8]])


@pytest.mark.parametrize(
    ("text", "field", "word"),
    [
        ("id,x_km,y_km\na,1,2\n", "z_km", "missing"),
        ("id,x_m,y_km,z_km\na,1,2,3\n", "x_m", "convert"),
        ("id\na\n", "x_km", "no coordinates"),
        ("id,x_km,y_km,z_km,latitude\na,1,2,3,4\n", "x_km", "local and geographic"),
        ("id,x_km,y_km,z_km\na,1,2,3\na,1,2,4\n", "id", "line 2"),
        ("id,x_km,y_km,z_km\na,1,2,3000\n", "z_km", "metres"),
        ("id,latitude,longitude,depth_km\na,113.2,42,3\n", "latitude", "exchanged"),
        ("id,x_km,y_km,z_km\na,1,two,3\n", "y_km", "no finite number"),
        ("id,x_km,y_km,z_km\n", None, "no points"),
    ],
)
def test_what_is_refused(tmp_path, text, field, word):
    path = _file(tmp_path, text)
    with pytest.raises(InputError, match=word) as refused:
        read_points_csv(path)
    assert refused.value.field == field
    assert refused.value.file == str(path)
    assert refused.value.fix


def test_times_are_written_in_full_and_missing_ones_empty(tmp_path):
    path = tmp_path / "times.csv"
    write_travel_times_csv(path, [("a", "r,1", "P", 1.23456789), ("a", "r2", "S", np.nan)])
    assert path.read_text() == 'source_id,receiver_id,phase,time_s\na,"r,1",P,1.2345679\na,r2,S,\n'
