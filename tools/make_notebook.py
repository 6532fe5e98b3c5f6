"""Writes notebooks/01_locate.ipynb (outputs stripped) from the cells below."""

from pathlib import Path

import nbformat

CELLS = [
    (
        "markdown",
        """# Locate earthquakes, and know how well

Picks in, hypocentre particles out, with the gradient of a hypocentre by its picks. Synthetic events, so that the truth is known. A minute on two cores.""",
    ),
    (
        "code",
        """import os

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.precision import enable_x64

enable_x64()  # programs choose double precision, the library never does""",
    ),
    (
        "markdown",
        """## A network, a velocity model, and what follows from them

`setup_for` makes the local frame, the search volume, the travel-time tables, the likelihood and the sampler.""",
    ),
    (
        "code",
        """from diffseis.core.tables import StationTable, VelocityTable
from diffseis.workflows import setup_for

rng = np.random.default_rng(4)
num = 12
stations = StationTable(
    network=np.full(num, "XX", dtype=object),
    station=np.array([f"ST{i:02d}" for i in range(num)], dtype=object),
    latitude=42.0 + rng.uniform(-0.3, 0.3, num),
    longitude=13.0 + rng.uniform(-0.4, 0.4, num),
    elevation_m=rng.uniform(200, 1500, num),
)
velocity = VelocityTable(
    depth_km=np.array([-2.0, 2.0, 8.0, 25.0]), vp_km_s=np.array([4.8, 5.6, 6.2, 7.2]), vs_km_s=np.array([2.8, 3.2, 3.5, 4.1])
)
setup = setup_for(stations, velocity)""",
    ),
    ("markdown", "## Events with known hypocentres; one pick in ten is wrong by seconds"),
    (
        "code",
        """from diffseis.location import TravelTimeError
from diffseis.synthesis import synthetic_picks

num_events = 8 if os.environ.get("DIFFSEIS_FAST") else 30
truth_km = np.column_stack([rng.uniform(-15, 15, (num_events, 2)), rng.uniform(3, 15, num_events)])
picks, truth = synthetic_picks(
    truth_km,
    setup.times,
    stations,
    setup.frame,
    error=TravelTimeError(),
    sigma_s={"P": 0.05, "S": 0.1},
    num_stations=(8, 8),
    s_fraction=1.0,
    outlier_fraction=0.1,
    key=jr.key(1),
)
print(len(picks), "picks of", len(truth), "events")""",
    ),
    ("markdown", "## Locate"),
    (
        "code",
        """solution = setup.locate(picks, key=jr.key(0))
catalogue = solution.value
events = catalogue.events
for i in range(3):
    print(
        f"{events.event_id[i]}: {events.status[i]}, depth {events.depth_km[i]:.1f} +- {events.vertical_error_km[i]:.1f} km "
        f"(true {truth.depth_km[i]:.1f})"
    )""",
    ),
    (
        "code",
        """from diffseis.plot import event_figure

event_figure(catalogue, 0)""",
    ),
    (
        "markdown",
        """## A gradient

How the depth of the first event answers to each of its picks, by the implicit function theorem at the maximum of the posterior.""",
    ),
    (
        "code",
        """from diffseis.location import hypocentre_by_picks

hypocentre, time_s = hypocentre_by_picks(setup.problem, catalogue, 0)


def depth(time_s):
    return hypocentre(time_s)[0][2]


by_pick = jax.grad(depth)(time_s)
print(np.round(np.asarray(by_pick), 2), "km per s")""",
    ),
    (
        "markdown",
        """## Is it right?

The distance from the truth, in posterior standard deviations; and one derivative against a finite difference.""",
    ),
    (
        "code",
        """offset = truth_km - catalogue.particles.ned_km.mean(axis=1)
squared = np.einsum("ei,eij,ej->e", offset, np.linalg.inv(events.covariance_km2), offset)
inside = np.mean(squared < 7.81)  # 95 % of a normal in three dimensions
print(f"{100 * inside:.0f} % of the true hypocentres lie in the 95 % ellipsoid")

pick = int(np.argmax(np.abs(by_pick)))
step = 1e-4
difference = (depth(time_s.at[pick].add(step)) - depth(time_s.at[pick].add(-step))) / (2 * step)
assert np.all(events.status == "located")
assert inside > 0.7
assert abs(difference - by_pick[pick]) < 1e-4 * abs(difference)""",
    ),
]


def main() -> None:
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    notebook = nbformat.v4.new_notebook(
        cells=[make[kind](text) for kind, text in CELLS],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:02d}"
    path = Path(__file__).resolve().parents[1] / "notebooks" / "01_locate.ipynb"
    nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
