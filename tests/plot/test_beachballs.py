"""Beachballs: the sign of P everywhere, areas, and where things stand, without a pixel."""

import io
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from diffseis import source
from diffseis.plot import Hemisphere, draw_beachball, figure_png
from diffseis.plot.focal_sphere import LOWER, disc_grid, ray_direction
from diffseis.plot.nodal_curves import compressions, nodal_lines, plane_line
from diffseis.source import p_amplitudes

HALF = np.pi / 2


def couple(strike, dip, rake):
    return np.asarray(source.double_couple(*jnp.radians(jnp.asarray([strike, dip, rake], float))), float)


def tensile(slope, kappa=1.0):
    angles = jnp.radians(jnp.asarray([30.0, 60.0, 45.0, slope]))
    return np.asarray(source.shear_tensile(*angles, jnp.asarray(kappa)), float)


TENSORS = {
    "horizontal": couple(40, 0, 17),
    "upright": couple(40, 90, 17),
    "upright dip slip": couple(40, 90, 90),
    "thrust": couple(0, 45, 90),
    "normal": couple(70, 45, -90),
    "strike slip": couple(0, 90, 0),
    "ordinary": couple(30, 60, 45),
    "opening": tensile(90.0),
    "closing": tensile(-90.0),
    "crack without coupling": tensile(90.0, 0.0),
    "tensile": tensile(20.0),
    "inward": tensile(-20.0),
    "explosion": np.eye(3),
    "implosion": -np.eye(3),
    "nearly explosion": np.eye(3) + 1e-14 * couple(40, 23, 17),
    "dipole": np.diag([1.0, -0.5, -0.5]),
    "nearly dipole": np.diag([1.0, -0.5, -0.5]) + 1e-14 * couple(40, 23, 17),
    "sheet": np.diag([0.5, 0.5, -1.0]),
    "upright dipole": np.diag([-0.5, -0.5, 1.0]),
    "narrow": np.diag([1e-3, -1e-5, -1.0]),
    "wide": np.diag([1.0, -1e-5, -1e-3]),
    "two extensions": np.diag([1.0, 1.0, 0.0]),
    "two contractions": np.diag([0.0, -1.0, -1.0]),
    "one extension": np.diag([0.0, 1.0, 0.0]),
    "nothing": np.zeros((3, 3)),
    **{f"random {i}": a + a.T for i, a in enumerate(np.random.default_rng(5).normal(size=(25, 3, 3)))},
}
SPHERES = {
    "lower": LOWER,
    "upper": Hemisphere(upper=True),
    "lower, equal angle": Hemisphere(equal_angle=True),
    "upper, equal angle": Hemisphere(upper=True, equal_angle=True),
}


def inside(path: Path, points):
    """Even-odd, so that holes count."""
    return sum(p.contains_points(points).astype(int) for p in parts(path)) % 2 == 1


def parts(path: Path):
    starts = [*np.flatnonzero(path.codes == Path.MOVETO), len(path.codes)]
    return [Path(path.vertices[a:b]) for a, b in itertools.pairwise(starts)]


def area(path: Path):
    total = 0.0
    for part in parts(path):
        x, y = part.vertices.T
        total += 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    return total


def random_rays(num=400):
    rng = np.random.default_rng(1)
    return rng.uniform(0, 360, num), np.degrees(np.arccos(rng.uniform(-1, 1, num)))


@pytest.mark.parametrize("sphere", SPHERES)
def test_filled_where_the_first_motion_is_up(sphere):
    """At random points of the whole sphere, against the radiation of `source`."""
    azimuth, takeoff = random_rays()
    places = SPHERES[sphere].place(ray_direction(azimuth, takeoff))
    assert np.all(np.sum(places**2, axis=-1) <= 1 + 1e-12)
    rays = jnp.radians(jnp.asarray(azimuth)), jnp.radians(jnp.asarray(takeoff))
    by_ray = jax.jit(jax.vmap(source.radiation, in_axes=(None, 0, 0)))
    for name, tensor in TENSORS.items():
        p = np.asarray(by_ray(jnp.asarray(tensor), *rays))[:, 0]
        # A chord of the outline may miss the line by 2e-4 of the radius.
        clear = np.abs(p) > 3e-3 * np.linalg.norm(tensor)
        filled = inside(compressions(tensor, SPHERES[sphere]), places[clear])
        np.testing.assert_array_equal(filled, p[clear] > 0, err_msg=name)


@pytest.mark.parametrize("sphere", SPHERES)
def test_lines_lie_where_p_vanishes(sphere):
    for name, tensor in TENSORS.items():
        line = nodal_lines(tensor, SPHERES[sphere])
        filled = 0 < abs(area(compressions(tensor, SPHERES[sphere]))) < 3.1
        assert bool(len(line.vertices)) == filled, name
        if not len(line.vertices):
            continue
        p = p_amplitudes(tensor, SPHERES[sphere].direction(line.vertices))
        # The ends of lines were cut from chords.
        assert np.max(np.abs(p)) < 3e-3 * np.linalg.norm(tensor), name


def test_areas_on_the_equal_area_net():
    whole = area(compressions(np.eye(3)))
    assert whole == pytest.approx(np.pi, rel=1e-3)
    assert len(compressions(-np.eye(3)).vertices) == 0
    rng = np.random.default_rng(2)
    for strike, dip, rake in [
        *rng.uniform([0, 0, -180], [360, 90, 180], (30, 3)),
        (40, 0, 17),
        (40, 90, 0),
        (0, 45, 90),
    ]:
        assert area(compressions(couple(strike, dip, rake))) / whole == pytest.approx(0.5, abs=0.002)  # fmt: skip
    # The cone of the dipole 1, -1/2, -1/2 has the cosine 1 / sqrt(3).
    assert area(compressions(np.diag([-0.5, -0.5, 1.0]))) / whole == pytest.approx(1 - 3**-0.5, abs=1e-3)
    assert area(compressions(np.diag([0.5, 0.5, -1.0]))) / whole == pytest.approx(3**-0.5, abs=1e-3)
    shares = [area(compressions(a)) + area(compressions(-a)) for a in TENSORS.values() if np.any(a)]
    np.testing.assert_allclose(shares, whole, rtol=2e-3)


