"""The page of one mechanism and the map of many."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.patches import PathPatch

from diffseis import source
from diffseis.plot import (
    MechanismPage,
    describe_mechanism,
    figure_png,
    mechanism_figure,
    mechanism_map_figure,
)
from diffseis.plot.ball_layout import spread_discs
from diffseis.plot.faulting import STYLE_COLOURS
from diffseis.plot.focal_sphere import ray_direction
from diffseis.plot.mechanism_card import azimuthal_gap_deg, kagan_angles_deg, plane_spread_deg
from diffseis.plot.mechanism_figures import BALL_CONVENTION, CONVENTIONS
from diffseis.source import p_amplitudes

many = jax.jit(jax.vmap(source.shear_tensile, in_axes=(0, 0, 0, 0, None)))


def tensors_of(angles_deg):
    angles = jnp.radians(jnp.asarray(angles_deg, float))
    return np.array(many(*angles.T, jnp.asarray(1.0)), float)


def page(slope=0.0, num_rays=30, num_draws=60, **changes):
    rng = np.random.default_rng(7)
    sigma = [6.0, 5.0, 8.0, 4.0 if slope else 0.0]
    draws = tensors_of(rng.normal([30, 60, 45, slope], sigma, (num_draws, 4)))
    tensor = tensors_of([[30, 60, 45, slope]])[0]
    azimuth, takeoff = rng.uniform(0, 360, num_rays), rng.uniform(20, 150, num_rays)
    polarity = np.sign(p_amplitudes(tensor, ray_direction(azimuth, takeoff)))
    polarity[:2] *= -1
    fields = {
        "event_id": "2019_$1",
        "tensor": tensor,
        "draws": draws,
        "azimuth_deg": azimuth,
        "takeoff_deg": takeoff,
        "polarity": polarity,
        "station": tuple(f"ST{i:02d}" for i in range(num_rays)),
        "subtitle": "35.77°N 117.60°W, 8.0 km, Mw 4.1",
    }
    return MechanismPage(**fields | changes)


EYE = np.eye(3)
PAGES = {
    "double couple": lambda: page(),
    "tensile": lambda: page(20.0),
    "no draws": lambda: page(draws=np.zeros((0, 3, 3))),
    "one draw": lambda: page(num_draws=1),
    "no rays": lambda: page(num_rays=2, polarity=np.zeros(2), station=()),
    "explosion": lambda: MechanismPage(event_id="shot", tensor=EYE, draws=np.repeat(EYE[None], 3, axis=0)),
    "own card": lambda: page(card=tuple((f"line {i}", "x" * 50) for i in range(30))),
}


def texts(figure):
    return [t.get_text() for ax in figure.axes for t in ax.texts]


def clipped(figure):
    """What sticks out of the page."""
    figure_png(figure, dpi=50)
    inside = figure.bbox.padded(6.0)
    artists = [*figure.axes, *figure.legends, *figure.texts]
    boxes = [artist.get_tightbbox() for artist in artists if artist.get_visible()]
    return [box for box in boxes if box and not all(inside.contains(*corner) for corner in box.get_points())]


@pytest.mark.long
@pytest.mark.parametrize("case", PAGES)
def test_the_page_is_drawn_and_nothing_is_clipped(case):
    figure = mechanism_figure(PAGES[case]())
    assert clipped(figure) == []
    assert figure.get_supxlabel() == CONVENTIONS
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert ("Kind of source" in titles) == (case in ("tensile", "explosion"))
    if case == "own card":
        assert "and 13 more lines" in texts(figure)
    if case == "double couple":
        assert len([t for t in texts(figure) if t.startswith("ST")]) > 25


@pytest.mark.long
def test_the_card_says_what_the_page_holds():
    lines = describe_mechanism(page())
    card = dict(lines)
    assert card["Plane 1"] == "30° / 60° / 45°"
    assert card["Plane 2"] == "273° / 52° / 141°"
    assert card["T axis"] == "trend 246°, plunge 52°"
    assert card["Misfit"] == "7 % of their weight"
    assert card["Polarities"].startswith("30: ")
    assert float(card["Within 20°"].split()[-1]) > 0.8
    assert "ISO / CLVD / DC" not in card


def test_the_card_without_draws():
    tensile = dict(describe_mechanism(page(20.0, num_draws=0)))
    assert tensile["ISO / CLVD / DC"].endswith(" %")
    assert "Within 20°" not in tensile
    shot = dict(describe_mechanism(MechanismPage(event_id="shot", tensor=EYE)))
    assert shot == {"Planes": "none", "ISO / CLVD / DC": "100 / 0 / 0 %", "Polarities": "none"}


@pytest.mark.long
def test_spreads_of_planes_follow_the_draws():
    """Also past upright, where strike and dip jump."""
    rng = np.random.default_rng(0)
    for plane in ([30, 60, 45], [0, 89, 5], [358, 90, 175]):
        apart = rng.normal(0, 4, (500, 4)) * [1, 1, 1, 0]
        draws = tensors_of(np.append(plane, 0) + apart)
        tensor = tensors_of([[*plane, 0]])[0]
        spread = plane_spread_deg(tensor, draws)
        first = np.min(np.abs(spread - np.sqrt(np.mean(apart[:, :3] ** 2, axis=0))).max(axis=1))
        assert first < 0.02, plane
    assert np.all(np.isnan(plane_spread_deg(tensor, draws[:0])))
    angles = kagan_angles_deg(tensor, np.stack([tensor, draws[0]]))
    assert angles[0] < 1e-2 < angles[1] < 20


def test_gaps():
    assert azimuthal_gap_deg(np.array([10.0, 350.0, 100.0])) == pytest.approx(250.0)
    assert azimuthal_gap_deg(np.array([10.0])) == 360.0
    assert azimuthal_gap_deg(np.array([0.0, 120.0, -120.0])) == pytest.approx(120.0)


@pytest.mark.parametrize("num", [1, 2, 30, 150])
def test_discs_do_not_overlap(num):
    rng = np.random.default_rng(num)
    homes, radii = rng.normal([200, 250], 60, (num, 2)), rng.uniform(5, 15, num)
    homes[-1] = homes[0]
    frame = np.array([[0.0, 0.0], [400.0, 500.0]])
    centres, drawn = spread_discs(homes, radii, frame)
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=-1) + 1e3 * np.eye(num)
    lacking = (drawn[:, None] + drawn[None] - distance) / (drawn[:, None] + drawn[None])
    assert np.max(lacking) < 0.1
    assert np.mean(lacking > 0) < 0.01
    assert np.all((centres - drawn[:, None] >= -1e-9) & (centres + drawn[:, None] <= frame[1] + 1e-9))
    np.testing.assert_allclose(drawn / radii, drawn[0] / radii[0])
    assert drawn[0] >= 0.3 * radii[0]


def test_discs_with_room_stay_at_home():
    homes = np.array([[50.0, 50.0], [100.0, 50.0], [200.0, 200.0], [206.0, 200.0]])
    frame = np.array([[0.0, 0.0], [400.0, 400.0]])
    centres, drawn = spread_discs(homes, np.full(4, 10.0), frame)
    np.testing.assert_array_equal(centres[:2], homes[:2])
    np.testing.assert_array_equal(drawn, 10.0)
    # Those that moved leave both homes in sight.
    apart = np.linalg.norm(centres[2:, None] - homes[None, 2:], axis=-1)
    assert np.all(apart > 10.0)
    assert np.all(apart < 30.0)
    assert len(spread_discs(homes[:0], np.zeros(0), frame)[0]) == 0


def catalogue(num):
    rng = np.random.default_rng(num)
    angles = np.stack([rng.uniform(0, 360, num), rng.uniform(5, 90, num), rng.uniform(-180, 180, num), np.zeros(num)], axis=1)  # fmt: skip
    return rng.normal(-17, 0.1, num), 179.98 + rng.normal(0, 0.1, num), tensors_of(angles)


MAPS = {
    "styles": {},
    "depth, names": {"depth_km": np.linspace(0, 30, 12), "names": [f"ev_{i}" for i in range(12)]},
    "magnitude": {"magnitude": np.linspace(1.2, 5.6, 12), "depth_km": np.append(np.full(11, 8.0), np.nan)},
    "doubtful": {"magnitude": np.linspace(1.2, 5.6, 12), "doubtful": np.arange(12) % 3 == 0},
    "network": {"station_latitude_deg": np.array([-17.0, -15, -18]), "station_longitude_deg": np.array([179.9, 178.0, -178.0])},
    "stations": {"station_latitude_deg": np.full(3, -17.0), "station_longitude_deg": np.array([179.9, -179.99, 160.0])},
}  # fmt: skip


@pytest.mark.parametrize("case", MAPS)
def test_the_map(case):
    latitude, longitude, tensors = catalogue(12)
    tensors[3] = np.nan
    figure = mechanism_map_figure(latitude, longitude, tensors, **MAPS[case])
    assert clipped(figure) == []
    assert BALL_CONVENTION in texts(figure)
    labels = [t.get_text() for legend in figure.legends for t in legend.get_texts()]
    rims = [p for p in figure.axes[0].get_children() if isinstance(p, PathPatch) and p.get_zorder() == 4.0]
    assert len(rims) >= 11 * 3
    if case == "styles":
        assert {label.split(" (")[0] for label in labels} <= set(STYLE_COLOURS)
    if case == "depth, names":
        assert figure.axes[1].get_ylabel() == "Depth below sea level (km)"
        assert len([t for t in texts(figure) if t.startswith("ev_")]) >= 9
        assert "ev_3" not in texts(figure)
    if case == "magnitude":
        assert labels[0] == "M 1"
    if case == "doubtful":
        # The fourth has no mechanism.
        assert any(label.endswith("grade E or F (3)") for label in labels)
    if case == "network":
        # Most stations lie beyond the events: a map of their own has all of them.
        assert figure.axes[1].get_title(loc="left") == "Stations (3)"
        width, height = (np.ptp(lim) for lim in (figure.axes[0].get_xlim(), figure.axes[0].get_ylim()))
        assert max(width, height) < 100 < np.ptp(figure.axes[1].get_xlim())
    if case == "stations":
        assert "station (2)" in labels


def test_a_map_of_nothing():
    latitude, longitude, tensors = catalogue(2)
    figure_png(mechanism_map_figure(latitude * np.nan, longitude, tensors), dpi=40)
    figure_png(mechanism_map_figure(latitude[:0], longitude[:0], tensors[:0]), dpi=40)
    figure_png(mechanism_map_figure(latitude[:1], longitude[:1], tensors[:1]), dpi=40)


@pytest.mark.long
def test_a_map_of_three_hundred():
    latitude, longitude, tensors = catalogue(300)
    magnitude = np.random.default_rng(0).exponential(0.8, 300) + 1
    assert clipped(mechanism_map_figure(latitude, longitude, tensors, magnitude=magnitude)) == []


def test_pages_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="finite"):
        page(tensor=EYE * np.nan)
    with pytest.raises(ValueError, match="one length"):
        page(station=("A",))


def test_pages_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        page().event_id = "other"
