"""Settings of the HASH-compatible search, under the names of the manual where it has one."""

from dataclasses import dataclass, fields

import numpy as np

_BELOW = {"bad_fraction": 1.0, "max_probability": 1.0, "grid_spacing_deg": 30.0, "cutoff_angle_deg": 120.0}
_ABOVE_ZERO = (
    "grid_spacing_deg",
    "cutoff_angle_deg",
    "vp_vs",
    "num_trials",
    "max_accepted",
    "min_polarities",
)


@dataclass(frozen=True)
class HashOptions:
    """What HASH v1.2 asks for, with its manual's values.

    Attributes:
        grid_spacing_deg: of mechanisms that are tried (`dang`).
        num_trials: of the rays' angles, the first as stated, the others drawn from their standard deviations (`nmc`).
        bad_fraction: of polarities that are expected to be wrong (`badfrac`).
        ratio_bad: expected error of log10 of S/P (`qbadfac`).
        cutoff_angle_deg: beyond which a mechanism is an outlier, and within which it counts as the same (`cangle`).
        max_probability: that outliers need to be told as another solution (`prob_max`).
        max_accepted: accepted mechanisms that enter the average, spread over all of them where there are more (`maxout`, of which HASH draws as many at random).
        min_polarities: fewer are grade F (`npolmin`).
        max_azimuthal_gap_deg, max_takeoff_gap_deg: larger gaps are grade E (`max_agap`, `max_pgap`); judged by whole degrees, as HASH keeps them.
        weighted: misfits are sums of the polarities' sizes, as in SKHASH, for graded or consensus polarities. Otherwise they are counts, in which polarities of size 0.5 or
            less are emergent ones: these decide only among mechanisms that the impulsive ones allow.
        original_amplitudes: misfit fractions, station distribution ratios and S/P misfits as HASH v1.2's program has them, which takes the angles of the mechanism whose
            amplitudes it weights with for degrees when they are radians. They come out as its published ones do; grades are stricter.
        vp_vs: at the source; HASH's factor 4.9 in S/P is its cube.
        default_azimuth_sigma_deg, default_takeoff_sigma_deg: where a ray states none.
    """

    grid_spacing_deg: float = 5.0
    num_trials: int = 30
    bad_fraction: float = 0.1
    ratio_bad: float = 0.3
    cutoff_angle_deg: float = 45.0
    max_probability: float = 0.1
    max_accepted: int = 500
    min_polarities: int = 8
    max_azimuthal_gap_deg: float = 90.0
    max_takeoff_gap_deg: float = 60.0
    weighted: bool = False
    original_amplitudes: bool = False
    vp_vs: float = 4.9 ** (1 / 3)
    default_azimuth_sigma_deg: float = 5.0
    default_takeoff_sigma_deg: float = 10.0

    def __post_init__(self):
        for f in fields(self):
            value = getattr(self, f.name)
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"`{f.name}` must be a finite number >= 0, got {value!r}")
            if f.name in _ABOVE_ZERO and value == 0:
                raise ValueError(f"`{f.name}` must be > 0, got {value!r}")
            if f.name in _BELOW and value > _BELOW[f.name]:
                raise ValueError(
                    f"`{f.name}` must be at most {_BELOW[f.name]:g}, got {value!r}; fractions are of 1, not per cent, and angles are degrees"
                )
        if self.grid_spacing_deg < 1:
            raise ValueError(
                f"`grid_spacing_deg` must be >= 1, got {self.grid_spacing_deg!r}: a finer grid has more than 3 million mechanisms; HASH's own is 5"
            )
