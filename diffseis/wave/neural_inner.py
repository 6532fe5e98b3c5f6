"""Steps on the weights of features, for networks whose last layer is solved for.

A round draws one random mixture of all sources. Its last layer, a mixture of theirs, moves together with the features' weights, so that these are judged by what is left after it
has followed; then last layers are solved for anew.

References:
    Golub & Pereyra (2003), Separable nonlinear least squares: the variable projection method and its applications,
    doi:10.1088/0266-5611/19/2/201.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from diffseis.inference import AbstractTrainer, Spring, fit_residuals
from diffseis.networks import AbstractFeatures
from diffseis.wave.neural_rows import Rows


class _Point(NamedTuple):
    """One point's rows, and the right-hand sides of a mixture, real and imaginary parts apart (first axis)."""

    x: Float[Array, "..."]
    value: Float[Array, "..."]
    first: Float[Array, "..."]
    second: Float[Array, "..."]
    right: Float[Array, "..."]


class _Pool(eqx.Module):
    """Draws points out of those there are."""

    points: _Point
    num: int = eqx.field(static=True)

    def __call__(self, key: Key[Array, ""]):
        index = jr.randint(key, (self.num,), 0, self.points.x.shape[0])
        return (jax.tree.map(lambda a: a[index], self.points),)


def _residual(weights, point: _Point) -> Float[Array, " part"]:
    """Real and imaginary parts of each equation."""
    features, last = weights
    found = features.derivatives(point.x)
    # Fields and their derivatives, (part, field, ...): all features are real.
    value = jnp.einsum("n,nfp->pf", found.value, last)
    first, second = (jnp.einsum("dn,nfp->pfd", d, last) for d in (found.first, found.second))

    def product(factors, fields, how):
        real, imaginary = (
            (jnp.einsum(how, factors[i], fields[j]) for i, j in ((0, 0), (0, 1))),
            (jnp.einsum(how, factors[i], fields[j]) for i, j in ((1, 0), (1, 1))),
        )
        (rr, ri), (ir, ii) = real, imaginary
        return jnp.stack([rr - ii, ri + ir])

    total = product(point.value, value, "ef,f->e")
    total = total + product(point.first, first, "efd,fd->e")
    total = total + product(point.second, second, "efd,fd->e")
    return (total - point.right).reshape(-1)


def improve(
    features: AbstractFeatures,
    last: np.ndarray,
    rows: list[Rows],
    right: list[np.ndarray],
    trainer: AbstractTrainer | None,
    *,
    num_steps: int,
    num_batch: int,
    key: Key[Array, ""],
) -> AbstractFeatures:
    """Features after some steps on one mixture of sources."""
    k_mixture, k_fit = jr.split(key)
    num_sources = last.shape[-1]
    parts = np.asarray(jr.normal(k_mixture, (2, num_sources)))
    mixture = parts[0] + 1j * parts[1]
    size = np.sqrt(
        sum(float(np.sum(np.abs(r @ mixture) ** 2)) for r in right) / sum(r.shape[0] for r in right)
    )
    mixture = mixture / max(size, 1e-300)
    split = lambda a: np.stack([np.real(a), np.imag(a)], axis=1)
    whole = lambda name: np.concatenate([split(getattr(some, name)) for some in rows])
    parts_of = (
        np.concatenate([some.x_km for some in rows]),
        *(whole(name) for name in ("value", "first", "second")),
        np.concatenate([split(r @ mixture) for r in right]),
    )
    points = _Point(*(jnp.asarray(a) for a in parts_of))
    mixed = last @ mixture
    weights = (features, jnp.asarray(np.stack([mixed.real, mixed.imag], axis=-1)))
    fitted = fit_residuals(
        (_residual,),
        weights,
        _Pool(points, num_batch),
        Spring() if trainer is None else trainer,
        num_steps=num_steps,
        key=k_fit,
    )
    return fitted.value[0]
