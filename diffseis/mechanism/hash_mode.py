"""First motions and S/P ratios by the method of HASH v1.2: grades that a catalogue's readers know.

Events are searched one after another by one program per size of event: the grid of mechanisms keeps a machine busy, and what an event comes out as depends on
neither its neighbours nor their order. The likelihoods of this room are more exact; this mode is for catalogues that must go on as they began.

References:
    Hardebeck & Shearer (2002), doi:10.1785/0120010200; (2003), doi:10.1785/0120020236.
"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.random import stable_ids
from diffseis.mechanism.accepted import HashLimits, HashRays, accepted_mechanisms
from diffseis.mechanism.hash_grid import MechanismGrid, hash_grid
from diffseis.mechanism.hash_options import HashOptions
from diffseis.mechanism.hash_rays import limits_of, rays_by_event, rays_of
from diffseis.mechanism.hash_solution import HashSolution, hash_grade
from diffseis.mechanism.preferred import PreferredMechanisms, preferred_mechanisms, spread_rows
from diffseis.mechanism.station_distribution import HashMisfit, coverage_gaps_deg, hash_misfits
from diffseis.source import planes_of

_HASH = HashOptions()


def hash_mechanisms(
    table: RadiationTable,
    event_ids: Sequence[str],
    *,
    options: HashOptions = _HASH,
    key: Key[Array, ""],
) -> list[HashSolution]:
    """Mechanisms of events by HASH v1.2, in the order of their ids.

    Cost: 31,032 mechanisms times trials times rays, 40 rays and 30 trials in about 30 ms of one core. Memory: a few vectors of the grid (megabytes) and 32 bytes per ray and
    trial; no more events, or rays, are held at once.

    Args:
        table: of rays; rows without angles, and without both polarity of P and log10 of S/P, are left out.
        event_ids: whose mechanisms; one that the table lacks has no data, and grade F.
        options: of the search.
        key: of the trials; each event's own follows from its id.

    Example:
        ```python
        table, *_ = read_hash("north1.phase", 1)
        found = hash_mechanisms(table, sorted(set(table.event_id)), key=jax.random.key(0))
        [(s.event_id, s.grade, s.strike_deg[:1], s.dip_deg[:1], s.rake_deg[:1]) for s in found]
        ```
    """
    rows = rays_by_event(table)
    grid = hash_grid(options.grid_spacing_deg)
    ids = stable_ids([str(e) for e in event_ids]) if len(event_ids) else []
    none = np.zeros(0, int)
    return [
        _solution(str(event), table, rows.get(str(event), none), grid, options, jr.fold_in(key, number))
        for event, number in zip(event_ids, ids, strict=True)
    ]


class _Found(eqx.Module):
    accepted: Array
    preferred: PreferredMechanisms
    planes: Float[Array, "solution 2 3"]
    misfit: HashMisfit


# Three programs: only the first and the last know the rays' padding, and the second takes longest to compile.
_accept = eqx.filter_jit(accepted_mechanisms)
_misfits = eqx.filter_jit(hash_misfits)


@eqx.filter_jit
def _prefer(quaternions, accepted, max_accepted, cutoff_rad, max_probability):
    index, there = spread_rows(accepted, max_accepted)
    found = preferred_mechanisms(quaternions[index], there, cutoff_rad, max_probability)
    return found, jax.vmap(planes_of)(found.quaternions)


def _search(grid: MechanismGrid, rays: HashRays, limits: HashLimits, options: HashOptions, key) -> _Found:
    log_cube = jnp.asarray(3 * np.log10(options.vp_vs), jnp.float32)
    accepted = _accept(grid.planes, rays, limits, log_cube, num_trials=options.num_trials, key=key)
    preferred, planes = _prefer(
        grid.quaternions,
        accepted,
        options.max_accepted,
        jnp.asarray(np.radians(options.cutoff_angle_deg), float),
        jnp.asarray(options.max_probability, float),
    )
    misfit = _misfits(preferred.quaternions, rays, log_cube, original=options.original_amplitudes)
    return _Found(accepted, preferred, planes, misfit)


def _solution(event, table, rows, grid, options, key) -> HashSolution:
    polarity, ratio = table.polarity[rows], table.log10_sp[rows]
    gaps = coverage_gaps_deg(table.azimuth_deg[rows], table.takeoff_deg[rows])
    known: dict[str, Any] = {
        "event_id": event,
        "azimuthal_gap_deg": gaps[0],
        "takeoff_gap_deg": gaps[1],
        "num_polarities": int(np.sum(np.isfinite(polarity) & (polarity != 0))),
        "num_ratios": int(np.sum(np.isfinite(ratio))),
    }
    if known["num_polarities"] < options.min_polarities:
        return _without("F", known)
    if np.floor(gaps[0]) > options.max_azimuthal_gap_deg or np.floor(gaps[1]) > options.max_takeoff_gap_deg:
        return _without("E", known)
    limits = limits_of(polarity, known["num_ratios"], options)
    found = _search(grid, rays_of(table, rows, options), limits, options, key)
    return _with(found, grid, known)


def _with(found: _Found, grid: MechanismGrid, known: dict[str, Any]) -> HashSolution:
    num = int(found.preferred.num_solutions)
    column = lambda x: np.asarray(x)[:num].astype(float)
    planes = np.degrees(column(found.planes))
    uncertainty = np.degrees(column(found.preferred.uncertainty_rad))
    probability, misfit = column(found.preferred.probability), column(found.misfit.polarity)
    distribution = column(found.misfit.station_distribution_ratio)
    grades = tuple(
        hash_grade(*row)
        for row in zip(probability, uncertainty.mean(axis=1), misfit, distribution, strict=True)
    )
    return HashSolution(
        **known,
        grade=grades[0],
        grades=grades,
        strike_deg=planes[:, 0, 0],
        dip_deg=planes[:, 0, 1],
        rake_deg=planes[:, 0, 2],
        auxiliary_deg=planes[:, 1],
        fault_plane_uncertainty_deg=uncertainty[:, 0],
        auxiliary_plane_uncertainty_deg=uncertainty[:, 1],
        probability=probability,
        misfit_fraction=misfit,
        ratio_misfit=column(found.misfit.ratio),
        station_distribution_ratio=distribution,
        accepted=np.asarray(grid.quaternions)[np.asarray(found.accepted)],
    )


def _without(grade: str, known: dict[str, Any]) -> HashSolution:
    nothing = np.zeros(0)
    return HashSolution(
        **known,
        grade=grade,
        grades=(),
        strike_deg=nothing,
        dip_deg=nothing,
        rake_deg=nothing,
        auxiliary_deg=np.zeros((0, 3)),
        fault_plane_uncertainty_deg=nothing,
        auxiliary_plane_uncertainty_deg=nothing,
        probability=nothing,
        misfit_fraction=nothing,
        ratio_misfit=nothing,
        station_distribution_ratio=nothing,
        accepted=np.zeros((0, 4)),
    )
