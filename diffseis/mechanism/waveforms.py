"""Where and when a source was, and its moment tensor, out of whole seismograms.

Seismograms are linear in the tensor: with a normal prior it is integrated out in closed form (variable projection, with its determinant), and
what is left to search and to sample are place and origin time alone. Tensors are then drawn from their normal distribution at each of these.

References:
    Golub & Pereyra (2003), Separable nonlinear least squares: the variable projection method and its applications,
    doi:10.1088/0266-5611/19/2/201. Tarantola & Valette (1982), Generalized nonlinear inverse problems solved using the least squares
    criterion, doi:10.1029/RG020i002p00219.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from diffseis.core.concrete import is_concrete
from diffseis.core.results import RESULTS, Solution
from diffseis.inference import AbstractSampler, laplace_modes, run_sampler, select_starts, uniform_points
from diffseis.source import AbstractTimeFunction
from diffseis.wave import GreensStore, tensor_pairs, time_series

ROUNDING = 1e-9
"""Of the spacing of a store's lattice, by which a box may reach beyond it."""


class WaveformProblem(eqx.Module):
    """Seismograms of one source with independent normal noise, and what was thought before.

    Attributes:
        store: Green's functions of the stations.
        time_function: moment rate over moment about the origin time, with no frequencies that the store lacks.
        observed_km: displacements on the store's time axis.
        noise_km: their standard deviations, by station and component.
        low, high: the corners of a box in which any place (km) and origin time (s, last) is as likely as any other; within the store's lattice.
        moment_sd: prior standard deviation of each of the tensor's components (`tensor_pairs`) about zero, in 1e18 N m (per km in two dimensions).
    """

    store: GreensStore
    time_function: AbstractTimeFunction
    observed_km: Float[Array, "station component time"]
    noise_km: Float[Array, "station component"]
    low: Float[Array, " unknown"]
    high: Float[Array, " unknown"]
    moment_sd: Float[Array, ""]

    def __check_init__(self):
        num = self.store.lattice.num_dims
        wanted = (self.store.num_stations, num, self.store.time_axis.num_samples)
        if self.observed_km.shape != wanted:
            raise ValueError(
                f"`observed_km` has shape {self.observed_km.shape}, the store's seismograms {wanted}"
            )
        if self.noise_km.shape != wanted[:2]:
            raise ValueError(f"`noise_km` has shape {self.noise_km.shape}, it must be {wanted[:2]}")
        if self.low.shape != (num + 1,) or self.high.shape != (num + 1,):
            raise ValueError(
                f"`low` and `high` need {num} coordinates and an origin time, got arrays of shapes {self.low.shape} and {self.high.shape}"
            )
        if is_concrete(self.noise_km, self.moment_sd) and not (
            np.all(np.asarray(self.noise_km) > 0) and np.asarray(self.moment_sd) > 0
        ):
            raise ValueError("`noise_km` and `moment_sd` must be above 0")
        if is_concrete(self.low, self.high):
            if not np.all(np.asarray(self.low) < np.asarray(self.high)):
                raise ValueError(f"`low` must be below `high`, got {self.low} and {self.high}")
            lattice = self.store.lattice
            # Corners may be those that the lattice was made for: its own are theirs only to rounding.
            within = lambda x: lattice.contains(x[:num], rounding=ROUNDING)
            if is_concrete(lattice.origin_km) and not (within(self.low) and within(self.high)):
                raise ValueError(
                    f"the box from {self.low[:num]} to {self.high[:num]} km reaches beyond the store, which spans {lattice.origin_km} to {lattice.end_km} km"
                )

    def place(self, unknown: Float[Array, " unknown"]) -> Float[Array, " unknown"]:
        """Place and origin time of unknowns without bounds."""
        return self.low + (self.high - self.low) * jax.nn.sigmoid(unknown)

    def greens(self, place: Float[Array, " unknown"]) -> Float[Array, "tensor station component time"]:
        """Displacements of unit components of the tensor, over the noise."""
        dims = self.store.lattice.num_dims
        series = time_series(self.time_function, self.store.time_axis, place[-1])[0]
        units = jnp.asarray(_units(dims), self.observed_km.dtype)
        one = lambda moment: self.store.displacement(place[:-1], moment, series)
        return jax.vmap(one)(units).astype(self.observed_km.dtype) / self.noise_km[None, :, :, None]

    def moment(self, place: Float[Array, " unknown"]) -> tuple[Float[Array, " tensor"], Array]:
        """The tensor's components given place and origin time: mean, and lower Cholesky factor of the inverse covariance."""
        mean, factor, _ = self._projected(place)
        return mean, factor

    def _projected(self, place):
        rows = self.greens(place).reshape(len(tensor_pairs(self.store.lattice.num_dims)), -1)
        data = (self.observed_km / self.noise_km[:, :, None]).reshape(-1)
        eye = jnp.eye(rows.shape[0], dtype=rows.dtype)
        precision = rows @ rows.T + eye / self.moment_sd.astype(rows.dtype) ** 2
        factor = jnp.linalg.cholesky(precision)
        half = jax.scipy.linalg.solve_triangular(factor, rows @ data, lower=True)
        mean = jax.scipy.linalg.solve_triangular(factor.T, half, lower=False)
        # The residual itself: the difference of two large squares would lose it to rounding.
        left = jnp.sum((data - mean @ rows) ** 2) + jnp.sum((mean / self.moment_sd.astype(rows.dtype)) ** 2)
        return mean, factor, -0.5 * left - jnp.sum(jnp.log(jnp.diagonal(factor)))

    def log_density(self, unknown: Float[Array, " unknown"], softness=0.0) -> Float[Array, ""]:
        """Of place and origin time, whatever the tensor; in unknowns without bounds. With softness the noise counts as ``1 + softness``
        times as large in the exponent, which lets a search see farther."""
        *_, value = self._projected(self.place(unknown))
        inside = jnp.sum(jax.nn.log_sigmoid(unknown) + jax.nn.log_sigmoid(-unknown))
        return value.astype(unknown.dtype) / (1 + jnp.asarray(softness, unknown.dtype)) ** 2 + inside


