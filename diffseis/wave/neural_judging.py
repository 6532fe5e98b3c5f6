"""Networks of waves beside the direct solver: how far apart, and at what cost."""

import time

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from diffseis.core.results import Solution
from diffseis.wave.background import scattered_sources
from diffseis.wave.boundary import Boundary
from diffseis.wave.harmonic_operator import HarmonicMedium
from diffseis.wave.helmholtz import solve_helmholtz
from diffseis.wave.sparse_factors import forget_factors


class HelmholtzReport(eqx.Module):
    """What a network is worth.

    Attributes:
        error: relative L2 error of the scattered field over all sources and nodes of the medium's grid, against the direct solver.
        errors: of each source.
        residual: of the equation at new points, relative to its right-hand sides: what training could see.
        training_cpu_s: processor seconds of the training, compilation included.
        direct_cpu_s: processor seconds of the direct solve, its factorisation and compilation included.
        truth: the scattered field of the direct solver, at the nodes.
    """

    error: Float[Array, ""]
    errors: Float[Array, " source"]
    residual: Float[Array, ""]
    training_cpu_s: Float[Array, ""]
    direct_cpu_s: Float[Array, ""]
    truth: Complex[Array, "source *shape"]

    @property
    def solver_equivalents(self) -> float:
        """How many direct solves the training cost: above 1, the network was the dearer way to these fields."""
        return float(self.training_cpu_s / self.direct_cpu_s)

    def __str__(self) -> str:
        """In a sentence."""
        worst = 100 * float(jnp.max(self.errors))
        return (
            f"The scattered field is {100 * float(self.error):.2g} % off the direct solver's (worst source {worst:.2g} %), with a residual of "
            f"{100 * float(self.residual):.2g} %; the training took {float(self.training_cpu_s):.3g} s of processor time, the direct solve "
            f"{float(self.direct_cpu_s):.3g} s: {self.solver_equivalents:.2g} solver equivalents."
        )


def judge_helmholtz(
    trained: Solution, medium: HarmonicMedium, *, boundary: Boundary | None = None, order: int = 8
) -> HelmholtzReport:
    """Compare what `train_helmholtz` returned with `solve_helmholtz` on the medium's own grid.

    Both solve for the scattered field, of the same sources. `boundary` must have the faces that the network was trained with; absorbing layers may be thicker, and by
    default are. The grid must resolve the waves: with six nodes per wavelength or fewer the error is as much the direct solver's.
    """
    network = trained.value
    frequency = float(network.angular_hz) / (2 * np.pi)
    forget_factors()
    begin = time.process_time()
    driven = scattered_sources(
        medium, network.sources, frequency, boundary=boundary, background=network.background
    )
    truth = solve_helmholtz(medium, driven, frequency, boundary=boundary, order=order).value.values
    truth = np.asarray(truth)
    direct = time.process_time() - begin
    found = network.on(medium.grid.nodes_km().reshape(-1, medium.grid.num_dims))
    found = np.asarray(found).reshape(truth.shape)
    axes = tuple(range(1, truth.ndim))
    size = lambda a: np.sum(np.abs(a) ** 2, axis=axes)
    off, whole = size(found - truth), size(truth)
    number = lambda a: jnp.asarray(a, float)
    return HelmholtzReport(
        number(np.sqrt(off.sum() / whole.sum())),
        number(np.sqrt(off / whole)),
        number(trained.stats["residual"]),
        number(trained.stats["cpu_seconds"]),
        number(direct),
        jnp.asarray(truth),
    )
