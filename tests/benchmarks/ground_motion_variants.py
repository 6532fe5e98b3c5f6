"""All models under OpenQuake's names, regional variants with them, beside OpenQuake's hazardlib on the same random scenarios in the same run.

python -m tests.benchmarks.ground_motion_variants --peers PYTHON [--rows N] [--out FILE]

PYTHON is an interpreter with the packages of tests/benchmarks/ground_motion_peers.txt. A line per name of `groundmotion.OPENQUAKE`: the largest differences, in percent, of medians and of total standard deviations over all scenarios and measures, how many scenarios differ by more than 0.1 % (medians) or 0.5 % (deviations), and for a
name that does, why (`BY_CHOICE`). Ends with 1 if any other does.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MEASURES = ("PGA", "SA(0.1)", "SA(0.2)", "SA(0.5)", "SA(1.0)", "SA(2.0)")
OTHERS = {
    "AS16": ("RSD575", "RSD595", "RSD2080"),
    "Travasarou03": ("IA",),
    "CB19": ("IA", "CAV"),
    "I14": MEASURES,
    "BCHydro16": MEASURES,
}
LIMITS_PERCENT = (0.1, 0.5)
BY_CHOICE = {
    "ChiouYoungs2014Japan": "deviations: sigma2 of Japan as the paper has it, and PEER's spreadsheet in pygmm's tests; OpenQuake's class takes that of other regions",
    "Idriss2014": "deviations: the magnitude that enters them is held at 7.5 as in the paper; OpenQuake's is not",
    "KothaEtAl2020ESHM20SlopeGeology": "at 2 s terms and deviations of sites lie between those of 1 and 3 s",
    "KothaEtAl2020Site": "medians: a line through the two VS30 that tables give, in place of the parabola",
    "KothaEtAl2020Slope": "medians: a line through the two slopes that tables give, in place of the parabola",
}

PEER = """
import json, sys
import numpy as np
from openquake.hazardlib.contexts import simple_cmaker
from openquake.hazardlib.gsim import get_available_gsims
known, names, data = get_available_gsims(), json.loads(sys.argv[1]), dict(np.load(sys.argv[2]))
num, found = len(data["mag"]), {}
for name, imts in names.items():
    if name not in known:
        print("no such class:", name)
        continue
    maker = simple_cmaker([known[name]()], imts, truncation_level=3)
    context = maker.new_ctx(num)
    for field in context.dtype.names:
        if field in data:
            context[field] = data[field].astype(context[field].dtype)
    # One by one: some classes mix scenarios of different magnitudes up.
    rows = [maker.get_mean_stds([context[i : i + 1].view(np.recarray)])[:2, 0, :, 0] for i in range(num)]
    found[name] = np.array(rows)
np.savez(sys.argv[3], **found)
"""


def scenarios(num: int) -> dict[str, np.ndarray]:
    """In OpenQuake's names; every field that any of its classes asks for."""
    random = np.random.default_rng(5)
    u = random.uniform
    top, rjb = u(0, 15, num), np.exp(u(np.log(0.5), np.log(250), num))
    rrup, region = np.sqrt(rjb**2 + top**2) + u(0, 1, num), random.choice([0, 2, 4], num)
    rakes = (-180, -150, -120, -100, -90, -60, -45, -20, 0, 20, 40, 50, 90, 120, 140, 160, 180)
    return {
        "mag": u(3.6, 8.2, num),
        "dip": np.where(random.random(num) < 0.3, 90.0, u(20, 89, num)),
        "rake": random.choice(rakes, num) + 0.0,
        "ztor": top,
        "width": u(3, 25, num),
        "hypo_depth": top + u(0, 10, num),
        "rjb": rjb,
        "rrup": rrup,
        "rx": u(-1, 1, num) * rjb,
        "ry0": u(0, 1, num) * rjb,
        "rhypo": rrup + u(0, 5, num),
        "repi": rjb + u(0, 5, num),
        "vs30": u(150, 1500, num),
        "vs30measured": random.random(num) < 0.5,
        "z1pt0": u(5, 900, num),
        "z2pt5": u(0.3, 6, num),
        "backarc": random.random(num) < 0.5,
        "rcdpp": u(-0.2, 0.2, num),
        "slope": u(0.003, 0.3, num),
        "region": region,
        "geology": np.full(num, b"UNKNOWN"),
        "eshm20_region": region,
        **{name: np.zeros(num) for name in ("lon", "lat", "strike", "rvolc")},
        "hypo_lon": np.full(num, 50.0),
        "hypo_lat": np.full(num, -40.0),
    }


