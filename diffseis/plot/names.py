"""Names of events and stations as figures write them."""

from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font

_UNKNOWN = "?"


def plain_text(text: str, *, longest: int = 12) -> str:
    """A name as matplotlib shall draw it: no mathematics, no control characters, a question mark for what the font lacks, not too long."""
    clean = "".join(c if _has_glyph(c) else _UNKNOWN for c in text if c.isprintable())
    clean = clean if len(clean) <= longest else clean[: longest - 1] + "…"
    return clean.replace("$", r"\$")


def station_label(name: str) -> str:
    """The station of ``network.station``, ``network.station.channel`` or ``network.station.location.channel``; any other name as it is."""
    parts = name.split(".")
    return parts[1] if 2 <= len(parts) <= 4 and parts[1] else name


@cache
def _has_glyph(character: str) -> bool:
    """Whether the first font of figures has it. That of matplotlib's defaults, as in `house_style`, is always installed."""
    return bool(get_font(findfont(FontProperties())).get_char_index(ord(character)))
