"""Pressure in a fluid of one density.

``u_tt / v^2 = u_xx + u_yy + u_zz + s``, second order in time, by central differences; absorbing layers after Pasalic & McGarry. A unit of
the source is a unit of u times km^dim / km^2.

References:
    Alford, Kelly & Boore (1974), Accuracy of finite-difference modeling of the acoustic wave equation,
    doi:10.1190/1.1440470. Pasalic & McGarry (2010), doi:10.1190/1.3513453.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.wave.absorbing import Layer, Memory, add_layers, layers, remember, start_memory
from diffseis.wave.base import AbstractWaveEquation
from diffseis.wave.domain import Domain
from diffseis.wave.stencils import check_order, laplacian, second_coefficients


class AcousticMedium(eqx.Module):
    """Speed at the nodes of a grid of one, two or three dimensions, the last one down."""

    grid: RegularGrid
    speed_km_s: Float[Array, "..."]

    def __init__(self, grid: RegularGrid, speed_km_s):
        self.grid = grid
        self.speed_km_s = jnp.asarray(speed_km_s)

    def __check_init__(self):
        if self.speed_km_s.shape != self.grid.shape:
            raise ValueError(f"`speed_km_s` has shape {self.speed_km_s.shape}, its grid {self.grid.shape}")
        if is_concrete(self.speed_km_s):
            speed = np.asarray(self.speed_km_s)
            if not (np.all(np.isfinite(speed)) and np.all(speed > 0)):
                raise ValueError("`speed_km_s` must be positive and finite at every node")


class _Coefficients(eqx.Module):
    courant: Float[Array, "..."]
    weights: Float[Array, " dim"]
    layers: tuple[Layer, ...]


class _State(eqx.Module):
    now: Float[Array, "..."]
    before: Float[Array, "..."]
    memory: tuple[Memory, ...]


class Acoustic(AbstractWaveEquation):
    """Constant density.

    Attributes:
        order: of accuracy in space: 2, 4 or 8.
    """

    order: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check_order(self.order)

    def largest_step_s(self, medium: AcousticMedium) -> Float[Array, ""]:
        centre, *sides = second_coefficients(self.order)
        largest = -centre - 2 * sum(c * (-1) ** k for k, c in enumerate(sides, 1))
        return 2 / (jnp.max(medium.speed_km_s) * jnp.sqrt(largest * jnp.sum(medium.grid.spacing_km**-2)))

    def prepare(self, medium: AcousticMedium, domain: Domain, dt_s: Float[Array, ""]) -> _Coefficients:
        spacing = medium.grid.spacing_km.astype(medium.speed_km_s.dtype)
        dt_s = dt_s.astype(spacing.dtype)
        speed = domain.extend(medium.speed_km_s)
        return _Coefficients(
            (speed * dt_s / spacing[0]) ** 2,
            (spacing[0] / spacing) ** 2,
            layers(domain, jnp.max(medium.speed_km_s), dt_s, self.order),
        )

    def start(self, coefficients: _Coefficients) -> _State:
        rest = jnp.zeros_like(coefficients.courant)
        return _State(rest, rest, start_memory(rest, coefficients.layers, self.order))

    def source_factor(self, coefficients: _Coefficients, medium: AcousticMedium) -> Float[Array, "..."]:
        """What a node's share of a point source is multiplied by."""
        spacing = medium.grid.spacing_km.astype(medium.speed_km_s.dtype)
        return coefficients.courant * (spacing[0] ** 2 / jnp.prod(spacing))

    def finish(self, state: _State, coefficients: _Coefficients) -> _State:
        # What layers add to a stencil's result is added a step later, to what was carried: consumed in the step that makes it,
        # the stencil would be computed without vector instructions.
        now = add_layers(
            state.now, coefficients.courant, state.memory, coefficients.layers, coefficients.weights
        )
        return eqx.tree_at(lambda s: s.now, state, now)

    def advance(self, state: _State, coefficients: _Coefficients) -> _State:
        now = state.now
        memory = remember(now, state.memory, coefficients.layers, self.order)
        bent = laplacian(now, coefficients.weights, order=self.order)
        return _State(2 * now - state.before + coefficients.courant * bent, now, memory)

    def field(self, state: _State) -> Float[Array, "..."]:
        return state.now

    def with_field(self, state: _State, field: Float[Array, "..."]) -> _State:
        return eqx.tree_at(lambda s: s.now, state, field)
