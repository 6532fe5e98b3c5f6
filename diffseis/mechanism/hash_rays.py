"""From a table's rows to the padded rays of one event, and the misfits that HASH allows it."""

import jax
import numpy as np

from diffseis.core.padding import bucket_size, pad_axis
from diffseis.core.radiation_table import RadiationTable
from diffseis.mechanism.accepted import HashLimits, HashRays
from diffseis.mechanism.hash_options import HashOptions

_EMERGENT = 0.5
"""Polarities of this size or less are emergent."""

_PADDED = 128
"""Smallest number of rays that an event is padded to: padding costs draws alone, and few events have more."""

_FEWEST = 2.0
"""Misfits that are always allowed."""


def rays_by_event(table: RadiationTable) -> dict[str, np.ndarray]:
    """Rows of each event that can be used: with angles, and a polarity of P or a ratio of S to P."""
    said = (np.isfinite(table.polarity) & (table.polarity != 0)) | np.isfinite(table.log10_sp)
    rows = np.flatnonzero(said & np.isfinite(table.azimuth_deg) & np.isfinite(table.takeoff_deg))
    events = np.array([str(e) for e in table.event_id[rows]], object)
    found: dict[str, list[int]] = {}
    for row, event in zip(rows, events, strict=True):
        found.setdefault(event, []).append(int(row))
    return {event: np.array(own) for event, own in found.items()}


def rays_of(table: RadiationTable, rows: np.ndarray, options: HashOptions) -> HashRays:
    """Of one event, in an order that does not depend on the table's: draws belong to a ray, not to its row."""
    ratio = np.isfinite(table.log10_sp[rows])
    filled = lambda x, default: np.where(np.isfinite(x), x, default)
    keys = (
        filled(table.log10_sp[rows], 0), filled(table.polarity[rows], 0), table.takeoff_deg[rows],
        table.azimuth_deg[rows], table.channel[rows].astype(str), table.station[rows].astype(str), ~ratio,
    )  # fmt: skip
    rows = rows[np.lexsort(keys)]
    ratio = np.isfinite(table.log10_sp[rows])
    polarity = filled(table.polarity[rows], 0)
    size = bucket_size(len(rows), minimum=_PADDED)
    column = lambda x: pad_axis(np.asarray(x, np.float32), size)
    sigma = lambda x, default: column(np.radians(filled(x[rows], default)))
    # To the device at once: one by one costs milliseconds, a tenth of the search.
    arrays = {
        "azimuth_rad": column(np.radians(table.azimuth_deg[rows])),
        "takeoff_rad": column(np.radians(table.takeoff_deg[rows])),
        "azimuth_sigma_rad": sigma(table.azimuth_sigma_deg, options.default_azimuth_sigma_deg),
        "takeoff_sigma_rad": sigma(table.takeoff_sigma_deg, options.default_takeoff_sigma_deg),
        "up": pad_axis(polarity > 0, size, value=False),
        "weight": column(_weights(polarity, bool(ratio.any()), options)),
        "size": column(np.abs(polarity)),
        "log10_sp": column(filled(table.log10_sp[rows], 0)),
        "num_rays": np.asarray(len(rows), np.int32),
        "num_ratios": np.asarray(ratio.sum(), np.int32),
    }
    return HashRays(**jax.device_put(arrays))


def _weights(polarity, with_ratios, options):
    """One misfit, or two where emergent polarities are set apart; with ratios HASH does not."""
    if options.weighted:
        return np.abs(polarity)[:, None]
    every, impulsive = polarity != 0, np.abs(polarity) > _EMERGENT
    if with_ratios or np.all(every == impulsive):
        return every[:, None]
    return np.stack([impulsive, every], axis=1)


def limits_of(polarity: np.ndarray, num_ratios: int, options: HashOptions) -> HashLimits:
    """Of the polarities (0 or NaN for none) and the number of ratios."""
    size = np.where(np.isfinite(polarity), np.abs(polarity), 0)
    num = float(np.sum(size)) if options.weighted else float(np.sum(size > 0))
    # Rounded as Fortran does, half away from zero.
    expected = lambda share: max(float(np.floor(num * options.bad_fraction * share + 0.5)), _FEWEST)
    of_ratios = lambda share: max(num_ratios * options.ratio_bad * share, _FEWEST)
    of = {
        "polarity_total": expected(1.0),
        "polarity_extra": expected(0.5),
        "ratio_total": of_ratios(1.0),
        "ratio_extra": of_ratios(0.5),
    }
    return HashLimits(**jax.device_put({name: np.asarray(value, np.float32) for name, value in of.items()}))
