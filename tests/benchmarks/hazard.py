"""Hazard curves of one source model, beside OpenQuake's hazardlib on the same file in the same run.

python -m tests.benchmarks.hazard [--peers PYTHON] [--out FILE]

The model is written as NRML and read by both: a point source with rectangular ruptures, one with ruptures without size, an area, and a fault of one magnitude. PYTHON is an interpreter with the packages of tests/benchmarks/ground_motion_peers.txt; without it only this project runs. `largest_percent` is the largest
difference between the rates of both, of levels that are exceeded more often than once in 10^4 years. OpenQuake floats ruptures on a mesh, which is made finer to show where it goes; here they float on positions 1 km apart.
`cpu_s` is without compilation and without reading, the best of three. The slopes are by all parameters of all sources and VS30, for each of 3 measures and 20 levels.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

IMTS = ("PGA", "SA(0.2)", "SA(1.0)")
LEVELS = np.geomspace(0.01, 1.5, 20)
VS30 = 600.0
MESHES_KM = (2.0, 1.0, 0.5, 0.25)
RARE = 1e-4
"""OpenQuake keeps probabilities in single precision: rarer ones have too few digits."""

NRML = """<?xml version="1.0"?>
<nrml xmlns="http://openquake.org/xmlns/nrml/0.5" xmlns:gml="http://www.opengis.net/gml">
<sourceModel name="benchmark"><sourceGroup name="g" tectonicRegion="Active Shallow Crust">
%s
</sourceGroup></sourceModel></nrml>
"""
DEPTHS = "<upperSeismoDepth>{}</upperSeismoDepth><lowerSeismoDepth>{}</lowerSeismoDepth>"
LAW = '<truncGutenbergRichterMFD aValue="3.0" bValue="0.9" minMag="5.0" maxMag="7.0"/>'
PLANES = """<nodalPlaneDist><nodalPlane probability="0.6" strike="30" dip="60" rake="90"/><nodalPlane probability="0.4" strike="120" dip="90" rake="0"/></nodalPlaneDist>
<hypoDepthDist><hypoDepth probability="0.3" depth="6"/><hypoDepth probability="0.7" depth="12"/></hypoDepthDist>"""
POINT = """<pointSource id="{name}" name="p"><pointGeometry><gml:Point><gml:pos>0.2 0.1</gml:pos></gml:Point>{depths}</pointGeometry>
<magScaleRel>{size}</magScaleRel><ruptAspectRatio>1.5</ruptAspectRatio>{law}{planes}</pointSource>"""
AREA = """<areaSource id="area" name="a"><areaGeometry discretization="4"><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>0.2 -0.2 0.9 -0.2 1.1 0.5 0.3 0.6</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>{depths}</areaGeometry>
<magScaleRel>WC1994</magScaleRel><ruptAspectRatio>1.0</ruptAspectRatio>{law}{planes}</areaSource>"""
FAULT = """<simpleFaultSource id="fault" name="f"><simpleFaultGeometry><gml:LineString><gml:posList>0.1 0.05 0.3 0.45</gml:posList></gml:LineString><dip>50</dip>{depths}</simpleFaultGeometry>
<magScaleRel>WC1994</magScaleRel><ruptAspectRatio>1.0</ruptAspectRatio><incrementalMFD minMag="6.6" binWidth="0.1"><occurRates>0.01</occurRates></incrementalMFD><rake>-90</rake></simpleFaultSource>"""

PEER = """
import json, sys, time
import numpy as np
from openquake.hazardlib.calc.hazard_curve import calc_hazard_curves
from openquake.hazardlib.geo import Point
from openquake.hazardlib.gsim.boore_2014 import BooreEtAl2014
from openquake.hazardlib.nrml import to_python
from openquake.hazardlib.site import Site, SiteCollection
from openquake.hazardlib.sourceconverter import SourceConverter
path, imts, levels, vs30, mesh = sys.argv[1], *map(json.loads, sys.argv[2:])
site = SiteCollection([Site(Point(0, 0), vs30=vs30, vs30measured=True, z1pt0=50.0, z2pt5=1.0)])
times = []
for _ in range(2):
    converter = SourceConverter(1.0, mesh, width_of_mfd_bin=0.1, area_source_discretization=4.0)
    sources = [s for group in to_python(path, converter).src_groups for s in group]
    clock = time.process_time()
    found = calc_hazard_curves(sources, site, {imt: levels for imt in imts}, {"Active Shallow Crust": BooreEtAl2014()}, truncation_level=3.0)
    times.append(time.process_time() - clock)
