"""What travel-time tomography asks: unknowns, prior and misfit of a whole catalogue."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.tables import PHASES
from diffseis.eikonal import AbstractPhaseTimes
from diffseis.location.data import EventData
from diffseis.location.media import AbstractMedium
from diffseis.location.residual_laws import AbstractResidualLaw, NormalResiduals

NUM_EVENT_UNKNOWNS = 4
"""North, east, down and origin time."""


class Hypocentres(eqx.Module):
    """Places and times of a catalogue's events.

    Attributes:
        ned_km: north, east, down.
        origin_time_s: after each event's reference time.
    """

    ned_km: Float[Array, "event 3"]
    origin_time_s: Float[Array, " event"]

    def __init__(self, ned_km, origin_time_s):
        self.ned_km = jnp.asarray(ned_km)
        self.origin_time_s = jnp.asarray(origin_time_s)

    def moved(self, by: Float[Array, "event 4"]) -> "Hypocentres":
        """Moved by km and s."""
        return Hypocentres(self.ned_km + by[:, :3], self.origin_time_s + by[:, 3])


class Unknowns(eqx.Module):
    """Everything that is sought, as independent unit normals under the prior.

    Attributes:
        shared: of the medium, then of the station terms: what all events see.
        hypocentres: of each event, departures from the start in prior standard deviations.
    """

    shared: Float[Array, " shared"]
    hypocentres: Float[Array, "event 4"]


class TomographyProblem(eqx.Module):
    """A medium, hypocentres to start from, and how far all may move.

    A standard deviation of zero holds an unknown fast: hypocentres known (``hypocentre_sd_km=0, origin_sd_s=0``), no station terms
    (``term_sd_s=0``). Priors of hypocentres should be wide where the start was found from the same picks, lest these count twice.

    Attributes:
        medium: whose speeds are sought, with their prior.
        start: medians of the hypocentres' priors, and where the search begins.
        law: how residuals scatter.
        hypocentre_sd: of north, east, down (km) and origin time (s).
        term_sd_s: of P and S station terms.
        num_stations: of the station table; 0 where there are no terms.
    """

    medium: AbstractMedium
    start: Hypocentres
    law: AbstractResidualLaw
    hypocentre_sd: Float[Array, "4"]
    term_sd_s: Float[Array, "2"]
    num_stations: int = eqx.field(static=True)

    def __init__(
        self,
        medium: AbstractMedium,
        start: Hypocentres,
        *,
        law: AbstractResidualLaw | None = None,
        hypocentre_sd_km=(10.0, 10.0, 10.0),
        origin_sd_s=5.0,
        term_sd_s=(0.0, 0.0),
        num_stations: int = 0,
    ):
        self.medium = medium
        self.start = start
        self.law = NormalResiduals() if law is None else law
        sd_km = jnp.broadcast_to(jnp.asarray(hypocentre_sd_km, float), (3,))
        self.hypocentre_sd = jnp.concatenate([sd_km, jnp.asarray(origin_sd_s, float)[None]])
        self.term_sd_s = jnp.broadcast_to(jnp.asarray(term_sd_s, float), (len(PHASES),))
        self.num_stations = int(num_stations)
        if not bool(jnp.all(self.hypocentre_sd >= 0) & jnp.all(self.term_sd_s >= 0)):
            raise ValueError("standard deviations of hypocentres and station terms must be >= 0")
        if self.num_stations == 0 and bool(jnp.any(self.term_sd_s > 0)):
            raise ValueError("station terms need `num_stations`, the number of rows of the station table")

    @property
    def num_medium(self) -> int:
        """Unknowns of the medium, the first of those that are shared."""
        return self.medium.prior.size

    @property
    def num_shared(self) -> int:
        return self.num_medium + self.num_stations * len(PHASES)

    def at_prior(self) -> Unknowns:
        """The medians of the prior."""
        events = self.start.origin_time_s.shape[0]
        dtype = self.medium.prior.mean.dtype
        return Unknowns(jnp.zeros(self.num_shared, dtype), jnp.zeros((events, NUM_EVENT_UNKNOWNS), dtype))

    def log_speed(self, shared: Float[Array, " _"]) -> Float[Array, "phase *shape"]:
        """Logarithms of speed (km/s) at the nodes; what follows the medium's unknowns is not looked at."""
        return self.medium.prior.log_speed(shared[: self.num_medium].reshape(self.medium.prior.shape))

    def terms_s(self, shared: Float[Array, " shared"]) -> Float[Array, "station phase"]:
        """Station terms in s, added to predicted times."""
        terms = shared[self.num_medium :].reshape(self.num_stations, len(PHASES))
        return terms * self.term_sd_s[None, :]

    def hypocentres(self, white: Float[Array, "event 4"]) -> Hypocentres:
        """Places and times."""
        return self.start.moved(white * self.hypocentre_sd[None, :])

    def terms_at_picks(self, shared: Float[Array, " shared"], data: EventData) -> Float[Array, "event pick"]:
        """The station term of every pick."""
        if self.num_stations == 0:
            return jnp.zeros(data.mask.shape, shared.dtype)
        _, row, phase = receivers(data)
        return self.terms_s(shared)[row, phase]

    def residuals(self, unknowns: Unknowns, data: EventData) -> Float[Array, "event pick"]:
        """Picked minus predicted time in s; zero in the padding."""
        times = self.medium.times(self.log_speed(unknowns.shared))
        hypocentres = self.hypocentres(unknowns.hypocentres)
        predicted = travel_times(times, hypocentres.ned_km, data)
        predicted = (
            predicted + hypocentres.origin_time_s[:, None] + self.terms_at_picks(unknowns.shared, data)
        )
        # Masked before the arithmetic, too: whatever the padding holds must not reach a gradient.
        return jnp.where(data.mask, arrival_s(data) - predicted, 0)

    def sigma_s(self, data: EventData) -> Float[Array, "event pick"]:
        """Scale of every residual; 1 in the padding."""
        sigma = jnp.where(data.mask, data.sigma_s, 1)
        return jnp.where(data.mask, self.law.sigma_s(sigma, jnp.asarray(data.phase_idx)), 1)

    def log_density(self, unknowns: Unknowns, data: EventData) -> Float[Array, ""]:
        """Log posterior density of the unit normals, normalised over picks and prior, but not over the posterior."""
        prior = jnp.sum(unknowns.shared**2) + jnp.sum(unknowns.hypocentres**2)
        return self.log_likelihood(self.residuals(unknowns, data), data) - 0.5 * prior

    def log_likelihood(self, residual_s: Float[Array, "event pick"], data: EventData) -> Float[Array, ""]:
        """Log probability of all picks, given their residuals."""
        sigma = self.sigma_s(data)
        each = self.law.log_prob(residual_s / sigma) - jnp.log(sigma)
        return jnp.sum(jnp.where(data.mask, each, 0))


def arrival_s(data: EventData) -> Float[Array, "event pick"]:
    """Pick times without the known station terms; zero in the padding."""
    return jnp.where(data.mask, data.time_s, 0) - jnp.where(data.mask, data.term_s, 0)


def receivers(data: EventData) -> tuple[Array, Array, Array]:
    """Place, station row and phase of every pick; zeros in the padding, whatever it holds."""
    place = jnp.where(data.mask[..., None], data.receiver_ned_km, 0)
    row, phase = (jnp.where(data.mask, x, 0) for x in (data.station_row, data.phase_idx))
    return place, row, phase


def travel_times(
    times: AbstractPhaseTimes, ned_km: Float[Array, "event 3"], data: EventData
) -> Float[Array, "event pick"]:
    """Predicted travel time in s of every pick; those of the padding mean nothing, but are finite."""
    of_event = jax.vmap(times, in_axes=(None, 0, 0, 0))
    return jax.vmap(of_event)(ned_km, *receivers(data))
