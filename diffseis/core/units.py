"""Units at the edge of the house. Inside it everything is km, s, km/s, g/cm3 and 1e18 N m.

References:
    Hanks & Kanamori (1979), doi:10.1029/JB084iB05p02348; IASPEI (2013) standard form of Mw.
"""

import numpy as np

KM_PER_M = 1e-3
M_PER_KM = 1e3
EARTH_RADIUS_KM = 6371.0
KM_PER_DEGREE = np.pi * EARTH_RADIUS_KM / 180.0
MOMENT_UNIT_NM = 1e18
"""One internal unit of seismic moment, in N m (1e18 N m is Mw 5.93)."""


def moment_magnitude(moment_nm):
    """Mw = 2/3 (log10 M0 - 9.1), M0 in N m."""
    return 2.0 / 3.0 * (np.log10(moment_nm) - 9.1)


def scalar_moment_nm(magnitude):
    """Scalar moment in N m of a moment magnitude: the inverse of `moment_magnitude`."""
    return 10.0 ** (1.5 * np.asarray(magnitude) + 9.1)