rates = [(-np.log1p(-found[imt][0].astype(float))).tolist() for imt in imts]
print("JSON" + json.dumps({"rates": rates, "cpu_s": min(times)}))
"""


def source_models() -> dict[str, str]:
    """NRML by name."""
    depths = DEPTHS.format(0, 18)
    of = {"depths": depths, "law": LAW, "planes": PLANES}
    return {
        "point": NRML % POINT.format(name="point", size="PointMSR", **of),
        "rectangles": NRML % POINT.format(name="rectangles", size="WC1994", **of),
        "area": NRML % AREA.format(**of),
        "fault": NRML % FAULT.format(depths=DEPTHS.format(1, 15)),
    }


def own(path: Path, slopes: bool) -> dict:
    """Rates of this project, and CPU seconds of rates and slopes."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    from diffseis.core.frames import LocalFrame
    from diffseis.groundmotion import Site, ground_motion_model
    from diffseis.workflows.hazard_derivatives import derivatives_of
    from diffseis.workflows.hazard_rates import curve_rates
    from diffseis.workflows.hazard_sources import num_magnitudes, read_sources, source_groups

    model = ground_motion_model("BSSA14:basin=none", IMTS)
    sources = read_sources(path, 4.0)
    groups = source_groups(sources, LocalFrame(0.0, 0.0), 300.0, 1.0)
    num = num_magnitudes(sources, 0.1)
    levels = jnp.log(jnp.asarray(np.tile(LEVELS, (len(IMTS), 1)), float))
    ground = Site(vs30_m_s=jnp.asarray(VS30, float))
    line = {}
    for name, function in (
        ("", lambda: curve_rates(model, groups, ground, levels, num, 3.0)),
        ("slopes_", lambda: derivatives_of(model, groups, ground, levels, num, 3.0, coefficients=False)),
    ):
        if name and not slopes:
            continue
        wall = time.perf_counter()
        found = function()
        line[f"{name}first_s"] = time.perf_counter() - wall
        times = []
        for _ in range(3):
            clock = time.process_time()
            function()
            times.append(time.process_time() - clock)
        line[f"{name}cpu_s"] = min(times)
        if not name:
            line["rates"] = np.asarray(found).tolist()
    return line


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=None, help="interpreter with OpenQuake")
    parser.add_argument("--out", default=None, help="JSON file to write")
    arguments = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in source_models().items():
            path = Path(folder) / f"{name}.xml"
            path.write_text(text)
            line = {"case": name, "code": "diffseis", **own(path, slopes=True)}
            rates = np.array(line.pop("rates"))
            lines.append(line)
            if not arguments.peers:
                continue
            for mesh in MESHES_KM if name == "fault" else MESHES_KM[:1]:
                words = [arguments.peers, "-W", "ignore", "-c", PEER, str(path)]
                words += [json.dumps(x) for x in (IMTS, LEVELS.tolist(), VS30, mesh)]
                answer = subprocess.run(words, capture_output=True, text=True, check=True).stdout
                peer = json.loads(answer[answer.index("JSON") + 4 :])
                theirs = np.array(peer.pop("rates"))
                often = theirs > RARE
                percent = 100 * float(np.max(np.abs(rates[often] / theirs[often] - 1)))
                code = "openquake.hazardlib" + (f", mesh {mesh:g} km" if name == "fault" else "")
                lines.append({"case": name, "code": code, **peer, "largest_percent": percent})
    for line in lines:
        print(json.dumps(line))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
