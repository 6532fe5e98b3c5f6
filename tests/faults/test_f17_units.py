"""Case 17: metres for kilometres and the reverse, latitude for longitude, elevations that cannot be meant."""

import pytest

from diffseis.core.errors import InputError
from diffseis.workflows.config import load_config
from diffseis.workflows.inputs import read_inputs


def _rewrite(path, change):
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *[",".join(change(row.split(","))) for row in rows]]) + "\n")


def _refusal(tiny) -> InputError:
    with pytest.raises(InputError) as refused:
        read_inputs(tiny.config)
    assert refused.value.file
    assert refused.value.line
    return refused.value


def test_velocity_depths_in_metres(tiny):
    _rewrite(tiny.config.velocity, lambda c: [str(1000 * float(c[0])), *c[1:]])
    refused = _refusal(tiny)
    assert refused.field == "depth_km"
    assert "divide by 1000" in str(refused.fix)


def test_speeds_in_metres_per_second(tiny):
    _rewrite(tiny.config.velocity, lambda c: [c[0], *[str(1000 * float(v)) for v in c[1:]]])
    refused = _refusal(tiny)
    assert refused.field == "vp_km_s"
    assert "divide by 1000" in str(refused.fix)


@pytest.mark.parametrize(("name", "wrong"), [("depth_km", "depth_m"), ("vp_km_s", "vp_m_s")])
def test_a_column_that_says_another_unit(tiny, name, wrong):
    path = tiny.config.velocity
    path.write_text(path.read_text().replace(name, wrong))
    refused = _refusal(tiny)
    assert name in str(refused)
    assert "convert" in str(refused.fix)


def test_latitude_and_longitude_exchanged(tiny):
    # At 13 E and 42 N an exchange is still a place; at 142 E it is not.
    _rewrite(tiny.config.stations, lambda c: [*c[:2], str(float(c[3]) + 129), c[2], c[4]])
    refused = _refusal(tiny)
    assert refused.field == "latitude"
    assert "swapped" in str(refused.fix)


def test_one_station_exchanged_stands_far_from_the_rest(tiny):
    lines = tiny.config.stations.read_text().splitlines()
    cells = lines[2].split(",")
    lines[2] = ",".join([*cells[:2], cells[3], cells[2], cells[4]])
    tiny.config.stations.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"XX\.S01 is \d+ km from the rest") as refused:
        read_inputs(tiny.config)
    assert "coordinates" in str(refused.value.fix)


@pytest.mark.parametrize("factor", [1000, -1000])
def test_elevations_that_no_place_has(tiny, factor):
    _rewrite(tiny.config.stations, lambda c: [*c[:4], str(factor * (float(c[4]) + 10))])
    refused = _refusal(tiny)
    assert refused.field == "elevation_m"
    assert "metres above sea level" in str(refused.fix)


def test_elevations_in_kilometres_are_suspected(tiny):
    """They are a possible coast, so the run goes on, and says so."""
    _rewrite(tiny.config.stations, lambda c: [*c[:4], str(float(c[4]) / 1000)])
    notices = read_inputs(tiny.config).notices
    assert any(n.kind == "suspicious-units" and "km given for m" in n.message for n in notices)


def test_elevation_in_km_by_name(tiny):
    path = tiny.config.stations
    path.write_text(path.read_text().replace("elevation_m", "elevation_km"))
    refused = _refusal(tiny)
    assert refused.field == "elevation_km"
    assert "elevation_m" in str(refused.fix)


@pytest.mark.parametrize(
    ("key", "value"),
    [("max_depth_km", 30000.0), ("search_margin_km", 25000.0), ("depth_prior_km", [8000.0, 4000.0])],
)
def test_settings_in_metres(tiny, key, value):
    with pytest.raises(InputError) as refused:
        load_config({**tiny.config.model_dump(), key: value})
    assert refused.value.field == key
    assert "metres" in str(refused.value)


def test_pick_errors_in_milliseconds(tiny):
    _rewrite(tiny.config.picks, lambda c: [*c[:5], str(1000 * float(c[5]))])
    with pytest.raises(InputError, match="milliseconds"):
        read_inputs(tiny.config)
