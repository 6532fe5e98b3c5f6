"""Do learned ground-motion models know how much they know? See README.md.

python experiments/017_learned_ground_motion/run.py
"""

import json
import time
import tomllib
from pathlib import Path

from diffseis.core.precision import enable_x64

enable_x64()

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.groundmotion import Rupture, Site, fit_neural_model, ground_motion_model, ground_motions
from diffseis.workflows.provenance import versions

HERE = Path(__file__).resolve().parent
CONFIG = tomllib.loads((HERE / "config.toml").read_text())
NORMAL_95 = 1.959963984540054


def world(random, num_events, num_stations, num):
    """Records of random events and stations, each of which has one at least."""
    event, station = random.integers(0, num_events, num), random.integers(0, num_stations, num)
    event[:num_events], station[:num_stations] = np.arange(num_events), np.arange(num_stations)
    between = lambda name, size: random.uniform(*CONFIG[name], size)
    logarithmic = lambda name, size: np.exp(random.uniform(*np.log(CONFIG[name]), size))
    rake = np.radians(random.choice([-90.0, 0.0, 90.0], num_events))
    rupture = Rupture(
        magnitude=between("magnitudes", num_events)[event],
        rake_rad=rake[event],
        hypocentre_depth_km=between("depths_km", num_events)[event],
    )
    vs30 = logarithmic("vs30_m_s", num_stations)[station]
    return event, station, rupture, Site(rjb_km=logarithmic("distances_km", num), vs30_m_s=vs30)


def observed(random, mean, event, station):
    tau, phi_s2s, phi_ss = CONFIG["deviations"]
    terms = tau * random.normal(size=event.max() + 1), phi_s2s * random.normal(size=station.max() + 1)
    return mean + terms[0][event] + terms[1][station] + phi_ss * random.normal(size=len(mean)), terms


@eqx.filter_jit
def epistemic(model, rupture, site):
    axes = jax.tree.map(lambda x: 0 if x.ndim else None, (rupture, site))
    return jax.vmap(model.epistemic_sd, in_axes=axes)(rupture, site)[:, 0]


def trial(seed: int, truth) -> dict:
    """One fit, and what it says of new records."""
    random = np.random.default_rng(seed)
    means = lambda rupture, site: np.asarray(ground_motions(truth, rupture, site).mean_ln)[0]
    event, station, rupture, site = world(
        random, CONFIG["num_events"], CONFIG["num_stations"], CONFIG["num_records"]
    )
    seen, terms = observed(random, means(rupture, site), event, station)
    solution = fit_neural_model(
        [CONFIG["measure"]],
        jnp.asarray(seen)[None],
        rupture,
        site,
        event=jnp.asarray(event),
        station=jnp.asarray(station),
        num_events=CONFIG["num_events"],
        num_stations=CONFIG["num_stations"],
        key=jr.key(seed),
        throw=False,
        **CONFIG["network"],
    )
    model, fit = solution.value, solution.stats["fits"][0]
    num = CONFIG["num_new"]
    event, station, rupture, site = world(random, num, num, num)
    mean = means(rupture, site)
    new, _ = observed(random, mean, event, station)
    motion = ground_motions(model, rupture, site)
    predicted, aleatory = np.asarray(motion.mean_ln)[0], np.asarray(motion.sigma)[0]
    want = np.asarray(epistemic(model, rupture, site))
    total = np.hypot(aleatory, want)
    found = np.array([float(x) for x in (fit.deviations.tau, fit.deviations.phi_s2s, fit.deviations.phi_ss)])
    truth_sd = np.array(CONFIG["deviations"])
    inside = (np.asarray(fit.low) < truth_sd) & (truth_sd < np.asarray(fit.high))
    within = lambda error, sd: float(np.mean(np.abs(error) < NORMAL_95 * sd))
    effects = fit.effects
    return {
        "new records": within(new - predicted, total),
        "new records, without the epistemic part": within(new - predicted, aleatory),
        "means": within(mean - predicted, want),
        "event terms": within(np.asarray(effects.event) - terms[0], np.asarray(effects.event_sd)),
        "site terms": within(np.asarray(effects.site) - terms[1], np.asarray(effects.site_sd)),
        **{name: float(hit) for name, hit in zip(("tau", "phi_s2s", "phi_ss"), inside, strict=True)},
        "rms error of means": float(np.sqrt(np.mean((mean - predicted) ** 2))),
        "stated error of means": float(np.sqrt(np.mean(want**2))),
        **{f"found {n}": x for n, x in zip(("tau", "phi_s2s", "phi_ss"), found.tolist(), strict=True)},
    }


def main() -> None:
    truth = ground_motion_model(CONFIG["truth"], [CONFIG["measure"]])
    clock = time.process_time()
    trials = []
    for seed in range(CONFIG["num_trials"]):
        trials.append(trial(seed, truth))
        if seed % 10 == 9:
            print(f"{seed + 1} trials, {time.process_time() - clock:.0f} CPU s", flush=True)
    shares = {name: round(float(np.mean([t[name] for t in trials])), 4) for name in trials[0]}
    result = {
        "mean of trials": shares,
        "cpu_s": round(time.process_time() - clock, 1),
        "versions": versions(),
    }
    (HERE / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(shares, indent=1))


if __name__ == "__main__":
    main()
