"""A made-up catalogue: Gaussian posteriors, straight rays, some events that failed and some picks that
cannot be used.
"""

import numpy as np

from diffseis.core.frames import LocalFrame, geodesic
from diffseis.core.tables import EventTable, PickTable, StationTable
from diffseis.location.catalogue import Arrivals, LocatedCatalogue, LocatedEvents, Particles, add_seconds

FAILURES = ("boundary", "underdetermined", "not-converged", "no-data", "failed")


def make_catalogue(
    num_events=50,
    num_stations=20,
    num_particles=100,
    *,
    seed=1,
    latitude=-43.3,
    longitude=170.4,
    located=0.85,
    names=None,
):
    rng = np.random.default_rng(seed)
    frame = LocalFrame(latitude, longitude)
    places = np.column_stack(
        [rng.normal(0, 18, (num_stations, 2)), -np.abs(rng.normal(0.5, 0.4, num_stations))]
    )
    s_lat, s_lon, s_depth = frame.to_geographic(places)
    codes = [f"ST{i:02d}" for i in range(num_stations)]
    if names:
        codes[: len(names)] = names
    stations = StationTable(
        network=np.array(["XX"] * num_stations, dtype=object),
        station=np.array(codes, dtype=object),
        latitude=s_lat,
        longitude=s_lon,
        elevation_m=-1000 * s_depth,
    )
    strike = np.radians(50)
    along, across = rng.normal(0, 10, num_events), rng.normal(0, 2.0, num_events)
    north = along * np.cos(strike) - across * np.sin(strike)
    east = along * np.sin(strike) + across * np.cos(strike)
    mean = np.column_stack([north, east, np.clip(rng.normal(7, 3, num_events), 0.5, 20)])
    status = np.array(["located"] * num_events, dtype=object)
    failed = np.flatnonzero(rng.uniform(size=num_events) >= located)
    status[failed] = [FAILURES[i % len(FAILURES)] for i in range(len(failed))]
    gone = np.isin(status.astype(str), ["no-data", "failed"])
    spread = rng.uniform(0.2, 1.0, (num_events, 1, 1)) * (
        rng.normal(size=(num_events, 3, 3)) + 2 * np.diag([1, 1, 2])
    )
    covariance = spread @ spread.transpose(0, 2, 1) * 0.2
    root = np.linalg.cholesky(covariance)
    ned = mean[:, None, :] + np.einsum("eij,epj->epi", root, rng.normal(size=(num_events, num_particles, 3)))
    ned[gone] = np.nan
    origin = rng.normal(0, 0.1, (num_events, num_particles))
    origin[gone] = np.nan
    latitude_p, longitude_p, depth_p = frame.to_geographic(ned)
    log_density = -0.5 * np.einsum(
        "epi,eij,epj->ep", ned - mean[:, None], np.linalg.inv(covariance), ned - mean[:, None]
    )
    start = np.datetime64("2013-09-01T04:11:15.123456789")
    reference = start + (np.arange(num_events) * 3_725_000_000_123).astype("timedelta64[ns]")
    picks, arrivals = _picks(rng, stations, frame, mean, reference, status, gone)
    events = _events(rng, mean, covariance, frame, reference, status, gone, arrivals)
    particles = Particles(ned, origin, latitude_p, longitude_p, depth_p, log_density)
    terms = rng.normal(0, 0.1, (num_stations, 2))
    count = rng.integers(3, 40, (num_stations, 2))
    box = np.array([[-60.0, -60.0, -1.0], [60.0, 60.0, 30.0]])
    return LocatedCatalogue(events, particles, arrivals, picks, stations, frame, box, terms, count)


