"""HASH's solutions as a catalogue like that of any other method: its accepted mechanisms stand for draws."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.results import RESULTS
from diffseis.mechanism.catalogue import FEW_DATA, MAX_MODES, NO_DATA, OK, MechanismCatalogue, Mechanisms
from diffseis.mechanism.hash_options import HashOptions
from diffseis.mechanism.hash_solution import HashSolution
from diffseis.source import (
    double_couple,
    double_couple_of,
    double_couple_quaternion,
    kagan_angle_of,
    six_vector,
)

_CHUNK = 512


def hash_catalogue(
    rays: RadiationTable, solutions: Sequence[HashSolution], options: HashOptions, *, num_kept: int = 500
) -> MechanismCatalogue:
    """Solutions as a catalogue.

    Kagan's angles and probabilities are shares of the accepted mechanisms: what HASH tells, not a posterior. Errors of planes are HASH's root mean square angles, given for strike, dip and rake alike.

    Args:
        rays: the observations.
        solutions: of all its events, in order.
        options: that they were made with.
        num_kept: mechanisms that are handed on per event, spread evenly over the accepted ones.
    """
    rows, draws = [], np.full((len(solutions), num_kept, 6), np.nan, np.float32)
    for number, solution in enumerate(solutions):
        row, six = _row(solution, num_kept, options)
        rows.append(row)
        if six is not None:
            draws[number] = six
    table = {name: np.array([row[name] for row in rows]) for name in Mechanisms.__dataclass_fields__}
    for word in ("event_id", "status", "reason", "grade"):
        table[word] = np.asarray(table[word], object)
    told = {
        "bad_fraction": options.bad_fraction,
        "ratio_bad": options.ratio_bad,
        "num_trials": options.num_trials,
    }
    noise = {name: float(value) for name, value in told.items()}
    return MechanismCatalogue(Mechanisms(**table), draws, rays, "dc", "hash", noise)


def _why_none(solution: HashSolution, options: HashOptions) -> str:
    """Why HASH does not try an event."""
    if solution.num_polarities < options.min_polarities:
        return f"{solution.num_polarities} first motions of P; HASH asks for {options.min_polarities}."
    return (
        f"No first motion of P over {solution.azimuthal_gap_deg:.0f} degrees of azimuth and {solution.takeoff_gap_deg:.0f} of take-off angle; "
        f"HASH does not try beyond {options.max_azimuthal_gap_deg:.0f} and {options.max_takeoff_gap_deg:.0f}."
    )


def _row(
    solution: HashSolution, num_kept: int, options: HashOptions
) -> tuple[dict[str, Any], np.ndarray | None]:
    row: dict[str, Any] = dict.fromkeys(Mechanisms.__dataclass_fields__, np.nan)
    row |= {
        "event_id": solution.event_id,
        "grade": solution.grade,
        "num_polarities": solution.num_polarities,
        "num_ratios": solution.num_ratios,
        "num_amplitudes": 0,
        "azimuthal_gap_deg": solution.azimuthal_gap_deg,
        "takeoff_gap_deg": solution.takeoff_gap_deg,
        "num_modes": len(solution.strike_deg),
        "tensor": np.full((3, 3), np.nan),
        "mode_share": np.zeros(MAX_MODES),
        "mode_planes_deg": np.full((MAX_MODES, 2, 3), np.nan),
    }
    if not len(solution.strike_deg):
        empty = solution.num_polarities + solution.num_ratios == 0
        why = RESULTS[RESULTS.no_data] if empty else _why_none(solution, options)
        return row | {"status": NO_DATA if empty else FEW_DATA, "reason": why}, None
    plane = np.array([solution.strike_deg[0], solution.dip_deg[0], solution.rake_deg[0]])
    other = np.asarray(solution.auxiliary_deg, float).reshape(-1, 3)[0]
    errors = (solution.fault_plane_uncertainty_deg[0], solution.auxiliary_plane_uncertainty_deg[0])
    for end, angles, error in (("", plane, errors[0]), ("2", other, errors[1])):
        for name, value in zip(("strike", "dip", "rake"), angles, strict=True):
            row[f"{name}{end}_deg"], row[f"{name}{end}_error_deg"] = float(value), float(error)
    tensor, kagan, six = _accepted(plane, solution.accepted, num_kept)
    num = len(solution.strike_deg)
    row["mode_share"][:num] = solution.probability
    own = np.stack([solution.strike_deg, solution.dip_deg, solution.rake_deg], axis=1)
    row["mode_planes_deg"][:num] = np.stack([own, np.reshape(solution.auxiliary_deg, (num, 3))], axis=1)
    row |= {
        "status": OK,
        "reason": "",
        "tensor": tensor,
        "slope_deg": 0.0,
        "kagan50_deg": float(np.quantile(kagan, 0.5)),
        "kagan90_deg": float(np.quantile(kagan, 0.9)),
        "probability_within_20_deg": float(np.mean(kagan <= 20)),
        "misfit": float(solution.misfit_fraction[0]),
        "ratio_misfit": float(solution.ratio_misfit[0]) if solution.num_ratios else np.nan,
        "station_distribution_ratio": float(solution.station_distribution_ratio[0]),
        "effective_fraction": 1.0,
    }
    return row, six


def _accepted(plane_deg: np.ndarray, accepted: np.ndarray, num_kept: int):
    """The preferred tensor, angles of the accepted mechanisms from it, and as many six-vectors as asked for."""
    angles = [jnp.asarray(np.radians(x), float) for x in plane_deg]
    chosen = np.asarray(accepted)[np.linspace(0, len(accepted) - 1, num_kept).round().astype(int)]
    centre = double_couple_quaternion(*angles)
    # Padded, so that one program serves all events.
    padded = np.asarray(accepted)[np.arange(-(-len(accepted) // _CHUNK) * _CHUNK) % len(accepted)]
    parts = [
        _kagan(centre, jnp.asarray(padded[i : i + _CHUNK], float)) for i in range(0, len(padded), _CHUNK)
    ]
    kagan = np.degrees(np.concatenate([np.asarray(part) for part in parts]))[: len(accepted)]
    return np.asarray(double_couple(*angles), float), kagan, np.asarray(_sixes(jnp.asarray(chosen, float)))


_kagan = jax.jit(jax.vmap(kagan_angle_of, in_axes=(None, 0)))
_sixes = jax.jit(jax.vmap(lambda q: six_vector(double_couple_of(q))))
