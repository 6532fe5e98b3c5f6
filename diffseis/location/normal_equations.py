r"""Gauss-Newton's normal equations of a catalogue, the hypocentres eliminated.

With unit normals as unknowns the matrix is :math:`I + J^T W J`. A hypocentre is seen by its own event's picks only, so its four
unknowns are eliminated event by event (a Schur complement, the separation of parameters of seismology): what is left, of the
medium and the station terms alone, is :math:`I + J_m^T W^{1/2} P W^{1/2} J_m` with P the projection, event by event, off what a change of the
hypocentre would explain. Its inverse is the covariance with hypocentres marginalised. Kept in one system instead, conjugate gradients would
have to find again in every iteration how far hypocentres follow the medium.

References:
    Pavlis & Booker (1980), The mixed discrete-continuous inverse problem, doi:10.1029/JB085iB09p04801.
    Spencer & Gubbins (1980), Travel-time inversion for simultaneous earthquake location and velocity structure determination,
    doi:10.1111/j.1365-246X.1980.tb02642.x.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

from diffseis.location.linearised import Linearised
from diffseis.location.tomography_problem import NUM_EVENT_UNKNOWNS, Unknowns


class NormalEquations(NamedTuple):
    """The equations at a point, hypocentres eliminated, with Levenberg and Marquardt's damping on every unknown.

    Attributes:
        linear: residuals and derivatives.
        unknowns: the point.
        diagonal: one plus the damping.
        factor: lower Cholesky factors of the hypocentres' own matrices.
        slope: negative gradient by the hypocentres.
    """

    linear: Linearised
    unknowns: Unknowns
    diagonal: Float[Array, ""]
    factor: Float[Array, "event 4 4"]
    slope: Float[Array, "event 4"]

    def of_events(self, rhs: Float[Array, "event 4"]) -> Float[Array, "event 4"]:
        """Solves the hypocentres' own equations."""
        return jax.vmap(lambda f, b: cho_solve((f, True), b))(self.factor, rhs)

    def along_events(self, picks: Float[Array, "event pick"]) -> Float[Array, "event 4"]:
        """What picks say about their hypocentres."""
        return jnp.einsum("epk,ep->ek", self.linear.by_hypocentre, picks)

    def at_picks(self, hypocentres: Float[Array, "event 4"]) -> Float[Array, "event pick"]:
        """What moving hypocentres does to the weighted predictions."""
        return jnp.einsum("epk,ek->ep", self.linear.by_hypocentre, hypocentres)

    def project(self, picks: Float[Array, "event pick"]) -> Float[Array, "event pick"]:
        """What is left of a change of the picks when hypocentres follow it."""
        return picks - self.at_picks(self.of_events(self.along_events(picks)))

    def apply(self, shared: Float[Array, " shared"]) -> Float[Array, " shared"]:
        """The reduced matrix times a vector."""
        return self.diagonal * shared + self.linear.transpose(self.project(self.linear.forward(shared)))

    def rhs(self) -> Float[Array, " shared"]:
        """Right-hand side of the reduced equations."""
        unexplained = self.linear.misfit - self.at_picks(self.of_events(self.slope))
        return self.linear.transpose(unexplained) - self.unknowns.shared

    def whole_step(self, shared: Float[Array, " shared"]) -> tuple[Unknowns, Float[Array, ""]]:
        """A step of the shared unknowns with the hypocentres' that go with it, and the log density that it should gain."""
        moved = self.linear.forward(shared)
        hypocentres = self.of_events(self.slope - self.along_events(moved))
        along = jnp.sum(self.linear.misfit * moved) - jnp.sum(self.unknowns.shared * shared)
        along = along + jnp.sum(self.slope * hypocentres)
        length2 = jnp.sum(shared**2) + jnp.sum(hypocentres**2)
        return Unknowns(shared, hypocentres), 0.5 * (along + (self.diagonal - 1) * length2)


def normal_equations(linear: Linearised, unknowns: Unknowns, damping: Float[Array, ""]) -> NormalEquations:
    """The equations at the point at which `linear` was found."""
    diagonal = 1 + damping
    own = jnp.einsum("epk,epl->ekl", linear.by_hypocentre, linear.by_hypocentre)
    eye = jnp.eye(NUM_EVENT_UNKNOWNS, dtype=own.dtype)
    factor = jnp.linalg.cholesky(own + diagonal * eye[None])
    slope = jnp.einsum("epk,ep->ek", linear.by_hypocentre, linear.misfit) - unknowns.hypocentres
    return NormalEquations(linear, unknowns, diagonal, factor, slope)
