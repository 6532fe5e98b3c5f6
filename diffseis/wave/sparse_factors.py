"""Sparse factorisations on the host, for operators that are differentiated by the implicit rule.

One factorisation serves all right-hand sides, its transpose the derivatives. Those made last are kept, known by their numbers, as long as they
fit into `KEPT_BYTES`.

References:
    Demmel, Eisenstat, Gilbert, Li & Liu (1999), A supernodal approach to sparse partial pivoting, doi:10.1137/S0895479895291765.
"""

import hashlib
import threading
from collections import OrderedDict
from functools import partial

import jax
import numpy as np
import scipy.sparse as sp
from jaxtyping import Array, Complex
from scipy.sparse.linalg import SuperLU, splu

from diffseis.wave.harmonic_operator import HarmonicOperator

KEPT_BYTES = 2**31
"""Of factorisations that are kept; the last one is in any case."""

_kept: OrderedDict[bytes, SuperLU | None] = OrderedDict()
_lock = threading.Lock()


def forget_factors() -> None:
    """Let go of all factorisations that are kept."""
    with _lock:
        _kept.clear()


def solve_factored(
    operator: HarmonicOperator, right: Complex[Array, "source field *shape"]
) -> Complex[Array, "source field *shape"]:
    """``A^-1 right``, differentiable any number of times; NaN where the matrix is singular."""
    fields = lambda u: jax.vmap(operator)(u)
    ask = lambda transposed, _, b: _ask(operator, b, transposed)
    return jax.lax.custom_linear_solve(
        fields, right, solve=partial(ask, False), transpose_solve=partial(ask, True)
    )


def _ask(operator: HarmonicOperator, right, transposed: bool):
    operator = jax.lax.stop_gradient(operator)
    return jax.pure_callback(
        partial(_on_host, transposed),
        jax.ShapeDtypeStruct(right.shape, right.dtype),
        operator,
        right,
        vmap_method="sequential",
    )


def _on_host(transposed: bool, operator: HarmonicOperator, right) -> np.ndarray:
    operator = jax.tree.map(np.asarray, operator)
    right = np.asarray(right)
    factors = _factors(operator)
    if factors is None:
        return np.full(right.shape, np.nan, right.dtype)
    columns = right.reshape(right.shape[0], -1).T.astype(complex)
    return factors.solve(columns, "T" if transposed else "N").T.reshape(right.shape).astype(right.dtype)


def _factors(operator: HarmonicOperator) -> SuperLU | None:
    """Of this operator; None where it is singular."""
    digest = hashlib.blake2b(repr(operator.couplings).encode())
    for array in jax.tree.leaves(operator):
        digest.update(str((array.dtype, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    key = digest.digest()
    with _lock:
        if key not in _kept:
            try:
                _kept[key] = _factorised(operator)
            except RuntimeError:
                _kept[key] = None
        _kept.move_to_end(key)
        size = lambda f: 0 if f is None else 20 * f.nnz
        while len(_kept) > 1 and sum(map(size, _kept.values())) > KEPT_BYTES:
            _kept.popitem(last=False)
        return _kept[key]


def _factorised(operator: HarmonicOperator) -> SuperLU:
    """By the ordering of columns that fills least (measured): of one field's symmetric pattern, with pivots on the diagonal unless they are small; of two, of a general one."""
    matrix = assembled(operator)
    if operator.num_fields > 1:
        return splu(matrix, permc_spec="COLAMD", diag_pivot_thresh=0.1)
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.1, options={"SymmetricMode": True})


def assembled(operator: HarmonicOperator) -> sp.csc_matrix:
    """The sparse matrix of an operator of NumPy arrays, nodes in the order of C, fields one after the other."""
    shape = operator.square.shape
    num = int(np.prod(shape))
    diagonal = lambda values: sp.diags(np.broadcast_to(values, shape).ravel())
    bent = []
    for axis, line in enumerate(operator.lines):
        before, after = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
        line = sp.csr_matrix(np.asarray(line, complex))
        bent.append(sp.kron(sp.identity(before), sp.kron(line, sp.identity(after)), format="csr"))
    alive = diagonal(operator.alive)
    blocks = [[sp.csr_matrix((num, num), dtype=complex) for _ in operator.driven] for _ in operator.driven]
    for i in range(operator.num_fields):
        blocks[i][i] = sp.identity(num) - alive - alive @ diagonal(operator.square)
    for c in operator.couplings:
        added = alive @ sum((bent[a] for a in c.axes[1:]), start=bent[c.axes[0]])
        if c.factor is not None:
            added = diagonal(operator.factors[c.factor]) @ added
        blocks[c.row][c.column] = blocks[c.row][c.column] - added
    return sp.csc_matrix(sp.bmat(blocks))
