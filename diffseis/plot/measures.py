"""Units of intensity measures, as axes show them."""

_UNITS = {"PGV": "cm/s", "IA": "m/s", "CAV": "g s", "RSD575": "s", "RSD595": "s", "RSD2080": "s"}


def measure_unit(imt: str) -> str:
    """Unit of a measure; g for accelerations."""
    return _UNITS.get(imt, "g")
