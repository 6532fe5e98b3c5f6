"""Lines whose fields stand in fixed columns, as Fortran writes them."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.guards import read_text

_NUMBER = re.compile(r"[+-]?\d*\.?\d*")
_LAST_YEAR_OF_2000 = 49
_MOST_SECONDS = 100.0


@dataclass(frozen=True)
class FixedLine:
    """One line of a file.

    Attributes:
        text: its characters; columns beyond its end are blank.
        path: the file.
        line: 1-based.
    """

    text: str
    path: str | Path
    line: int

    def word(self, first: int, size: int) -> str:
        """The `size` columns from `first` (1-based), without blanks around."""
        return self.text[first - 1 : first - 1 + size].strip()

    def number(self, first: int, size: int, field: str, decimals: int = 0) -> float:
        """A number: without a point its last `decimals` digits are decimals; blank is NaN."""
        word = self.word(first, size)
        if not word:
            return math.nan
        if not _NUMBER.fullmatch(word) or not re.search(r"\d", word, re.ASCII):
            raise self.error(f"{word!r} is no number", field)
        return float(word) if "." in word else float(word) / 10.0**decimals

    def degrees(self, first: tuple[int, int], minutes: tuple[int, int, int], field: str) -> float:
        """Whole degrees and minutes (column, size, decimals) as degrees."""
        return self.number(*first, field) + self.number(*minutes[:2], field, minutes[2]) / 60.0

    def error(self, why: str, field: str, fix: str = "check the columns") -> InputError:
        """The refusal of a field."""
        return InputError(why, file=self.path, line=self.line, field=field, fix=fix)

    def time(self, year: float, columns: tuple[int, int, int, int], seconds: float) -> np.datetime64:
        """UTC of month, day, hour and minute, two digits in each of the columns, and seconds; blanks are zeros."""
        parts = [self.text[c - 1 : c + 1].ljust(2).replace(" ", "0") for c in columns]
        if not math.isfinite(year) or not abs(seconds) < _MOST_SECONDS:
            raise self.error("the origin time is not complete, or has too many seconds", "time")
        month, day, hour, minute = parts
        try:
            start = np.datetime64(f"{int(year):04d}-{month}-{day}T{hour}:{minute}:00", "ns")
        except ValueError as error:
            raise self.error(f"{' '.join(parts)} is no month, day, hour and minute", "time") from error
        return start + np.timedelta64(round(seconds * 1e9), "ns")


def fixed_lines(path: str | Path) -> list[FixedLine]:
    """The lines of a file in any encoding, of which only the characters of ASCII are sure; ends as of Unix, Windows or old Macs."""
    text = read_text(path, encoding="latin-1").replace("\r\n", "\n").replace("\r", "\n")
    return [FixedLine(line, path, number) for number, line in enumerate(text.split("\n"), start=1)]


def whole_year(two_digits: float) -> float:
    """1950 to 2049 for two digits."""
    return two_digits + (2000.0 if two_digits <= _LAST_YEAR_OF_2000 else 1900.0)
