"""Two ways to solve the normal equations of tomography, and to say what is known then.

What is known is told by eigenvalues and eigenvectors of the misfit's Hessian in unit normals of the prior: along an eigenvector of value
l the variance falls from 1 to 1 / (1 + l). Those that the picks say nothing about need not be found.

References:
    Bui-Thanh, Ghattas, Martin & Stadler (2013), A computational framework for infinite-dimensional Bayesian inverse problems, part I,
    doi:10.1137/12089586X (low-rank posterior covariance).
    Halko, Martinsson & Tropp (2011), Finding structure with randomness, doi:10.1137/090771806 (algorithms 4.4 and 5.3).
    Hestenes & Stiefel (1952), Methods of conjugate gradients for solving linear systems, doi:10.6028/jres.049.044.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

from diffseis.location.normal_equations import NormalEquations


class Spectrum(eqx.Module):
    """Eigenpairs of the misfit's Hessian in the prior's unit normals.

    Attributes:
        values: not negative, largest first.
        vectors: orthonormal columns.
    """

    values: Float[Array, " rank"]
    vectors: Float[Array, "shared rank"]

    def shrink(self, white: Float[Array, "*batch shared"]) -> Float[Array, "*batch shared"]:
        """Draws from the prior (unit normals) made draws from the posterior: times the square root of its covariance."""
        factor = 1 / jnp.sqrt(1 + self.values) - 1
        return white + jnp.einsum("...s,sr,r,tr->...t", white, self.vectors, factor, self.vectors)

    def reduction(self) -> Float[Array, " rank"]:
        """By how much the variance along each vector is less than the prior's one."""
        return self.values / (1 + self.values)


class AbstractSharedSolver(eqx.Module):
    """How the reduced normal equations are solved.

    Laws, tested on every implementation: the step solves the equations; the spectrum is that of the dense matrix.
    """

    @property
    @abc.abstractmethod
    def columns_at_once(self) -> int | None:
        """How many columns of the Jacobian are found at a time; None where the matrix is not needed."""

    @abc.abstractmethod
    def step(self, equations: NormalEquations) -> Float[Array, " shared"]:
        """Step of the shared unknowns."""

    @abc.abstractmethod
    def spectrum(self, equations: NormalEquations) -> Spectrum:
        """Eigenpairs of the reduced matrix less its diagonal."""


class Dense(AbstractSharedSolver):
    """The matrix itself, from one product with the Jacobian per unknown, and Cholesky: for up to some thousand unknowns.

    Memory: 8 bytes per unknown and pick, several times. The spectrum is complete, the covariance exact.

    Attributes:
        batch_size: products with the Jacobian at a time.
    """

    batch_size: int = eqx.field(static=True, default=16)

    @property
    def columns_at_once(self):
        return self.batch_size

    def _hessian(self, equations: NormalEquations) -> Float[Array, "shared shared"]:
        columns = equations.linear.matrix()
        along = jnp.einsum("epk,sep->sek", equations.linear.by_hypocentre, columns)
        half = jax.scipy.linalg.solve_triangular(
            equations.factor, jnp.moveaxis(along, 0, 2), lower=True
        )  # event by 4 by shared
        flat, half = columns.reshape(columns.shape[0], -1), half.reshape(-1, half.shape[-1])
        return flat @ flat.T - half.T @ half

    def step(self, equations):
        matrix = self._hessian(equations)
        matrix = matrix + equations.diagonal * jnp.eye(matrix.shape[0], dtype=matrix.dtype)
        return cho_solve((jnp.linalg.cholesky(matrix), True), equations.rhs())

    def spectrum(self, equations):
        values, vectors = jnp.linalg.eigh(self._hessian(equations))
        return Spectrum(jnp.maximum(values[::-1], 0), vectors[:, ::-1])


class ConjugateGradients(AbstractSharedSolver):
    """Without a matrix: every iteration is one product with the Jacobian and one with its transpose, by the implicit adjoint.

    The prior's square root, which the unknowns contain, is the preconditioner: as many iterations are needed as there are
    things that the picks tell. The spectrum is the leading `rank` by randomised subspace iteration.

    Attributes:
        rtol: residual norm, relative to the right-hand side, at which to stop: Gauss-Newton's steps need not be exact.
        max_steps: largest number of iterations.
        rank: how many eigenpairs of the posterior to find; along the rest it is taken to be as wide as the prior.
        num_power: subspace iterations.
        seed: of the random vectors that the eigenvectors are sought from.
    """

    rtol: float = eqx.field(static=True, default=1e-3)
    max_steps: int = eqx.field(static=True, default=200)
    rank: int = eqx.field(static=True, default=100)
    num_power: int = eqx.field(static=True, default=1)
    seed: int = eqx.field(static=True, default=0)

    @property
    def columns_at_once(self):
        return None

    def step(self, equations):
        solution, _ = jax.scipy.sparse.linalg.cg(
            equations.apply, equations.rhs(), tol=self.rtol, maxiter=self.max_steps
        )
        return solution

    def spectrum(self, equations):
        size = equations.unknowns.shared.shape[0]
        dtype = equations.unknowns.shared.dtype
        rank = min(self.rank, size)
        hessian = lambda v: equations.apply(v) - equations.diagonal * v
        many = lambda vectors: jax.lax.map(hessian, vectors.T).T
        # Ten more than are wanted: the last ones of a random subspace are poor.
        guess = jr.normal(jr.key(self.seed), (size, min(rank + 10, size)), dtype)

        def iterate(_, pair):
            basis, _ = jnp.linalg.qr(pair[1])
            return basis, many(basis)

        # In a loop, so that the product is compiled once; the last pass gives the small matrix.
        basis, product = jax.lax.fori_loop(0, 2 + self.num_power, iterate, (guess, guess))
        small = basis.T @ product
        values, vectors = jnp.linalg.eigh(0.5 * (small + small.T))
        return Spectrum(jnp.maximum(values[::-1][:rank], 0), (basis @ vectors[:, ::-1])[:, :rank])
