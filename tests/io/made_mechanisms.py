"""A made-up catalogue of mechanisms: known planes, scattered draws, one event without data."""

import jax.numpy as jnp
import numpy as np

from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.mechanism import MechanismCatalogue, Mechanisms
from diffseis.source import auxiliary_plane, double_couple, six_vector

PLANES_DEG = ((30.0, 60.0, -80.0), (211.0, 85.0, 5.0), (120.0, 35.0, 95.0))
NAMES = ("one", "two/2 & so on", "three")
EXPLOSION = np.eye(3) / np.sqrt(1.5)


def made_catalogue(source: str = "dc") -> MechanismCatalogue:
    """Three events with a mechanism and a fourth without; of other sources than double couples, half an explosion is added."""
    angles = [jnp.radians(jnp.asarray(p)) for p in PLANES_DEG]
    tensors = np.stack([np.asarray(double_couple(*a), float) for a in angles])
    if source != "dc":
        tensors = tensors + 0.5 * EXPLOSION
        tensors /= np.linalg.norm(tensors, axis=(1, 2), keepdims=True) / np.sqrt(2)
    second = np.degrees([np.asarray(auxiliary_plane(*a), float) for a in angles])
    rng = np.random.default_rng(0)
    six = np.stack([np.asarray(six_vector(jnp.asarray(t)), float) for t in tensors])
    draws = np.full((4, 50, 6), np.nan, np.float32)
    draws[:3] = six[:, None] + 0.1 * rng.normal(size=(3, 50, 6))
    first = np.array(PLANES_DEG)
    columns = {
        name: np.append(values, np.nan)
        for names, planes in ((("strike", "dip", "rake"), first), (("strike2", "dip2", "rake2"), second))
        for name, values in zip((f"{n}_deg" for n in names), planes.T, strict=True)
    }
    columns |= {
        f"{name}{end}_error_deg": np.append(rng.uniform(3, 9, 3), np.nan)
        for name in ("strike", "dip", "rake")
        for end in ("", "2")
    }
    numbers = {
        "slope_deg": 0.0,
        "kagan50_deg": 8.0,
        "kagan90_deg": 17.0,
        "probability_within_20_deg": 0.94,
        "misfit": 0.05,
        "ratio_misfit": np.nan,
        "station_distribution_ratio": 0.6,
        "azimuthal_gap_deg": 70.0,
        "takeoff_gap_deg": 30.0,
        "log_evidence": -12.0,
        "effective_fraction": 0.5,
    }
    columns |= {name: np.append(np.full(3, value), np.nan) for name, value in numbers.items()}
    columns |= {"num_polarities": np.array([12, 12, 12, 0]), "num_modes": np.array([1, 2, 1, 0])}
    columns |= {name: np.zeros(4, int) for name in ("num_ratios", "num_amplitudes")}
    columns["tensor"] = np.concatenate([tensors, np.full((1, 3, 3), np.nan)])
    columns["mode_share"] = np.array([[0.97, 0.0], [0.7, 0.25], [0.9, 0.05], [0.0, 0.0]])
    own = np.stack([[columns[f"{n}{end}_deg"] for n in ("strike", "dip", "rake")] for end in ("", "2")])
    other = np.array([[0.0, 45.0, -90.0], [180.0, 45.0, -90.0]])
    both = [own.transpose(2, 0, 1), np.broadcast_to(other, (4, 2, 3))]
    columns["mode_planes_deg"] = np.stack(both, axis=1)
    words = {
        "event_id": [*NAMES, "four"],
        "status": ["ok", "ok", "not-converged", "no-data"],
        "reason": ["", "", "The sampler did not converge.", "There is nothing to work on."],
        "grade": ["A", "B", "D", ""],
    }
    columns |= {name: np.array(values, object) for name, values in words.items()}
    rays = RadiationTable.of(
        event_id=[NAMES[0]] * 12,
        station=[f"XX.S{i}" for i in range(12)],
        azimuth_deg=np.arange(12) * 30.0,
        takeoff_deg=np.linspace(40, 130, 12),
        polarity=np.where(np.arange(12) % 3, 1.0, -1.0),
    )
    return MechanismCatalogue(
        Mechanisms(**columns), draws, rays, source, "grid", {"mispick": 0.05, "polarity_sd": 0.1}
    )


def made_places(magnitude: float = np.nan) -> EventTable:
    """Of the first two events and of the one without a mechanism."""
    return EventTable(
        event_id=np.array([NAMES[0], NAMES[1], "four"], object),
        time=np.array(["2020-01-01T00:00:00.5", "2020-01-02T00:00:00", "NaT"], "datetime64[ns]"),
        latitude=np.array([45.1, -45.2, 45.3]),
        longitude=np.array([10.1, 179.9, 10.3]),
        depth_km=np.array([7.0, 8.5, 9.0]),
        magnitude=np.full(3, magnitude),
    )
