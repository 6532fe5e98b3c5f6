"""Case 18: velocity models that cannot be, one with a slow layer, and one too big for the memory."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.core.frames import geodesic
from diffseis.core.grids import RegularGrid
from diffseis.core.tables import StationTable, VelocityTable
from diffseis.io import read_velocity_csv
from diffseis.velocity import Gridded, Homogeneous, Layered, layered_pair
from diffseis.workflows import times
from diffseis.workflows.inputs import read_inputs
from diffseis.workflows.locating import make_setup, run_locate

BAD = {
    "zero": ("4,0,3.35", "vp_km_s", "positive"),
    "negative": ("4,-5.8,3.35", "vp_km_s", "positive"),
    "vs zero (water)": ("4,1.5,0", "vs_km_s", "positive"),
    "nan": ("4,nan,3.35", "vp_km_s", "decimal"),
    "infinite": ("4,inf,3.35", "vp_km_s", "decimal"),
    "vp below vs": ("4,3.35,5.8", "vs_km_s", "exchanged"),
    "vp equals vs": ("4,5.8,5.8", "vs_km_s", "exchanged"),
    "depths out of order": ("40,5.8,3.35", "depth_km", "sort"),
    "a depth twice": ("0,5.8,3.35", "depth_km", "linear"),
}


@pytest.mark.parametrize("case", BAD)
def test_refused_with_line_and_suggestion(tiny, case):
    row, field, fix = BAD[case]
    lines = tiny.config.velocity.read_text().splitlines()
    lines[2] = row
    tiny.config.velocity.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as refused:
        read_inputs(tiny.config)
    assert refused.value.field == field
    assert fix in str(refused.value.fix)
    assert refused.value.line in (3, 4)


@pytest.mark.parametrize("bad", [0.0, -5.0, np.nan, np.inf])
def test_models_made_by_hand_are_validated(bad):
    with pytest.raises(ValueError, match="positive"):
        Homogeneous(bad)
    with pytest.raises(ValueError, match="positive"):
        Layered(jnp.array([0.0, 5.0]), jnp.array([5.0, bad]))
    speeds = np.full((5, 5, 5), 6.0)
    speeds[2, 3, 1] = bad
    with pytest.raises(ValueError, match="positive and finite"):
        Gridded(RegularGrid([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], (5, 5, 5)), speeds)
    with pytest.raises(ValueError, match="positive"):
        layered_pair(VelocityTable(np.array([0.0, 5.0]), np.array([5.0, bad]), np.array([3.0, 3.5])))


def test_a_table_with_s_faster_than_p_is_refused_by_the_job(tiny):
    inputs = read_inputs(tiny.config)
    velocity = replace(inputs.velocity, vs_km_s=inputs.velocity.vp_km_s + 1)
    with pytest.raises(InputError, match="P must be faster than S"):
        make_setup(tiny.config, inputs.stations, velocity)


@pytest.mark.long
def test_a_slow_layer_under_a_fast_one_works(tiny, monkeypatch):
    """The tiny model is slower from 8 to 14 km than above it: events in that layer are found."""
    velocity = read_velocity_csv(tiny.config.velocity)
    assert np.any(np.diff(velocity.vp_km_s) < 0)
    monkeypatch.setattr("diffseis.plot.make_figures", lambda *_, **__: {})
    catalogue, _ = run_locate(tiny.config)
    events, truth = catalogue.events, tiny.truth
    assert set(events.status) == {"located"}
    distance, _, _ = geodesic(events.latitude, events.longitude, truth.latitude, truth.longitude)
    assert np.all(distance < 4 * np.maximum(events.horizontal_error_km, 0.1))
    assert np.all(np.abs(events.depth_km - truth.depth_km) < 4 * np.maximum(events.vertical_error_km, 0.2))
    assert np.all(np.isfinite(catalogue.arrivals.residual_s))


def test_tables_too_big_for_the_memory_are_refused_with_their_size(tiny, monkeypatch):
    monkeypatch.setattr(times, "MAX_TABLE_BYTES", 5e8)
    inputs = read_inputs(tiny.config)
    num = 2000
    rng = np.random.default_rng(0)
    many = StationTable(
        network=np.array(["XX"] * num, dtype=object),
        station=np.array([f"S{i}" for i in range(num)], dtype=object),
        latitude=rng.uniform(42, 44, num),
        longitude=rng.uniform(12, 14, num),
        elevation_m=np.linspace(0, 2500, num),  # no two alike: a table for each
    )
    with pytest.raises(InputError, match=r"2000 stations would take \d+\.\d GB") as refused:
        make_setup(tiny.config, many, inputs.velocity)
    assert "search_margin_km" in str(refused.value.fix)


def test_a_model_of_twenty_thousand_layers_is_refused(tiny):
    """Each layer costs time and memory at every node of every table; a log has to be blocked first."""
    rows = "\n".join(f"{i * 1e-3:.4f},{5 + i * 1e-6:.6f},{3 + i * 1e-7:.7f}" for i in range(20_000))
    tiny.config.velocity.write_text("depth_km,vp_km_s,vs_km_s\n" + rows + "\n")
    with pytest.raises(InputError, match="20000 rows") as refused:
        read_inputs(tiny.config)
    assert "average" in str(refused.value.fix)
