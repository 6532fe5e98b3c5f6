"""The report on mechanisms: its words for a posterior and for HASH's accepted mechanisms, and its table of stations."""

import dataclasses

import numpy as np
import pytest

from diffseis.plot import write_mechanism_report
from diffseis.plot.mechanism_tables import reversed_stations, station_table
from tests.io.made_mechanisms import NAMES, made_catalogue


def text_of(catalogue, folder) -> str:
    write_mechanism_report(catalogue, folder / "r.html", run={"command": "test"}, figures={}, pages={})
    return (folder / "r.html").read_text()


@pytest.fixture(scope="module")
def catalogue():
    return made_catalogue()


def test_hash_has_no_posterior(catalogue, tmp_path):
    """Its own criteria for grades, and events that it grades without a mechanism."""
    grade = catalogue.mechanisms.grade.copy()
    grade[3] = "F"
    noise = {"bad_fraction": 0.1, "ratio_bad": 0.3, "num_trials": 30.0}
    found = dataclasses.replace(
        catalogue,
        method="hash",
        noise=noise,
        mechanisms=dataclasses.replace(catalogue.mechanisms, grade=grade),
    )
    text = text_of(found, tmp_path)
    assert "is no posterior" in text
    assert text.count("posterior") == 1
    for words in ("Share within 20°", "half of the accepted mechanisms", "Wrong polarities", "fewer than 8"):
        assert words in text
    assert "half of the posterior" in text_of(catalogue, tmp_path)


def test_stations_tell_what_they_have_data_of(catalogue):
    """A station without ratios has no term, one without first motions is not reversed, one without either is left out."""
    rays = catalogue.rays.take(np.arange(3))
    rays = dataclasses.replace(
        rays,
        polarity=np.array([1.0, np.nan, np.nan]),
        log10_sp=np.array([np.nan, 0.2, np.nan]),
    )
    terms = {"XX.S0": (0.8, 0.0), "XX.S1": (0.7, 0.3), "XX.S2": (0.1, 0.0)}
    found = dataclasses.replace(catalogue, rays=rays, stations=terms)
    assert reversed_stations(found) == {"XX.S0": 1}
    table = station_table(found)
    assert "XX.S2" not in table
    assert "+0.00" not in table
    assert "+0.30" in table
    assert table.count("reversed?") == 1
    assert NAMES[0] not in table
