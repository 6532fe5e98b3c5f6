"""Derras, Bard & Cotton (2014): a small neural network for shallow crustal earthquakes of Europe, with its published weights.

References:
    Derras, Bard & Cotton (2014), Bulletin of Earthquake Engineering 12, 495-516, doi:10.1007/s10518-013-9481-0.
"""

import functools
import importlib.resources
import json
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.groundmotion.base import AbstractGroundMotionModel, LogNormalIM, Rupture, Site
from diffseis.groundmotion.measures import Measure, parse_measures
from diffseis.groundmotion.tables import Coefficients, CoefficientTable, Rows
from diffseis.groundmotion.terms import styles

_GRAVITY_M_S2 = 9.80665
_INPUTS = ("log10_dist_jb", "mag", "log10_v_s30", "depth_hyp", "mechanism")
_LEAST_KM = 0.1
"""The network's least distance, so that its logarithm stays finite."""


class Derras14(AbstractGroundMotionModel):
    """Geometric mean of the horizontal components.

    Args:
        measures: PGA, PGV, SA from 0.01 to 4 s.
    """

    measures: tuple[Measure, ...] = eqx.field(static=True)
    rows: Rows
    hidden: Float[Array, "unit input"]
    hidden_bias: Float[Array, " unit"]
    limits: Float[Array, "input 2"]

    def __init__(self, measures: Sequence[str | Measure]):
        self.measures = parse_measures(measures)
        published = _published()
        self.rows = _outputs().rows(self.measures)
        self.hidden = jnp.asarray(published["w_1"], float)
        self.hidden_bias = jnp.asarray(published["b_1"], float)
        self.limits = jnp.asarray([published["min_max"][name] for name in _INPUTS], float)

    @property
    def needs(self) -> tuple[str, ...]:
        return (
            *("magnitude", "rake_rad", "hypocentre_depth_km"),
            *("rjb_km", "vs30_m_s"),
        )

    def reference(self, rupture: Rupture, site: Site) -> Float[Array, " unit"]:
        """Of the hidden units."""
        dtype = rupture.magnitude.dtype
        normal, reverse = styles(rupture.rake_rad, 45.0, closed=False)
        # The network's numbers of styles: 1 normal, 3 reverse, 4 strike slip.
        style = 4 - 3 * normal - reverse
        inputs = jnp.stack(
            [
                jnp.log10(jnp.maximum(site.rjb_km, _LEAST_KM)),
                rupture.magnitude,
                jnp.log10(site.vs30_m_s),
                rupture.hypocentre_depth_km,
                style,
            ]
        )
        low, high = self.limits.astype(dtype).T
        scaled = 2 * (inputs - low) / (high - low) - 1
        return jnp.tanh(self.hidden_bias.astype(dtype) + self.hidden.astype(dtype) @ scaled)

    def measure(
        self, c: Coefficients, rupture: Rupture, site: Site, reference: Float[Array, " unit"]
    ) -> LogNormalIM:
        weights = jnp.stack([c[f"w_{i}"] for i in range(reference.shape[0])])
        scaled = c["bias"] + weights @ reference
        log10 = c["low"] + 0.5 * (scaled + 1) * (c["high"] - c["low"]) - c["unit"]
        ten = jnp.log(10.0).astype(log10.dtype)
        return LogNormalIM(ten * log10, ten * c["between"], ten * c["within"])


@functools.cache
def _published() -> dict:
    file = importlib.resources.files("diffseis.groundmotion") / "coefficients" / "derras14.json"
    return json.loads(file.read_text(encoding="utf-8"))


@functools.cache
def _outputs() -> CoefficientTable:
    """Weights of the last layer, by measure; the network's own units are m/s and m/s^2."""
    p = _published()
    kinds = {-1.0: Measure("PGV"), 0.0: Measure("PGA")}
    measures = tuple(kinds.get(float(t), Measure("SA", float(t))) for t in p["period"])
    weights = np.asarray(p["w_2"], float)
    limits = np.asarray(p["min_max"]["log10_resp"], float)
    columns = {f"w_{i}": weights[:, i] for i in range(weights.shape[1])}
    columns |= {
        "bias": np.asarray(p["b_2"], float),
        "low": limits[:, 0],
        "high": limits[:, 1],
        "unit": np.array([np.log10(0.01 if m.kind == "PGV" else _GRAVITY_M_S2) for m in measures]),
        "between": np.asarray(p["log10_std"]["between"], float),
        "within": np.asarray(p["log10_std"]["within"], float),
    }
    order = sorted(range(len(measures)), key=lambda i: (measures[i].kind == "SA", measures[i].period_s))
    return CoefficientTable(
        "derras14",
        "\n".join(p["source"]),
        tuple(measures[i] for i in order),
        {name: x[order] for name, x in columns.items()},
    )
