"""Are the particles the posterior? Stein variational particles against a dense grid and NUTS on the demo's 50 events.

python experiments/002_svgd_against_references/run.py [--likelihood robust|gaussian|edt|student]
"""

import argparse
import json
import os
import time
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import jax.random as jr
import numpy as np

from diffseis.inference import NUTS, SVGD, DenseGrid
from diffseis.location import locate, prepare_picks
from diffseis.workflows.demonstration import demo_config, demo_inputs
from diffseis.workflows.locating import make_setup
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent


def moments(catalogue):
    ned = catalogue.particles.ned_km
    return ned.mean(axis=1), ned.std(axis=1)


def agreement(mean, sd, reference_mean, reference_sd, *, mean_limit=0.1, sd_limit=0.1):
    shift = np.abs(mean - reference_mean) / reference_sd
    ratio = sd / reference_sd
    good = np.all(shift <= mean_limit, axis=1) & np.all(np.abs(ratio - 1) <= sd_limit, axis=1)
    return good, shift, ratio


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--likelihood", default="robust")
    parser.add_argument("--nodes", type=int, default=96, help="of the grid, along each axis")
    parser.add_argument("--seeds", type=int, default=3, help="of the sampler")
    arguments = parser.parse_args()
    config = demo_config(HERE / "out").model_copy(update={"likelihood": arguments.likelihood})
    inputs, synthetic = demo_inputs(config)
    if synthetic:
        raise SystemExit("this ObsPy has no test data")
    setup = make_setup(config, inputs.stations, inputs.velocity)

    def run(sampler, picks=inputs.picks, seed=0):
        start = time.perf_counter()
        solution = locate(
            picks, inputs.stations, setup.times, likelihood=setup.likelihood, prior=setup.volume, frame=setup.frame,
            sampler=sampler, key=jr.key(seed),
        )  # fmt: skip
        return solution.value, time.perf_counter() - start

    grid, grid_s = run(DenseGrid(20000, num_fine=arguments.nodes))
    reference_mean, reference_sd = moments(grid)
    rows = []
    raw = SVGD(config.num_particles, config.num_steps, num_rounds=0)
    runs = [("svgd", setup.sampler, seed) for seed in range(arguments.seeds)]
    for name, sampler, seed in [*runs, ("svgd without correction", raw, 0)]:
        catalogue, seconds = run(sampler, seed=seed)
        good, shift, ratio = agreement(*moments(catalogue), reference_mean, reference_sd)
        rows.append(
            {
                "sampler": name,
                "seed": seed,
                "num_particles": sampler.num_particles,
                "agree": int(good.sum()),
                "of": len(good),
                "sd_ratio_median": np.median(ratio, axis=0).round(3).tolist(),
                "mean_shift_median_sigma": np.median(shift, axis=0).round(3).tolist(),
                "seconds": round(seconds, 1),
                "disagree": [
                    {
                        "event": str(catalogue.events.event_id[e]),
                        "num_phases": int(catalogue.events.num_phases[e]),
                        "shift_sigma": shift[e].round(2).tolist(),
                        "sd_ratio": ratio[e].round(2).tolist(),
                        "effective": round(float(catalogue.events.effective_sample_size[e]), 3),
                    }
                    for e in np.flatnonzero(~good)
                ],
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    prepared = prepare_picks(inputs.picks, inputs.stations)
    five = np.argsort(-prepared.num_picks)[::10][:5]
    nuts, nuts_s = run(NUTS(8000), inputs.picks.take(np.isin(prepared.event_row, five)))
    order = [int(np.flatnonzero(grid.events.event_id == name)[0]) for name in nuts.events.event_id]
    good, shift, ratio = agreement(*moments(nuts), reference_mean[order], reference_sd[order])
    rows.append(
        {"sampler": "nuts", "agree": int(good.sum()), "of": len(good), "worst_shift_sigma": round(float(shift.max()), 3),
         "sd_ratio": ratio.round(3).tolist(), "seconds": round(nuts_s, 1)}
    )  # fmt: skip
    print(json.dumps(rows[-1]))
    record = {
        "likelihood": arguments.likelihood,
        "grid_nodes": arguments.nodes,
        "grid_seconds": round(grid_s, 1),
        "load": os.getloadavg(),
        "versions": versions(),
        "rows": rows,
    }
    (HERE / f"results_{arguments.likelihood}.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
