"""First motions on the ball: where rays come out, how they are drawn."""

import csv

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from diffseis import source
from diffseis.plot import Hemisphere, draw_polarities
from diffseis.plot.beachballs import disc_axes
from diffseis.plot.focal_sphere import LOWER, ray_direction
from diffseis.plot.polarities import DOWN_COLOUR, UP_COLOUR, WRONG_COLOUR, disagrees
from diffseis.source import p_amplitudes

STRIKE_SLIP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


def disc():
    ax = Figure(figsize=(4, 4)).add_axes((0, 0, 1, 1))
    disc_axes(ax)
    return ax


def drawn(ax):
    """Collections by label, without its count."""
    return {c.get_label().split(" (")[0]: c for c in ax.collections}


def test_upgoing_rays_come_out_at_the_antipode():
    azimuth, takeoff = np.array([30.0, 200.0, 90.0, 0.0]), np.array([120.0, 170.0, 90.0, 60.0])
    up = np.ones(4)
    places = draw_polarities(disc(), azimuth, takeoff, up)
    turned = draw_polarities(disc(), azimuth[:2] + 180.0, 180.0 - takeoff[:2], up[:2])
    np.testing.assert_allclose(places[:2], turned, atol=1e-12)
    # North-east and up: south-west on the lower hemisphere, north-east on the upper.
    assert np.all(places[0] < -0.2)
    assert np.all(draw_polarities(disc(), azimuth, takeoff, up, sphere=Hemisphere(upper=True))[0] > 0.2)
    np.testing.assert_allclose(places[2], [1, 0], atol=1e-12)
    np.testing.assert_allclose(places[3], [0, np.sqrt(2) * np.sin(np.radians(30))], atol=1e-12)
    moved = draw_polarities(disc(), azimuth, takeoff, up, centre=(3.0, -1.0), radius=0.5)
    np.testing.assert_allclose(moved, 0.5 * places + [3, -1])


def test_up_is_filled_and_what_disagrees_has_a_red_edge():
    azimuth = np.array([45.0, 135.0, 225.0, 315.0, 40.0, 50.0])
    polarity = np.array([1.0, -1.0, -0.5, 0.5, 0.0, np.nan])
    ax = disc()
    draw_polarities(ax, azimuth, np.full(6, 70.0), polarity, tensor=STRIKE_SLIP)
    kinds = drawn(ax)
    fills = {"first motion up": UP_COLOUR, "up, against the mechanism": UP_COLOUR}
    fills |= {"first motion down": DOWN_COLOUR, "down, against the mechanism": DOWN_COLOUR}
    for label, colour in fills.items():
        assert len(kinds[label].get_offsets()) == 1
        assert tuple(kinds[label].get_facecolors()[0]) == to_rgba(colour)
        red = tuple(kinds[label].get_edgecolors()[0]) == to_rgba(WRONG_COLOUR)
        assert red == ("against" in label)
    assert len(kinds["no polarity"].get_offsets()) == 2
    np.testing.assert_array_equal(
        disagrees(STRIKE_SLIP, azimuth, np.full(6, 70.0), polarity), [False, False, True, True, False, False]
    )
    assert not disagrees(None, azimuth, azimuth, polarity).any()


def test_size_goes_with_polarity_or_amplitude():
    azimuth, takeoff = np.array([10.0, 60.0, 110.0]), np.full(3, 50.0)
    ax = disc()
    draw_polarities(ax, azimuth, takeoff, np.array([1.0, 0.5, 0.01]), size_points=8.0)
    np.testing.assert_allclose(drawn(ax)["first motion up"].get_sizes(), 64 * np.array([1, 0.5, 0.45**2]))
    ax = disc()
    draw_polarities(
        ax, azimuth, takeoff, np.ones(3), amplitude=np.array([2e-6, 1e-6, np.nan]), size_points=8.0
    )
    np.testing.assert_allclose(drawn(ax)["first motion up"].get_sizes(), 64 * np.array([1, 0.5, 0.45**2]))


@pytest.mark.parametrize("num", [0, 1, 40])
def test_names_stand_apart(num):
    rng = np.random.default_rng(4)
    azimuth, takeoff = rng.uniform(0, 360, num), rng.uniform(0, 180, num)
    ax = disc()
    draw_polarities(ax, azimuth, takeoff, np.ones(num), names=[f"S${i}" for i in range(num)])
    ax.figure.draw_without_rendering()
    names = [t for t in ax.texts if t.get_text().startswith("S")]
    boxes = [t.get_window_extent() for t in names]
    assert num * 0.6 <= len(boxes) <= num
    # With snapping, horizontal bars vanish from names of straight letters alone.
    assert not any(t.get_snap() for t in names)
    assert sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i]) == 0


def test_amplitudes_of_many_tensors():
    rng = np.random.default_rng(0)
    tensors = rng.normal(size=(4, 3, 3))
    tensors = tensors + np.swapaxes(tensors, 1, 2)
    rays = ray_direction(rng.uniform(0, 360, (5, 2)), rng.uniform(0, 180, (5, 2)))
    expected = np.einsum("abi,nij,abj->abn", rays, tensors, rays)
    np.testing.assert_allclose(p_amplitudes(tensors, rays), expected, atol=1e-12)
    np.testing.assert_allclose(p_amplitudes(tensors[0], rays), expected[..., 0], atol=1e-12)
    assert np.all(np.sum(LOWER.place(rays) ** 2, axis=-1) <= 1 + 1e-12)


@pytest.mark.reference
def test_misfits_of_northridge(reference_data):
    """Polarities that disagree with HASH's solutions weigh what HASH says, up to its averages over take-off angles."""
    folder = reference_data / "mechanism" / "northridge_flat"
    with open(folder / "example1_obs.csv", encoding="utf-8") as stream:
        rays = [row for row in csv.DictReader(stream) if row["p_polarity"]]
    with open(folder / "example1_reference.csv", encoding="utf-8") as stream:
        events = list(csv.DictReader(stream))
    own, theirs = [], [float(event["hash_misfit_pct"]) for event in events]
    for event in events:
        angles = [float(event[f"hash_{name}"]) for name in ("strike", "dip", "rake")]
        tensor = np.asarray(source.double_couple(*jnp.radians(jnp.asarray(angles))), float)
        mine = [row for row in rays if row["event_id"] == event["event_id"]]
        columns = ("azimuth", "takeoff", "p_polarity")
        azimuth, from_up, polarity = np.array([[float(row[c]) for c in columns] for row in mine]).T
        against = disagrees(tensor, azimuth, 180.0 - from_up, polarity)
        own.append(100 * np.sum(np.abs(polarity[against])) / np.sum(np.abs(polarity)))
    assert np.mean(np.abs(np.subtract(own, theirs))) < 2.5
    assert np.corrcoef(own, theirs)[0, 1] > 0.85
