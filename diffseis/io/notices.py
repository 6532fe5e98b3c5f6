"""What a reader has to tell its user although it went on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """One thing that was replaced, merged or found odd while reading.

    Attributes:
        kind: a word to group by: ``default-uncertainty``, ``merged-stations``, ``suspicious-units``,
        ``empty``...
        message: a sentence for people.
        count: how many rows it concerns.
        file: the file it was found in.
    """

    kind: str
    message: str
    count: int = 1
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" if self.file else self.message
