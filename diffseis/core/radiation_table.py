"""The named table of what rays say about a source: first motions and amplitudes, outside JAX."""

from dataclasses import dataclass, field, fields

import numpy as np

from diffseis.core.tables import check_columns, take_rows

MEASUREMENTS = (
    "polarity", "sv_polarity", "sh_polarity", "log10_sp", "log10_svp", "log10_shp", "log10_svsh", "p_amplitude",
)  # fmt: skip
"""Columns of a `RadiationTable` that hold what was measured; the others say where the ray left the source."""


@dataclass(frozen=True)
class RadiationTable:
    """Observations of the radiation of sources, one row per ray; what was not observed is NaN.

    Attributes:
        event_id: the event each ray belongs to.
        station: its code, "network.station" where the network is known.
        azimuth_deg: of the ray at the source, from north over east; NaN where it is still to be computed.
        takeoff_deg: of the ray at the source, 0 = down, 90 = horizontal, 180 = up; NaN where it is still to be computed.
        azimuth_sigma_deg, takeoff_sigma_deg: their standard deviations; NaN where they are not known.
        polarity: of P: the sign is that of the motion (up or away from the source is +1), the size 1 for certain, less for doubtful.
        polarity_probability: that the sign of `polarity` is what an analyst would have read, as a picker states it.
        sv_polarity, sh_polarity: of S: SV positive up along the ray's vertical plane as in `diffseis.source.ray_basis`, SH positive clockwise from above.
        log10_sp, log10_svp, log10_shp, log10_svsh: logarithms of ratios of absolute amplitudes: of all of S over P, SV over P, SH over P, SV over SH.
        p_amplitude: of P, in any unit that is the same for all rays of an event, positive up; a table whose values are all positive may give absolute ones.
        s_takeoff_deg: of the S ray, where it differs.
        network, channel, time: of the instrument and the event, for reversed polarities; empty or NaT where not known.
        extra: further columns of the file, kept as they came.
    """

    event_id: np.ndarray
    station: np.ndarray
    azimuth_deg: np.ndarray
    takeoff_deg: np.ndarray
    azimuth_sigma_deg: np.ndarray
    takeoff_sigma_deg: np.ndarray
    polarity: np.ndarray
    polarity_probability: np.ndarray
    sv_polarity: np.ndarray
    sh_polarity: np.ndarray
    log10_sp: np.ndarray
    log10_svp: np.ndarray
    log10_shp: np.ndarray
    log10_svsh: np.ndarray
    p_amplitude: np.ndarray
    s_takeoff_deg: np.ndarray
    network: np.ndarray
    channel: np.ndarray
    time: np.ndarray
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        check_columns(self, [f.name for f in fields(self) if f.name != "extra"])

    @classmethod
    def of(cls, event_id, station, **columns) -> "RadiationTable":
        """A table of the columns that there are; the others are NaN, NaT or empty."""
        num = len(event_id)
        words = ("network", "channel")
        whole = {"event_id": np.asarray(event_id, object), "station": np.asarray(station, object)}
        for f in fields(cls):
            if f.name in whole or f.name == "extra":
                continue
            given = columns.get(f.name)
            if f.name == "time":
                nothing = np.full(num, np.datetime64("NaT", "ns"))
                whole[f.name] = nothing if given is None else np.asarray(given, "datetime64[ns]")
            elif f.name in words:
                whole[f.name] = np.full(num, "", object) if given is None else np.asarray(given, object)
            else:
                whole[f.name] = (
                    np.full(num, np.nan) if given is None else np.asarray(given, np.float64).reshape(num)
                )
        unknown = set(columns) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"a RadiationTable has no column `{sorted(unknown)[0]}`")
        return cls(**whole, extra=columns.get("extra", {}))

    def __len__(self) -> int:
        return len(self.event_id)

    def take(self, rows) -> "RadiationTable":
        """The same table with the chosen rows (indices or a mask) only."""
        return take_rows(self, rows)
