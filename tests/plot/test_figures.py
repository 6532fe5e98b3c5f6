"""Every figure draws without a warning, for ordinary and for odd catalogues."""

import dataclasses
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from diffseis.core.tables import EventTable
from diffseis.plot import (
    compare,
    comparison_figure,
    event_figure,
    figure_png,
    make_figures,
    map_figure,
    quality_figure,
    residual_figure,
    section_figure,
)
from diffseis.plot.geometry import build_scene, nice_step
from diffseis.plot.labels import place_names
from diffseis.plot.profiles import section_azimuths_deg, section_profiles
from diffseis.plot.residuals import signed

CASES = {
    "usual": {},
    "one event": {"num_events": 1, "located": 2.0},
    "none located": {"num_events": 6, "located": -1.0},
    "two stations": {"num_events": 3, "num_stations": 2},
    "no particles": {"num_events": 4, "num_particles": 0},
    "one particle": {"num_events": 4, "num_particles": 1},
    "antimeridian": {"latitude": -17.0, "longitude": 179.98, "num_events": 8},
    "near the pole": {"latitude": 89.9, "longitude": 0.0, "num_events": 8},
    "odd names": {"num_events": 8, "names": ["<script>", "$x_{$", "ÄÖ", "A" * 60, "$$", "\\frac"]},
}


def render_all(figures):
    for figure in figures:
        assert isinstance(figure, Figure)
        assert figure_png(figure, dpi=40).startswith(b"\x89PNG")


# The usual case is drawn by `test_nothing_is_clipped`, too.
@pytest.mark.parametrize("case", [pytest.param("usual", marks=pytest.mark.slow), "one event", "none located"])
def test_every_figure_renders(synthetic, case):
    catalogue = synthetic.make_catalogue(**({"num_stations": 8} | CASES[case]))
    figures = make_figures(catalogue, reference=synthetic.make_reference(catalogue))
    assert list(figures) == ["map", "sections", "residuals", "uncertainty", "quality", "comparison"]
    render_all([*figures.values(), event_figure(catalogue, 0)])


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if c not in ("usual", "one event", "none located")])
def test_places_render(synthetic, case):
    """The figures that draw places and particles."""
    catalogue = synthetic.make_catalogue(**({"num_stations": 8} | CASES[case]))
    render_all([map_figure(catalogue), section_figure(catalogue), event_figure(catalogue, 0)])


def test_no_picks_and_no_stations(synthetic):
    """A catalogue of events that never had a usable pick."""
    catalogue = synthetic.make_catalogue(3, located=-1.0, num_stations=4)
    none = np.array([], dtype=np.int64)
    arrivals = dataclasses.replace(
        catalogue.arrivals,
        **{f.name: getattr(catalogue.arrivals, f.name)[none] for f in dataclasses.fields(catalogue.arrivals)},
    )
    bare = dataclasses.replace(catalogue, arrivals=arrivals, picks=catalogue.picks.take(none))
    for figure in make_figures(bare).values():
        figure_png(figure, dpi=40)


def test_the_map_is_in_true_proportion(catalogue):
    """Equal km on both axes; ticks stand where their labels say."""
    ax = map_figure(catalogue).axes[0]
    assert ax.get_aspect() == 1.0
    for tick, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True):
        degrees = -float(label.get_text().rstrip("°S"))
        corner = np.array([[tick, ax.get_xlim()[0], 0.0]])
        assert catalogue.frame.to_geographic(corner)[0][0] == pytest.approx(degrees, abs=1e-4)


def test_longitudes_at_the_antimeridian(synthetic):
    catalogue = synthetic.make_catalogue(8, latitude=-17.0, longitude=179.98)
    figure = map_figure(catalogue)
    labels = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert any(t.endswith("W") for t in labels)
    assert any(t.endswith("E") for t in labels)


def test_clouds_of_a_large_catalogue_are_thinned(synthetic):
    scene = build_scene(synthetic.make_catalogue(1000))
    assert 5_000 < len(scene.cloud_ned_km) <= 20_000


def test_sections_follow_a_line_of_events():
    along = np.linspace(-10, 10, 40)
    rng = np.random.default_rng(0)
    ned = np.stack([along * np.cos(0.7), along * np.sin(0.7), np.full(40, 5.0)], axis=-1) + rng.normal(
        0, 0.3, (40, 3)
    )
    first, second = section_azimuths_deg(ned)
    assert first == pytest.approx(np.degrees(0.7), abs=2)
    assert abs(first - second) == pytest.approx(90)
    assert section_azimuths_deg(rng.normal(size=(40, 3))) == (90.0, 0.0)


def test_profiles_hold_the_events_and_name_their_ends(synthetic):
    scene = build_scene(synthetic.make_catalogue(40))
    for profile in section_profiles(scene):
        assert np.all(np.abs(profile.along_km(scene.ned_km[scene.good])) <= profile.half_km)
    first, second = section_profiles(scene)
    assert first.direction @ second.direction == pytest.approx(0.0, abs=1e-9)
    ends = [dataclasses.replace(first, azimuth_deg=azimuth).ends for azimuth in (0.0, 90.0, 164.0, 355.0)]
    assert ends == [("S", "N"), ("W", "E"), ("NNW", "SSE"), ("S", "N")]
    assert section_profiles(build_scene(synthetic.make_catalogue(4, located=-1.0))) == []


