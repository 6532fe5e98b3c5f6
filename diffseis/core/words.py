"""Words for people: the same number reads alike wherever it is said."""


def plural(number: int, noun: str) -> str:
    """``1 event``, ``2 events``; thousands are set apart."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
