"""Mechanisms as QuakeML: alone, or added to the events of a located catalogue.

Uncertainties of the planes' angles are half-widths of the central 68 % of the posterior's draws, or HASH's root mean squares. What QuakeML has no place for (the
spread of the posterior, the status, the tensor of an event of unknown size) is said in comments.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diffseis.core.tables import EventTable
from diffseis.io.atomic import atomic_path
from diffseis.io.notices import Notice
from diffseis.io.obspy_guard import read_catalog_file
from diffseis.io.quakeml import CONFIDENCE_PERCENT, finite_or_none, identifier, resource_name, utc
from diffseis.mechanism import MechanismCatalogue, TensorMeasures, measure_tensors, modes_of

_GCMT = ("m_rr", "m_tt", "m_pp", "m_rt", "m_rp", "m_tp")
_PURE = 1e-3


def write_mechanisms_quakeml(
    path: str | Path,
    catalogue: MechanismCatalogue,
    *,
    places: EventTable | None = None,
    located: str | Path | None = None,
) -> list[Notice]:
    """Write ``mechanisms.xml``.

    Args:
        path: the file.
        catalogue: of mechanisms.
        places: of events, by their ids; with a magnitude the tensor has its size, and is written in N m.
        located: ``catalog.xml`` of `diffseis locate`: mechanisms are added to its events and refer to their origins; its
            events without a mechanism stay as they are.

    Returns:
        What ObsPy had to say about `located`.
    """
    base, notices = read_catalog_file(located, "QUAKEML") if located is not None else (None, [])
    converted = mechanisms_to_obspy(catalogue, places=places, base=base)
    with atomic_path(path) as temporary:
        converted.write(str(temporary), format="QUAKEML")
    return notices


def mechanisms_to_obspy(
    catalogue: MechanismCatalogue, *, places: EventTable | None = None, base: Any = None
) -> Any:
    """An `obspy.Catalog` with one Event per event; of `base`, if given, the events are taken and added to.

    Resource ids derive from event ids: ``smi:local/event/<id>``, ``smi:local/focalmechanism/<id>``.
    """
    from obspy.core.event import Catalog

    events = [] if base is None else list(base)
    by_name = {str(event.resource_id).rsplit("/", 1)[-1]: event for event in events}
    row_of = {} if places is None else {str(name): i for i, name in enumerate(places.event_id)}
    measures = measure_tensors(np.asarray(catalogue.mechanisms.tensor, np.float64).reshape(-1, 3, 3))
    for row, event_id in enumerate(catalogue.mechanisms.event_id):
        name = resource_name(event_id)
        place = _place(places, row_of.get(str(event_id)))
        event = by_name.get(name)
        if event is None:
            event = _new_event(name, str(event_id), place)
            events.append(event)
        _add(event, catalogue, row, name, measures, place)
    return Catalog(events=events, resource_id=identifier("smi:local/catalogue"), creation_info=_creation())


def _creation() -> Any:
    from obspy.core.event import CreationInfo

    return CreationInfo(agency_id="diffseis", author="diffseis mechanism")


def _place(places: EventTable | None, row: int | None) -> dict[str, Any]:
    """What is known of an event's origin."""
    if places is None or row is None:
        return {}
    known = {
        name: float(getattr(places, name)[row]) for name in ("latitude", "longitude", "depth_km", "magnitude")
    }
    found: dict[str, Any] = {name: value for name, value in known.items() if np.isfinite(value)}
    return found if np.isnat(places.time[row]) else found | {"time": places.time[row]}


def _new_event(name: str, event_id: str, place: Mapping[str, Any]) -> Any:
    from obspy.core.event import Event, EventDescription, Magnitude, Origin

    event = Event(
        resource_id=identifier(f"smi:local/event/{name}"),
        event_descriptions=[EventDescription(text=event_id, type="earthquake name")],
        event_type="earthquake",
        creation_info=_creation(),
    )
    if {"time", "latitude", "longitude"} <= set(place):
        depth = {"depth": finite_or_none(1000 * place["depth_km"])} if "depth_km" in place else {}
        origin = Origin(
            resource_id=identifier(f"smi:local/origin/{name}"),
            time=utc(place["time"]),
            latitude=place["latitude"],
            longitude=place["longitude"],
            **depth,
        )
        event.origins, event.preferred_origin_id = [origin], origin.resource_id
    if "magnitude" in place:
        magnitude = Magnitude(
            resource_id=identifier(f"smi:local/magnitude/{name}"), mag=finite_or_none(place["magnitude"])
        )
        event.magnitudes, event.preferred_magnitude_id = [magnitude], magnitude.resource_id
    return event


def _add(event, catalogue: MechanismCatalogue, row: int, name: str, measures: TensorMeasures, place) -> None:
    """The mechanism of one row; where there is none, its status alone."""
    from obspy.core.event import Comment

    table = catalogue.mechanisms
    status, reason = str(table.status[row]), str(table.reason[row])
    text = f"diffseis mechanism status: {status}" + (f"; {reason}" if reason else "")
    comment = lambda kind, words: Comment(
        text=words, resource_id=identifier(f"smi:local/comment/{name}/mechanism/{kind}")
    )
    if not np.isfinite(table.strike_deg[row]):
        event.comments.append(comment("status", text))
        return
    origin = event.preferred_origin() or (event.origins or [None])[0]
    focal = _focal_mechanism(catalogue, row, name, measures, place, origin)
    hashes = catalogue.method == "hash"
    sample, chance = ("accepted mechanisms", "share") if hashes else ("posterior", "probability")
    spread = (
        f"{sample}: half within {table.kagan50_deg[row]:.1f} degrees (Kagan angle) of the preferred mechanism, "
        f"nine tenths within {table.kagan90_deg[row]:.1f}; {chance} within 20 degrees "
        f"{table.probability_within_20_deg[row]:.3f}; grade {table.grade[row]}; separate mechanisms {int(table.num_modes[row])}"
    )
    components = ", ".join(f"{c} {v:.5f}" for c, v in zip(_GCMT, measures.gcmt[row], strict=True))
    shares = f"shares ISO {measures.isotropic[row]:.3f}, CLVD {measures.clvd[row]:.3f}, DC {measures.double_couple[row]:.3f}"
    focal.comments = [
        comment("status", text),
        comment("accepted" if hashes else "posterior", spread + _others(table, row, chance)),
        comment("tensor", f"of unit scalar moment: {components}; {shares}"),
    ]
    event.focal_mechanisms.append(focal)
    event.preferred_focal_mechanism_id = focal.resource_id


