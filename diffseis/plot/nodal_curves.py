"""Where P of a point source is away from the source and where towards it, as outlines on the focal sphere.

P along the unit vector g is g.M.g, which vanishes on an elliptic cone about the axis T (or about P, where two principal values are
positive). The cone is followed exactly, by its principal values, rather than on a grid: cracks, dipoles, double couples on level or upright planes
and tensors that are all but isotropic are ordinary cases.
"""

import numpy as np
from jaxtyping import Float
from matplotlib.path import Path

from diffseis.plot.focal_sphere import LOWER, Hemisphere

_SMALL = 1e-6
"""Principal values below this part of the largest are taken for 0: such a lobe of P would be narrower than a line (and single precision knows no better)."""

_RIM = 1e-9
_PER_QUARTER = 36
"""Points along a quarter of a cone: their chords miss the curve by 2e-4 of the radius."""

_CLOSE_LOOK = np.unique(np.concatenate([np.linspace(0, np.pi / 2, 64), np.geomspace(1e-4, 0.1, 32)]))
"""Narrow cones bend sharply near the second axis, at the parameter 0."""


def compressions(tensor: Float[np.ndarray, "3 3"], sphere: Hemisphere = LOWER) -> Path:
    """The part of the unit disc in which P is away from the source (first motion up), closed and without overlaps.

    Where it surrounds the part of dilatations, that is cut out by outlines of the other sense.
    """
    value, axes = _principal(tensor)
    if value[2] >= 0:
        return _closed([rim()] if value[0] > 0 else [])
    if value[0] <= 0:
        return _closed([])
    if value[1] <= 0:
        return _closed(_caps(value, axes, sphere))
    holes = _caps(-value[::-1], axes[:, ::-1], sphere)
    return _closed([rim(), *(_turned(hole, anticlockwise=False) for hole in holes)])


def nodal_lines(tensor: Float[np.ndarray, "3 3"], sphere: Hemisphere = LOWER) -> Path:
    """The lines in the unit disc along which P vanishes and changes sign; none where it never does."""
    value, axes = _principal(tensor)
    if value[2] >= 0 or value[0] <= 0:
        return _open([])
    if value[1] > 0:
        value, axes = -value[::-1], axes[:, ::-1]
    pieces = []
    for side in (1.0, -1.0):
        pieces += [piece for piece, _ in _inside_runs(side * _cone(value, axes), sphere)]
    return _open([sphere.place(piece) for piece in pieces])


def plane_line(strike_deg: float, dip_deg: float, sphere: Hemisphere = LOWER) -> Path:
    """The trace of a plane in the unit disc (strike and dip after Aki & Richards)."""
    strike, dip = np.radians(strike_deg), np.radians(dip_deg)
    angle = np.linspace(0, np.pi, 2 * _PER_QUARTER + 1)[:, None]
    along = np.array([np.cos(strike), np.sin(strike), 0.0])
    down_dip = np.array([-np.cos(dip) * np.sin(strike), np.cos(dip) * np.cos(strike), np.sin(dip)])
    side = -1.0 if sphere.upper else 1.0
    return _open([sphere.place(np.cos(angle) * along + np.sin(angle) * side * down_dip)])


def rim() -> Float[np.ndarray, "point 2"]:
    """The edge of the disc, anticlockwise."""
    angle = np.linspace(0, 2 * np.pi, 4 * _PER_QUARTER + 1)[:-1]
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _principal(tensor):
    """Values from the largest, those next to 0 made 0, and their axes as columns."""
    if not np.all(np.isfinite(tensor)):
        raise ValueError("`tensor` must be finite; leave out events without a solution")
    value, axes = np.linalg.eigh(np.asarray(tensor, float))
    value, axes = value[::-1], axes[:, ::-1]
    return np.where(np.abs(value) > _SMALL * np.max(np.abs(value)), value, 0.0), axes


