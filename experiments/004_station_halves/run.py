"""Do two halves of a real network agree on where its earthquakes are, within what they say? See README.md.

    python experiments/004_station_halves/run.py [--splits 4]

Needs DIFFSEIS_REFERENCE_DATA.
"""

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax.random as jr
import numpy as np
from scipy.stats import chi2

from diffseis.core.frames import geodesic
from diffseis.io import read_events_csv
from diffseis.location import estimate_station_terms, normalised_misfit
from diffseis.workflows.config import load_config
from diffseis.workflows.inputs import Inputs, read_inputs
from diffseis.workflows.locating import Setup, learn_error, make_setup
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
LEVELS = (0.5, 0.9, 0.95)
CASES = {
    "default": {},
    "auto": {"traveltime_error": "auto"},
    "static": {"station_terms": "static"},
    "static, auto": {"station_terms": "static", "traveltime_error": "auto"},
    "gaussian, auto": {"likelihood": "gaussian", "traveltime_error": "auto"},
}


def located(settings: dict, setup: Setup, inputs: Inputs):
    """The catalogue by these settings, and the travel-time error it was located with."""
    key, terms = jr.key(0), None
    if settings.get("station_terms") == "static":
        terms, _ = estimate_station_terms(
            inputs.picks, inputs.stations, setup.times, key=key, **setup.options
        )
    if settings.get("traveltime_error") == "auto":
        setup, _ = learn_error(setup, inputs, terms, progress=None, key=key)
    catalogue = setup.locate(inputs.picks, station_terms_s=terms, key=key).value
    error = setup.likelihood.error
    return catalogue, (round(float(error.fraction), 4), round(float(error.minimum_s), 4))


def held(one, other, *, relative: bool) -> list[float]:
    """How often regions of the difference of two independent posteriors hold zero (less the common shift, if `relative`)."""
    row = {str(name): i for i, name in enumerate(one.events.event_id)}
    pairs = [(row.get(str(name), -1), j) for j, name in enumerate(other.events.event_id)]
    good = lambda events, i: i >= 0 and events.status[i] == "located"
    pairs = [(i, j) for i, j in pairs if good(one.events, i) and good(other.events, j)]
    i, j = np.array(pairs).T
    difference = one.particles.ned_km[i].mean(axis=1) - other.particles.ned_km[j].mean(axis=1)
    if relative:
        difference = difference - np.median(difference, axis=0)
    covariance = one.events.covariance_km2[i] + other.events.covariance_km2[j]
    squared = np.einsum("ei,eij,ej->e", difference, np.linalg.inv(covariance), difference)
    return [float(np.mean(squared < chi2.ppf(level, 3))) for level in LEVELS]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=4)
    arguments = parser.parse_args()
    folder = Path(os.environ["DIFFSEIS_REFERENCE_DATA"]) / "central_italy_20161014"
    files = {name: folder / f"{name}.csv" for name in ("picks", "stations", "velocity")}
    reference = read_events_csv(folder / "reference.csv")
    index = {str(name): k for k, name in enumerate(reference.event_id)}
    rows = []
    for case, settings in CASES.items():
        start = time.perf_counter()
        config = load_config({**files, **settings})
        inputs = read_inputs(config)
        setup = make_setup(config, inputs.stations, inputs.velocity)
        names = np.unique(inputs.picks.station_ids.astype(str))
        tries, relatives = [], []
        for split in range(arguments.splits):
            half = set(np.random.default_rng(split).permutation(names)[: len(names) // 2])
            first = np.array([str(name) in half for name in inputs.picks.station_ids])
            one, other = (
                located(settings, setup, replace(inputs, picks=inputs.picks.take(chosen)))[0]
                for chosen in (first, ~first)
            )
            tries.append(held(one, other, relative=False))
            relatives.append(held(one, other, relative=True))
        whole, error = located(settings, setup, inputs)
        at = [index[str(name)] for name in whole.events.event_id]
        distance, _, _ = geodesic(
            whole.events.latitude, whole.events.longitude, reference.latitude[at], reference.longitude[at]
        )
        rows.append(
            {
                "case": case,
                "held": np.round(np.mean(tries, axis=0), 3).tolist(),
                "held_by_split": np.round(tries, 3).tolist(),
                "held_relative": np.round(np.mean(relatives, axis=0), 3).tolist(),
                "traveltime_error": error,
                "normalised_misfit": round(normalised_misfit(whole), 3),
                "located": int(np.sum(whole.events.status == "located")),
                "epicentral_km_median": round(float(np.median(distance)), 3),
                "sigma_h_z_km": [
                    round(float(np.median(whole.events.horizontal_error_km)), 3),
                    round(float(np.median(whole.events.vertical_error_km)), 3),
                ],
                "seconds": round(time.perf_counter() - start, 1),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    record = {
        "levels": LEVELS,
        "splits": arguments.splits,
        "load": os.getloadavg(),
        "versions": versions(),
        "rows": rows,
    }
    (HERE / "results.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
