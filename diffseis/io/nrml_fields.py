"""Parts of one source of an NRML file, with errors that name it."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from diffseis.core.errors import InputError

Limits = tuple[float, float, str]


def tag_of(element: Element) -> str:
    """Name of an element, without the namespace."""
    return str(element.tag).rsplit("}", 1)[-1]


@dataclass(frozen=True)
class NrmlFields:
    """One source.

    Attributes:
        path: of the file.
        source: the element.
        region: of tectonics.
    """

    path: str
    source: Element
    region: str

    def error(self, field: str, why: str, fix: str) -> InputError:
        """The refusal of the source."""
        name = self.source.get("id", "?")
        return InputError(f"source {name}: {why}", file=self.path, field=field, fix=fix)

    def all(self, tag: str) -> list[Element]:
        """Elements of a kind, of which there must be some."""
        found = [e for e in self.source.iter() if tag_of(e) == tag]
        if not found:
            raise self.error(tag, "is missing", "add it")
        return found

    def text(self, tag: str) -> str:
        """Of the first element of a kind."""
        return (self.all(tag)[0].text or "").strip()

    def numbers(self, tag: str) -> np.ndarray:
        """Of the first element of a kind."""
        words = self.text(tag).split()
        try:
            values = np.array(words, float)
        except ValueError as error:
            raise self.error(tag, "holds what is no number", "check it") from error
        if not len(values) or not np.all(np.isfinite(values)):
            raise self.error(tag, "must hold finite numbers", "check it")
        return values

    def number(self, tag: str, limits: Limits) -> float:
        """Of the first element of a kind."""
        return self.within(tag, float(self.numbers(tag)[0]), limits)

    def within(self, field: str, value: float, limits: Limits) -> float:
        """A value that must lie between limits."""
        low, high, fix = limits
        if not low <= value <= high:
            raise self.error(field, f"{value:g} is not within {low:g} and {high:g}", fix)
        return value

    def attribute(self, element: Element, name: str) -> float:
        """As a number."""
        try:
            value = float(element.get(name, ""))
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self.error(tag_of(element), f"`{name}` is missing or no number", "add it")
        return value

    def places(self, tag: str, least: int) -> np.ndarray:
        """Rows of longitude and latitude, at least so many."""
        values = self.numbers(tag)
        if len(values) % 2 or len(values) < 2 * least:
            raise self.error(tag, "must hold longitudes and latitudes in turn", "check the list")
        for longitude, latitude in values.reshape(-1, 2):
            if not (abs(latitude) <= 90 and -180 <= longitude <= 360):
                why = f"{longitude:g} {latitude:g} is no place on Earth"
                raise self.error(tag, why, "write longitude latitude")
        return values.reshape(-1, 2)
