"""Networks of waves in time beside finite differences: how far apart, and at what cost."""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.results import Solution
from diffseis.wave.acoustic import Acoustic, AcousticMedium
from diffseis.wave.boundary import Boundary
from diffseis.wave.neural_waves import WaveNetwork, ball
from diffseis.wave.propagate import num_substeps, propagate
from diffseis.wave.receivers import PressureReceivers
from diffseis.wave.sources import PressureSources
from diffseis.wave.time_axis import TimeAxis


class WaveReport(eqx.Module):
    """What a network is worth.

    Attributes:
        error: relative L2 error over all sources, nodes of the medium's grid and samples, against finite differences.
        errors: of each source.
        error_at: at each sample, over the largest norm of the field at any.
        radius_km: of the bells that stand for sources, on both sides.
        training_cpu_s: processor seconds of the training, compilation included.
        query_cpu_s: of the waves of all sources at all nodes by the network, compilation included.
        direct_cpu_s: of the same by finite differences, compiled before.
        found, truth: both fields, at the nodes.
    """

    error: Float[Array, ""]
    errors: Float[Array, " source"]
    error_at: Float[Array, " time"]
    radius_km: Float[Array, ""]
    training_cpu_s: Float[Array, ""]
    query_cpu_s: Float[Array, ""]
    direct_cpu_s: Float[Array, ""]
    found: Float[Array, "source *shape time"]
    truth: Float[Array, "source *shape time"]

    @property
    def solver_equivalents(self) -> float:
        """How many runs of one source by finite differences the training cost."""
        return float(self.training_cpu_s / self.direct_cpu_s) * self.errors.shape[0]

    def __str__(self) -> str:
        """In a sentence."""
        return (
            f"With bells of {float(self.radius_km):.3g} km (standard deviation) as sources the field is {100 * float(self.error):.2g} % off that of finite differences (worst source {100 * float(jnp.max(self.errors)):.2g} %); the training took "
            f"{float(self.training_cpu_s):.3g} s of processor time, {self.solver_equivalents:.2g} solver equivalents; {self.errors.shape[0]} sources took "
            f"{float(self.query_cpu_s):.3g} s by the network and {float(self.direct_cpu_s):.3g} s by finite differences."
        )


def judge_waves(
    trained: Solution,
    medium: AcousticMedium,
    sources: PressureSources,
    time_axis: TimeAxis,
    *,
    boundary: Boundary | None = None,
    order: int = 8,
) -> WaveReport:
    """Compare what `train_waves` returned with `propagate` on the medium's own grid, source by source.

    Finite differences are driven by the same bells, point by point. `boundary` must have the faces that the network was trained with; its absorbing layers may be
    thicker, and by default are. The grid must resolve the waves: with six nodes per wavelength or fewer the error is as much that of finite differences.
    """
    network: WaveNetwork = trained.value
    x = jnp.asarray(medium.grid.nodes_km().reshape(-1, medium.grid.num_dims))
    boundary = Boundary.absorbing(medium.grid.num_dims) if boundary is None else boundary
    begin = time.process_time()
    found = np.asarray(network(sources, time_axis).records(x))
    query = time.process_time() - begin
    offset, weight = ball(medium.grid.num_dims)
    offset, weight = jnp.asarray(offset) * network.radius_km, jnp.asarray(weight)

    equation = Acoustic(order)
    substeps = num_substeps(equation, medium, time_axis)

    @jax.jit
    def direct(place, series):
        bell = PressureSources(place[None] + offset, weight[:, None] * series[None])
        run = propagate(
            equation,
            medium,
            bell,
            PressureReceivers(x),
            time_axis,
            boundary=boundary,
            substeps=substeps,
            throw=False,
        )
        return run.value

    places, series = jnp.asarray(sources.position_km), jnp.asarray(sources.series)
    compiled = direct.lower(places[0], series[0]).compile()
    begin = time.process_time()
    truth = np.stack([np.asarray(compiled(*one)) for one in zip(places, series, strict=True)])
    spent = time.process_time() - begin
    size = lambda a, axes: np.sum(a**2, axis=axes)
    off, whole = size(found - truth, (1, 2)), size(truth, (1, 2))
    at = size(found - truth, (0, 1)), size(truth, (0, 1))
    number = lambda a: jnp.asarray(a, float)
    whole_shape = lambda a: jnp.asarray(a).reshape(a.shape[0], *medium.grid.shape, -1)
    return WaveReport(
        number(np.sqrt(off.sum() / whole.sum())),
        number(np.sqrt(off / whole)),
        number(np.sqrt(at[0] / at[1].max())),
        network.radius_km,
        number(trained.stats["cpu_seconds"]),
        number(query),
        number(spent),
        whole_shape(found),
        whole_shape(truth),
    )
