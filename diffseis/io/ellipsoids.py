"""Error ellipses and ellipsoids of a Gaussian with a given covariance, in the words of QuakeML and NonLinLoc.

Length of semi-axes of the region that holds the probability p: sqrt(eigenvalue x chi2 quantile of p), with
two degrees of freedom for the ellipse and three for the ellipsoid.
"""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.68
_CHI2 = {2: 2.2788685663767297, 3: 3.505882355768183}  # quantiles of 0.68


@dataclass(frozen=True)
class HorizontalEllipse:
    """The joint 68 % ellipse of the epicentre.

    Attributes:
        semi_major_km, semi_minor_km: lengths.
        azimuth_deg: of the major axis, clockwise from north, 0 to 180.
    """

    semi_major_km: float
    semi_minor_km: float
    azimuth_deg: float


@dataclass(frozen=True)
class Ellipsoid:
    """The joint 68 % ellipsoid of the hypocentre.

    Attributes:
        semi_axes_km: major, intermediate, minor.
        axes_ned: unit vectors of the same, one per row; the major one does not point up.
        plunge_deg, azimuth_deg: of the major axis, below the horizon and clockwise from north.
        rotation_deg: about the major axis, -90 to 90: at 0 the minor axis is horizontal (to the right of
            the major one),
            at 90 it is as steep as it can be.
    """

    semi_axes_km: np.ndarray
    axes_ned: np.ndarray
    plunge_deg: float
    azimuth_deg: float
    rotation_deg: float


def horizontal_ellipse(covariance_km2: np.ndarray) -> HorizontalEllipse:
    """Of the north-east block of a covariance."""
    values, vectors = np.linalg.eigh(covariance_km2[:2, :2])
    minor, major = np.sqrt(np.maximum(values, 0.0) * _CHI2[2])
    north, east = vectors[:, 1]
    return HorizontalEllipse(float(major), float(minor), float(np.degrees(np.arctan2(east, north)) % 180.0))


def ellipsoid(covariance_km2: np.ndarray) -> Ellipsoid:
    """Of a covariance in north, east, down."""
    values, vectors = np.linalg.eigh(covariance_km2)
    axes = vectors.T[::-1].copy()
    lengths = np.sqrt(np.maximum(values[::-1], 0.0) * _CHI2[3])
    if axes[0, 2] < 0:
        axes[0] *= -1
    major = axes[0]
    azimuth = np.arctan2(major[1], major[0])
    plunge = np.arcsin(np.clip(major[2], -1.0, 1.0))
    # The frame at rotation 0: x along the major axis, y horizontal to its right, z below.
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    below = np.cross(major, right)
    rotation = np.arctan2(axes[2] @ below, axes[2] @ right)
    rotation = (rotation + np.pi / 2) % np.pi - np.pi / 2  # an axis has no sense
    return Ellipsoid(
        semi_axes_km=lengths,
        axes_ned=axes,
        plunge_deg=float(np.degrees(plunge)),
        azimuth_deg=float(np.degrees(azimuth) % 360.0),
        rotation_deg=float(np.degrees(rotation)),
    )
