"""The demo, where ObsPy came without its test data."""

import numpy as np
import pytest

import diffseis.workflows.demonstration as demonstration


def test_its_inputs_are_marked_as_synthetic(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstration, "bulletin_path", lambda: None)
    config = demonstration.demo_config(tmp_path)
    made = {}

    def few(config, stations, velocity):
        made["called"] = True
        return demonstration_events(stations)

    def demonstration_events(stations):
        from diffseis.core.tables import EventTable, PickTable

        none = np.array([], dtype=object)
        number = np.array([], float)
        time = np.array([], "datetime64[ns]")
        return (
            PickTable(none, none, none, none, time, number, number),
            EventTable(none, time, number, number, number, number),
        )

    monkeypatch.setattr(demonstration, "synthetic_events", few)
    inputs, synthetic = demonstration.demo_inputs(config)
    assert synthetic
    assert made["called"]
    assert inputs.notices[0].kind == "synthetic"
    assert "SYNTHETIC" in inputs.notices[0].message


def test_its_real_inputs(tmp_path):
    if demonstration.bulletin_path() is None:
        pytest.skip("this ObsPy comes without its test data")
    inputs, synthetic = demonstration.demo_inputs(demonstration.demo_config(tmp_path))
    assert not synthetic
    assert len(inputs.reference) == 50
    assert set(inputs.sha256) == {"picks", "stations", "velocity"}
    assert "Scherwath" in inputs.velocity.source


@pytest.mark.slow
def test_the_demo_runs_without_the_bulletin(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstration, "bulletin_path", lambda: None)
    result = demonstration.run_demo(tmp_path)
    assert result.synthetic
    assert "SYNTHETIC" in result.lines[0]
    assert np.mean(result.catalogue.events.status == "located") > 0.8
    assert "SYNTHETIC" in (tmp_path / "report.html").read_text()
