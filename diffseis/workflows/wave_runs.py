"""What runs of waves have in common, made of the settings: medium, times, faces, and how well the grid carries the waves."""

import math
from typing import Any

import numpy as np

from diffseis.core.errors import InputError
from diffseis.source import AbstractTimeFunction, Brune, Gaussian, Ricker, Triangle
from diffseis.wave import Boundary, ElasticMedium, TimeAxis, ViscoelasticMedium
from diffseis.workflows.wave_config import WaveConfig
from diffseis.workflows.wave_inputs import SOLIDS
from diffseis.workflows.wave_media import make_medium

ENOUGH = {2: 20.0, 4: 6.0, 8: 4.0}
"""Points per shortest wavelength by order: where waves over some tens of wavelengths are in error by a part in a hundred or so."""
MOST_SAMPLES = 1_000_000
_SPECTRUM_ENDS = 0.05
"""Of a source's largest amplitude, below which frequencies do not count."""


def time_function(config: WaveConfig) -> AbstractTimeFunction:
    """Of all sources."""
    f = config.frequency_hz
    return {
        "gaussian": lambda: Gaussian(1 / (2 * math.pi * f)),
        "ricker": lambda: Ricker(f),
        "triangle": lambda: Triangle(1 / f),
        "brune": lambda: Brune(f),
    }[config.time_function]()


def checked_medium(config: WaveConfig) -> tuple[Any, Any]:
    """The equation and its medium; what either refuses names the file."""
    try:
        return make_medium(config)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            str(error),
            file=config.medium.file,
            field="medium",
            fix="change the file, where p_speed_km_s and speed_km_s are vp, s_speed_km_s is vs, and density_g_cm3 is rho",
        ) from error


def time_axis(config: WaveConfig) -> TimeAxis:
    """Of sources and records."""
    num = math.floor(config.time.duration_s / config.time.dt_s + 1e-6) + 1
    if num < 2:
        raise InputError("is shorter than dt_s", field="time.duration_s", fix="give a longer one")
    if num > MOST_SAMPLES:
        raise InputError(
            f"{config.time.duration_s:g} s in steps of {config.time.dt_s:g} s are {num} samples",
            field="time.duration_s, time.dt_s",
            fix=f"give a shorter duration or longer steps: {MOST_SAMPLES} samples are the most",
        )
    return TimeAxis(num, config.time.dt_s)


def faces(config: WaveConfig, num_dims: int) -> Boundary:
    """Of the grid."""
    top = bool(config.free_surface)
    return Boundary.absorbing(num_dims, free_surface=top, num_nodes=config.absorbing_nodes)


def elastic_part(medium: ElasticMedium | ViscoelasticMedium) -> ElasticMedium:
    """A solid's speeds and density."""
    return medium.elastic if isinstance(medium, ViscoelasticMedium) else medium


def slowest_speeds_km_s(config: WaveConfig, medium: Any) -> np.ndarray:
    """The lowest speed of any wave at each node."""
    if config.equation not in SOLIDS:
        return np.asarray(medium.speed_km_s)
    solid = elastic_part(medium)
    p, s = np.asarray(solid.p_speed_km_s), np.asarray(solid.s_speed_km_s)
    return np.where(s > 0, s, p)


def highest_frequency_hz(series: np.ndarray, dt_s: float) -> float:
    """Above it a series has less than a twentieth of its largest amplitude."""
    size = np.abs(np.fft.rfft(series, 4 * len(series)))
    return float(
        np.fft.rfftfreq(4 * len(series), dt_s)[np.flatnonzero(size >= _SPECTRUM_ENDS * size.max())[-1]]
    )
