"""Case 17: metres for kilometres and the reverse, latitude for longitude, elevations that cannot be meant."""

import obspy
import pytest
from obspy.core.event import Catalog, Event, Origin, Pick, QuantityError, WaveformStreamID

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
    ("name", "per_metre", "word"), [("depth_km", -0.001, "-1000"), ("depth_m", -1.0, "change the sign")]
)
def test_depths_for_elevations_by_name(tiny, name, per_metre, word):
    path = tiny.config.stations
    _rewrite(path, lambda c: [*c[:4], f"{per_metre * float(c[4]):g}"])
    path.write_text(path.read_text().replace("elevation_m", name))
    refused = _refusal(tiny)
    assert refused.field == name
    assert word in str(refused.fix)
    assert "elevation_m" in str(refused.fix)


def test_a_depth_beside_the_elevation_is_not_silently_ignored(tiny):
    head, *rows = tiny.config.stations.read_text().splitlines()
    tiny.config.stations.write_text("\n".join([head + ",depth_m", *[row + ",100" for row in rows]]) + "\n")
    inputs = read_inputs(tiny.config)
    assert list(inputs.stations.extra["depth_m"]) == ["100"] * 10
    assert any(n.kind == "unused-depth" and "`depth_m` is not used" in n.message for n in inputs.notices)


def test_a_network_under_the_sea_is_suspected(tiny):
    """An ocean bottom is possible, so the run goes on, and says so."""
    assert not any(n.kind == "suspicious-sign" for n in read_inputs(tiny.config).notices)
    _rewrite(tiny.config.stations, lambda c: [*c[:4], str(-float(c[4]))])
    notice = next(n for n in read_inputs(tiny.config).notices if n.kind == "suspicious-sign")
    assert notice.count == 10
    assert "-900 m" in notice.message
    assert "ocean-bottom" in notice.message
    assert "is the sign wrong" in notice.message


def test_one_station_above_the_sea_is_no_wrong_sign(tiny):
    _rewrite(tiny.config.stations, lambda c: [*c[:4], str(50 if c[1] == "S00" else -float(c[4]))])
    assert not any(n.kind == "suspicious-sign" for n in read_inputs(tiny.config).notices)


def _as_quakeml(tiny):
    """The same picks as QuakeML, with the true origins."""
    truth, events = tiny.truth, {}
    for row in tiny.config.picks.read_text().splitlines()[1:]:
        name, network, station, phase, time, error = row.split(",")
        event = events.setdefault(name, Event(resource_id=f"smi:local/{name}"))
        pick = Pick(time=obspy.UTCDateTime(time), phase_hint=phase)
        pick.time_errors = QuantityError(uncertainty=float(error))
        pick.waveform_id = WaveformStreamID(network_code=network, station_code=station)
        event.picks.append(pick)
    for i, event in enumerate(events.values()):
        origin = Origin(time=obspy.UTCDateTime(str(truth.time[i])), depth=1000 * float(truth.depth_km[i]))
        origin.latitude, origin.longitude = float(truth.latitude[i]), float(truth.longitude[i])
        event.origins.append(origin)
    path = tiny.folder / "picks.xml"
    Catalog(list(events.values())).write(str(path), format="QUAKEML")
    return tiny.config.model_copy(update={"picks": path})


def test_a_whole_network_exchanged_is_far_from_the_origins_of_its_bulletin(tiny):
    """42 N, 13 E and 13 N, 42 E are places both: only the events give it away."""
    config = _as_quakeml(tiny)
    assert not any(n.kind == "far-origins" for n in read_inputs(config).notices)
    _rewrite(tiny.config.stations, lambda c: [*c[:2], c[3], c[2], c[4]])
    notice = next(n for n in read_inputs(config).notices if n.kind == "far-origins")
    assert notice.count == 6
    assert "6 of 6" in notice.message
    assert "latitude and longitude exchanged" in notice.message


def test_one_far_origin_is_said_without_a_guess(tiny):
    """From a file of reference hypocentres, one of them without a place."""
    path = tiny.folder / "reference.csv"
    rows = ["near,2016-10-14T00:00:00Z,42.7,13.1,8", "far,2016-10-14T01:00:00Z,-42.7,13.1,8"]
    rows.append("nowhere,2016-10-14T02:00:00Z,,,")
    path.write_text("\n".join(["event_id,time,latitude,longitude,depth_km", *rows]) + "\n")
    notices = read_inputs(tiny.config.model_copy(update={"reference": path})).notices
    notice = next(n for n in notices if n.kind == "far-origins")
    assert notice.count == 1
    assert "1 of 2" in notice.message
    assert "event far" in notice.message
    assert "exchanged" not in notice.message


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
