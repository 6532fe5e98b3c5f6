"""An independent layered travel time: Fermat's principle, minimised over where the path crosses the
interfaces."""

import numpy as np
from scipy.optimize import minimize


def fermat_time(tops_km, speed_km_s, offset_km, upper_km, lower_km) -> float:
    """Smallest time over paths through constant layers, direct or running along one interface.

    Every path is a list of straight pieces; the horizontal lengths of the pieces are the unknowns of a
    convex problem.
    """
    tops_km, speed = np.asarray(tops_km, float), np.asarray(speed_km_s, float)
    top, bottom = np.r_[-1e4, tops_km[1:]], np.r_[tops_km[1:], 1e4]

    def crossed(a, b):
        return np.clip(b, top, bottom) - np.clip(a, top, bottom)

    paths = [(crossed(upper_km, lower_km), None)]
    for depth, fast in zip(tops_km[1:], np.maximum(speed[:-1], speed[1:]), strict=True):
        legs = sum(crossed(min(z, depth), max(z, depth)) for z in (upper_km, lower_km))
        paths.append((legs, fast))
    best = np.inf
    for thickness, along in paths:
        h, v = thickness[thickness > 0], speed[thickness > 0]
        if along is not None:
            h, v = np.r_[h, 0.0], np.r_[v, along]
        if len(h) == 0:
            inside = (top <= upper_km) & (upper_km <= bottom)
            best = min(best, offset_km / speed[inside].max())
            continue
        best = min(best, _shortest(h, v, offset_km))
    return float(best)


def _shortest(h, v, offset_km):
    if len(h) == 1 or offset_km == 0:
        return np.sum(np.hypot(h, offset_km * (np.arange(len(h)) == np.argmax(v)) * (offset_km > 0)) / v)
    scale = offset_km

    def time(w):
        x = np.append(w, 1 - w.sum()) * scale
        slow = x / np.maximum(np.hypot(x, h), 1e-12) / v
        return np.sum(np.hypot(x, h) / v), (slow[:-1] - slow[-1]) * scale

    best = np.inf
    for start in (np.full(len(h), 1 / len(h)), np.where(np.arange(len(h)) == np.argmax(v), 1.0, 0.0)):
        found = minimize(time, start[:-1], jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 500})
        best = min(best, found.fun)
    return best
