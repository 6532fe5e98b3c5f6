"""Ground-motion models by name: ``BSSA14``, or with options ``BSSA14:region=japan:basin=japan``; OpenQuake's names work, too."""

import inspect
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from diffseis.groundmotion.as16 import AS16
from diffseis.groundmotion.asb14 import ASB14
from diffseis.groundmotion.ask14 import ASK14
from diffseis.groundmotion.base import AbstractGroundMotionModel
from diffseis.groundmotion.bchydro16 import BCHydro16
from diffseis.groundmotion.bindi14 import Bindi14
from diffseis.groundmotion.bssa14 import BSSA14
from diffseis.groundmotion.cb14 import CB14
from diffseis.groundmotion.cb19 import CB19
from diffseis.groundmotion.cy14 import CY14
from diffseis.groundmotion.derras14 import Derras14
from diffseis.groundmotion.i14 import I14
from diffseis.groundmotion.kotha20 import Kotha20
from diffseis.groundmotion.measures import Measure
from diffseis.groundmotion.travasarou03 import Travasarou03

MODELS: dict[str, Callable[..., AbstractGroundMotionModel]] = {
    "ASK14": ASK14,
    "BSSA14": BSSA14,
    "CB14": CB14,
    "CB19": CB19,
    "CY14": CY14,
    "I14": I14,
    "Kotha20": Kotha20,
    "ASB14": ASB14,
    "Bindi14": Bindi14,
    "Derras14": Derras14,
    "BCHydro16": BCHydro16,
    "AS16": AS16,
    "Travasarou03": Travasarou03,
}
"""Published models by their names here."""

OPENQUAKE = {
    "AbrahamsonEtAl2014": "ASK14",
    "AbrahamsonEtAl2014RegJPN": "ASK14:region=japan",
    "AbrahamsonEtAl2014RegTWN": "ASK14:region=taiwan",
    "AbrahamsonEtAl2014RegCHN": "ASK14:region=china",
    "BooreEtAl2014": "BSSA14:basin=none",
    "BooreEtAl2014LowQ": "BSSA14:basin=none:region=japan",
    "BooreEtAl2014HighQ": "BSSA14:basin=none:region=china",
    "BooreEtAl2014NoSOF": "BSSA14:basin=none:style=unspecified",
    "BooreEtAl2014LowQNoSOF": "BSSA14:basin=none:region=japan:style=unspecified",
    "BooreEtAl2014HighQNoSOF": "BSSA14:basin=none:region=china:style=unspecified",
    "BooreEtAl2014CaliforniaBasin": "BSSA14",
    "BooreEtAl2014LowQCaliforniaBasin": "BSSA14:region=japan",
    "BooreEtAl2014HighQCaliforniaBasin": "BSSA14:region=china",
    "BooreEtAl2014CaliforniaBasinNoSOF": "BSSA14:style=unspecified",
    "BooreEtAl2014LowQCaliforniaBasinNoSOF": "BSSA14:region=japan:style=unspecified",
    "BooreEtAl2014HighQCaliforniaBasinNoSOF": "BSSA14:region=china:style=unspecified",
    "BooreEtAl2014JapanBasin": "BSSA14:basin=japan",
    "BooreEtAl2014LowQJapanBasin": "BSSA14:region=japan:basin=japan",
    "BooreEtAl2014HighQJapanBasin": "BSSA14:region=china:basin=japan",
    "BooreEtAl2014JapanBasinNoSOF": "BSSA14:basin=japan:style=unspecified",
    "BooreEtAl2014LowQJapanBasinNoSOF": "BSSA14:region=japan:basin=japan:style=unspecified",
    "BooreEtAl2014HighQJapanBasinNoSOF": "BSSA14:region=china:basin=japan:style=unspecified",
    "CampbellBozorgnia2014": "CB14",
    "CampbellBozorgnia2019": "CB19",
    "CampbellBozorgnia2014HighQ": "CB14:region=china",
    "CampbellBozorgnia2014LowQ": "CB14:region=italy",
    "CampbellBozorgnia2014JapanSite": "CB14:ground=japan",
    "CampbellBozorgnia2014HighQJapanSite": "CB14:region=china:ground=japan",
    "CampbellBozorgnia2014LowQJapanSite": "CB14:region=japan",
    "ChiouYoungs2014": "CY14",
    "ChiouYoungs2014Japan": "CY14:region=japan",
    "ChiouYoungs2014Italy": "CY14:region=italy",
    "ChiouYoungs2014Wenchuan": "CY14:region=china",
    "ChiouYoungs2014PEER": "CY14:sigma=0.65",
    "ChiouYoungs2014NearFaultEffect": "CY14",
    "Idriss2014": "I14",
    "AkkarEtAlRjb2014": "ASB14",
    "AkkarEtAlRepi2014": "ASB14:distance=repi",
    "AkkarEtAlRhyp2014": "ASB14:distance=rhypo",
    "BindiEtAl2014Rjb": "Bindi14",
    "BindiEtAl2014RjbEC8": "Bindi14:ground=ec8",
    "BindiEtAl2014RjbEC8NoSOF": "Bindi14:ground=ec8:style=unspecified",
    "BindiEtAl2014Rhyp": "Bindi14:distance=rhypo",
    "BindiEtAl2014RhypEC8": "Bindi14:distance=rhypo:ground=ec8",
    "BindiEtAl2014RhypEC8NoSOF": "Bindi14:distance=rhypo:ground=ec8:style=unspecified",
    "KothaEtAl2020": "Kotha20:form=base",
    "KothaEtAl2020Site": "Kotha20:form=vs30",
    "KothaEtAl2020Slope": "Kotha20:form=slope",
    "KothaEtAl2020ESHM20": "Kotha20",
    "KothaEtAl2020ESHM20SlopeGeology": "Kotha20:form=geology",
    "DerrasEtAl2014": "Derras14",
    "AbrahamsonEtAl2015SInter": "BCHydro16",
    "AbrahamsonEtAl2015SInterHigh": "BCHydro16:branch=high",
    "AbrahamsonEtAl2015SInterLow": "BCHydro16:branch=low",
    "AbrahamsonEtAl2015SSlab": "BCHydro16:event=slab",
    "AbrahamsonEtAl2015SSlabHigh": "BCHydro16:event=slab:branch=high",
    "AbrahamsonEtAl2015SSlabLow": "BCHydro16:event=slab:branch=low",
    "AfshariStewart2016": "AS16",
    "AfshariStewart2016Japan": "AS16:basin=japan",
    "TravasarouEtAl2003": "Travasarou03",
}
"""Names of OpenQuake's classes and what they are here."""