def _others(table, row: int, chance: str) -> str:
    """Separate mechanisms beside the preferred one, in words."""
    modes = modes_of(table.take([row]))
    told = zip(modes.planes_deg[1:, 0], modes.probability[1:], strict=True)
    return "".join(
        f"; another: strike {s:.0f}, dip {d:.0f}, rake {r:.0f}, {chance} {p:.2f}" for (s, d, r), p in told
    )


def _focal_mechanism(catalogue, row: int, name: str, measures: TensorMeasures, place, origin) -> Any:
    from obspy.core.event import FocalMechanism, NodalPlanes

    table = catalogue.mechanisms
    moment_nm = 10 ** (1.5 * place["magnitude"] + 9.1) if "magnitude" in place else None
    # HASH's errors are root mean squares, of no stated confidence.
    confidence = None if catalogue.method == "hash" else CONFIDENCE_PERCENT
    return FocalMechanism(
        resource_id=identifier(f"smi:local/focalmechanism/{name}"),
        triggering_origin_id=None if origin is None else origin.resource_id,
        nodal_planes=NodalPlanes(
            # Nothing tells which of them slipped: none is preferred.
            nodal_plane_1=_nodal_plane(catalogue, row, 0, confidence, measures),
            nodal_plane_2=_nodal_plane(catalogue, row, 1, confidence, measures),
        ),
        principal_axes=_axes(measures, row, moment_nm),
        azimuthal_gap=finite_or_none(table.azimuthal_gap_deg[row]),
        station_polarity_count=int(table.num_polarities[row]),
        misfit=finite_or_none(table.misfit[row]),
        station_distribution_ratio=finite_or_none(table.station_distribution_ratio[row]),
        method_id=identifier(f"smi:local/diffseis/mechanism/{catalogue.method}"),
        evaluation_mode="automatic",
        evaluation_status="preliminary" if table.status[row] == "ok" else "rejected",
        moment_tensor=_moment_tensor(measures, row, name, moment_nm, origin),
        creation_info=_creation(),
    )


def _nodal_plane(catalogue, row: int, which: int, confidence: float | None, measures: TensorMeasures) -> Any:
    """Of a source that may open, the nodal planes of its axes, which is what readers of QuakeML draw: they are not those that slip, and of no stated error."""
    from obspy.core.event import NodalPlane, QuantityError

    table, end = catalogue.mechanisms, ("", "2")[which]
    if catalogue.source != "dc":
        plane = [float(angle) for angle in measures.planes_deg[row, which]]
        return NodalPlane(**dict(zip(("strike", "dip", "rake"), plane, strict=True)))
    facts: dict[str, Any] = {}
    for name in ("strike", "dip", "rake"):
        facts[name] = finite_or_none(getattr(table, f"{name}{end}_deg")[row])
        facts[f"{name}_errors"] = QuantityError(
            uncertainty=finite_or_none(getattr(table, f"{name}{end}_error_deg")[row]),
            confidence_level=confidence,
        )
    return NodalPlane(**facts)


def _axes(measures: TensorMeasures, row: int, moment_nm: float | None) -> Any:
    """Lengths in N m where the size is known; else of unit scalar moment."""
    from obspy.core.event import Axis, PrincipalAxes

    scale = 1.0 if moment_nm is None else moment_nm
    axis = lambda i: Axis(
        azimuth=finite_or_none(measures.axes_deg[row, i, 0]),
        plunge=finite_or_none(measures.axes_deg[row, i, 1]),
        length=finite_or_none(scale * measures.axis_values[row, i]),
    )
    return PrincipalAxes(t_axis=axis(0), n_axis=axis(1), p_axis=axis(2))


def _moment_tensor(measures: TensorMeasures, row: int, name: str, moment_nm, origin) -> Any:
    """Of a source that is no double couple; QuakeML demands its origin. Without a size it has shares, but no components."""
    from obspy.core.event import MomentTensor, Tensor

    shares = [float(getattr(measures, part)[row]) for part in ("double_couple", "clvd", "isotropic")]
    if origin is None or shares[0] > 1 - _PURE:
        return None
    sized: dict[str, Any] = {}
    if moment_nm is not None:
        components = {
            c: finite_or_none(moment_nm * v) for c, v in zip(_GCMT, measures.gcmt[row], strict=True)
        }
        sized = {"scalar_moment": finite_or_none(moment_nm), "tensor": Tensor(**components)}
    return MomentTensor(
        resource_id=identifier(f"smi:local/momenttensor/{name}"),
        derived_origin_id=origin.resource_id,
        double_couple=finite_or_none(shares[0]),
        clvd=finite_or_none(shares[1]),
        iso=finite_or_none(shares[2]),
        creation_info=_creation(),
        **sized,
    )
