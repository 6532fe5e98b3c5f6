"""Every table of the folder against the model that its name stands for: tables made by the models' authors, collected by OpenQuake."""

from fnmatch import fnmatch
from pathlib import Path

import jax
import numpy as np
import pytest

from diffseis.groundmotion import ground_motion_model, ground_motions
from tests.groundmotion.tables import difference_percent, pairs_of, read_table

pytestmark = [
    pytest.mark.reference,
    pytest.mark.long,
    pytest.mark.skipif(
        not jax.config.read("jax_enable_x64"), reason="the tables have more digits than float32"
    ),
]

# The first pattern that fits a path counts. Names are OpenQuake's.
MODELS = (
    ("bssa14/*CALIFORNIA_NOSOF*", "BooreEtAl2014CaliforniaBasinNoSOF"),
    ("bssa14/*CALIFORNIA*", "BooreEtAl2014CaliforniaBasin"),
    ("ask14/*RegCAL*", "AbrahamsonEtAl2014"),
    ("cb14/*", "CampbellBozorgnia2014"),
    ("cy14/*PEER*", "ChiouYoungs2014PEER"),
    ("cy14/*", "ChiouYoungs2014"),
    ("i14/*", "Idriss2014"),
    ("kotha20/*ESHM_STDDEV_NONERGODIC*", "Kotha20:ergodic=false"),
    ("kotha20/*ESHM_FAST*", "Kotha20:attenuation=fast"),
    ("kotha20/*ESHM_c3_FAST*", "Kotha20:attenuation=fastest"),
    ("kotha20/*ESHM_HIGH_SIGMA_MU*", "Kotha20:source=1"),
    ("kotha20/*ESHM_DL2L_HIGH*", "Kotha20:shift=1"),
    ("kotha20/*ESHM*", "KothaEtAl2020ESHM20"),
    ("kotha20/*SLOPE_GEOLOGY*", "KothaEtAl2020ESHM20SlopeGeology"),
    ("kotha20/*SLOPE*", "KothaEtAl2020Slope"),
    ("kotha20/*VS30*", "KothaEtAl2020Site"),
    # Rows of this table lie in no region with a term of its own.
    ("kotha20/*REGIONAL*", "KothaEtAl2020Site"),
    ("kotha20/*", "KothaEtAl2020"),
    ("asb14/*RJB*", "AkkarEtAlRjb2014"),
    ("bindi14/*Rjb_EC8_NoSOF*", "BindiEtAl2014RjbEC8NoSOF"),
    ("bindi14/*Rjb_EC8*", "BindiEtAl2014RjbEC8"),
    ("bindi14/*Rjb_Vs30*", "BindiEtAl2014Rjb"),
    ("bindi14/*Rhypo_EC8_NoSOF*", "BindiEtAl2014RhypEC8NoSOF"),
    ("bindi14/*Rhypo_EC8*", "BindiEtAl2014RhypEC8"),
    ("bindi14/*Rhypo_Vs30*", "BindiEtAl2014Rhyp"),
    ("derras14_ann/*", "DerrasEtAl2014"),
    ("abrahamson15_bchydro/*NONERGODIC*", "BCHydro16:ergodic=false"),
    ("abrahamson15_bchydro/*SINTER*", "AbrahamsonEtAl2015SInter"),
    ("abrahamson15_bchydro/*SSLAB*", "AbrahamsonEtAl2015SSlab"),
    ("afshari_stewart16_duration/*JAPAN*", "AfshariStewart2016Japan"),
    ("afshari_stewart16_duration/*", "AfshariStewart2016"),
    ("travasarou03_arias/*", "TravasarouEtAl2003"),
)
MEAN_PERCENT = (("afshari_stewart16_duration/*", 3.0), ("*", 0.1))
"""OpenQuake's own tolerance for the durations; see the head of ``coefficients/as16.csv``."""

DEVIATION_PERCENT = 0.5


def _folder():
    import os

    data = os.environ.get("DIFFSEIS_REFERENCE_DATA")
    return Path(data) / "groundmotion" if data else None


def _tables():
    folder = _folder()
    if folder is None:
        return []
    others = {"intensity", "residuals", "pygmm"}
    paths = [p.relative_to(folder) for p in sorted(folder.glob("*/*.csv"))]
    return [str(p) for p in paths if p.parts[0] not in others]


def _first(rules, name):
    return next((value for pattern, value in rules if fnmatch(name, pattern)), None)


@pytest.mark.parametrize("name", _tables())
def test_table(name):
    model = _first(MODELS, name)
    assert model is not None, f"no model is known for {name}"
    table = read_table(_folder() / name)
    found = ground_motions(ground_motion_model(model, table.measures), *pairs_of(table.inputs))
    differences = difference_percent(table, found)
    assert np.all(np.isfinite(differences))
    means = table.kind == "MEAN"
    if means.any():
        assert differences[means].max() < _first(MEAN_PERCENT, name)
    if not means.all():
        assert differences[~means].max() < DEVIATION_PERCENT


def test_there_are_tables(reference_data):
    assert len(_tables()) > 100
