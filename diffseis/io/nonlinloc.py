"""Results in the files of NonLinLoc: ``.hyp`` (location and phases) and ``.scat`` (posterior samples).

x, y, z are east, north and down in km in diffseis' local frame, which is NonLinLoc's AZIMUTHAL_EQUIDIST on
WGS-84. The hypocentre of the file is the point of highest posterior density, its STATISTICS the posterior
mean and covariance, as NonLinLoc has them.

References:
    Lomax et al. (2000), doi:10.1007/978-94-015-9536-0_5; http://alomax.free.fr/nlloc (file formats).
"""

import struct
from pathlib import Path

import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.atomic import atomic_path, write_text
from diffseis.io.ellipsoids import ellipsoid, horizontal_ellipse
from diffseis.io.guards import read_bytes
from diffseis.io.quakeml import resource_name
from diffseis.location.catalogue import LocatedCatalogue, add_seconds

_SIGNATURE = 'SIGNATURE "diffseis   diffseis:v1 01Jan1970 00h00m00"'
_PHASE_HEADER = (
    "PHASE ID Ins Cmp On Pha  FM Date     HrMn   Sec     Err  ErrMag    Coda      Amp       Per  PriorWt  > "
    "TTpred    Res       Weight    StaLoc(X  Y         Z)        SDist    SAzim  RAz  RDip RQual    Tcorr"
)


def write_nonlinloc(folder: str | Path, catalogue: LocatedCatalogue) -> list[Path]:
    """Write ``<event id>.hyp`` and ``<event id>.scat`` for every event that has a posterior.

    Events that were not located but have a place are written as REJECTED, with the reason.
    """
    folder = Path(folder)
    written = []
    for row in range(len(catalogue)):
        if not np.isfinite(catalogue.events.map_latitude[row]):
            continue
        stem = resource_name(str(catalogue.events.event_id[row]))
        write_text(folder / f"{stem}.hyp", format_hyp(catalogue, row))
        write_scat(folder / f"{stem}.scat", catalogue, row)
        written += [folder / f"{stem}.hyp", folder / f"{stem}.scat"]
    return written


