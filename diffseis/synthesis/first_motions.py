"""First motions and amplitudes with known truth: rays of real or made geometry, read as analysts and programs read them."""

from dataclasses import dataclass

import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.source import radiated

LAWS = ("laplace", "normal", "student")


@dataclass(frozen=True)
class ReadingErrors:
    """What is wrong with observations.

    Attributes:
        takeoff_sigma_deg, azimuth_sigma_deg: of the stated angles about the true ones; 0 for none.
        mispick: share of polarities that are turned, whatever the amplitude.
        polarity_sd: of the noise that a first motion must rise above, over a double couple's largest amplitude.
        ratio_scale: of log10 ratios.
        ratio_law: "laplace", "normal" or "student" (4 degrees of freedom).
        ratio_bias: added to log10 S/P.
        ratio_share: share of the rays that have a ratio.
        amplitude_sd: of P amplitudes, over the root mean square of the event's; None for no amplitudes.
        vp_vs: at the source.
    """

    takeoff_sigma_deg: float = 5.0
    azimuth_sigma_deg: float = 2.0
    mispick: float = 0.08
    polarity_sd: float = 0.05
    ratio_scale: float = 0.2
    ratio_law: str = "laplace"
    ratio_bias: float = 0.0
    ratio_share: float = 0.25
    amplitude_sd: float | None = None
    vp_vs: float = 3**0.5

    def __post_init__(self):
        if self.ratio_law not in LAWS:
            raise ValueError(f"`ratio_law` must be one of {', '.join(LAWS)}, got {self.ratio_law!r}")
        for name in ("mispick", "ratio_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` must lie from 0 to 1, got {getattr(self, name)}")


def synthetic_radiation(
    event_id: np.ndarray,
    station: np.ndarray,
    azimuth_deg: np.ndarray,
    takeoff_deg: np.ndarray,
    tensors: dict[str, np.ndarray],
    errors: ReadingErrors | None = None,
    *,
    seed: int = 0,
) -> RadiationTable:
    """What would be observed in rays of sources that are known.

    Args:
        event_id, station: of each ray.
        azimuth_deg, takeoff_deg: of the true rays; take-off from down.
        tensors: of each event, 3 by 3, north, east, down, of unit scalar moment.
        errors: of the observations.
        seed: of everything random.

    Returns:
        The table, whose angles are those stated, not the true ones.
    """
    errors = ReadingErrors() if errors is None else errors
    rng = np.random.default_rng(seed)
    num = len(event_id)
    amplitude = np.empty((num, 3))
    for name, tensor in tensors.items():
        rows = np.flatnonzero(np.asarray(event_id, object) == name)
        amplitude[rows] = radiated(tensor, azimuth_deg[rows], takeoff_deg[rows])
    moved = amplitude[:, 0] + errors.polarity_sd * rng.normal(size=num)
    turned = np.where(rng.uniform(size=num) < errors.mispick, -1.0, 1.0)
    noise = {
        "laplace": rng.laplace(0, errors.ratio_scale, num),
        "normal": rng.normal(0, errors.ratio_scale, num),
        "student": errors.ratio_scale * rng.standard_t(4, num),
    }[errors.ratio_law]
    tiny = 1e-12
    ratio = np.log10((np.hypot(amplitude[:, 1], amplitude[:, 2]) + tiny) / (np.abs(amplitude[:, 0]) + tiny))
    ratio = ratio + 3 * np.log10(errors.vp_vs) + errors.ratio_bias + noise
    ratio = np.where(rng.uniform(size=num) < errors.ratio_share, ratio, np.nan)
    columns = {"polarity": np.sign(moved) * turned, "log10_sp": ratio}
    if errors.amplitude_sd is not None:
        columns["p_amplitude"] = _amplitudes(
            np.asarray(event_id, object), amplitude[:, 0], errors.amplitude_sd, rng
        )
    takeoff = errors.takeoff_sigma_deg * rng.normal(size=num)
    azimuth = errors.azimuth_sigma_deg * rng.normal(size=num)
    # Beyond straight down or up the ray comes out on the other side.
    stated, flip = _folded(np.asarray(takeoff_deg) + takeoff)
    return RadiationTable.of(
        event_id,
        station,
        azimuth_deg=(np.asarray(azimuth_deg) + azimuth + 180 * flip) % 360,
        takeoff_deg=stated,
        azimuth_sigma_deg=np.full(num, errors.azimuth_sigma_deg),
        takeoff_sigma_deg=np.full(num, errors.takeoff_sigma_deg),
        **columns,
    )


def _folded(takeoff_deg):
    below, above = takeoff_deg < 0, takeoff_deg > 180
    return np.where(below, -takeoff_deg, np.where(above, 360 - takeoff_deg, takeoff_deg)), below | above


def _amplitudes(event_id, amplitude, sd, rng):
    """With noise of a share of each event's root mean square, and a size of its own."""
    observed = np.empty_like(amplitude)
    for name in dict.fromkeys(event_id):
        rows = event_id == name
        scale = sd * np.sqrt(np.mean(amplitude[rows] ** 2))
        observed[rows] = 10 ** rng.uniform(-1, 1) * (amplitude[rows] + scale * rng.normal(size=rows.sum()))
    return observed