def _picks(rng, stations, frame, mean, reference, status, gone):
    rows = {
        name: []
        for name in ("event", "station", "phase", "residual", "travel", "distance", "azimuth", "status")
    }
    lat, lon, depth = frame.to_geographic(mean)
    for e in range(len(mean)):
        distance, azimuth, _ = geodesic(lat[e], lon[e], stations.latitude, stations.longitude)
        for s in np.flatnonzero(rng.uniform(size=len(stations)) < 0.6):
            for phase, speed in (("P", 6.0), ("S", 3.46)):
                if rng.uniform() < 0.25:
                    continue
                residual = rng.standard_t(3) * (0.07 if phase == "P" else 0.12)
                rows["event"].append(e)
                rows["station"].append(s)
                rows["phase"].append(phase)
                rows["residual"].append(residual)
                rows["travel"].append(np.hypot(distance[s], depth[e]) / speed)
                rows["distance"].append(distance[s])
                rows["azimuth"].append(azimuth[s])
                rows["status"].append(status[e] if gone[e] else "used")
    n = len(rows["event"])
    event, station = np.array(rows["event"], np.int64), np.array(rows["station"], np.int64)
    residual, travel = np.array(rows["residual"], np.float64), np.array(rows["travel"], np.float64)
    word = np.array(rows["status"], dtype=object)
    distance, azimuth = np.array(rows["distance"], np.float64), np.array(rows["azimuth"], np.float64)
    phase = np.array(rows["phase"], dtype=object)
    names = stations.station[station] if n else np.array([], dtype=object)
    if n > 6:
        names = names.copy()
        station[3], names[3], word[3] = -1, "NOWHERE", "unknown-station"
        phase[5], word[5] = "PmP", "unknown-phase"
    dead = word != "used"
    hide = lambda column: np.where(dead, np.nan, column)
    outlier = np.clip((np.abs(residual) / 0.6) ** 3, 0, 1)
    picks = PickTable(
        event_id=np.array([f"ev{e:04d}" for e in event], dtype=object),
        network=np.array(["XX"] * n, dtype=object),
        station=names,
        phase=phase,
        time=add_seconds(reference[event], travel + residual) if n else np.array([], "datetime64[ns]"),
        uncertainty_s=np.where(phase == "P", 0.05, 0.1),
        probability=np.where(np.arange(n) % 7 == 0, np.nan, 0.9),
        extra={
            "phase_label": phase.copy(),
            "amplitude": np.array([f"{i}e-6" for i in range(n)], dtype=object),
        },
    )
    arrivals = Arrivals(
        event_row=event,
        station_row=station,
        status=word,
        sigma_s=np.full(n, 0.1),
        travel_time_s=hide(travel),
        residual_s=hide(residual),
        weight=hide(1 - outlier),
        outlier_probability=hide(outlier),
        distance_km=hide(distance),
        azimuth_deg=hide(azimuth),
        takeoff_deg=hide(np.full(n, 100.0)),
        station_term_s=hide(np.zeros(n)),
    )
    return picks, arrivals


def _events(rng, mean, covariance, frame, reference, status, gone, arrivals):
    n = len(mean)
    lat, lon, depth = frame.to_geographic(mean)
    hide = lambda column: np.where(gone, np.nan, column)
    used = [arrivals.event_row == e for e in range(n)]
    each = lambda function, empty: np.array([function(m) if m.any() else empty for m in used])
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    return LocatedEvents(
        event_id=np.array([f"ev{e:04d}" for e in range(n)], dtype=object),
        reference_time=reference,
        status=status,
        reason=np.array(["" if s == "located" else f"It ended as {s}." for s in status], dtype=object),
        latitude=hide(lat),
        longitude=hide(lon),
        depth_km=hide(depth),
        origin_time_s=hide(rng.normal(0, 0.1, n)),
        origin_time_error_s=hide(np.full(n, 0.08)),
        map_latitude=hide(lat + 0.001),
        map_longitude=hide(lon - 0.001),
        map_depth_km=hide(depth + 0.1),
        map_origin_time_s=hide(rng.normal(0, 0.1, n)),
        covariance_km2=np.where(gone[:, None, None], np.nan, covariance),
        horizontal_error_km=hide(sigma[:, :2].max(axis=1) * 1.1),
        vertical_error_km=hide(sigma[:, 2]),
        region_volume_km3=np.where(
            gone[:, None], np.nan, np.sqrt(np.linalg.det(covariance))[:, None] * np.array([[6.0, 20.0, 30.0]])
        ),
        rms_s=hide(
            each(
                lambda m: (
                    np.sqrt(np.nanmean(arrivals.residual_s[m] ** 2))
                    if np.isfinite(arrivals.residual_s[m]).any()
                    else np.nan
                ),
                np.nan,
            )
        ),
        num_phases=np.where(gone, 0, each(np.sum, 0)).astype(np.int64),
        num_stations=np.where(gone, 0, each(lambda m: len(set(arrivals.station_row[m])), 0)).astype(np.int64),
        gap_deg=hide(rng.uniform(60, 250, n)),
        nearest_km=hide(rng.uniform(1, 20, n)),
        num_modes=np.where(gone, 0, 1 + (rng.uniform(size=n) < 0.1)).astype(np.int64),
        effective_sample_size=hide(rng.uniform(0.5, 1, n)),
        kernel_stein_discrepancy=hide(rng.uniform(0.01, 0.1, n)),
    )


def make_reference(catalogue, *, seed=2):
    """A reference catalogue: the same events, a little off, some missing and one of its own."""
    rng = np.random.default_rng(seed)
    events = catalogue.events
    n = len(events)
    keep = np.flatnonzero(np.isfinite(events.latitude) & (rng.uniform(size=n) < 0.9))
    names = np.append(events.event_id[keep].astype(object), "only-in-reference")
    tail = lambda column, last: np.append(np.asarray(column, np.float64), last)
    return EventTable(
        event_id=names,
        time=np.append(events.time[keep], np.datetime64("2013-09-09T00:00:00", "ns")),
        latitude=tail(events.latitude[keep] + rng.normal(0, 0.006, len(keep)), catalogue.frame.latitude_deg),
        longitude=tail(
            events.longitude[keep] + rng.normal(0, 0.008, len(keep)), catalogue.frame.longitude_deg
        ),
        depth_km=tail(events.depth_km[keep] + rng.normal(-0.5, 1.5, len(keep)), 5.0),
        magnitude=tail(rng.uniform(0, 3, len(keep)), np.nan),
    )
