"""Media whose speeds are unknown: from the logarithms of speeds at nodes to travel times."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import AbstractClassVar, AbstractVar
from jaxtyping import Array, Float, Int

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.core.results import RESULTS
from diffseis.eikonal import AbstractPhaseTimes, FactoredSweeping, GridTimeTables, LayeredTime, solve_eikonal
from diffseis.eikonal.grid_tables import on_axes
from diffseis.location.speed_prior import SpeedPrior
from diffseis.velocity import AbstractVelocityModel, Gridded, Layered


class AbstractMedium(eqx.Module):
    """A parametrisation of P and S speeds, with the prior of its parameters.

    Laws, tested on every implementation: times agree with those of the models; they are differentiable in the speeds.
    """

    prior: AbstractVar[SpeedPrior]
    one_ray_per_pick: AbstractClassVar[bool]
    """Whether a time is found by itself from few speeds, so that its derivatives are found one by one, in reverse; otherwise they go through
    fields that many picks share."""

    @abc.abstractmethod
    def models(
        self, log_speed: Float[Array, "phase *shape"]
    ) -> tuple[AbstractVelocityModel, AbstractVelocityModel]:
        """The P and the S model of logarithms of speed (km/s) at the nodes."""

    @abc.abstractmethod
    def times(self, log_speed: Float[Array, "phase *shape"]) -> AbstractPhaseTimes:
        """First arrivals of P and S in that medium."""


class LayeredMedium(AbstractMedium):
    """Speed as a function of depth, linear between nodes (or constant in layers); times are exact.

    Linear by default: at the jumps between layers first arrivals change from one ray to another, and the misfit has kinks.

    Attributes:
        prior: of the speeds at the nodes.
        depth_km: of the nodes, increasing.
        kind: "linear" or "layers", as of `velocity.Layered`.
    """

    prior: SpeedPrior
    depth_km: Float[Array, " node"]
    kind: str = eqx.field(static=True)
    one_ray_per_pick = True

    def __init__(self, prior: SpeedPrior, depth_km, *, kind: str = "linear"):
        self.prior = prior
        self.depth_km = jnp.asarray(depth_km, float)
        self.kind = kind

    def __check_init__(self):
        if self.prior.shape[1:] != self.depth_km.shape:
            raise ValueError(
                f"the prior has nodes of shape {self.prior.shape[1:]}, `depth_km` {self.depth_km.shape}"
            )

    def models(self, log_speed):
        p, s = jnp.exp(log_speed)
        return Layered(self.depth_km, p, self.kind), Layered(self.depth_km, s, self.kind)

    def times(self, log_speed):
        return DepthTimes(self.depth_km, jnp.exp(log_speed), self.kind)


class DepthTimes(AbstractPhaseTimes):
    """Exact times in a medium of depth. The speeds are chosen before the ray is sought, so each pick costs one ray.

    Attributes:
        depth_km, kind: as of `velocity.Layered`.
        speed_km_s: of P and S.
    """

    depth_km: Float[Array, " node"]
    speed_km_s: Float[Array, "2 node"]
    kind: str = eqx.field(static=True)

    def __call__(
        self,
        source_ned_km: Float[Array, "3"],
        receiver_ned_km: Float[Array, "3"],
        receiver_row: Int[Array, ""],
        phase_idx: Int[Array, ""],
    ) -> Float[Array, ""]:
        speed = jnp.where(phase_idx == 0, self.speed_km_s[0], self.speed_km_s[1])
        return LayeredTime(Layered(self.depth_km, speed, self.kind))(source_ned_km, receiver_ned_km)


class GriddedMedium(AbstractMedium):
    """Speed on a grid of two dimensions (north, down) or three, smooth between nodes; times from the eikonal equation.

    By reciprocity every station is the source of one solution per phase, and every event reads its times there. Derivatives
    with respect to the speeds come from the implicit adjoint of the solver. In two dimensions everything lies in the north-down plane: east
    coordinates are not looked at.

    Attributes:
        prior: of the speeds at the nodes.
        grid: the nodes.
        time_grid: where the eikonal equation is solved, usually finer; it must hold stations and events.
        stations_ned_km: in the order of the rows that picks refer to.
        solver: the scheme.
    """

    prior: SpeedPrior
    grid: RegularGrid
    time_grid: RegularGrid
    stations_ned_km: Float[Array, "station 3"]
    solver: FactoredSweeping
    one_ray_per_pick = False

    def __init__(
        self,
        prior: SpeedPrior,
        grid: RegularGrid,
        time_grid: RegularGrid,
        stations_ned_km,
        *,
        solver: FactoredSweeping | None = None,
    ):
        self.prior = prior
        self.grid = grid
        self.time_grid = time_grid
        self.stations_ned_km = jnp.asarray(stations_ned_km, float)
        self.solver = FactoredSweeping() if solver is None else solver

    def __check_init__(self):
        if self.prior.shape[1:] != self.grid.shape:
            raise ValueError(
                f"the prior has nodes of shape {self.prior.shape[1:]}, the grid {self.grid.shape}"
            )
        dims = self.grid.num_dims
        if dims not in (2, 3) or self.time_grid.num_dims != dims:
            raise ValueError(
                f"both grids must have 2 dimensions or both 3, got {dims} and {self.time_grid.num_dims}"
            )
        if is_concrete(self.stations_ned_km, self.time_grid.origin_km):
            for row, station in enumerate(self.stations_ned_km):
                if not self.time_grid.contains(on_axes(station, dims)):
                    raise ValueError(
                        f"station {row} at {station} km lies outside `time_grid`; let it reach further"
                    )

    def models(self, log_speed):
        p, s = jnp.exp(log_speed)
        return Gridded(self.grid, p), Gridded(self.grid, s)

    def times(self, log_speed):
        places = on_axes(self.stations_ned_km, self.grid.num_dims)

        def one_phase(values):
            model = Gridded(self.grid, jnp.exp(values))

            def one_station(place):
                solution = solve_eikonal(model, self.time_grid, self.solver, source_km=place, throw=False)
                # Times that did not converge are none: the step that led here is refused.
                good = solution.result == RESULTS.successful
                return jnp.where(good, solution.value.coefficients, jnp.nan)

            return jax.vmap(one_station)(places) if _few(places) else jax.lax.map(one_station, places)

        tables = jax.lax.map(one_phase, log_speed)
        return GridTimeTables(tables.reshape(-1, *tables.shape[2:]), self.time_grid)


def _few(places: Float[Array, "station dim"]) -> bool:
    """In two dimensions all stations are swept at once: one alone is too little work for a processor."""
    return places.shape[1] == 2
