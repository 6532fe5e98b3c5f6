"""Measures of the records of one instrument, for any choice of components."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffseis.core.padding import bucket_size, pad_axis
from diffseis.signal import (
    EAS_BANDWIDTH,
    STANDARD_GRAVITY_M_S2,
    AbstractSubsteps,
    BandLimited,
    LinearSubsteps,
    NoSubsteps,
    arias_intensity,
    bracketed_duration,
    cumulative_absolute_displacement,
    cumulative_absolute_velocity,
    displacement,
    effective_amplitude,
    fourier_frequencies_hz,
    housner_intensity,
    konno_ohmachi,
    peak,
    response_spectrum,
    rotated_peaks,
    rotated_spectrum,
    significant_duration,
    standardised_cav,
    uniform_duration,
    velocity,
)
from diffseis.workflows.intensity_config import Measure

SUBSTEPS: dict[str, AbstractSubsteps] = {
    "none": NoSubsteps(),
    "peer": LinearSubsteps(),
    "bandlimited": BandLimited(),
}
PENALTY_PERIOD_S = tuple(float(t) for t in np.geomspace(0.05, 10.0, 31))
"""Periods by which the angle of GMRotI50 is chosen, whichever are asked for."""
_HELD = 2**26
"""Samples of responses of two components that are held at once: 1 GB."""
_ROTATED = ("PGA", "PGV", "PGD", "SA")
_ROTATED_COMPONENTS = ("rotd00", "rotd50", "rotd100", "gmrotd50", "gmroti50")
_G = STANDARD_GRAVITY_M_S2
_SCALE = {
    "PGA": 1 / _G, "PGV": 100.0, "PGD": 100.0, "SA": 1 / _G, "IA": 1.0, "CAV": 1 / _G, "CAVSTD": 1 / _G, "CAD": 100.0,
    "SI": 100.0, "RSD575": 1.0, "RSD595": 1.0, "RSD2080": 1.0, "BRACKETED": 1.0, "UNIFORM": 1.0, "EAS": 1 / _G,
}  # fmt: skip
"""From SI units to those of the table."""


@dataclass(frozen=True)
class Choices:
    """What is measured, and how."""

    measures: tuple[Measure, ...]
    damping: float
    substeps: str

    @property
    def periods_s(self) -> tuple[float, ...]:
        """Of the spectral ordinates."""
        return tuple(m.number for m in self.measures if m.kind == "SA" and m.number is not None)

    @property
    def kinds(self) -> frozenset[str]:
        """Measures without a number, to be computed record by record."""
        return frozenset(m.kind for m in self.measures)


def measure_pair(
    accelerations_m_s2: Float[np.ndarray, "component time"],
    dt_s: float,
    components: Sequence[str],
    choices: Choices,
) -> dict[str, dict[str, float]]:
    """Value by component and measure for two horizontal records, in the units of the table."""
    padded, num = _padded(accelerations_m_s2)
    periods = choices.periods_s + (PENALTY_PERIOD_S if "gmroti50" in components else ())
    tables = _host(_turned_peaks(padded, num, dt_s, choices))
    singles = [_host(_single(record, num, dt_s, choices)) for record in padded]
    spectrum = _turned_spectrum(padded, num, dt_s, periods, choices)
    own = spectrum[:, : len(choices.periods_s)]
    angle = _penalty_angle(spectrum[:, len(choices.periods_s) :]) if "gmroti50" in components else 0
    found: dict[str, dict[str, float]] = {}
    for component in components:
        row = {}
        for m in choices.measures:
            if m.kind in _ROTATED:
                table = own[:, choices.periods_s.index(m.number)] if m.number is not None else tables[m.kind]
                value = _of_angles(table, component, angle)
            elif m.kind == "EAS" and component in _ROTATED_COMPONENTS:
                value = _amplitude(accelerations_m_s2, dt_s, m.number or 0.0)
            elif m.kind == "EAS":
                each = [_amplitude(one[None], dt_s, m.number or 0.0) for one in accelerations_m_s2]
                value = _of_two(m.kind, component, each[0], each[1])
            else:
                value = _of_two(m.kind, component, singles[0][m.kind], singles[1][m.kind])
            row[m.name] = value * _SCALE[m.kind]
        found[component] = row
    return found


def measure_single(
    acceleration_m_s2: Float[np.ndarray, " time"], dt_s: float, choices: Choices
) -> dict[str, float]:
    """Value by measure of one record, in the units of the table."""
    padded, num = _padded(acceleration_m_s2[None])
    found = _host(_single(padded[0], num, dt_s, choices))
    row = {}
    for m in choices.measures:
        if m.kind == "SA":
            value = float(found["SA"][choices.periods_s.index(m.number)])
        elif m.kind == "EAS":
            value = _amplitude(acceleration_m_s2[None], dt_s, m.number or 0.0)
        else:
            value = float(found[m.kind])
        row[m.name] = value * _SCALE[m.kind]
    return row


def _padded(records: np.ndarray) -> tuple[np.ndarray, Any]:
    """To few lengths, so that few programs are compiled."""
    num = records.shape[1]
    return pad_axis(np.asarray(records, np.float64), bucket_size(num, minimum=1024), axis=1), jnp.asarray(num)


@eqx.filter_jit
def _turned_peaks(records, num, dt_s, choices) -> dict[str, Any]:
    """SI values at all angles."""
    found = {}
    inside = jnp.arange(records.shape[1]) < num
    both = {"PGA": lambda a: a, "PGV": _velocity(num, dt_s), "PGD": _displacement(num, dt_s)}
    for name, series in both.items():
        if name in choices.kinds:
            turned = jnp.stack([jnp.where(inside, series(a), 0) for a in records])
            found[name] = rotated_peaks(turned).by_angle
    return found


def _turned_spectrum(records, num, dt_s, periods_s, choices) -> Float[np.ndarray, "angle period"]:
    """PSA at all angles; of long records some periods at a time, because responses are held."""
    at_once = max(1, _HELD // (records.shape[1] * SUBSTEPS[choices.substeps].factor))
    tables = [np.zeros((180, 0))]
    for first in range(0, len(periods_s), at_once):
        found = rotated_spectrum(
            jnp.asarray(records),
            dt_s,
            np.array(periods_s[first : first + at_once]),
            choices.damping,
            substeps=SUBSTEPS[choices.substeps],
            num_samples=num,
        )
        tables.append(np.asarray(found.by_angle_m_s2))
    return np.concatenate(tables, axis=1)


def _velocity(num, dt_s):
    return lambda a: velocity(a, dt_s, num_samples=num)


def _displacement(num, dt_s):
    return lambda a: displacement(a, dt_s, num_samples=num)


@eqx.filter_jit
def _single(record, num, dt_s, choices) -> dict[str, Any]:
    """SI values of one record."""
    record = jnp.asarray(record)
    given: dict[str, Any] = {"num_samples": num}
    measures = {
        "PGA": lambda: peak(record, **given),
        "PGV": lambda: peak(_velocity(num, dt_s)(record), **given),
        "PGD": lambda: peak(_displacement(num, dt_s)(record), **given),
        "IA": lambda: arias_intensity(record, dt_s, **given),
        "CAV": lambda: cumulative_absolute_velocity(record, dt_s, **given),
        "CAVSTD": lambda: standardised_cav(record, dt_s, **given),
        "CAD": lambda: cumulative_absolute_displacement(record, dt_s, **given),
        "SI": lambda: housner_intensity(
            record, dt_s, choices.damping, substeps=SUBSTEPS[choices.substeps], **given
        ),
        "RSD575": lambda: significant_duration(record, dt_s, 0.05, 0.75, **given),
        "RSD595": lambda: significant_duration(record, dt_s, 0.05, 0.95, **given),
        "RSD2080": lambda: significant_duration(record, dt_s, 0.2, 0.8, **given),
        "BRACKETED": lambda: bracketed_duration(record, dt_s, **given),
        "UNIFORM": lambda: uniform_duration(record, dt_s, **given),
        "SA": lambda: (
            response_spectrum(
                record,
                dt_s,
                np.array(choices.periods_s),
                choices.damping,
                substeps=SUBSTEPS[choices.substeps],
                **given,
            ).pseudo_acceleration_m_s2
        ),
    }
    return {kind: measures[kind]() for kind in measures if kind in choices.kinds}


def _host(found: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in found.items()}


def _penalty_angle(table: np.ndarray) -> int:
    """As `diffseis.signal.RotatedSpectrum.penalty_angle`, on the host."""
    means = np.sqrt(table[:90] * table[90:])
    middle = np.median(means, axis=0)
    ratio = np.divide(means, middle, out=np.ones_like(means), where=middle > 0) - 1
    return int(np.argmin(np.sum(ratio**2, axis=1)))


def _of_angles(table: np.ndarray, component: str, angle: int) -> float:
    means = np.sqrt(table[:90] * table[90:])
    return float(
        {
            "rotd00": lambda: np.min(table),
            "rotd50": lambda: np.median(table),
            "rotd100": lambda: np.max(table),
            "gmrotd50": lambda: np.median(means),
            "gmroti50": lambda: means[angle],
            "geometric-mean": lambda: means[0],
            "arithmetic-mean": lambda: (table[0] + table[90]) / 2,
            "larger": lambda: max(table[0], table[90]),
            "h1": lambda: table[0],
            "h2": lambda: table[90],
        }[component]()
    )


def _of_two(kind: str, component: str, one, other) -> float:
    """Measures that are not turned: the arithmetic mean of Arias intensity, which is that of any two right angles; the geometric mean of the others."""
    one, other = float(one), float(other)
    chosen = {"h1": one, "h2": other, "larger": max(one, other), "arithmetic-mean": (one + other) / 2}
    if component in chosen:
        return chosen[component]
    if kind == "IA" and component != "geometric-mean":
        return (one + other) / 2
    return float(np.sqrt(one * other))


def _amplitude(records: np.ndarray, dt_s: float, frequency_hz: float) -> float:
    """Smoothed Fourier amplitude of one record, or effective amplitude of two; NaN above Nyquist's frequency."""
    if frequency_hz > 0.5 / dt_s:
        return float("nan")
    length = 2 * bucket_size(records.shape[1], minimum=1024)
    amplitude = np.asarray(effective_amplitude(jnp.asarray(records), dt_s, length=length))
    return float(_weights(length, dt_s, frequency_hz) @ amplitude)


@lru_cache(maxsize=64)
def _weights(length: int, dt_s: float, frequency_hz: float) -> np.ndarray:
    frequency = fourier_frequencies_hz(length, dt_s)
    return konno_ohmachi(frequency, np.array([frequency_hz]), EAS_BANDWIDTH)[0]
