"""The last layer of a network of waves by least squares: one factorisation for all sources.

Equations of waves are linear: with the features held fixed, the last layer that fulfils them best solves a linear least-squares problem, whose matrix does not
depend on the source. It is solved by its normal equations, with columns of one length and a small ridge; rows outside absorbing layers are real, which
makes theirs four times cheaper.

References:
    Dwivedi & Srinivasan (2020), Physics informed extreme learning machine, doi:10.1016/j.neucom.2019.12.099. Golub & Pereyra (1973),
    The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate, doi:10.1137/0710036.
"""

from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.linalg.blas
import scipy.linalg.lapack

from diffseis.networks import AbstractFeatures
from diffseis.wave.neural_rows import Rows

CHUNK = 1024
"""Points whose rows are made at a time."""

# Their functions are made when the modules are imported: type checkers do not know them.
_blas: Any = scipy.linalg.blas
_lapack: Any = scipy.linalg.lapack

MAX_RIDGE = 1e-6
"""Ridges that are too small for a factorisation are raised tenfold, up to this."""


@dataclass(frozen=True)
class LastLayer:
    """A factorised least-squares problem of the last layer.

    Attributes:
        features: of points.
        rows: of the problem.
        factor: Cholesky's, of the scaled normal equations.
        scale: what columns are divided by.
        ridge: what was added to the diagonal, relative.
    """

    features: AbstractFeatures
    rows: list[Rows]
    factor: np.ndarray
    scale: np.ndarray
    ridge: float

    def solve(self, right: list[np.ndarray]) -> np.ndarray:
        """For right-hand sides of each of the rows, (point, equation, source), the last layer: (feature, field, source)."""
        total: np.ndarray | float = 0.0
        for rows, given in zip(self.rows, right, strict=True):
            for part, matrix in _matrices(self.features, rows):
                total = total + matrix.conj().T @ given[part].reshape(matrix.shape[0], -1)
        scaled = scipy.linalg.cho_solve((self.factor, True), np.asarray(total) / self.scale[:, None])
        num_fields = self.rows[0].value.shape[2]
        return (scaled / self.scale[:, None]).reshape(num_fields, -1, scaled.shape[1]).swapaxes(0, 1)


def factorise(features: AbstractFeatures, rows: list[Rows], ridge: float) -> LastLayer:
    """The normal equations of rows, factorised. Cost: as many multiplications as there are rows, times the square of the number of features."""
    size = features.num_features * rows[0].value.shape[2]
    real = np.zeros((size, size), order="F")
    gram = np.zeros((size, size), complex, order="F")
    for some in rows:
        for _, matrix in _matrices(features, some):
            if np.iscomplexobj(matrix):
                gram = _blas.zherk(1.0, matrix.conj().T, beta=1.0, c=gram, lower=1, overwrite_c=1)
            else:
                real = _blas.dsyrk(1.0, matrix.T, beta=1.0, c=real, lower=1, overwrite_c=1)
    gram += real
    scale = np.sqrt(np.maximum(np.real(gram.diagonal()), 1e-300))
    gram /= scale[:, None]
    gram /= scale[None, :]
    while True:
        attempt = gram.copy(order="F")
        attempt[np.diag_indices(size)] += ridge
        factor, failed = _lapack.zpotrf(attempt, lower=1, overwrite_a=1)
        if not failed:
            return LastLayer(features, rows, factor, scale, ridge)
        ridge = 10 * ridge
        if ridge > MAX_RIDGE:
            raise ValueError(
                "the features are not independent of each other, or not finite: use fewer, or narrower ones"
            )


def residual(problem: LastLayer, last: np.ndarray, right: list[np.ndarray], rows: list[Rows]) -> float:
    """Of some rows, relative to their right-hand sides: root of the ratio of sums of squares."""
    misfit = given = 0.0
    for some, wanted in zip(rows, right, strict=True):
        for part, matrix in _matrices(problem.features, some):
            columns = last.swapaxes(0, 1).reshape(matrix.shape[1], -1)
            there = wanted[part].reshape(matrix.shape[0], -1)
            misfit += float(np.sum(np.abs(matrix @ columns - there) ** 2))
            given += float(np.sum(np.abs(there) ** 2))
    return float(np.sqrt(misfit / max(given, 1e-300)))


def _matrices(features: AbstractFeatures, rows: Rows):
    """Chunks of the matrix, (point and equation, field and feature), and which points they are of."""
    for begin in range(0, rows.num_points, CHUNK):
        part = slice(begin, begin + CHUNK)
        some = replace(
            rows, **{n: getattr(rows, n)[part] for n in ("x_km", "value", "first", "second", "driven")}
        )
        pad = CHUNK - some.num_points if rows.num_points > CHUNK else 0
        filled = [
            np.pad(a, [(0, pad)] + [(0, 0)] * (a.ndim - 1))
            for a in (some.x_km, some.value, some.first, some.second)
        ]
        matrix = np.asarray(_matrix(features, *(jnp.asarray(a) for a in filled)))
        yield part, matrix[: some.num_points * rows.value.shape[1]]


@eqx.filter_jit
def _matrix(features: AbstractFeatures, x, value, first, second):
    kind = jnp.result_type(value, first, second) if value.dtype == second.dtype else second.dtype

    def one(x, value, first, second):
        found = features.derivatives(x)
        cast = lambda a: a.astype(kind)
        total = value.astype(kind)[..., None] * cast(found.value)[None, None, :]
        total = total + jnp.einsum("efd,dn->efn", first.astype(kind), cast(found.first))
        return total + jnp.einsum("efd,dn->efn", second.astype(kind), cast(found.second))

    rows = jax.vmap(one)(x, value, first, second)
    return rows.reshape(rows.shape[0] * rows.shape[1], -1)
