"""What networks of travel times are asked for, and at which points."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from diffseis.core import safe
from diffseis.eikonal.base import AbstractTravelTimeField
from diffseis.eikonal.medium import axial, eikonal_excess
from diffseis.eikonal.neural import NeuralSourceTime, NeuralTravelTime


class Eikonal(eqx.Module):
    """The residual ``(v^2 |grad T|^2 - 1) / 2`` at the receiver; in transversely isotropic media half the excess of their own equation.

    Attributes:
        field: all of a travel-time network but its weights.
        weight: of the residual.
        tolerance: residuals beyond it count linearly.
    """

    field: NeuralTravelTime | NeuralSourceTime
    weight: Float[Array, ""]
    tolerance: Float[Array, ""]

    def __call__(self, weights, pair) -> Float[Array, ""]:
        field = eqx.tree_at(lambda f: f.network, self.field, weights)
        source, receiver = pair
        slowness = slowness_vector(field, source, receiver)
        residual = 0.5 * eikonal_excess(field.model, receiver, slowness)
        return self.weight * _shortened(residual, self.tolerance)


def slowness_vector(
    field: NeuralTravelTime | NeuralSourceTime,
    source_ned_km: Float[Array, "3"],
    receiver_ned_km: Float[Array, "3"],
) -> Float[Array, "3"]:
    """Derivatives of time by the receiver in s/km, for two points apart: ``tau e + R grad tau``, with e the unit vector between them."""
    tau, gradient = jax.value_and_grad(field.tau, argnums=1)(source_ned_km, receiver_ned_km)
    offset = field.offset(source_ned_km, receiver_ned_km)
    distance = safe.norm(offset)
    return tau * offset / jnp.where(distance > 0, distance, 1) + distance * gradient


def _shortened(residual, tolerance):
    """A residual whose square grows linearly beyond `tolerance` (the pseudo-Huber loss)."""
    return residual * jnp.sqrt(2 / (1 + jnp.sqrt(1 + (residual / tolerance) ** 2)))


class Outflow(eqx.Module):
    """How far rays come in through the ground, of the cosine of their angle with it: zero where they leave or go along.

    Without it waves would go straight through the air: they, too, solve the eikonal equation below.

    Attributes:
        field: all of a travel-time network but its weights; it has a ground.
        weight: of the residual.
        tolerance: residuals beyond it count linearly.

    References:
        Soner (1986), Optimal control with state-space constraint I, doi:10.1137/0324032.
    """

    field: NeuralTravelTime | NeuralSourceTime
    weight: Float[Array, ""]
    tolerance: Float[Array, ""]

    def __call__(self, weights, pair) -> Float[Array, ""]:
        field = eqx.tree_at(lambda f: f.network, self.field, weights)
        source, receiver = pair
        slowness = slowness_vector(field, source, receiver)
        ray = 0.5 * jax.grad(lambda p: eikonal_excess(field.model, receiver, p))(slowness)
        inward = jnp.sum(ray * field.ground.inward(receiver)) / axial(field.model).speed(receiver)
        return self.weight * _shortened(jnp.maximum(inward, 0), self.tolerance)


class Misfit(eqx.Module):
    """Relative difference to known times, which come with the points: they cost more than the network, and a step asks for them many times.

    Attributes:
        field: all of a travel-time network but its weights.
        weight: of the residual.
        floor_s: added to the times that misfits are relative to.
    """

    field: NeuralTravelTime | NeuralSourceTime
    weight: Float[Array, ""]
    floor_s: Float[Array, ""]

    def __call__(self, weights, timed_pair) -> Float[Array, ""]:
        field = eqx.tree_at(lambda f: f.network, self.field, weights)
        source, receiver, known = timed_pair
        offset = field.offset(source, receiver)
        distance = jnp.sqrt(jnp.sum(offset * offset))
        return self.weight * (distance * field.tau(source, receiver) - known) / (known + self.floor_s)


class RandomPairs(eqx.Module):
    """Random sources and receivers of a region, half of them drawn together to any part of their distance.

    Attributes:
        field: for its region, form and source.
        num_points: pairs per batch.
        num_terms: equal batches for as many residuals.
        on_ground: in the last of them receivers lie on the ground.
        known: times that go with the pairs of one batch.
        known_term: of which.
    """

    field: NeuralTravelTime | NeuralSourceTime
    num_points: int = eqx.field(static=True)
    num_terms: int = eqx.field(static=True, default=1)
    on_ground: bool = eqx.field(static=True, default=False)
    known: AbstractTravelTimeField | None = None
    known_term: int = eqx.field(static=True, default=0)

    def __call__(self, key: Key[Array, ""]):
        batches: list[tuple] = [self._pairs(jr.fold_in(key, n)) for n in range(self.num_terms)]
        ground = self.field.ground
        if self.on_ground and ground is not None:
            source, receiver = batches[-1]
            batches[-1] = (source, jax.vmap(lambda x: x.at[2].set(ground.depth_km(x)))(receiver))
        if self.known is not None:
            pair = batches[self.known_term]
            batches[self.known_term] = (*pair, jax.vmap(self.known)(*pair))
        return batches

    def _pairs(self, key):
        """One end among the receivers, the other anywhere: there the equation is asked to hold."""
        k_anywhere, k_end, k_nearer = jr.split(key, 3)
        region = self.field.region
        low, high = region.low_km, region.high_km
        shape = (self.num_points, 3)
        draw = lambda k: low[None, :] + (high - low)[None, :] * jr.uniform(k, shape, low.dtype)
        anywhere, end = draw(k_anywhere), draw(k_end)
        if isinstance(self.field, NeuralSourceTime):
            end = jnp.broadcast_to(self.field.source_ned_km, shape)
        else:
            top, bottom = region.receiver_depth_km
            end = end.at[:, 2].set(top + (bottom - top) * (end[:, 2] - low[2]) / (high[2] - low[2]))
            if self.field.form == "depth":
                # Distances are uniform up to the largest: it is they, not places, that matter.
                fraction = jr.uniform(jr.fold_in(key, 7), (self.num_points,), low.dtype)
                end = end.at[:, :2].set(0.5 * (low + high)[None, :2])
                anywhere = anywhere.at[:, :2].set(end[:, :2])
                anywhere = anywhere.at[:, 0].add(region.max_distance_km * fraction)
        nearer = jnp.minimum(2 * jr.uniform(k_nearer, (self.num_points, 1), low.dtype), 1)
        ground = self.field.ground
        if ground is None:
            return end, end + nearer * (anywhere - end)
        # All below the ground: drawn between it and the bottom, and drawn together along paths below it.
        place = jax.vmap(lambda x: ground.flat(ground.lowered(x)))
        anywhere = place(anywhere)
        single = isinstance(self.field, NeuralSourceTime)
        start = jax.vmap(ground.flat)(end) if single else place(end)
        bent = jax.vmap(ground.bent)
        return end if single else bent(start), bent(start + nearer * (anywhere - start))
