"""What a location run hands on: every event, its particles and its arrivals, on the host.

`LocatedCatalogue` is the currency between `location` (which makes it), `io` (which writes it) and `plot` (which draws it).
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.core.tables import PickTable, StationTable

REGION_LEVELS = (0.5, 0.9, 0.95)
"""Probabilities of the joint credible regions whose volumes are reported."""


@dataclass(frozen=True)
class LocatedEvents:
    """One row per event. Numbers of an event that could not be located are NaN.

    Attributes:
        event_id: ids, in the order of their first pick.
        reference_time: ``datetime64[ns]``; times of the event are seconds after it.
        status: `located`, `boundary`, `underdetermined`, `not-converged`, `no-data` or `failed`.
        reason: a sentence where the status is not `located`, else "".
        latitude, longitude, depth_km: the posterior mean, below sea level.
        origin_time_s: posterior mean, after `reference_time`.
        origin_time_error_s: 68 % marginal half-width.
        map_latitude, map_longitude, map_depth_km, map_origin_time_s: the particle of highest posterior density.
        covariance_km2: of the posterior about its mean, north-east-down.
        horizontal_error_km: half-width of the central 68 % interval of the marginal along the horizontal direction in
            which it is widest.
        vertical_error_km: half-width of the central 68 % interval of depth.
        region_volume_km3: volume of the joint region of highest density at each of `REGION_LEVELS`.
        rms_s: weighted root mean square residual; weights are precision times the probability of being no outlier.
        num_phases, num_stations: used in the location (weight above 0.5).
        gap_deg: largest azimuthal gap between used stations, secondary gap not considered.
        nearest_km: epicentral distance of the nearest used station.
        num_modes: separate maxima of the posterior that hold at least 5 % of it.
        effective_sample_size: of the particles' final weights, as a fraction of their number.
        kernel_stein_discrepancy: of the particles against the posterior, whitened.
    """

    event_id: np.ndarray
    reference_time: np.ndarray
    status: np.ndarray
    reason: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    depth_km: np.ndarray
    origin_time_s: np.ndarray
    origin_time_error_s: np.ndarray
    map_latitude: np.ndarray
    map_longitude: np.ndarray
    map_depth_km: np.ndarray
    map_origin_time_s: np.ndarray
    covariance_km2: np.ndarray
    horizontal_error_km: np.ndarray
    vertical_error_km: np.ndarray
    region_volume_km3: np.ndarray
    rms_s: np.ndarray
    num_phases: np.ndarray
    num_stations: np.ndarray
    gap_deg: np.ndarray
    nearest_km: np.ndarray
    num_modes: np.ndarray
    effective_sample_size: np.ndarray
    kernel_stein_discrepancy: np.ndarray

    def __len__(self) -> int:
        return len(self.event_id)

    @property
    def time(self) -> np.ndarray:
        """Origin times as ``datetime64[ns]`` (NaT where not located)."""
        return add_seconds(self.reference_time, self.origin_time_s)

    def take(self, rows) -> "LocatedEvents":
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True)
class Particles:
    """Equally weighted draws from each event's posterior, event by particle; NaN for events without one.

    Attributes:
        ned_km: event, particle, north-east-down in the catalogue's frame.
        origin_time_s: event, particle; after the event's reference time.
        latitude, longitude, depth_km: the same points, for users.
        log_density: event, particle; unnormalised log posterior in north-east-down and origin time.
    """

    ned_km: np.ndarray
    origin_time_s: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    depth_km: np.ndarray
    log_density: np.ndarray


@dataclass(frozen=True)
class Arrivals:
    """One row per pick of the input, in its order: none is dropped.

    Attributes:
        event_row: row in `LocatedEvents`.
        station_row: row in the station table, -1 if the station is unknown.
        status: `used`, `unknown-station`, `unknown-phase`, `far-in-time`, `duplicate`, or the event's status if it was not located.
        sigma_s: total standard deviation: pick and travel-time error.
        travel_time_s: predicted, with the station term.
        residual_s: observed minus predicted at the posterior mean hypocentre.
        weight: 1 - `outlier_probability` (1 for likelihoods without outliers).
        outlier_probability: averaged over the posterior.
        distance_km: epicentral.
        azimuth_deg: from event to station, clockwise from north.
        takeoff_deg: angle of the ray at the source from straight down (180 is up).
        station_term_s: added to the predicted time.
    """

    event_row: np.ndarray
    station_row: np.ndarray
    status: np.ndarray
    sigma_s: np.ndarray
    travel_time_s: np.ndarray
    residual_s: np.ndarray
    weight: np.ndarray
    outlier_probability: np.ndarray
    distance_km: np.ndarray
    azimuth_deg: np.ndarray
    takeoff_deg: np.ndarray
    station_term_s: np.ndarray

    def __len__(self) -> int:
        return len(self.event_row)


@dataclass(frozen=True)
class LocatedCatalogue:
    """A whole catalogue with everything that was used to make it.

    Attributes:
        station_terms_s: station by phase (P, S), added to predicted times; zero where none was estimated.
        station_terms_count: station by phase, number of picks behind each term.
        box_ned_km: lower and upper corner of the search volume, 2 by 3.
    """

    events: LocatedEvents
    particles: Particles
    arrivals: Arrivals
    picks: PickTable
    stations: StationTable
    frame: LocalFrame
    box_ned_km: np.ndarray
    station_terms_s: np.ndarray
    station_terms_count: np.ndarray

    def __len__(self) -> int:
        return len(self.events)


def add_seconds(time: np.ndarray | np.datetime64, seconds: np.ndarray | float) -> np.ndarray:
    """``datetime64[ns]`` plus float seconds; NaT where they are not finite."""
    seconds = np.asarray(seconds, np.float64)
    good = np.isfinite(seconds)
    nanoseconds = np.round(np.where(good, seconds, 0.0) * 1e9).astype("timedelta64[ns]")
    shifted = np.asarray(time, "datetime64[ns]") + nanoseconds
    return np.asarray(np.where(good, shifted, np.datetime64("NaT", "ns")))


def seconds_between(later: np.ndarray | np.datetime64, earlier: np.ndarray | np.datetime64) -> np.ndarray:
    """Float seconds from `earlier` to `later`, exact to the nanosecond for spans below 100 days."""
    difference = np.asarray(later, "datetime64[ns]") - np.asarray(earlier, "datetime64[ns]")
    seconds = difference / np.timedelta64(1, "ns") * 1e-9
    return np.asarray(np.where(np.isnat(difference), np.nan, seconds))
