"""Map projections of gridded models that come from files."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pyproj import Transformer
from pyproj.exceptions import CRSError

KM_PER_DEGREE = 10000.0 / 90.0
"""Of NonLinLoc's projection SIMPLE."""


@dataclass(frozen=True)
class MapProjection:
    """From geographic places to the horizontal coordinates of a model.

    Attributes:
        kind: "geographic" (x is longitude, y latitude, in degrees), "simple" (NonLinLoc's), "proj" (a PROJ string whose unit is km) or
            "none" (x and y are a local frame's, tied to no place).
        text: the PROJ string.
        latitude_deg, longitude_deg: the origin of "simple".
        rotation_deg: of geographic north, clockwise from the y axis.
    """

    kind: str
    text: str = ""
    latitude_deg: float = 0.0
    longitude_deg: float = 0.0
    rotation_deg: float = 0.0

    def __post_init__(self):
        if self.kind not in ("geographic", "simple", "proj", "none"):
            raise ValueError(f"unknown projection {self.kind!r}")
        if self.kind == "proj":
            try:
                self._transformer  # noqa: B018 - a wrong string is told here, not at the first point
            except CRSError as error:
                raise ValueError(f"PROJ does not understand {self.text!r}: {error}") from error

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer.from_crs("EPSG:4326", self.text, always_xy=True)

    def to_map(self, latitude_deg, longitude_deg) -> tuple[np.ndarray, np.ndarray]:
        """x and y of places: degrees where geographic, else km.

        Raises:
            ValueError: where the model is tied to no place.
        """
        latitude = np.asarray(latitude_deg, np.float64)
        longitude = np.asarray(longitude_deg, np.float64)
        if self.kind == "none":
            raise ValueError("the model has a local frame that is tied to no place on the Earth")
        if self.kind == "geographic":
            return longitude, latitude
        if self.kind == "simple":
            apart = (longitude - self.longitude_deg + 180.0) % 360.0 - 180.0
            east = apart * KM_PER_DEGREE * np.cos(np.radians(latitude))
            north = (latitude - self.latitude_deg) * KM_PER_DEGREE
        else:
            east, north = (np.asarray(v) for v in self._transformer.transform(longitude, latitude))
        cosine, sine = np.cos(np.radians(self.rotation_deg)), np.sin(np.radians(self.rotation_deg))
        return np.asarray(east * cosine + north * sine), np.asarray(north * cosine - east * sine)

    def from_map(self, x, y) -> tuple[np.ndarray, np.ndarray]:
        """Latitude and longitude in degrees of points of the model; the inverse of `to_map`.

        Raises:
            ValueError: where the model is tied to no place.
        """
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if self.kind == "none":
            raise ValueError("the model has a local frame that is tied to no place on the Earth")
        if self.kind == "geographic":
            return y, x
        cosine, sine = np.cos(np.radians(self.rotation_deg)), np.sin(np.radians(self.rotation_deg))
        east, north = x * cosine - y * sine, y * cosine + x * sine
        if self.kind == "simple":
            latitude = self.latitude_deg + north / KM_PER_DEGREE
            return latitude, self.longitude_deg + east / (KM_PER_DEGREE * np.cos(np.radians(latitude)))
        longitude, latitude = self._transformer.transform(east, north, direction="INVERSE")
        return np.asarray(latitude), np.asarray(longitude)
