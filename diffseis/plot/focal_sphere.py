"""The focal sphere on paper: directions that leave a source, as places in a disc of radius 1 with north up and east to the right.

References:
    Aki & Richards (2002), Quantitative Seismology, box 4.4 (stereographic) and section 4.5. Snyder (1987), Map projections: a working
    manual, doi:10.3133/pp1395, chapters 21 and 24.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from diffseis.source import ray_motions


@dataclass(frozen=True)
class Hemisphere:
    """One half of the focal sphere, seen from above.

    Attributes:
        upper: the half that faces up, not the lower one.
        equal_angle: the stereographic (Wulff) net, which keeps angles, not the Lambert-Schmidt net, which keeps areas.
    """

    upper: bool = False
    equal_angle: bool = False

    def depth_of(self, direction: Float[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape"]:
        """How far unit vectors (north, east, down) lie inside this half: 1 at its pole, 0 on the rim, negative in the other half."""
        down = direction[..., 2]
        return np.asarray(-down if self.upper else down)

    def place(self, direction: Float[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape 2"]:
        """x (east) and y (north) in the disc of unit vectors; those of the other half come out at their antipodes.

        P has the same sign on both ends of a line through the source, so nothing is lost by that.
        """
        inside = self.depth_of(direction)
        east_north = np.where(inside < 0, -1.0, 1.0)[..., None] * direction[..., [1, 0]]
        pole = 1 + np.abs(inside)[..., None]
        return east_north / (pole if self.equal_angle else np.sqrt(pole))

    def direction(self, place: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 3"]:
        """The unit vector (north, east, down) at a place. Just beyond the rim it goes on into the other half, so that grids may reach over it."""
        square = np.sum(place**2, axis=-1, keepdims=True)
        pole = np.maximum((1 - square) / (1 + square) if self.equal_angle else 1 - square, -1.0)
        level = place[..., ::-1] * (1 + pole if self.equal_angle else np.sqrt(1 + pole))
        return np.concatenate([level, -pole if self.upper else pole], axis=-1)


LOWER = Hemisphere()
"""What seismologists draw unless they say otherwise: lower hemisphere, equal area."""


def ray_direction(azimuth_deg, takeoff_deg) -> Float[np.ndarray, "*shape 3"]:
    """Unit vectors (north, east, down) of rays by azimuth from north and take-off angle from down (0 down, 90 level, 180 up)."""
    return ray_motions(azimuth_deg, takeoff_deg)[..., 0, :]


def disc_grid(num: int, *, reach: float = 1.04) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, "y x 2"]]:
    """Coordinates along one side of a square grid over the disc and a little more, and the places of its nodes."""
    along = np.linspace(-reach, reach, num)
    return along, np.stack(np.meshgrid(along, along), axis=-1)
