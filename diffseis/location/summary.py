"""From particles to the quality card: on the host, for the whole catalogue."""

import numpy as np

from diffseis.core.frames import LocalFrame
from diffseis.core.results import RESULTS, result_name, status_words
from diffseis.core.tables import PickTable, StationTable
from diffseis.location.catalogue import REGION_LEVELS, Arrivals, LocatedCatalogue, LocatedEvents, Particles
from diffseis.location.data import PreparedPicks
from diffseis.location.event import SHORTAGES, EventPosterior
from diffseis.location.prior import SearchVolume

HALF = (0.16, 0.84)
"""Quantiles whose half distance is the reported 68 % marginal error."""


def assemble(
    prepared: PreparedPicks,
    posteriors: list[EventPosterior | None],
    picks: PickTable,
    stations: StationTable,
    frame: LocalFrame,
    volume: SearchVolume,
    station_terms_s: np.ndarray,
) -> tuple[LocatedCatalogue, np.ndarray]:
    """The catalogue, and the `RESULTS` code of each event."""
    num_events = len(prepared.event_id)
    codes = np.array(
        [int(RESULTS.no_data._value) if p is None else int(p.result) for p in posteriors], dtype=np.int32
    )
    failed = int(RESULTS.non_finite._value)
    usable = np.array(
        [p is not None and int(p.result) != failed and np.all(np.isfinite(p.ned_km)) for p in posteriors],
        bool,
    )
    particles = _particles(posteriors, usable, frame)
    arrivals = _arrivals(
        prepared, posteriors, usable, particles, stations, frame, station_terms_s, len(picks), codes
    )
    events = _events(prepared, posteriors, usable, particles, arrivals, frame, codes)
    counts = np.zeros_like(station_terms_s)
    used = arrivals.status == "used"
    np.add.at(counts, (arrivals.station_row[used], prepared.phase_idx[used]), 1)
    box = np.stack([np.asarray(volume.lower_km), np.asarray(volume.upper_km)])
    catalogue = LocatedCatalogue(
        events, particles, arrivals, picks, stations, frame, box, np.asarray(station_terms_s), counts
    )
    if len(catalogue) != num_events:
        raise RuntimeError("an event was lost")
    return catalogue, codes


def _particles(posteriors, usable, frame: LocalFrame) -> Particles:
    num = max((p.ned_km.shape[0] for p in posteriors if p is not None), default=1)
    ned = np.full((len(posteriors), num, 3), np.nan)
    origin = np.full((len(posteriors), num), np.nan)
    log_density = np.full((len(posteriors), num), np.nan)
    for e, p in enumerate(posteriors):
        if usable[e]:
            ned[e], origin[e], log_density[e] = p.ned_km, p.origin_time_s, p.log_density
    lat, lon = np.full(origin.shape, np.nan), np.full(origin.shape, np.nan)
    lat[usable], lon[usable], _ = frame.to_geographic(ned[usable])
    return Particles(ned, origin, lat, lon, ned[..., 2], log_density)


def half_width(samples: np.ndarray) -> float:
    """Half-width of the central 68 % interval."""
    low, high = np.quantile(samples, HALF)
    return float(0.5 * (high - low))


def horizontal_half_width(ned_km: np.ndarray) -> float:
    """Half-width of the central 68 % interval along the horizontal direction of largest variance."""
    centred = ned_km[:, :2] - ned_km[:, :2].mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return half_width(centred @ vectors[:, -1])


def count_peaks(ned_km: np.ndarray, *, share: float = 0.05, dip: float = 0.5) -> int:
    """Largest number of separate peaks of the particles' density along north, east, down or their longest axis.

    Peaks are separate where the density between them falls below `dip` of the lower one; each holds at least `share` of
    the particles. A normal kernel of 0.6 of Silverman's width smooths the density: less would take chance for peaks.
    """
    centred = ned_km - ned_km.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return max(_peaks_along(x, share, dip) for x in [*centred.T, centred @ vectors[:, -1]])