def _cone(value, axes) -> Float[np.ndarray, "point 3"]:
    """Unit vectors once around the cone about the first axis on which the form of values (+, 0 or -, -) vanishes."""
    first, second, third = value[0], -value[1], -value[2]

    def around(theta):
        c, s = np.cos(theta), np.sin(theta)
        local = np.stack(
            [np.sqrt(second * c**2 + third * s**2), np.sqrt(first) * c, np.sqrt(first) * s], axis=-1
        )
        return local / np.linalg.norm(local, axis=-1, keepdims=True)

    # Parameters of equal steps along the arc.
    step = np.linalg.norm(np.diff(around(_CLOSE_LOOK), axis=0), axis=-1)
    length = np.concatenate([[0.0], np.cumsum(step)])
    quarter = np.interp(np.linspace(0, length[-1], _PER_QUARTER + 1), length, _CLOSE_LOOK)
    half = np.concatenate([quarter, np.pi - quarter[-2::-1]])
    return around(np.concatenate([half, np.pi + half[1:-1]])) @ axes.T


def _caps(value, axes, sphere) -> list[np.ndarray]:
    """Outlines in the disc of the inside of the cone, at both ends of its axis."""
    outlines = []
    for side in (1.0, -1.0):
        runs = _inside_runs(side * _cone(value, axes), sphere)
        if not runs:
            continue
        outline = []
        for piece, next_start in runs:
            outline.append(sphere.place(piece))
            if next_start is not None:
                outline.append(_along_rim(piece[-1], next_start, side * axes[:, 0]))
        outlines.append(_turned(np.concatenate(outline), anticlockwise=True))
    return outlines


def _inside_runs(curve, sphere) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """The parts of a closed curve that lie in this half, cut at the rim, each with the point where the next one begins.

    A curve that stays inside is one part that ends where it began, with nothing to follow.
    """
    depth = sphere.depth_of(curve)
    inside = depth > _RIM
    if np.all(inside):
        return [(np.concatenate([curve, curve[:1]]), None)]
    starts = np.flatnonzero(inside & ~np.roll(inside, 1))
    runs = []
    for start in starts:
        rolled, deep = np.roll(curve, -start, axis=0), np.roll(depth, -start)
        length = int(np.argmax(deep <= _RIM))
        first = _crossing(rolled[-1], rolled[0], deep[-1], deep[0])
        last = _crossing(rolled[length], rolled[length - 1], deep[length], deep[length - 1])
        runs.append(np.concatenate([first[None], rolled[:length], last[None]]))
    return [(run, runs[(i + 1) % len(runs)][0]) for i, run in enumerate(runs)]


def _crossing(outer, inner, depth_outer, depth_inner):
    """Where the chord between two neighbours meets the rim, made a level unit vector."""
    share = max(-depth_outer, 0.0) / (depth_inner + max(-depth_outer, 0.0))
    point = outer + share * (inner - outer)
    return np.append(point[:2], 0.0) / np.linalg.norm(point[:2])


def _along_rim(start, end, axis) -> Float[np.ndarray, "point 2"]:
    """The way along the rim between two level vectors that stays within a cone about `axis`."""
    first, last = (np.arctan2(v[0], v[1]) for v in (start, end))
    turn = (last - first + np.pi) % (2 * np.pi) - np.pi
    middle = first + turn / 2
    # The cone is convex: within it the rim is the shorter way. A half turn (the cone of a level plane) is told by the cone's axis.
    if abs(turn) > np.pi / 2 and np.sin(middle) * axis[0] + np.cos(middle) * axis[1] < 0:
        turn -= np.copysign(2 * np.pi, turn)
    angle = first + np.linspace(0, turn, 2 + int(abs(turn) / (np.pi / 2) * _PER_QUARTER))[1:-1]
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _turned(outline, *, anticlockwise: bool):
    x, y = outline.T
    area = np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    return outline if (area > 0) == anticlockwise else outline[::-1]


def _closed(outlines) -> Path:
    parts = [np.concatenate([outline, outline[:1]]) for outline in outlines]
    return _compound(parts, last=Path.CLOSEPOLY)


def _open(lines) -> Path:
    return _compound(lines, last=Path.LINETO)


def _compound(parts, *, last) -> Path:
    if not parts:
        return Path(np.zeros((0, 2)), np.zeros(0, Path.code_type))
    codes = [np.r_[Path.MOVETO, np.full(len(part) - 2, Path.LINETO), last] for part in parts]
    return Path(np.concatenate(parts), np.concatenate(codes).astype(Path.code_type))
