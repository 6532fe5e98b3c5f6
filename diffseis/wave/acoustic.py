"""Pressure in a fluid of one density.

``u_tt / v^2 = u_xx + u_yy + u_zz + s``, second order in time, by central differences; absorbing layers after Pasalic & McGarry. A unit of
the source is a unit of u times km^dim / km^2.

References:
    Alford, Kelly & Boore (1974), Accuracy of finite-difference modeling of the acoustic wave equation,
    doi:10.1190/1.1440470. Pasalic & McGarry (2010), doi:10.1190/1.3513453.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.grids import RegularGrid
from diffseis.wave.base import AbstractWaveEquation, Act, Place, State
from diffseis.wave.boundary import FreeSurface, Rigid
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Edges, second_edges
from diffseis.wave.images import EVEN, ODD
from diffseis.wave.linear import Slabs, minus, place, scaled, split
from diffseis.wave.nodal import check_nodal
from diffseis.wave.second_order import Curvature, at_faces, at_nodes, largest_second_difference, near_faces
from diffseis.wave.sources import PressureSources
from diffseis.wave.stencils import check_order

IMAGES = {FreeSurface: ODD, Rigid: EVEN}


class AcousticMedium(eqx.Module):
    """Speed at the nodes of a grid of one, two or three dimensions, the last one down."""

    grid: RegularGrid
    speed_km_s: Float[Array, "..."]

    def __init__(self, grid: RegularGrid, speed_km_s):
        self.grid = grid
        self.speed_km_s = jnp.asarray(speed_km_s)

    def __check_init__(self):
        check_nodal(self.grid, {"speed_km_s": self.speed_km_s}, above=0.0)


class _Coefficients(eqx.Module):
    courant: Float[Array, "..."]
    near: tuple[Slabs, ...]
    curvature: Curvature
    edges: tuple[Edges, ...]


class Acoustic(AbstractWaveEquation):
    """Constant density.

    Attributes:
        order: of accuracy in space: 2, 4 or 8.
    """

    order: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check_order(self.order)

    def largest_step_s(self, medium: AcousticMedium) -> Float[Array, ""]:
        largest = largest_second_difference(self.order)
        inverse = medium.grid.spacing_km.astype(medium.speed_km_s.dtype) ** -2
        return 2 / (jnp.max(medium.speed_km_s) * jnp.sqrt(largest * jnp.sum(inverse)))

    def prepare(self, medium: AcousticMedium, domain: Domain, dt_s: Float[Array, ""]) -> _Coefficients:
        dtype = medium.speed_km_s.dtype
        spacing, dt_s = medium.grid.spacing_km.astype(dtype), dt_s.astype(dtype)
        courant = (domain.extend(medium.speed_km_s) * dt_s / spacing[0]) ** 2
        for side in domain.sides:
            if isinstance(domain.face(side), FreeSurface):
                courant = courant * (1 - domain.on_face(side).astype(dtype))
        weights = (spacing[0] / spacing) ** 2
        fastest = jnp.max(medium.speed_km_s)
        edges = tuple(
            second_edges(domain, axis, IMAGES, fastest, dt_s, self.order)
            for axis in range(domain.grid.num_dims)
        )
        return _Coefficients(
            courant, near_faces(courant, edges, weights), Curvature(weights, self.order), edges
        )

    def start(self, coefficients: _Coefficients) -> State:
        rest = jnp.zeros_like(coefficients.courant)
        memory = tuple(e.start(rest.shape, rest.dtype) for e in coefficients.edges)
        return State({"pressure": rest, "gain": rest}, memory)

    def step(self, state: State, coefficients: _Coefficients) -> State:
        # What pressure gains per step is carried, not pressure before: less is lost to rounding, and nothing has to be copied.
        gain, memory = self._moved(
            state.fields["pressure"], state.fields["gain"], state.carried, coefficients, 1
        )
        return State({"pressure": state.fields["pressure"] + gain, "gain": gain}, memory)

    def step_back(self, state: State, coefficients: _Coefficients) -> State:
        gain = state.fields["gain"]
        before = state.fields["pressure"] - gain
        gain, _ = self._moved(before, gain, state.carried, coefficients, -1)
        return State({"pressure": before, "gain": gain}, state.carried)

    def _moved(self, pressure, gain, memory, coefficients: _Coefficients, sign: int):
        """The gain after pressure has acted on it, or before."""
        now, near = split(pressure, tuple(e.reads for e in coefficients.edges))
        added, memory = at_faces(coefficients.edges, near, memory, coefficients.near)
        bent = scaled(coefficients.courant, coefficients.curvature(now))
        if sign > 0:
            return place({"gain": gain + bent}, {"gain": added})["gain"], memory
        return place({"gain": gain - bent}, {"gain": tuple(minus(a) for a in added)})["gain"], memory

    def places(self, domain: Domain) -> dict[str, Place]:
        return dict.fromkeys(("pressure", "gain"), at_nodes(domain))

    def acts(
        self, sources: Any, coefficients: _Coefficients, medium: AcousticMedium, dt_s
    ) -> tuple[Act, ...]:
        if not isinstance(sources, PressureSources):
            raise TypeError(
                f"in a fluid of constant density sources are `PressureSources`, got {type(sources).__name__}"
            )
        spacing = medium.grid.spacing_km.astype(medium.speed_km_s.dtype)
        factor = coefficients.courant * (spacing[0] ** 2 / jnp.prod(spacing))
        return (Act("gain", jnp.ones(sources.num_sources, factor.dtype), factor, half=False, after=False),)

    def observable(self, name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
        if name != "pressure":
            raise TypeError(f"a fluid of constant density has no {name.split()[0]} to record, only pressure")
        return (("pressure", 1.0),)
