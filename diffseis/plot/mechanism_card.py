"""One mechanism with its sample and its rays, and what they say in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffseis.plot.polarities import disagrees
from diffseis.source import decompose, kagan_angle, nodal_planes, principal_axes, slip_and_normal

NEAR_DEG = 20.0
"""Mechanisms closer than this (Kagan's angle) are commonly taken for the same."""

PURE_DEG = 0.5
"""Distance from the double couple on the lune within which a source is taken for one."""

_ISOLATED = 1e-6
"""Principal values closer than this part of the largest leave their axes open."""

CardLines = list[tuple[str, str]]


def _empty():
    return np.zeros(0)


@dataclass(frozen=True)
class MechanismPage:
    """What the page of one event shows.

    Attributes:
        event_id: in the title.
        tensor: the preferred solution, in north, east, down.
        draws: of the posterior, or another sample of equal weights; may be none.
        azimuth_deg: of rays at the source, from north.
        takeoff_deg: of rays, from down.
        polarity: -1 (down) to 1 (up), 0 or NaN for none.
        station: names of the rays' stations; may be none.
        ratios: of amplitudes, by kind: log10 observed and expected; see `mechanism_ratios.ratio_pairs`.
        card: names and texts of the card. By default `describe_mechanism`'s.
        subtitle: beside the title: time, place, magnitude.
        sample: what the draws are of, in the words of the page.
        chance: what a share of the draws is called.
    """

    event_id: str
    tensor: Float[np.ndarray, "3 3"]
    draws: Float[np.ndarray, "particle 3 3"] = field(default_factory=lambda: np.zeros((0, 3, 3)))
    azimuth_deg: Float[np.ndarray, " ray"] = field(default_factory=_empty)
    takeoff_deg: Float[np.ndarray, " ray"] = field(default_factory=_empty)
    polarity: Float[np.ndarray, " ray"] = field(default_factory=_empty)
    station: tuple[str, ...] = ()
    ratios: Mapping[str, Float[np.ndarray, "ratio 2"]] = field(default_factory=dict)
    card: tuple[tuple[str, str], ...] | None = None
    subtitle: str = ""
    sample: str = "posterior"
    chance: str = "probability"

    def __post_init__(self):
        if not (np.all(np.isfinite(self.tensor)) and np.all(np.isfinite(self.draws))):
            raise ValueError("`tensor` and `draws` must be finite; leave out draws without a value")
        lengths = {len(self.azimuth_deg), len(self.takeoff_deg), len(self.polarity)}
        if self.station:
            lengths.add(len(self.station))
        if len(lengths) > 1:
            raise ValueError(f"the arrays of rays must be of one length, got {sorted(lengths)}")


def describe_mechanism(page: MechanismPage) -> CardLines:
    """Planes with the spread of the draws, axes, probability, shares, polarities, misfit and gap, as names and texts for a card."""
    lines: CardLines = []
    if has_planes(page.tensor):
        planes, spread = planes_deg(page.tensor), plane_spread_deg(page.tensor, page.draws)
        for number, (plane, error) in enumerate(zip(planes, spread, strict=True), start=1):
            strike, dip, rake = plane
            lines.append((f"Plane {number}", f"{strike:.0f}° / {dip:.0f}° / {rake:.0f}°".replace("-", "−")))
            if np.all(np.isfinite(error)):
                lines.append(("", "± " + " / ".join(f"{e:.0f}°" for e in error)))
    else:
        lines.append(("Planes", "none"))
    for name, (trend, plunge) in axes_deg(page.tensor).items():
        lines.append((f"{name} axis", f"trend {trend:.0f}°, plunge {plunge:.0f}°"))
    if len(page.draws) and has_planes(page.tensor):
        near = np.mean(kagan_angles_deg(page.tensor, page.draws) < NEAR_DEG)
        lines.append((f"Within {NEAR_DEG:.0f}°", f"{page.chance} {near:.2f}"))
    shares = decompose(jnp.asarray(page.tensor))
    iso, clvd, couple = (100 * float(x) for x in (shares.isotropic, shares.clvd, shares.double_couple))
    if couple < 99:
        lines.append(("ISO / CLVD / DC", f"{iso:.0f} / {clvd:.0f} / {couple:.0f} %".replace("-", "−")))
    return lines + _polarity_lines(page)


def _polarity_lines(page: MechanismPage) -> CardLines:
    known = np.isfinite(page.polarity) & (page.polarity != 0)
    if not known.any():
        return [("Polarities", "none")]
    polarity, azimuth, takeoff = page.polarity[known], page.azimuth_deg[known], page.takeoff_deg[known]
    wrong = disagrees(page.tensor, azimuth, takeoff, polarity)
    misfit = np.sum(np.abs(polarity[wrong])) / np.sum(np.abs(polarity))
    ups = int(np.sum(polarity > 0))
    return [
        ("Polarities", f"{known.sum()}: {ups} up, {known.sum() - ups} down"),
        ("Misfit", f"{100 * misfit:.0f} % of their weight"),
        ("Azimuthal gap", f"{azimuthal_gap_deg(azimuth):.0f}°"),
    ]


def has_planes(tensor: Float[np.ndarray, "3 3"]) -> bool:
    """Whether a tensor's best double couple is defined: all its principal values differ."""
    return len(axes_deg(tensor)) == 2


def planes_deg(tensor: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "2 3"]:
    """Strike, dip and rake of both planes of the best double couple."""
    return np.degrees(np.asarray(nodal_planes(jnp.asarray(tensor)), float))


def axes_deg(tensor: Float[np.ndarray, "3 3"]) -> dict[str, Float[np.ndarray, " 2"]]:
    """Trend and plunge of the axes T and P, of those that are defined: where two principal values are equal, any axis of a plane would do."""
    value = np.linalg.eigvalsh(np.asarray(tensor, float))
    apart = np.diff(value) > _ISOLATED * np.max(np.abs(value))
    found = np.degrees(np.asarray(principal_axes(jnp.asarray(tensor)), float)[:, 1:])
    return {name: found[row] for name, row, defined in (("T", 0, apart[1]), ("P", 2, apart[0])) if defined}


def azimuthal_gap_deg(azimuth_deg: Float[np.ndarray, " ray"]) -> float:
    """The widest range of azimuths without a ray; 360 for one ray or none."""
    if len(azimuth_deg) < 2:
        return 360.0
    turned = np.sort(np.mod(azimuth_deg, 360.0))
    return float(np.max(np.diff(np.append(turned, turned[0] + 360.0))))


def kagan_angles_deg(
    tensor: Float[np.ndarray, "3 3"], draws: Float[np.ndarray, "particle 3 3"]
) -> Float[np.ndarray, " particle"]:
    """Kagan's angles in degrees between the axes of a tensor and those of draws."""
    angles = _kagan_angles(jnp.asarray(tensor), jnp.asarray(draws))
    return np.degrees(np.asarray(angles, float))


def plane_spread_deg(
    tensor: Float[np.ndarray, "3 3"], draws: Float[np.ndarray, "particle 3 3"]
) -> Float[np.ndarray, "2 3"]:
    """Root mean square differences in degrees of strike, dip and rake of both planes, each draw's planes taken in the order and sense that is nearer.

    A plane that leans past upright changes its strike by half a turn; it is described by a dip above 90° here, so that nothing jumps. NaN
    without draws.
    """
    if not len(draws):
        return np.full((2, 3), np.nan)
    own = np.asarray(nodal_planes(jnp.asarray(tensor)), float)
    drawn = np.asarray(_planes(jnp.asarray(draws)), float)
    agree = np.einsum("ik,pjk->pij", _normals(own), _normals(drawn))
    swapped = np.abs(agree[:, 0, 1]) + np.abs(agree[:, 1, 0]) > np.abs(agree[:, 0, 0]) + np.abs(
        agree[:, 1, 1]
    )
    drawn = np.where(swapped[:, None, None], drawn[:, ::-1], drawn)
    agree = np.where(swapped[:, None, None], agree[:, :, ::-1], agree)
    past = np.diagonal(agree, axis1=1, axis2=2)[..., None] < 0
    other = np.stack([drawn[..., 0] + np.pi, np.pi - drawn[..., 1], -drawn[..., 2]], axis=-1)
    apart = np.where(past, other, drawn) - own
    apart = (apart + np.pi) % (2 * np.pi) - np.pi
    return np.degrees(np.sqrt(np.mean(apart**2, axis=0)))


def _normals(planes) -> np.ndarray:
    return np.asarray(_normals_of_planes(jnp.asarray(planes.reshape(-1, 3))), float).reshape(planes.shape)


_kagan_angles = jax.jit(jax.vmap(kagan_angle, in_axes=(None, 0)))
_planes = jax.jit(jax.vmap(nodal_planes))
_normals_of_planes = jax.jit(jax.vmap(lambda plane: slip_and_normal(*plane)[1]))