def _peaks_along(x: np.ndarray, share: float, dip: float) -> int:
    low, high = np.quantile(x, [0.005, 0.995])
    if not high > low:
        return 1
    edges = np.linspace(low, high, 201)
    counts = np.histogram(x, edges)[0].astype(float)
    inside = x[(x >= low) & (x <= high)]
    width = 0.6 * 1.06 * np.std(inside) * len(inside) ** -0.2 / (edges[1] - edges[0])
    half = min(
        int(4 * width) + 1, len(counts) // 2 - 1
    )  # no longer than the counts: "same" then means what it says
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / width) ** 2)
    density = np.convolve(counts, kernel / kernel.sum(), mode="same")
    # Walk along the density: a peak ends where it has fallen below `dip` of its top and then rises to over 1 / dip of the valley.
    borders, top, valley, place = [0], density[0], np.inf, 0
    for i, value in enumerate(density):
        if value < valley:
            valley, place = value, i
        if valley < dip * top and valley < dip * value:
            borders.append(place)
            top, valley, place = value, value, i
        elif value > top:
            top, valley, place = value, value, i
    masses = np.add.reduceat(counts, borders) / counts.sum()
    return max(1, int(np.sum(masses >= share)))


def region_volumes(ned_km: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """Volume in km3 of the regions of highest density that hold each of `REGION_LEVELS`.

    Each is taken for an ellipsoid with the covariance of the particles inside it, scaled so that a normal posterior's is
    exact. For curved or multimodal posteriors it is an approximation (from above).
    """
    from scipy.stats import chi2

    order = np.argsort(-log_density)
    volumes = []
    for level in REGION_LEVELS:
        inside = ned_km[order[: max(4, int(np.ceil(level * len(order))))]]
        # Particles uniform in an ellipsoid of radius r (in standard deviations) have variance r^2 / 5 there; a normal cut at
        # r has a known, slightly different one. Use that ratio, so that a normal posterior is exact.
        radius2 = chi2.ppf(level, 3)
        cut = chi2.cdf(radius2, 5) / chi2.cdf(radius2, 3)
        covariance = np.cov(inside.T) / cut
        volumes.append(4 / 3 * np.pi * np.sqrt(max(np.linalg.det(covariance), 0.0)) * radius2**1.5)
    return np.array(volumes)


def _reason(code: int, posterior: EventPosterior | None) -> str:
    """Why an event was not located: what its data lack, where that is the reason."""
    sentence = str(RESULTS[getattr(RESULTS, result_name(code))])
    if posterior is not None and code == int(RESULTS.underdetermined._value):
        return f"{SHORTAGES[int(posterior.shortage)]} More phases or stations are needed."
    return sentence


def azimuthal_gap(azimuth_deg: np.ndarray) -> float:
    """Largest angle without a station; 360 for one station."""
    if len(azimuth_deg) == 0:
        return np.nan
    a = np.sort(np.asarray(azimuth_deg) % 360.0)
    return float(np.max(np.diff(np.append(a, a[0] + 360.0))))


def _arrivals(prepared, posteriors, usable, particles, stations, frame, terms, num_picks, codes) -> Arrivals:
    columns = {
        name: np.full(num_picks, np.nan)
        for name in (
            "sigma_s", "travel_time_s", "residual_s", "weight", "outlier_probability", "distance_km", "azimuth_deg",
            "takeoff_deg", "station_term_s",
        )
    }  # fmt: skip
    status = prepared.status.copy()
    position = frame.to_ned(stations.latitude, stations.longitude, stations.depth_km)
    words = status_words(codes)
    for e, p in enumerate(posteriors):
        rows = prepared.rows[e]
        if not usable[e]:
            status[rows] = words[e]
            continue
        n = len(rows)
        station = prepared.station_row[rows]
        term = terms[station, prepared.phase_idx[rows]]
        offset = position[station] - particles.ned_km[e].mean(axis=0)
        slowness = np.asarray(p.slowness_s_km)[:n]
        columns["station_term_s"][rows] = term
        columns["travel_time_s"][rows] = p.travel_time_s[:n] + term
        columns["residual_s"][rows] = p.residual_s[:n]
        columns["sigma_s"][rows] = p.sigma_s[:n]
        columns["outlier_probability"][rows] = p.outlier_probability[:n]
        columns["weight"][rows] = 1 - p.outlier_probability[:n]
        columns["distance_km"][rows] = np.hypot(offset[:, 0], offset[:, 1])
        columns["azimuth_deg"][rows] = np.degrees(np.arctan2(offset[:, 1], offset[:, 0])) % 360.0
        # The ray leaves against the gradient of travel time with respect to the source.
        length = np.maximum(np.linalg.norm(slowness, axis=1), 1e-12)
        columns["takeoff_deg"][rows] = np.degrees(np.arccos(np.clip(-slowness[:, 2] / length, -1, 1)))
    return Arrivals(prepared.event_row, prepared.station_row, status, **columns)


def _events(prepared, posteriors, usable, particles, arrivals, frame, codes) -> LocatedEvents:
    num = len(posteriors)
    f = {
        name: np.full(num, np.nan)
        for name in (
            "latitude", "longitude", "depth_km", "origin_time_s", "origin_time_error_s", "map_latitude", "map_longitude",
            "map_depth_km", "map_origin_time_s", "horizontal_error_km", "vertical_error_km", "rms_s", "gap_deg", "nearest_km",
            "effective_sample_size", "kernel_stein_discrepancy",
        )
    }  # fmt: skip
    covariance = np.full((num, 3, 3), np.nan)
    volume = np.full((num, len(REGION_LEVELS)), np.nan)
    counts = {name: np.zeros(num, int) for name in ("num_phases", "num_stations", "num_modes")}
    for e in np.flatnonzero(usable):
        p, ned = posteriors[e], particles.ned_km[e]
        mean = ned.mean(axis=0)
        lat, lon, _ = frame.to_geographic(mean)
        map_lat, map_lon, _ = frame.to_geographic(np.asarray(p.map_ned_km))
        f["latitude"][e], f["longitude"][e], f["depth_km"][e] = lat, lon, mean[2]
        f["map_latitude"][e], f["map_longitude"][e], f["map_depth_km"][e] = map_lat, map_lon, p.map_ned_km[2]
        f["map_origin_time_s"][e] = p.map_origin_time_s
        f["origin_time_s"][e] = particles.origin_time_s[e].mean()
        f["origin_time_error_s"][e] = half_width(particles.origin_time_s[e])
        covariance[e] = np.cov(ned.T, bias=True)
        f["horizontal_error_km"][e] = horizontal_half_width(ned)
        f["vertical_error_km"][e] = half_width(ned[:, 2])
        volume[e] = region_volumes(ned, particles.log_density[e])
        f["effective_sample_size"][e] = p.effective_fraction
        f["kernel_stein_discrepancy"][e] = p.kernel_stein_discrepancy
        counts["num_modes"][e] = max(int(p.num_modes), count_peaks(ned))
        rows = prepared.rows[e]
        # Weighted as the location weights them: by precision and by the probability of being no outlier.
        weight = arrivals.weight[rows] / arrivals.sigma_s[rows] ** 2
        f["rms_s"][e] = np.sqrt(np.sum(weight * arrivals.residual_s[rows] ** 2) / max(weight.sum(), 1e-300))
        good = rows[arrivals.weight[rows] > 0.5]
        counts["num_phases"][e] = len(good)
        counts["num_stations"][e] = len(set(prepared.station_row[good]))
        if len(good):
            f["gap_deg"][e] = azimuthal_gap(arrivals.azimuth_deg[good])
            f["nearest_km"][e] = arrivals.distance_km[good].min()
    reasons = np.array([_reason(int(c), p) for c, p in zip(codes, posteriors, strict=True)], dtype=object)
    return LocatedEvents(
        event_id=prepared.event_id,
        reference_time=prepared.reference_time,
        status=status_words(codes),
        reason=reasons,
        covariance_km2=covariance,
        region_volume_km3=volume,
        **f,
        **counts,
    )