class SourcePosterior(eqx.Module):
    """What seismograms say about a source.

    Attributes:
        place_km_s: particles of place (km) and origin time (s, last).
        moment: a tensor for each, its components as in `tensor_pairs`.
        best: the most probable place and origin time.
        best_moment: the mean tensor there.
        converged: whether a maximum was found, and the sampler's own test passed.
    """

    place_km_s: Float[Array, "particle unknown"]
    moment: Float[Array, "particle tensor"]
    best: Float[Array, " unknown"]
    best_moment: Float[Array, " tensor"]
    converged: Bool[Array, ""]


def invert_waveforms(
    problem: WaveformProblem,
    sampler: AbstractSampler,
    *,
    num_candidates: int = 2048,
    num_starts: int = 6,
    num_steps: int = 25,
    key: Key[Array, ""],
) -> Solution[SourcePosterior]:
    """Place, origin time and tensor of a source, with particles of their posterior.

    Candidates all over the box are tried; from the best of them, apart from each other, damped Newton steps climb the density by exact
    derivatives; and a sampler starts from Laplace's approximation at the maxima.

    Args:
        problem: what was recorded, and the prior.
        sampler: of place and origin time, e.g. ``SVGD(256)``.
        num_candidates: places and origin times that are tried.
        num_starts: of climbs.
        num_steps: largest number of Newton steps of each.
        key: of candidates and particles.
    """
    if num_candidates < num_starts or num_starts < 1:
        raise ValueError(
            f"`num_candidates` must be at least `num_starts`, and that at least 1, got {num_candidates} and {num_starts}"
        )
    return _inverted(problem, sampler, num_candidates, num_starts, num_steps, key)


@eqx.filter_jit
def _inverted(problem, sampler, num_candidates, num_starts, num_steps, key):
    k_try, k_run, k_moment = jr.split(key, 3)
    share = uniform_points(num_candidates, problem.low.shape[0], key=k_try, dtype=problem.low.dtype)
    share = jnp.clip(share, 0.01, 0.99)
    tried = jnp.log(share) - jnp.log1p(-share)
    value = jax.lax.map(problem.log_density, tried, batch_size=32)
    starts = tried[select_starts(share, value, num_starts, jnp.asarray(0.05, share.dtype))]
    # Far from the maximum waveforms fit nowhere: what is softer has wider maxima to climb.
    levels = jnp.asarray([3.0, 0.0], share.dtype)
    modes = laplace_modes(
        problem.log_density, starts, softness=levels, num_steps=(num_steps // 2, num_steps), max_sd=5.0
    )
    draws, _ = run_sampler(sampler, problem.log_density, modes, key=k_run)
    place = jax.vmap(problem.place)(draws.position)

    def drawn(place, normal):
        mean, factor = problem.moment(place)
        return mean + jax.scipy.linalg.solve_triangular(factor.T, normal, lower=False)

    num_tensor = len(tensor_pairs(problem.store.lattice.num_dims))
    normal = jr.normal(k_moment, (place.shape[0], num_tensor), problem.observed_km.dtype)
    best = problem.place(modes.location[0])
    # Stores are in single precision, as are the rounding errors of slopes: the climb's own test asks for more than there is.
    slope = jax.grad(problem.log_density)(modes.location[0])
    converged = (slope @ modes.covariance[0] @ slope < _DECREMENT) & draws.converged
    result = RESULTS.where(converged, RESULTS.successful, RESULTS.not_converged)
    value = SourcePosterior(
        place, jax.lax.map(lambda x: drawn(*x), (place, normal)), best, problem.moment(best)[0], converged
    )
    stats = {
        "effective_fraction": draws.effective_fraction,
        "num_modes": jnp.sum(modes.log_weight > -jnp.inf),
    }
    return Solution(value=value, result=result, stats=stats, state=None)


_DECREMENT = 1e-2
"""Twice what a further Newton step would gain, in log units, below which a maximum counts as found."""


def _units(num_dims: int) -> np.ndarray:
    """Symmetric tensors of one component each."""
    pairs = tensor_pairs(num_dims)
    units = np.zeros((len(pairs), num_dims, num_dims))
    for row, (i, j) in enumerate(pairs):
        units[row, i, j] = units[row, j, i] = 1
    return units
