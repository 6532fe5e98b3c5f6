"""Waves in a homogeneous full space, in NumPy.

References:
    Morse & Feshbach (1953), Methods of Theoretical Physics, 7.2. Aki & Richards (2002), Quantitative Seismology, equations 4.23
    and 4.29.
"""

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.special import hankel2


def from_line_source(series, dt_s: float, distance_km: float, speed_km_s: float) -> np.ndarray:
    """``u`` of ``u_tt / v^2 = u_xx + u_zz + s(t) delta(x) delta(z)``, in the frequency domain: ``-i/4 H0(w r / v)``, with silence enough after it."""
    num = len(series)
    spectrum = np.fft.rfft(series, 8 * num)
    omega = 2 * np.pi * np.fft.rfftfreq(8 * num, dt_s)
    green = np.zeros(len(omega), complex)
    green[1:] = -0.25j * hankel2(0, omega[1:] * distance_km / speed_km_s)
    return np.fft.irfft(spectrum * green)[:num]


def from_point_source(series, dt_s: float, distance_km: float, speed_km_s: float) -> np.ndarray:
    """The same in three dimensions: ``s(t - r / v) / (4 pi r)``."""
    return delayed(series, dt_s, distance_km / speed_km_s) / (4 * np.pi * distance_km)


def delayed(series, dt_s: float, delay_s: float) -> np.ndarray:
    """A band-limited series, later by any time."""
    num = len(series)
    omega = 2 * np.pi * np.fft.rfftfreq(4 * num, dt_s)
    return np.fft.irfft(np.fft.rfft(series, 4 * num) * np.exp(-1j * omega * delay_s))[:num]


def displacement_of_moment(
    moment, rate, dt_s: float, offset_km, p_km_s: float, s_km_s: float, density_g_cm3: float
) -> np.ndarray:
    """Displacement in km (3, time) of a moment tensor (3 x 3, 1e18 N m) with a moment rate function, offset from it."""
    r = np.linalg.norm(offset_km)
    g = np.asarray(offset_km) / r
    moment = np.asarray(moment)
    along, trace = moment @ g, np.trace(moment)
    radial = g * (g @ along)
    near = 15 * radial - 3 * g * trace - 6 * along
    middle_p, middle_s = 6 * radial - g * trace - 2 * along, -(6 * radial - g * trace - 3 * along)
    far_p, far_s = radial, along - radial
    released = cumulative_trapezoid(rate, dx=dt_s, initial=0.0)
    # The near field: twice integrated, once with the time as weight; of f = int int M, int tau M(t - tau) = [tau F(t-tau) + f(t-tau)] turned.
    once = cumulative_trapezoid(released, dx=dt_s, initial=0.0)
    twice = cumulative_trapezoid(once, dx=dt_s, initial=0.0)
    at = lambda series, v: _later(series, dt_s, r / v)
    between = (
        (r / p_km_s) * at(once, p_km_s)
        - (r / s_km_s) * at(once, s_km_s)
        + at(twice, p_km_s)
        - at(twice, s_km_s)
    )
    terms = (
        near[:, None] / r**4 * between
        + middle_p[:, None] / (p_km_s * r) ** 2 * at(released, p_km_s)
        + middle_s[:, None] / (s_km_s * r) ** 2 * at(released, s_km_s)
        + far_p[:, None] / (p_km_s**3 * r) * at(rate, p_km_s)
        + far_s[:, None] / (s_km_s**3 * r) * at(rate, s_km_s)
    )
    return terms / (4 * np.pi * density_g_cm3)


def _later(series, dt_s: float, delay_s: float) -> np.ndarray:
    """A smooth series that need not end at zero, later by any time, by cubic splines."""
    from scipy.interpolate import CubicSpline

    t = dt_s * np.arange(len(series))
    return np.where(t >= delay_s, CubicSpline(t, series)(np.maximum(t - delay_s, 0)), 0)


def displacement_of_force(
    force, series, dt_s: float, offset_km, p_km_s: float, s_km_s: float, density_g_cm3: float
) -> np.ndarray:
    """Displacement in km (3, time) of a force (3, in 1e15 N) with a time function, offset from it (equation 4.23)."""
    r = np.linalg.norm(offset_km)
    g, force = np.asarray(offset_km) / r, np.asarray(force)
    along = g * (g @ force)
    once = cumulative_trapezoid(series, dx=dt_s, initial=0.0)
    twice = cumulative_trapezoid(once, dx=dt_s, initial=0.0)
    at = lambda f, v: _later(f, dt_s, r / v)
    # int tau f(t - tau) between the arrivals, by parts.
    between = (
        (r / p_km_s) * at(once, p_km_s)
        - (r / s_km_s) * at(once, s_km_s)
        + at(twice, p_km_s)
        - at(twice, s_km_s)
    )
    terms = (
        (3 * along - force)[:, None] / r**3 * between
        + along[:, None] / (p_km_s**2 * r) * at(series, p_km_s)
        + (force - along)[:, None] / (s_km_s**2 * r) * at(series, s_km_s)
    )
    return terms / (4 * np.pi * density_g_cm3)


def through_absorption(trace, dt_s: float, distance_km: float, slowness) -> np.ndarray:
    """A plane wave further on, by a complex slowness (s/km) of the frequency in radians per second."""
    num = len(trace)
    omega = 2 * np.pi * np.fft.rfftfreq(4 * num, dt_s)
    spectrum = np.fft.rfft(trace, 4 * num)
    return np.fft.irfft(spectrum * np.exp(-1j * omega * slowness(omega) * distance_km))[:num]