def test_places_and_directions():
    for sphere in SPHERES.values():
        _, places = disc_grid(21, reach=0.7)
        direction = sphere.direction(places)
        np.testing.assert_allclose(np.linalg.norm(direction, axis=-1), 1, atol=1e-12)
        np.testing.assert_allclose(sphere.place(direction), places, atol=1e-12)
    east_and_down = ray_direction(90.0, 60.0)
    assert LOWER.place(east_and_down)[0] > 0.5
    np.testing.assert_allclose(LOWER.place(-east_and_down), LOWER.place(east_and_down))
    np.testing.assert_allclose(SPHERES["upper"].place(east_and_down), -LOWER.place(east_and_down), atol=1e-12)


def test_a_plane_dips_to_the_right_of_its_strike():
    for strike, dip in ((30.0, 60.0), (200.0, 20.0), (0.0, 0.0), (310.0, 90.0)):
        middle = plane_line(strike, dip).vertices[36]
        np.testing.assert_allclose(middle, LOWER.place(ray_direction(strike + 90, 90 - dip)), atol=1e-9)
        tensor = couple(strike, dip, 25.0)
        for sphere in SPHERES.values():
            line = plane_line(strike, dip, sphere).vertices
            assert np.max(np.abs(p_amplitudes(tensor, sphere.direction(line)))) < 1e-7


def _patches(**options):
    ax = Figure(figsize=(4, 4)).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 10), ylim=(0, 20))
    draw_beachball(ax, TENSORS["tensile"], **options)
    return ax, [a for a in ax.get_children() if isinstance(a, PathPatch)]


def test_size_and_place_in_the_axes():
    ax, patches = _patches(centre=(5.0, 10.0), radius_points=36.0)
    box = patches[-1].get_extents()
    dots = 2 * 36 / 72 * ax.figure.dpi
    assert (box.width, box.height) == pytest.approx((dots, dots), rel=1e-3)
    np.testing.assert_allclose(np.mean(box.get_points(), axis=0), ax.transData.transform((5, 10)))
    ax, patches = _patches(centre=(5.0, 10.0), radius=2.0)
    corners = ax.transData.inverted().transform(patches[-1].get_extents().get_points())
    np.testing.assert_allclose(corners, [[3, 8], [7, 12]], atol=0.01)
    assert ax.get_xlim() == (0, 10)


def test_options_add_what_they_say():
    plain = len(_patches()[1])
    assert len(_patches(lines=False)[1]) == plain - 1
    assert len(_patches(double_couple=True)[1]) == plain + 1
    assert len(_patches(fault_plane_deg=(30.0, 60.0))[1]) == plain + 1
    ax, _ = _patches(axes_marked=True)
    assert [t.get_text() for t in ax.texts] == ["P", "T"]
    figure_png(ax.figure, dpi=40)


def test_axes_are_marked_where_there_are_any():
    found = {}
    for name in ("explosion", "upright dipole", "sheet", "strike slip"):
        ax = Figure().subplots()
        draw_beachball(ax, TENSORS[name], axes_marked=True)
        found[name] = "".join(t.get_text() for t in ax.texts)
    assert found == {"explosion": "", "upright dipole": "T", "sheet": "P", "strike slip": "PT"}


def test_a_drawing_holds_no_pixels():
    ax, _ = _patches(double_couple=True)
    stream = io.StringIO()
    ax.figure.savefig(stream, format="svg")
    assert "<image" not in stream.getvalue()
    assert "<path" in stream.getvalue()


def test_no_ball_without_numbers():
    with pytest.raises(ValueError, match="finite"):
        draw_beachball(Figure().subplots(), np.full((3, 3), np.nan))


@pytest.mark.long
def test_agrees_with_obspy():
    """For double couples and moderate others; near explosions and pure dipoles ObsPy's ball is known to be wrong.

    It draws the planes of double couples as parts of ellipses, which miss them by up to 0.1 of the amplitude, and others exactly, with the rim
    in steps of a degree.
    """
    beachball = pytest.importorskip("obspy.imaging.beachball")
    azimuth, takeoff = random_rays(300)
    places = LOWER.place(ray_direction(azimuth, takeoff))
    rng = np.random.default_rng(8)
    for slope in np.repeat([0.0, 5.0, -8.0], 8):
        angles = rng.uniform([5, 15, -170], [355, 80, 170])
        angles = jnp.radians(jnp.asarray([*angles, slope]))
        tensor = np.asarray(source.shear_tensile(*angles, jnp.asarray(1.0)), float)
        components = np.asarray(source.gcmt_components(jnp.asarray(tensor)))
        ball = beachball.beach(components, width=2, size=400, facecolor="k", plot_zerotrace=False)
        theirs = np.zeros(len(places), bool)
        # Later patches cover earlier ones.
        for outline, colour in zip(ball.get_paths(), ball.get_facecolors(), strict=True):
            theirs[outline.contains_points(places)] = colour[0] < 0.5
        p = p_amplitudes(tensor, ray_direction(azimuth, takeoff))
        clear = (np.abs(p) > (0.01 if slope else 0.12)) & (np.sum(places**2, axis=1) < 0.98)
        np.testing.assert_array_equal(inside(compressions(tensor), places)[clear], theirs[clear])
