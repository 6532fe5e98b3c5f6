"""Case 9: no events, empty files: a named reason, empty but valid outputs, documented exit codes."""

import obspy
import pytest
import xarray

from diffseis.core.errors import InputError
from diffseis.io import read_catalogue_csv, read_json, read_picks_csv
from diffseis.workflows.inputs import read_inputs
from tests.workflows.tiny import PICK_HEADER


def test_a_header_without_picks_gives_valid_empty_outputs(tiny, diffseis):
    tiny.config.picks.write_text(PICK_HEADER + "\n")
    end = diffseis(*tiny.words())
    assert end.code == 3
    assert "Traceback" not in end.err
    assert "no picks" in end.err
    out = tiny.config.out
    assert len(read_catalogue_csv(out / "catalog.csv")) == 0
    assert (out / "catalog.csv").read_text().startswith("event_id,time,latitude")
    assert len(read_picks_csv(out / "picks.csv")[0]) == 0
    assert len(obspy.read_events(str(out / "catalog.xml"), format="QUAKEML")) == 0
    with xarray.open_dataset(out / "posterior.nc") as posterior:
        assert posterior.sizes["event"] == 0
    record = read_json(out / "run.json")
    assert record["summary"]["num_events"] == 0
    assert any("no picks" in notice for notice in record["notices"])
    assert "</html>" in (out / "report.html").read_text()
    assert not (out / ".resume").exists()


@pytest.mark.parametrize("name", ["picks", "stations", "velocity"])
@pytest.mark.parametrize("content", ["", "\n\n# nothing\n"])
def test_files_without_a_header_are_refused(tiny, name, content):
    path = getattr(tiny.config, name)
    path.write_text(content)
    with pytest.raises(InputError) as refused:
        read_inputs(tiny.config)
    assert refused.value.file == str(path)
    assert refused.value.fix


def test_the_command_says_which_file_is_empty(tiny, diffseis):
    tiny.config.picks.write_bytes(b"")
    end = diffseis(*tiny.words())
    assert end.code == 2
    assert str(tiny.config.picks) in end.err
    assert "fix:" in end.err
    assert not tiny.config.out.exists()


def test_no_stations_are_refused(tiny):
    header = tiny.config.stations.read_text().splitlines()[0]
    tiny.config.stations.write_text(header + "\n")
    with pytest.raises(InputError, match="no stations"):
        read_inputs(tiny.config)