def write_scat(path: str | Path, catalogue: LocatedCatalogue, row: int) -> None:
    """Posterior samples: the number of them and the largest density, two unused words, then x, y, z,
    density as float32.
    """
    ned = np.asarray(catalogue.particles.ned_km[row], np.float64)
    log_density = np.asarray(catalogue.particles.log_density[row], np.float64)
    good = np.all(np.isfinite(ned), axis=-1)
    ned, log_density = ned[good], log_density[good]
    finite = np.isfinite(log_density)
    top = np.max(log_density[finite]) if finite.any() else 0.0
    density = np.where(finite, np.exp(np.where(finite, log_density - top, 0.0)), 0.0)
    records = np.stack([ned[:, 1], ned[:, 0], ned[:, 2], density], axis=-1).astype("<f4")
    header = struct.pack("<i3f", len(records), 1.0, 0.0, 0.0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(header + records.tobytes())


def read_scat(path: str | Path) -> np.ndarray:
    """Samples of a ``.scat`` file: x (east), y (north), z (down) in km and density, one row each."""
    data = read_bytes(path)
    count = struct.unpack("<i", data[:4])[0] if len(data) >= 16 else -1
    if count < 0 or len(data) != 16 * (count + 1):
        raise InputError(
            f"says {count} samples but has room for {len(data) // 16 - 1}",
            file=path,
            field="nSamples",
            fix="copy it again",
        )
    return np.frombuffer(data, dtype="<f4", offset=16).reshape(count, 4)


def format_hyp(catalogue: LocatedCatalogue, row: int) -> str:
    """The text of a ``.hyp`` file of one event."""
    events = catalogue.events
    name = str(events.event_id[row])
    located = str(events.status[row]) == "located"
    what = "LOCATED" if located else "REJECTED"
    message = (
        "Location completed." if located else f"{events.status[row]}: {events.reason[row]}".replace('"', "'")
    )
    place = (
        float(events.map_latitude[row]),
        float(events.map_longitude[row]),
        float(events.map_depth_km[row]),
    )
    ned = catalogue.frame.to_ned(*place)
    day, clock, seconds = _split(add_seconds(events.reference_time, events.map_origin_time_s)[row])
    covariance = np.asarray(events.covariance_km2[row], np.float64)
    rms, gap = _word(events.rms_s[row]), _word(events.gap_deg[row])
    nearest, phases = _word(events.nearest_km[row]), int(events.num_phases[row])
    lines = [
        f'NLLOC "{resource_name(name)}" "{what}" "{message}"',
        _SIGNATURE,
        f'COMMENT "{resource_name(name)}"',
        "GRID  0 0 0  0 0 0  0 0 0 PROB_DENSITY",
        f"SEARCH PARTICLES nSamples {catalogue.particles.ned_km.shape[1]}",
        f"HYPOCENTER  x {ned[1]:.6f} y {ned[0]:.6f} z {ned[2]:.6f}  OT {seconds:.6f}  ix -1 iy -1 iz -1",
        f"GEOGRAPHIC  OT {day[:4]} {day[4:6]} {day[6:]}  {clock[:2]} {clock[2:]} {seconds:.6f}  "
        f"Lat {place[0]:.6f} Long {place[1]:.6f} Depth {place[2]:.6f}",
        f"QUALITY  Pmax 1 MFmin 0 MFmax 0 RMS {rms} Nphs {phases} Gap {gap} Dist {nearest} "
        "Mamp  -9.9 0 Mdur  -9.9 0",
        "VPVSRATIO  VpVsRatio -1  Npair 0  Diff -1",
        _statistics(catalogue, row, covariance),
        f"STAT_GEOG  ExpectLat {events.latitude[row]:.6f} Long {events.longitude[row]:.6f} "
        f"Depth {events.depth_km[row]:.6f}",
        f"TRANSFORM  AZIMUTHAL_EQUIDIST RefEllipsoid WGS-84  LatOrig {catalogue.frame.latitude_deg:.6f}  "
        f"LongOrig {catalogue.frame.longitude_deg:.6f}  RotCW 0.000000",
        f"QML_OriginQuality  assocPhCt {int(np.sum(catalogue.arrivals.event_row == row))}  "
        f"usedPhCt {phases}  assocStaCt -1  usedStaCt {int(events.num_stations[row])}  depthPhCt -1  "
        f"stdErr {rms}  azGap {gap}  secAzGap -1  gtLevel -  minDist {nearest} maxDist -1  medDist -1",
        *_uncertainty(float(events.horizontal_error_km[row]), covariance),
        _PHASE_HEADER,
        *[_phase(catalogue, int(i)) for i in np.flatnonzero(catalogue.arrivals.event_row == row)],
        "END_PHASE",
        "END_NLLOC",
    ]
    return "\n".join([*[line for line in lines if line], "", ""])


def _uncertainty(horizontal_error_km: float, covariance: np.ndarray) -> list[str]:
    """The two QML lines; the ellipse in km, the ellipsoid in m, as NonLinLoc and ObsPy take them."""
    flat, solid = horizontal_ellipse(covariance), ellipsoid(covariance)
    major, intermediate, minor = 1000.0 * solid.semi_axes_km
    return [
        f"QML_OriginUncertainty  horUnc {_word(horizontal_error_km)}  minHorUnc {flat.semi_minor_km:.6f}  "
        f"maxHorUnc {flat.semi_major_km:.6f}  azMaxHorUnc {flat.azimuth_deg:.4f}",
        f"QML_ConfidenceEllipsoid  semiMajorAxisLength {major:.3f}  semiMinorAxisLength {minor:.3f}  "
        f"semiIntermediateAxisLength {intermediate:.3f}  majorAxisPlunge {solid.plunge_deg:.4f}  "
        f"majorAxisAzimuth {solid.azimuth_deg:.4f}  majorAxisRotation {solid.rotation_deg:.4f}",
    ]


def _split(time: np.datetime64) -> tuple[str, str, float]:
    """``YYYYMMDD``, ``HHMM`` and seconds."""
    minute = time.astype("datetime64[m]")
    text = str(minute)
    seconds = (time - minute.astype("datetime64[ns]")) / np.timedelta64(1, "ns") * 1e-9
    return text[:10].replace("-", ""), text[11:].replace(":", ""), float(seconds)


def _word(value: float) -> str:
    return f"{float(value):.6g}" if np.isfinite(value) else "-1"


def _statistics(catalogue: LocatedCatalogue, row: int, covariance: np.ndarray) -> str:
    """Mean and covariance (x east, y north, z down), then the shorter axes of the ellipsoid and all three
    lengths.
    """
    events = catalogue.events
    mean = catalogue.frame.to_ned(events.latitude[row], events.longitude[row], events.depth_km[row])
    nn, ne, nd = covariance[0]
    ee, ed, dd = covariance[1, 1], covariance[1, 2], covariance[2, 2]
    solid = ellipsoid(covariance)
    major, intermediate, minor = solid.semi_axes_km
    azimuth = [float(np.degrees(np.arctan2(axis[1], axis[0])) % 360.0) for axis in solid.axes_ned]
    dip = [float(np.degrees(np.arcsin(np.clip(axis[2], -1, 1)))) for axis in solid.axes_ned]
    return (
        f"STATISTICS  ExpectX {mean[1]:.6f} Y {mean[0]:.6f} Z {mean[2]:.6f}  "
        f"CovXX {ee:.6g} XY {ne:.6g} XZ {ed:.6g} YY {nn:.6g} YZ {nd:.6g} ZZ {dd:.6g} "
        f"EllAz1  {azimuth[2]:.3f} Dip1  {dip[2]:.3f} Len1  {minor:.6f} "
        f"Az2  {azimuth[1]:.3f} Dip2  {dip[1]:.3f} Len2  {intermediate:.6f} Len3  {major:.6e}"
    )


def _phase(catalogue: LocatedCatalogue, row: int) -> str:
    """One phase line; picks without a residual (unknown stations, other phases) are left to ``picks.csv``."""
    picks, arrivals = catalogue.picks, catalogue.arrivals
    if not np.isfinite(arrivals.residual_s[row]):
        return ""
    day, clock, seconds = _split(picks.time[row])
    station_row = int(arrivals.station_row[row])
    place = np.zeros(3)
    if station_row >= 0:
        table = catalogue.stations
        place = catalogue.frame.to_ned(
            table.latitude[station_row], table.longitude[station_row], table.depth_km[station_row]
        )
    takeoff = float(arrivals.takeoff_deg[row])
    ray = f"{arrivals.azimuth_deg[row]:5.1f} {takeoff:5.1f}  9" if np.isfinite(takeoff) else "  0.0  -1.0  0"
    return (
        f"{str(picks.station[row]).replace(' ', '_'):6s} {str(picks.network[row]) or '?':4s} ?    ? "
        f"{picks.phase[row]!s:6s} ? {day} {clock} {seconds:9.4f} GAU {picks.uncertainty_s[row]:9.2e} "
        f"{-1:9.2e} {-1:9.2e} {-1:9.2e} {1:9.4f} > {arrivals.travel_time_s[row]:9.4f} "
        f"{arrivals.residual_s[row]:9.4f} {arrivals.weight[row]:9.4f} "
        f"{place[1]:9.4f} {place[0]:9.4f} {place[2]:9.4f} {arrivals.distance_km[row]:9.4f} "
        f"{arrivals.azimuth_deg[row]:6.2f} {ray} {arrivals.station_term_s[row]:9.4f}"
    )
