"""A flatfile in the columns of NGA-West2, of a published model with known terms."""

import numpy as np

from diffseis.groundmotion import Rupture, Site, ground_motion_model, ground_motions

HEAD = (
    *("EQID", "Station Sequence Number", "Earthquake Magnitude", "Rake Angle (deg)", "Dip (deg)"),
    *("Hypocenter Depth (km)", "Joyner-Boore Dist. (km)", "Vs30 (m/s) selected for analysis"),
    *("PGA (g)", "T1.000S"),
)
LEVELS = (0.4, 0.3, 0.5)
"""tau, phi_s2s, phi_ss at magnitude 6."""
SLOPE = -0.3
"""Of ln tau and ln phi_ss by magnitude."""


def write_flatfile(path, *, num_events=40, num_stations=50, num=500, shift=0.0, slope=SLOPE, seed=0):
    """Returns the terms of events and of stations, of both measures."""
    random = np.random.default_rng(seed)
    event, station = random.integers(0, num_events, num), random.integers(0, num_stations, num)
    event[:num_events], station[:num_stations] = np.arange(num_events), np.arange(num_stations)
    magnitude = random.uniform(4.5, 7.5, num_events)
    rake = random.choice([-90.0, 0.0, 90.0], num_events)
    depth, vs30 = random.uniform(3, 20, num_events), random.uniform(200, 900, num_stations)
    rjb = np.exp(random.uniform(np.log(3), np.log(150), num))
    motion = ground_motions(
        ground_motion_model("BSSA14:basin=none", ["PGA", "SA(1.0)"]),
        Rupture(magnitude=magnitude[event], rake_rad=np.radians(rake[event])),
        Site(rjb_km=rjb, vs30_m_s=vs30[station]),
    )
    factor = np.exp(slope * (magnitude - 6))
    events = LEVELS[0] * factor * random.normal(size=(2, num_events))
    stations = LEVELS[1] * random.normal(size=(2, num_stations))
    rest = LEVELS[2] * factor[event] * random.normal(size=(2, num))
    value = np.exp(np.asarray(motion.mean_ln) + shift + events[:, event] + stations[:, station] + rest)
    lines = [",".join(HEAD)]
    for k in range(num):
        e, s = event[k], station[k]
        numbers = (magnitude[e], rake[e], 60, depth[e], rjb[k], vs30[s], value[0, k], value[1, k])
        lines.append(f"e{e},s{s}," + ",".join(f"{x:.6g}" for x in numbers))
    path.write_text("\n".join(lines) + "\n")
    return events, stations
