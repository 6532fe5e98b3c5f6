"""Travel times by coordinate networks: two points in, one time out."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.eikonal.medium import Medium, axial
from diffseis.eikonal.neural_ground import Ground, path_slowness
from diffseis.eikonal.straight import mean_slowness
from diffseis.networks import CoordinateNetwork
from diffseis.velocity import Layered

FORMS = ("depth", "plane", "space")


class Region(eqx.Module):
    """Where a network is at home, and what it knows of the medium there.

    Attributes:
        low_km, high_km: corners in north, east, down. In media of depth alone ("depth") the horizontal sides only matter by the largest
            distance in them; for "plane" the east side is not used.
        least_slowness: no wave is faster than its inverse, s/km.
        greatest_slowness: no first arrival is slower, s/km.
        reach_km: distance over which rays bend: the network acts fully beyond it.
        straight_km: distance over which the straight line tells something; beyond it stands `greatest_slowness`. Infinite in smooth media. In
            layers of constant speed level lines just above and below an interface differ, times do not.
        receiver_depth_km: one of the two points lies between these depths.
    """

    low_km: Float[Array, "3"]
    high_km: Float[Array, "3"]
    least_slowness: Float[Array, ""]
    greatest_slowness: Float[Array, ""]
    reach_km: Float[Array, ""]
    straight_km: Float[Array, ""]
    receiver_depth_km: Float[Array, "2"]

    @property
    def max_distance_km(self) -> Float[Array, ""]:
        """Largest horizontal distance."""
        return safe.norm((self.high_km - self.low_km)[:2])

    def scaled(self, x_km: Float[Array, "3"]) -> Float[Array, "3"]:
        """A point with -1 and 1 at the sides; held there beyond them."""
        half = 0.5 * (self.high_km - self.low_km)
        return jnp.clip((x_km - self.low_km) / half - 1, -1, 1)


class NeuralTravelTime(AbstractTravelTimeField):
    """First arrivals between any two points of a region, by a network.

    ``T = R tau``, ``tau = s_min + (s_straight - s_min) exp(-w(R) softplus(N))``: R is the distance, s_min the inverse of the largest
    speed, s_straight the mean slowness of the straight line, ``w = R^2 / (R^2 + reach^2)`` and N the network. So T is zero at the source, the
    same both ways, not faster than the fastest medium, not slower than the straight line (Fermat), and has the slowness of the
    medium at the source, whatever the weights. In layered media s_straight gives way to the largest slowness with distance (`Region`): there
    only the slowest medium is a bound. In transversely isotropic media the slowness of the straight line is that of rays in its direction.

    Forms: "depth" for media that vary with depth only (any positions); "plane" for a vertical plane (north, down; the east coordinate is not
    looked at); "space" for three dimensions. Beyond the region the correction is that of its edge.

    Derivatives by the points are those of the network; the medium is held fixed (the weights do not follow it: train again).

    Attributes:
        network: its weights.
        model: the medium it was trained for.
        region: where.
        form: "depth", "plane" or "space".
        num_nodes: of the quadrature of the straight line.
        ground: where the medium ends, or None. Then the straight line gives way to a path under the ground, and calls with a point in the air raise.

    References:
        Smith, Azizzadenesheli & Ross (2021), EikoNet, doi:10.1109/TGRS.2020.3039165. Waheed et al. (2021), PINNeik,
        doi:10.1016/j.cageo.2021.104833. Grubas, Duchkov & Loginov (2023), Neural Eikonal solver, doi:10.1016/j.jcp.2022.111789 (bounds,
        reciprocity).
    """

    network: CoordinateNetwork
    model: Medium
    region: Region
    form: str = eqx.field(static=True)
    num_nodes: int = eqx.field(static=True, default=5)
    ground: Ground | None = None

    def __check_init__(self):
        if self.form not in FORMS:
            raise ValueError(f"`form` must be one of {', '.join(FORMS)}, got {self.form!r}")

    def __call__(
        self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]
    ) -> Float[Array, ""]:
        receiver_ned_km = _below(self.ground, source_ned_km, receiver_ned_km)
        tau = self.tau(source_ned_km, receiver_ned_km)
        return safe.norm(self.offset(source_ned_km, receiver_ned_km)) * tau

    def tau(self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        """Time over distance, s/km."""
        ends = (_flat(self.ground, x) for x in (source_ned_km, receiver_ned_km))
        inputs = inputs_of(self.form, _held(self.model), _held(self.region), *ends)
        return _tau(self, self.network(*inputs), source_ned_km, receiver_ned_km)

    def offset(
        self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]
    ) -> Float[Array, "3"]:
        """From source to receiver; without its east part in a plane."""
        return _offset(self.form, source_ned_km, receiver_ned_km)


class NeuralSourceTime(eqx.Module):
    """First arrivals from one source, by a network of the receiver alone; otherwise as `NeuralTravelTime`.

    Attributes:
        network, model, region, form, num_nodes, ground: as there; the form is "plane" or "space".
        source_ned_km: where the source is.
    """

    network: CoordinateNetwork
    model: Medium
    region: Region
    source_ned_km: Float[Array, "3"]
    form: str = eqx.field(static=True)
    num_nodes: int = eqx.field(static=True, default=5)
    ground: Ground | None = None

    def __check_init__(self):
        if self.form not in ("plane", "space"):
            raise ValueError(f"`form` must be 'plane' or 'space', got {self.form!r}")

    def __call__(self, receiver_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        receiver_ned_km = _below(self.ground, self.source_ned_km, receiver_ned_km)
        offset = self.offset(self.source_ned_km, receiver_ned_km)
        return safe.norm(offset) * self.tau(self.source_ned_km, receiver_ned_km)

    def tau(self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]) -> Float[Array, ""]:
        """Time over distance, s/km."""
        at = _held(self.region).scaled(_flat(self.ground, receiver_ned_km))
        at = at if self.form == "space" else at[jnp.asarray([0, 2])]
        return _tau(self, self.network(at), source_ned_km, receiver_ned_km)

    def offset(
        self, source_ned_km: Float[Array, "3"], receiver_ned_km: Float[Array, "3"]
    ) -> Float[Array, "3"]:
        """From source to receiver; without its east part in a plane."""
        return _offset(self.form, source_ned_km, receiver_ned_km)


def _offset(form, source_ned_km, receiver_ned_km):
    offset = receiver_ned_km - source_ned_km
    return offset.at[1].set(0) if form == "plane" else offset


def _held(tree):
    return jax.tree.map(lambda x: stop_gradient(x) if eqx.is_array(x) else x, tree)


def _flat(ground, x_ned_km):
    return x_ned_km if ground is None else _held(ground).flat(x_ned_km)


def _below(ground, source_ned_km, receiver_ned_km):
    """The receiver; an error where one of the two lies in the air."""
    if ground is None:
        return receiver_ned_km
    message = "a point lies above the ground, where the medium ends; give points at or below it"
    return eqx.error_if(receiver_ned_km, ground.above(source_ned_km) | ground.above(receiver_ned_km), message)


def _tau(field, correction, source_ned_km, receiver_ned_km):
    offset = field.offset(source_ned_km, receiver_ned_km)
    model, ends = _held(field.model), (receiver_ned_km - offset, receiver_ned_km)
    if field.ground is None:
        straight = mean_slowness(model, *ends, num_nodes=field.num_nodes)
    else:
        straight = path_slowness(model, _held(field.ground), *ends, num_nodes=field.num_nodes)
    return bounded_slowness(correction, jnp.sum(offset * offset), straight, _held(field.region))


def bounded_slowness(
    correction: Float[Array, ""], square_km2: Float[Array, ""], straight: Float[Array, ""], region: Region
) -> Float[Array, ""]:
    """Mean slowness between that of the fastest medium and that of the straight line, which it tends to at the source."""
    weight = square_km2 / (square_km2 + region.reach_km * region.reach_km)
    least = region.least_slowness
    far = square_km2 / (square_km2 + region.straight_km * region.straight_km)
    base = straight + far * (region.greatest_slowness - straight)
    return least + (base - least) * jnp.exp(-weight * jax.nn.softplus(correction))


def input_sizes(form: str, model: Medium, region: Region) -> tuple[int, int]:
    """Lengths of the two vectors that `inputs_of` makes."""
    if form == "depth":
        num = _depth_features(model, region, region.low_km[2]).shape[0]
        return num + 1, num
    return (2, 2) if form == "plane" else (3, 3)


def inputs_of(
    form: str,
    model: Medium,
    region: Region,
    source_ned_km: Float[Array, "3"],
    receiver_ned_km: Float[Array, "3"],
) -> tuple[Float[Array, " place"], Float[Array, " offset"]]:
    """What the network sees of two points: the same when they are exchanged, but for the sign of the second vector."""
    if form == "depth":
        limit = region.max_distance_km
        apart = safe.norm((receiver_ned_km - source_ned_km)[:2])
        horizontal = 2 * _even(jnp.minimum(apart / limit, 1), 0.1) - 1
        a, b = (_depth_features(model, region, x[2]) for x in (source_ned_km, receiver_ned_km))
        return jnp.concatenate([horizontal[None], 0.5 * (a + b)]), 0.5 * (b - a)
    axes = jnp.asarray([0, 2] if form == "plane" else [0, 1, 2])
    a, b = region.scaled(source_ned_km)[axes], region.scaled(receiver_ned_km)[axes]
    return 0.5 * (a + b), 0.5 * (b - a)


def _depth_features(model, region, depth_km) -> Float[Array, " feature"]:
    """The scaled depth; for constant layers also one hinge per interface, since times have kinks there and smooth networks have none."""
    half = 0.5 * (region.high_km[2] - region.low_km[2])
    scaled = jnp.clip((depth_km - region.low_km[2]) / half - 1, -1, 1)
    layers = axial(model)
    if not (isinstance(layers, Layered) and layers.kind == "layers"):
        return scaled[None]
    at = (layers.depth_km[1:] - region.low_km[2]) / half - 1
    return jnp.concatenate([scaled[None], jnp.maximum(scaled - at, 0)])


def _even(x: Float[Array, ""], smoothing: Float[Array, ""] | float) -> Float[Array, ""]:
    """About ``|x|`` over the largest value (2 for differences of scaled coordinates), smooth and even about zero."""
    return jnp.sqrt(x * x + smoothing * smoothing) - smoothing