def ground_motion_model(name: str, measures: Sequence[str | Measure]) -> AbstractGroundMotionModel:
    """A published model.

    Args:
        name: of `MODELS` or of `OPENQUAKE`, in any case; options follow as ``:option=value``.
        measures: that it shall give.

    Raises:
        ValueError: if there is no such model, option, value or measure.
    """
    head, *settings = OPENQUAKE.get(name.strip(), name.strip()).split(":")
    make = _model(head)
    return make(measures, **dict(_option(head, make, text) for text in settings))


def options_of(name: str) -> dict[str, Any]:
    """Options of a model and their defaults."""
    parameters = inspect.signature(_model(name)).parameters
    return {k: p.default for k, p in parameters.items() if k != "measures"}


def _model(name: str) -> Callable[..., AbstractGroundMotionModel]:
    by_case = {known.lower(): known for known in (*MODELS, *OPENQUAKE)}
    known = by_case.get(name.lower())
    if known in MODELS:
        return MODELS[known]
    near = get_close_matches(name.lower(), by_case, n=1, cutoff=0.5)
    hint = f"; did you mean {by_case[near[0]]}?" if near else ""
    raise ValueError(f"there is no ground-motion model `{name}`{hint} Known are {', '.join(MODELS)}")


def _option(name: str, make: Callable[..., Any], text: str) -> tuple[str, Any]:
    key, _, value = text.partition("=")
    parameters = inspect.signature(make).parameters
    if key == "measures" or key not in parameters:
        known = ", ".join(options_of(name)) or "none"
        raise ValueError(f"{name} has no option `{key}`; it has {known}")
    return key, _value(f"{name}:{key}", value, parameters[key].annotation)


def _value(what: str, text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise ValueError(f"{what} must be one of {', '.join(get_args(kind))}, got `{text}`")
        return text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{what} must be true or false, got `{text}`")
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{what} must be a number, got `{text}`") from error
