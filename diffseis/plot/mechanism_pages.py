"""From a catalogue of mechanisms to what the page of one event shows."""

import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.mechanism import MechanismCatalogue, measure_tensors, modes_of, six_tensors
from diffseis.plot.mechanism_card import NEAR_DEG, CardLines, MechanismPage, axes_deg
from diffseis.plot.mechanism_ratios import ratio_pairs
from diffseis.plot.mechanism_words import HASH, words_of
from diffseis.plot.names import station_label


def rows_of(places: EventTable | None, names: np.ndarray) -> np.ndarray:
    """Rows of events in a table of places, -1 for none."""
    row_of = {} if places is None else {str(name): i for i, name in enumerate(places.event_id)}
    return np.array([row_of.get(str(name), -1) for name in names], int)


def mechanism_page(
    catalogue: MechanismCatalogue, row: int, *, places: EventTable | None = None
) -> MechanismPage:
    """What the page of one event shows: its first motions of P, and its draws."""
    table, rays, words = catalogue.mechanisms, catalogue.rays, words_of(catalogue)
    every = rays.take(
        (rays.event_id == table.event_id[row]) & np.isfinite(rays.azimuth_deg) & np.isfinite(rays.takeoff_deg)
    )
    own = every.take(_read(every.polarity))
    tensor = np.asarray(table.tensor[row], float)
    ratios = ratio_pairs(every, tensor)
    if words is HASH:
        ratios = {name: pair for name, pair in ratios.items() if name == "S/P"}
    six = np.asarray(catalogue.draws[row], float)
    six = six[np.all(np.isfinite(six), axis=1)]
    facts = [f"grade {table.grade[row]}"] if table.status[row] == "ok" else [str(table.status[row])]
    at = rows_of(places, table.event_id[row : row + 1])[0]
    if places is not None and at >= 0:
        time, magnitude, depth = places.time[at], places.magnitude[at], places.depth_km[at]
        facts += [] if np.isnat(time) else [str(time)[:19].replace("T", " ")]
        facts += [f"M {magnitude:.1f}"] if np.isfinite(magnitude) else []
        facts += [f"depth {depth:.1f} km"] if np.isfinite(depth) else []
    return MechanismPage(
        event_id=str(table.event_id[row]),
        tensor=tensor,
        draws=six_tensors(six),
        azimuth_deg=own.azimuth_deg,
        takeoff_deg=own.takeoff_deg,
        polarity=own.polarity,
        station=tuple(station_label(str(name)) for name in own.station),
        subtitle=", ".join(facts),
        ratios=ratios,
        card=tuple(_card(catalogue, row, every)),
        sample=words.sample,
        chance=words.chance,
    )


def _read(polarity: np.ndarray) -> np.ndarray:
    return np.isfinite(polarity) & (polarity != 0)


def _first_motions(number: int, rays: RadiationTable) -> str:
    """How many; of each wave where some are of S, of which the ball shows none."""
    waves = {"P": rays.polarity, "SV": rays.sv_polarity, "SH": rays.sh_polarity}
    counts = {wave: int(np.sum(_read(polarity))) for wave, polarity in waves.items()}
    if sum(counts.values()) != number or counts["P"] == number:
        return f"{number}"
    return ", ".join(f"{wave} {count}" for wave, count in counts.items() if count)


def _card(catalogue: MechanismCatalogue, row: int, rays: RadiationTable) -> CardLines:
    """The catalogue's own numbers, so that page and table agree."""
    table, words = catalogue.mechanisms, words_of(catalogue)
    lines: CardLines = []
    for number, end in enumerate(("", "2"), start=1):
        planes = [float(getattr(table, f"{name}{end}_deg")[row]) for name in ("strike", "dip", "rake")]
        errors = [float(getattr(table, f"{name}{end}_error_deg")[row]) for name in ("strike", "dip", "rake")]
        label = f"Plane {number}" if catalogue.source == "dc" else f"Slips on {number}"
        lines.append((label, " / ".join(f"{x:.0f}°" for x in planes)))
        # HASH has one angle for a whole plane.
        if words is HASH:
            lines.append(("", f"± {errors[0]:.0f}° (RMS)"))
        else:
            lines.append(("", "± " + " / ".join(f"{x:.0f}°" for x in errors) + " (68 %)"))
    axes = axes_deg(np.asarray(table.tensor[row], float)).items()
    lines += [(f"{name} axis", f"trend {trend:.0f}°, plunge {plunge:.0f}°") for name, (trend, plunge) in axes]
    lines += [
        (f"Within {NEAR_DEG:.0f}°", f"{words.chance} {table.probability_within_20_deg[row]:.2f}"),
        ("Half, 90 % within", f"{table.kagan50_deg[row]:.0f}°, {table.kagan90_deg[row]:.0f}°"),
    ]
    if catalogue.source != "dc":
        kind = measure_tensors(np.asarray(table.tensor[row : row + 1], float))
        shares = [100 * float(x[0]) for x in (kind.isotropic, kind.clvd, kind.double_couple)]
        lines.append(("ISO / CLVD / DC", " / ".join(f"{x:.0f}" for x in shares) + " %"))
        lines.append(("Slope", f"{table.slope_deg[row]:.0f}°"))
    if table.num_polarities[row]:
        lines.append(("Polarities", _first_motions(int(table.num_polarities[row]), rays)))
    for name, count in (
        ("Ratios", table.num_ratios[row]),
        ("Amplitudes", table.num_amplitudes[row]),
    ):
        lines += [(name, f"{int(count)}")] if count else []
    if table.num_polarities[row]:
        lines.append(("Misfit", f"{100 * table.misfit[row]:.1f} % of their weight"))
        lines.append(("Distribution", f"{table.station_distribution_ratio[row]:.2f}"))
    lines.append(
        ("Gaps", f"azimuth {table.azimuthal_gap_deg[row]:.0f}°, take-off {table.takeoff_gap_deg[row]:.0f}°")
    )
    if table.num_modes[row] > 1:
        modes = modes_of(table.take([row]))
        lines.append(("Modes", f"{len(modes)}; of this one {modes.probability[0]:.2f}"))
        for share, plane in zip(modes.probability[1:], modes.planes_deg[1:, 0], strict=True):
            lines.append(("", " / ".join(f"{x:.0f}°" for x in plane) + f", {share:.2f}"))
    return [(name, text.replace("-", "−") if name != "Gaps" else text) for name, text in lines]