def measures_of(specification: str) -> tuple[str, ...]:
    """That a model gives."""
    return OTHERS.get(specification.split(":")[0], (*MEASURES, "PGV"))


def own(name: str, imts: tuple[str, ...], s: dict[str, np.ndarray]) -> np.ndarray:
    """Mean and total standard deviation by this project: scenario, two, measure."""
    from diffseis import groundmotion as gm

    rupture = gm.Rupture(
        magnitude=s["mag"],
        rake_rad=np.radians(s["rake"]),
        dip_rad=np.radians(s["dip"]),
        top_depth_km=s["ztor"],
        hypocentre_depth_km=s["hypo_depth"],
        width_km=s["width"],
    )
    site = gm.Site(
        vs30_m_s=s["vs30"],
        vs30_measured=s["vs30measured"].astype(float),
        z1_km=s["z1pt0"] / 1000,
        z2p5_km=s["z2pt5"],
        rjb_km=s["rjb"],
        rrup_km=s["rrup"],
        rx_km=s["rx"],
        ry0_km=s["ry0"],
        rhypo_km=s["rhypo"],
        repi_km=s["repi"],
        # Others of the name have none.
        directivity=s["rcdpp"] if "NearFault" in name else 0.0,
        backarc=s["backarc"].astype(float),
        slope=s["slope"],
        attenuation_region=s["region"].astype(float),
    )
    motion = gm.ground_motions(gm.ground_motion_model(name, list(imts)), rupture, site)
    return np.stack([np.asarray(motion.mean_ln), np.asarray(motion.sigma)]).transpose(2, 0, 1)


def compared(name: str, ours: np.ndarray, theirs: np.ndarray) -> dict:
    """A line."""
    mean = 100 * np.abs(np.expm1(ours[:, 0] - theirs[:, 0])).max(axis=1)
    sigma = 100 * np.abs(ours[:, 1] / theirs[:, 1] - 1).max(axis=1)
    line = {
        "model": name,
        "scenarios": len(mean),
        "mean_percent": round(float(mean.max()), 5),
        "sigma_percent": round(float(sigma.max()), 5),
        "mean_beyond": int(np.sum(~(mean <= LIMITS_PERCENT[0]))),
        "sigma_beyond": int(np.sum(~(sigma <= LIMITS_PERCENT[1]))),
    }
    if line["mean_beyond"] or line["sigma_beyond"]:
        line["why"] = BY_CHOICE.get(name, "NOT EXPLAINED")
    return line


def main() -> int:
    import jax

    jax.config.update("jax_enable_x64", True)
    from diffseis.groundmotion import OPENQUAKE

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", required=True, help="interpreter with OpenQuake")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--out", default=None, help="JSON file to write")
    arguments = parser.parse_args()
    data, names = scenarios(arguments.rows), {n: measures_of(spec) for n, spec in OPENQUAKE.items()}
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "scenarios.npz", Path(folder) / "answer.npz"
        np.savez(given, **data)
        words = [arguments.peers, "-W", "ignore", "-c", PEER, json.dumps(names), str(given), str(answer)]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        theirs = dict(np.load(answer))
    print(said, end="")
    lines = [
        compared(name, own(name, imts, data), theirs[name]) for name, imts in names.items() if name in theirs
    ]
    for line in lines:
        print(json.dumps(line))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(lines, indent=1) + "\n")
    return int(any(line.get("why") == "NOT EXPLAINED" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
