"""The report on mechanisms: its words for a posterior and for HASH's accepted mechanisms, and its table of stations."""

import dataclasses

import numpy as np
import pytest

from diffseis.plot import mechanism_page, write_mechanism_report
from diffseis.plot.mechanism_tables import reversed_stations, station_table
from diffseis.source import radiated
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


def test_the_page_tells_waves_and_ratios_apart(catalogue):
    """Ratios of the mechanism itself, times a factor, lie on the line, however large the factor; those of SV to SH have none."""
    rays, tensor = catalogue.rays, catalogue.mechanisms.tensor[0]
    _, sv, sh = radiated(tensor, rays.azimuth_deg, rays.takeoff_deg).T
    p = radiated(tensor, rays.azimuth_deg, rays.takeoff_deg)[:, 0]
    more = {"log10_sp": np.log10(np.hypot(sv, sh) / np.abs(p)) + 0.7, "log10_svsh": np.log10(np.abs(sv / sh))}
    more["sh_polarity"] = np.where(np.arange(12) < 5, np.sign(sh), np.nan)
    counts = dataclasses.replace(catalogue.mechanisms, num_polarities=np.array([17, 12, 12, 0]))
    found = dataclasses.replace(catalogue, rays=dataclasses.replace(rays, **more), mechanisms=counts)
    page = mechanism_page(found, 0)
    assert dict(page.card)["Polarities"] == "P 12, SH 5"
    assert {name: len(pair) for name, pair in page.ratios.items()} == {"S/P": 12, "SV/SH": 12}
    for pair in page.ratios.values():
        np.testing.assert_allclose(*pair.T, atol=1e-6)
    assert not mechanism_page(catalogue, 0).ratios
    assert dict(mechanism_page(catalogue, 0).card)["Polarities"] == "12"


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
