"""How the terms of several measures go together: correlations between measures of events' terms, of sites' terms, and of what is left.

Pair by pair: two measures whose terms have unit variance have a sum and a difference whose terms are independent, with variances 2 (1 + rho) and 2 (1 - rho). Each is fitted by its own likelihood with crossed effects, and Fisher's z of the correlation is the logarithm of the ratio of their deviations, with a standard error from both.

References:
    Fieuws & Verbeke (2006), Pairwise fitting of mixed models for the joint modeling of multivariate longitudinal profiles, doi:10.1111/j.1541-0420.2006.00507.x.
    Baker & Jayaram (2008), Correlation of spectral acceleration values from NGA ground motion models, doi:10.1193/1.2857544.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffseis.groundmotion.crossed import Deviations
from diffseis.groundmotion.mixed_effects import fit_mixed_effects

_NORMAL_95 = 1.959963984540054
_SMALLEST = 0.02
"""Of the spread of all: terms below it are nothing, and their correlation is put to 0."""
_EFFECTS = ("tau", "phi_s2s", "phi_ss")


class Correlation(eqx.Module):
    """Between measures.

    Attributes:
        value: 1 along the diagonal, and possible (no negative eigenvalue).
        low, high: limits of 95 % of each pair on its own; NaN where a measure has no such terms, as wide as they can be where terms seem to be one and the same.
    """

    value: Float[Array, "measure measure"]
    low: Float[Array, "measure measure"]
    high: Float[Array, "measure measure"]


class MeasureCorrelations(eqx.Module):
    """Of the three kinds of terms."""

    event: Correlation
    site: Correlation
    rest: Correlation

    def covariance(
        self,
        tau: Float[Array, " measure"],
        phi_s2s: Float[Array, " measure"],
        phi_ss: Float[Array, " measure"],
    ) -> Float[Array, "measure measure"]:
        """Of the measures of one record.

        Args:
            tau, phi_s2s, phi_ss: standard deviations of the three kinds of terms, by measure.
        """
        outer = lambda sd, correlation: sd[:, None] * sd[None, :] * correlation.value.astype(sd.dtype)
        return outer(tau, self.event) + outer(phi_s2s, self.site) + outer(phi_ss, self.rest)


class _Level(eqx.Module):
    """One mean for all records."""

    num: int = eqx.field(static=True)

    def __call__(self, theta: Float[Array, ""]) -> Float[Array, " record"]:
        return jnp.broadcast_to(theta, (self.num,))


def measure_correlations(
    apart: Float[Array, "measure record"],
    deviations: Sequence[Deviations],
    *,
    event: Int[Array, " record"],
    site: Int[Array, " record"],
    num_events: int,
    num_sites: int,
    site_effects: bool = True,
) -> MeasureCorrelations:
    """Correlations between measures.

    Args:
        apart: ln observed less ln median; every record has all measures.
        deviations: of each measure, as they were fitted.
        event, site: whose each record is, from 0.
        num_events, num_sites: of them.
        site_effects: whether sites have terms of their own.

    Raises:
        ValueError: if a residual is not finite.
    """
    num, size = apart.shape
    if not np.all(np.isfinite(np.asarray(apart))):
        raise ValueError("every record needs a finite residual of every measure")
    spread = np.std(np.asarray(apart), axis=1)
    sd = {name: np.array([float(jnp.mean(getattr(d, name))) for d in deviations]) for name in _EFFECTS}
    options = {"event": event, "site": site, "num_events": num_events, "num_sites": num_sites}

    def fitted(values):
        """Deviations of the three kinds, and the standard errors of their logarithms."""
        start = jnp.mean(values)
        # Where a difference has no terms of some kind, the search for the logarithm of their deviation has no end: the other kinds are found nevertheless.
        fit = fit_mixed_effects(
            _Level(size), values, start, site_effects=site_effects, throw=False, **options
        ).value
        low, high = (np.maximum(np.asarray(x, float), 1e-12) for x in (fit.low, fit.high))
        error = np.log(high / low) / (2 * _NORMAL_95)
        return [float(getattr(fit.deviations, name)) for name in _EFFECTS], error

    def pair(kind, i, j):
        first, second = apart[i] / sd[_EFFECTS[kind]][i], apart[j] / sd[_EFFECTS[kind]][j]
        (plus, error), (minus, other) = fitted(first + second), fitted(first - second)
        z = np.log(plus[kind] / minus[kind])
        half = _NORMAL_95 * np.hypot(error[kind], other[kind])
        return np.tanh([z, z - half, z + half])

    found = np.full((3, 3, num, num), np.nan)
    found[:] = np.where(np.eye(num) == 1, 1.0, np.nan)
    for kind, name in enumerate(_EFFECTS):
        there = sd[name] > _SMALLEST * spread
        if name == "phi_s2s" and not site_effects:
            there[:] = False
        for i in range(num):
            for j in range(i):
                both = there[i] and there[j]
                value = pair(kind, i, j) if both else np.array([0.0, np.nan, np.nan])
                found[kind, :, i, j] = found[kind, :, j, i] = value
    made = [
        Correlation(*(jnp.asarray(x, float) for x in (_possible(value), low, high)))
        for value, low, high in found
    ]
    return MeasureCorrelations(*made)


def _possible(matrix: np.ndarray) -> np.ndarray:
    """The matrix without its negative eigenvalues, 1 along the diagonal again: pairs that were fitted apart need not agree."""
    value, vector = np.linalg.eigh(matrix)
    if value[0] >= 0:
        return matrix
    made = (vector * np.maximum(value, 0)) @ vector.T
    scale = np.sqrt(np.diag(made))
    return made / scale[:, None] / scale[None, :]