def test_names_cover_nothing():
    """Names of a tight group of points neither overlap nor stand on a point; those without room are left out."""
    figure = Figure(figsize=(3, 3))
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    places = np.random.default_rng(3).normal(0.5, 0.06, (25, 2))
    written = place_names(
        ax, [f"ST{i:02d}" for i in range(25)], places, np.zeros((0, 2)), fontsize=6.5, colour="black"
    )
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert 4 <= written == len(boxes) < 25
    assert sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i]) == 0
    assert not any(box.contains(*point) for box in boxes for point in ax.transData.transform(places))
    assert place_names(ax, [], np.zeros((0, 2)), np.zeros((0, 2)), fontsize=6.5, colour="black") == 0


def test_a_few_far_events_do_not_keep_the_view_from_the_many(synthetic):
    catalogue = synthetic.make_catalogue(60, located=2.0)
    north, east, depth = catalogue.frame.to_ned(catalogue.events.latitude, catalogue.events.longitude).T
    north[:2] = 80.0, -80.0
    latitude, longitude, _ = catalogue.frame.to_geographic(np.stack([north, east, depth], axis=-1))
    moved = dataclasses.replace(catalogue.events, latitude=latitude, longitude=longitude)
    figure = map_figure(dataclasses.replace(catalogue, events=moved))
    assert np.ptp(figure.axes[1].get_ylim()) < 0.65 * np.ptp(figure.axes[0].get_ylim())
    assert "of 60 located" in figure.axes[1].get_title(loc="left")


@pytest.mark.slow
def test_nothing_is_clipped(catalogue, synthetic):
    """Titles, labels and legends lie on the figure."""
    figures = make_figures(catalogue, reference=synthetic.make_reference(catalogue))
    for name, figure in {**figures, "event": event_figure(catalogue, 0)}.items():
        figure_png(figure, dpi=50)
        inside = figure.bbox.padded(6.0)
        for artist in [*figure.axes, *figure.legends]:
            corners = artist.get_tightbbox().get_points()
            assert all(inside.contains(*corner) for corner in corners), name


@pytest.mark.long
def test_no_station_is_left_out_without_a_word(synthetic):
    """Every station has its line with its number of arrivals, or the title says how many have."""
    few = residual_figure(synthetic.make_catalogue(20, num_stations=50)).axes[3]
    labels = [label.get_text() for label in few.get_yticklabels()]
    assert len(labels) == 50
    assert all(re.fullmatch(r"ST\d\d  \d+/\d+", label) for label in labels)
    many = residual_figure(synthetic.make_catalogue(20, num_stations=80)).axes[3]
    assert "60 of 80 stations" in many.get_title(loc="left")
    card = event_figure(synthetic.make_catalogue(1, num_stations=120, located=2.0), 0).axes[4]
    assert re.search(r"nearest 55 of \d+ stations", card.get_title(loc="left"))


@pytest.mark.long
def test_medians_beyond_the_axis_are_drawn_at_its_edge(synthetic):
    """A station whose every arrival is late by seconds is seen."""
    catalogue = synthetic.make_catalogue(40, num_stations=60)
    fewest = np.argmin(np.bincount(catalogue.arrivals.station_row.clip(0), minlength=60))
    late = np.where(catalogue.arrivals.station_row == fewest, 5.0, catalogue.arrivals.residual_s / 10)
    arrivals = dataclasses.replace(catalogue.arrivals, residual_s=late)
    ax = residual_figure(dataclasses.replace(catalogue, arrivals=arrivals)).axes[3]
    edge = [line for line in ax.lines if line.get_marker() == ">"]
    assert edge
    assert all(np.max(np.abs(line.get_xdata())) < ax.get_xlim()[1] for line in edge)


def test_signed_numbers():
    assert [signed(x) for x in (0.0004, -0.0004, 0.05, -0.05)] == ["0.000", "0.000", "+0.050", "−0.050"]


def test_bars_of_phases_are_whole(synthetic):
    """Every bar of the histogram counts the same number of phases."""
    ax = quality_figure(synthetic.make_catalogue(60, num_stations=60)).axes[1]
    widths = {round(bar.get_width(), 6) for bar in ax.patches}
    assert len(widths) == 1
    assert widths.pop() % 1 == 0


def test_comparison_numbers(catalogue):
    events = catalogue.events
    row = int(np.flatnonzero(events.status == "located")[0])
    reference = EventTable(
        event_id=np.array([events.event_id[row], "unknown"], dtype=object),
        time=np.array([events.time[row]] * 2),
        latitude=np.array([events.latitude[row], 0.0]),
        longitude=np.array([events.longitude[row], 0.0]),
        depth_km=np.array([events.depth_km[row] - 2.0, 0.0]),
        magnitude=np.array([1.0, np.nan]),
    )
    matched = compare(catalogue, reference)
    assert list(matched.rows) == [row]
    assert matched.epicentral_km[0] == pytest.approx(0.0, abs=1e-6)
    assert matched.depth_km[0] == pytest.approx(2.0)
    assert matched.missing == 1
    figure_png(comparison_figure(catalogue, reference), dpi=40)
    figure_png(comparison_figure(catalogue, reference.take(np.array([1]))), dpi=40)


@pytest.mark.long
def test_figures_repeat_and_leave_settings_alone(catalogue):
    before = dict(mpl.rcParams)
    first, second = (figure_png(quality_figure(catalogue), dpi=50) for _ in range(2))
    assert first == second
    assert dict(mpl.rcParams) == before


def test_steps_are_round():
    assert [nice_step(s, 4) for s in (1.0, 0.3, 17.0, 900.0)] == [0.5, 0.1, 5.0, 500.0]


@pytest.mark.long
def test_no_window_system_is_loaded():
    code = "import sys, diffseis.plot; print('matplotlib.pyplot' in sys.modules, 'obspy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
