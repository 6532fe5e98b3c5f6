"""Makes diffseis/data/alpine_fault_stations.csv from the bulletin that ObsPy ships.

The bulletin names 21 stations but not where they are. It gives, for every arrival, the epicentral distance and azimuth of the
station from the published epicentre, rounded to 1 km and 1 degree. Each station's place follows from its arrivals by
robust least squares (soft L1 loss) in a local frame. The scatter is what the rounding and the epicentres' two or three decimals leave.
Stations with fewer than four arrivals are dropped. Elevations are not in the bulletin; they are set to zero, and the
resulting error (a station 500 m high records a vertical P 0.09 s late) is counted in the travel-time error of the demo.

    python tools/make_demo_stations.py
"""

import csv
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from diffseis.core.frames import LocalFrame
from diffseis.io import read_nordic_bulletin
from diffseis.workflows.demonstration import bulletin_path

MIN_ARRIVALS = 4


def station_places(picks, events) -> list[dict]:
    frame = LocalFrame.centred_on(events.latitude, events.longitude)
    epicentre = dict(
        zip(events.event_id, frame.to_ned(events.latitude, events.longitude)[:, :2], strict=True)
    )
    rows = []
    for station in sorted(set(picks.station)):
        mine = picks.station == station
        distance = np.asarray(picks.extra["distance_km"], float)[mine]
        azimuth = np.radians(np.asarray(picks.extra["azimuth_deg"], float)[mine])
        good = np.isfinite(distance) & np.isfinite(azimuth)
        if good.sum() < MIN_ARRIVALS:
            print(f"{station}: {good.sum()} arrivals, dropped")
            continue
        origin = np.array([epicentre[e] for e in picks.event_id[mine]])[good]
        distance, azimuth = distance[good], azimuth[good]
        pointed = origin + distance[:, None] * np.stack([np.cos(azimuth), np.sin(azimuth)], axis=1)
        # Along the ray the rounding is 1 km / sqrt(12); across it 1 degree / sqrt(12) of the distance.
        radial = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=1)
        across = np.stack([-np.sin(azimuth), np.cos(azimuth)], axis=1)
        sd = np.stack([np.full(len(distance), 0.29), 0.05 + np.radians(0.29) * distance], axis=1)

        def residual(x, pointed=pointed, radial=radial, across=across, sd=sd):
            d = x[None, :] - pointed
            return (np.stack([np.sum(d * radial, 1), np.sum(d * across, 1)], axis=1) / sd).ravel()

        fit = least_squares(residual, np.median(pointed, axis=0), loss="soft_l1")
        scatter = np.median(np.hypot(*(pointed - fit.x).T))
        covariance = np.linalg.inv(fit.jac.T @ fit.jac)
        error = np.sqrt(np.trace(covariance) / 2) * max(1.0, np.sqrt(2 * fit.cost / max(1, fit.fun.size - 2)))
        lat, lon, _ = frame.to_geographic(np.append(fit.x, 0.0))
        rows.append(
            {
                "network": "NZ",
                "station": station,
                "latitude": f"{lat:.5f}",
                "longitude": f"{lon:.5f}",
                "elevation_m": "0",
                "num_arrivals": int(good.sum()),
                "scatter_km": f"{scatter:.3f}",
                "error_km": f"{error:.3f}",
            }
        )
        print(rows[-1])
    return rows


def main() -> None:
    picks, events, _ = read_nordic_bulletin(bulletin_path(), keep_unweighted=True)
    rows = station_places(picks, events)
    path = Path(__file__).resolve().parents[1] / "diffseis" / "data" / "alpine_fault_stations.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} stations written to {path.name}")


if __name__ == "__main__":
    main()
