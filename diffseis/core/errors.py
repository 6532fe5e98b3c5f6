"""The one exception type for input that cannot be used."""

from pathlib import Path


class InputError(ValueError):
    """Input that diffseis refuses, with the place, the reason and the way out.

    Every reader raises this and nothing else for bad content, so that a caller (and the command line) can show one
    short message instead of a traceback.

    Args:
        why: what is wrong, as a sentence fragment (``"depth 34900 km is deeper than the Earth's mantle"``).
        file: the file it was read from.
        line: 1-based line, where one is known.
        field: the column, key or element.
        fix: what to do about it.
    """

    def __init__(
        self,
        why: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
        fix: str | None = None,
    ):
        self.why = why
        self.file = None if file is None else str(file)
        self.line = line
        self.field = field
        self.fix = fix
        place = self.file or ""
        if line is not None:
            place += f", line {line}" if place else f"line {line}"
        if field is not None:
            place += f", field `{field}`" if place else f"field `{field}`"
        message = f"{place}: {why}" if place else why
        if fix:
            message += f"\n  fix: {fix}"
        super().__init__(message)
