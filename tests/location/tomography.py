"""Small catalogues with known truth, for the tests of tomography."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.core.grids import RegularGrid
from diffseis.eikonal import AbstractPhaseTimes
from diffseis.eikonal.analytic import arc_time
from diffseis.location import (
    AbstractMedium,
    EventData,
    GriddedMedium,
    Hypocentres,
    LayeredMedium,
    SpeedPrior,
    TomographyProblem,
    Unknowns,
)
from diffseis.velocity import Gradient

SIGMA_S = (0.03, 0.06)
TOP_KM, BOTTOM_KM = 0.0, 20.0


class ArcTimes(AbstractPhaseTimes):
    """Times of circular rays, in the dtype of the speeds at both nodes."""

    speed_km_s: Float[Array, "2 2"]

    def __call__(self, source_ned_km, receiver_ned_km, receiver_row, phase_idx):
        top, bottom = jnp.where(phase_idx == 0, self.speed_km_s[0], self.speed_km_s[1])
        slope = (bottom - top) / (BOTTOM_KM - TOP_KM)
        at = lambda x: top + slope * (x[2] - TOP_KM)
        distance = safe.norm(source_ned_km - receiver_ned_km)
        return arc_time(distance, at(source_ned_km) * at(receiver_ned_km), slope)


class GradientMedium(AbstractMedium):
    """Two nodes, the speed linear between them and beyond: times in closed form, so that many inversions are cheap."""

    prior: SpeedPrior
    one_ray_per_pick = True

    def models(self, log_speed):
        top, bottom = jnp.exp(log_speed[:, 0]), jnp.exp(log_speed[:, 1])
        slope = (bottom - top) / (BOTTOM_KM - TOP_KM)
        return Gradient(top[0], slope[0]), Gradient(top[1], slope[1])

    def times(self, log_speed):
        return ArcTimes(jnp.exp(log_speed))


class SharedGradientMedium(AbstractMedium):
    """The same, its derivatives found as those of fields that picks share."""

    prior: SpeedPrior
    one_ray_per_pick = False

    def models(self, log_speed):
        return GradientMedium(self.prior).models(log_speed)

    def times(self, log_speed):
        return ArcTimes(jnp.exp(log_speed))


def gradient_medium(sd=0.08):
    speed = np.array([[5.0, 7.0], [5.0 / 1.75, 7.0 / 1.75]])
    return GradientMedium(SpeedPrior(speed, [[TOP_KM, BOTTOM_KM]], sd=sd, correlation_km=15.0))


def layered_medium(kind="layers"):
    depth = np.array([-1.0, 4.0, 9.0, 15.0])
    speed = np.array([4.8, 5.5, 6.0, 6.6])
    prior = SpeedPrior(np.stack([speed, speed / 1.75]), [depth], sd=0.05, correlation_km=6.0)
    return LayeredMedium(prior, depth, kind=kind)


def gridded_medium(stations, *, sd=0.06):
    """A vertical plane of 24 by 12 km with 7 by 4 nodes."""
    grid = RegularGrid([-12.0, 0.0], [4.0, 4.0], (7, 4))
    fine = RegularGrid([-14.0, -1.0], [1.0, 1.0], (29, 15))
    depth = np.linspace(0.0, 12.0, 4)
    speed = np.broadcast_to(5.0 + 0.1 * depth, (7, 4))
    prior = SpeedPrior(
        np.stack([speed, speed / 1.75]), [grid.axis_km(0), grid.axis_km(1)], sd=sd, correlation_km=6.0
    )
    return GriddedMedium(prior, grid, fine, stations)


def block_medium(stations, *, nodes=(7, 7, 4), sd=0.06, spacing_km=2.0, solver=None):
    """A block of 24 by 24 by 12 km; times on a grid that reaches 2 km further to the sides and 1 km above and below."""
    spacing = np.array([24.0, 24.0, 12.0]) / (np.array(nodes) - 1)
    grid = RegularGrid([-12.0, -12.0, 0.0], spacing, nodes)
    sides, deep = round(28 / spacing_km) + 1, round(14 / spacing_km) + 1
    fine = RegularGrid([-14.0, -14.0, -1.0], [spacing_km] * 3, (sides, sides, deep))
    axes = [grid.axis_km(axis) for axis in range(3)]
    speed = np.broadcast_to(5.0 + 0.1 * np.linspace(0.0, 12.0, nodes[2]), nodes)
    prior = SpeedPrior(np.stack([speed, speed / 1.75]), axes, sd=sd, correlation_km=(6.0, 6.0, 5.0))
    return GriddedMedium(prior, grid, fine, stations, solver=solver)


def network(num_events, num_stations, *, seed, plane=False, poison=None):
    """Geometry of a catalogue in which every station has P and S of every event; hypocentres, stations and empty picks.

    With `poison` four more picks per event are masked, and hold this value.
    """
    rng = np.random.default_rng(seed)
    spread = np.array([0.0 if plane else 1.0])
    east = lambda n, half: spread * rng.uniform(-half, half, n)
    stations = np.column_stack(
        [rng.uniform(-11, 11, num_stations), east(num_stations, 11), np.zeros(num_stations)]
    )
    places = np.column_stack(
        [rng.uniform(-9, 9, num_events), east(num_events, 9), rng.uniform(3, 11, num_events)]
    )
    extra = 0 if poison is None else 4
    row = np.concatenate([np.repeat(np.arange(num_stations), 2), np.full(extra, 2**30)]).astype(np.int32)
    phase = np.concatenate([np.tile([0, 1], num_stations), np.full(extra, 7)]).astype(np.int32)
    real = np.arange(len(row)) < 2 * num_stations
    fill = lambda x: np.where(real, x, poison if extra else 0.0)
    sigma = fill(np.where(phase == 0, *SIGMA_S))
    receiver = np.where(real[:, None], stations[np.where(real, row, 0)], poison if extra else 0.0)
    every = lambda x: jnp.broadcast_to(jnp.asarray(x), (num_events, *np.shape(x)))
    data = EventData(
        time_s=every(fill(np.zeros(len(row)))),
        sigma_s=every(sigma),
        receiver_ned_km=every(receiver),
        station_row=every(row),
        phase_idx=every(phase),
        term_s=every(fill(np.zeros(len(row)))),
        mask=every(real),
    )
    return Hypocentres(places, np.zeros(num_events)), stations, data


def draw_truth(problem: TomographyProblem, *, key) -> Unknowns:
    """Unknowns from the prior."""
    zero = problem.at_prior()
    k_shared, k_events = jr.split(key)
    return Unknowns(
        jr.normal(k_shared, zero.shared.shape, zero.shared.dtype),
        jr.normal(k_events, zero.hypocentres.shape, zero.hypocentres.dtype),
    )


@eqx.filter_jit
def observe(problem: TomographyProblem, truth: Unknowns, data: EventData, *, key) -> EventData:
    """Picks of that truth, with noise as stated. (Residuals of picks at time zero are minus the arrivals.)"""
    real = eqx.tree_at(lambda d: (d.time_s, d.term_s), data, (jnp.zeros_like(data.time_s),) * 2)
    arrival = -problem.residuals(truth, real)
    sigma = problem.sigma_s(data)
    noisy = arrival + sigma * jr.normal(key, arrival.shape, arrival.dtype)
    return eqx.tree_at(lambda d: d.time_s, data, jnp.where(data.mask, noisy, data.time_s))


def flat_density(problem: TomographyProblem, data: EventData):
    """The log posterior density as a function of one vector."""
    zero = problem.at_prior()
    vector, unravel = jax.flatten_util.ravel_pytree(zero)
    return jax.jit(lambda x: problem.log_density(unravel(x), data)), vector.shape[0]
