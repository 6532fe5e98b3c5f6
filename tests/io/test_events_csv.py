"""Plain catalogues as CSV."""

import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.io import read_events_csv

HEADER = "event_id,time,latitude,longitude,depth_km"


def test_reads_and_leaves_unknown_numbers_open(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        f"{HEADER},magnitude,agency\na,2016-10-14T00:00:08.11Z,42.8,13.2,10.8,1.4,XX\nb,2016-10-14T00:01:00Z,42.9,13.1,,,\n"
    )
    table = read_events_csv(path)
    assert list(table.event_id) == ["a", "b"]
    assert table.time[0] == np.datetime64("2016-10-14T00:00:08.110", "ns")
    assert table.depth_km[0] == 10.8
    assert np.isnan(table.depth_km[1])
    assert np.isnan(table.magnitude[1])


@pytest.mark.parametrize(
    ("row", "field"),
    [("a,2016-10-14T00:00:08Z,142.8,13.2,1", "latitude"), ("a,2016-10-14T00:00:08Z,42.8,13.2,10800", "depth_km"),
     ("a,yesterday,42.8,13.2,1", "time"), ("a,2016-10-14T00:00:08Z,42.8,east,1", "longitude")],
)  # fmt: skip
def test_refuses_with_the_field(tmp_path, row, field):
    path = tmp_path / "events.csv"
    path.write_text(f"{HEADER}\n{row}\n")
    with pytest.raises(InputError) as caught:
        read_events_csv(path)
    assert caught.value.field == field
    assert caught.value.line == 2
    assert caught.value.fix
