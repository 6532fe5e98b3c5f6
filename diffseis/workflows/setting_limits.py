"""Limits of numbers that a user sets. Imports no JAX."""

from collections.abc import Mapping
from typing import Any

from diffseis.core.errors import InputError

Limits = Mapping[str, tuple[float | int, float | int, str]]
"""By field: the least and the largest value, and what to do about another."""


def check_limits(settings: Any, limits: Limits) -> None:
    """Refuse numbers beyond their limits; fields that are None are not set.

    Args:
        settings: with an attribute for each field, whose option is named like it (`vs30_m_s` is ``--vs30``).
        limits: of the fields.

    Raises:
        InputError: naming the option.
    """
    for name, (low, high, fix) in limits.items():
        value = getattr(settings, name)
        if value is not None and not low <= value <= high:
            option = "--" + name.replace("_m_s", "").replace("_", "-")
            why = f"{value:g} is not within {low:g} and {high:g}"
            raise InputError(why, field=option, fix=fix or "check the value")
