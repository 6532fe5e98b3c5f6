"""Reference records and spectra, read as plainly as can be."""

import gzip
import json

import numpy as np
from scipy.linalg import expm
from scipy.signal import lfilter

FOLDER = "groundmotion/intensity"
SMC_WIDTH = 14


def at2(path):
    """Acceleration in g and interval of a PEER file."""
    lines = path.read_text().splitlines()
    words = lines[3].replace(",", " ").replace("=", " ").split()
    return np.array(" ".join(lines[4:]).split(), float), float(words[words.index("DT") + 1])


def smc(path):
    """Numbers of an SMC file whose text ends with lines that begin with a bar, in its own unit."""
    lines = path.read_text().splitlines()
    begin = max(k for k, line in enumerate(lines) if line.startswith("|")) + 1
    text = "".join(line.ljust(5 * SMC_WIDTH)[: 5 * SMC_WIDTH] for line in lines[begin:] if line.strip())
    cells = [text[k : k + SMC_WIDTH] for k in range(0, len(text), SMC_WIDTH)]
    return np.array([float(cell) for cell in cells if cell.strip()])


def peer_spectra(folder):
    """PEER's spectra, with pairs of records in g and their interval."""
    with gzip.open(folder / FOLDER / "pyrotd/peer_nga_west2.json.gz") as stream:
        stations = json.load(stream)
    for station in stations:
        records = [at2(folder / FOLDER / "pyrotd" / name) for name in station["fnames"]]
        yield station, np.stack([r[0] for r in records]), records[0][1]


def boore_output(folder):
    """Boore's results for A-CAT: columns of numbers by period, numbers of the pair, and both records in cm/s2."""
    place = folder / FOLDER / "pyrotd"
    lines = (place / "smc2psa_rot_gmrot_rot_osc_ts.damp0.050.out").read_text().splitlines()
    names = next(line for line in lines if line.lstrip().startswith("file1")).split()
    cells = next(line for line in lines if "A-CAT090" in line).split()
    first = next(k for k, name in enumerate(names) if name.startswith("PER"))
    block = names[first + 1 : next(k for k, n in enumerate(names) if k > first and n.startswith("PER"))]
    table = np.array(cells[first:], float).reshape(-1, len(block) + 1)
    columns = {"period": table[:, 0]} | {name: table[:, 1 + k] for k, name in enumerate(block)}
    single = {name: cells[k] for k, name in enumerate(names[:first])}
    return columns, single, np.stack([smc(place / f"A-CAT{d}.AT2.smc") for d in ("090", "180")])


def exact_response(acceleration, dt_s, period_s, damping):
    """Displacement times the square of the angular frequency, by the exponential of the equation's matrix and SciPy's recursive filter."""
    w = 2 * np.pi / period_s
    matrix = np.array([[0, 1, 0, 0], [-w * w, -2 * damping * w, -1, 0], [0, 0, 0, 1 / dt_s], [0, 0, 0, 0]])
    step = expm(matrix * dt_s)
    turn, by_first, by_last = step[:2, :2], step[:2, 2] - step[:2, 3], step[:2, 3]
    driven = by_first[:, None] * acceleration[:-1] + by_last[:, None] * acceleration[1:]
    poles = [1.0, -np.trace(turn), np.linalg.det(turn)]
    u = lfilter([1, -turn[1, 1]], poles, driven[0]) + lfilter([0, turn[0, 1]], poles, driven[1])
    return w * w * np.concatenate([[0.0], u])


def rotated(one, other):
    """``(180, ...)``: largest absolute values at all whole degrees, along the first axis."""
    angle = np.radians(np.arange(180))
    return np.stack([np.abs(np.cos(a) * one + np.sin(a) * other).max(0) for a in angle])
