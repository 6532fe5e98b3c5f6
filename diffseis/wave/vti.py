"""Pressure in a transversely isotropic medium with a vertical axis, in the acoustic approximation.

Horizontal and vertical stress, ``h_tt / v^2 = (1 + 2 epsilon) (h_xx + h_yy) + sqrt(1 + 2 delta) g_zz`` and
``g_tt / v^2 = sqrt(1 + 2 delta) (h_xx + h_yy) + g_zz + s`` (of ``h`` the source is ``sqrt(1 + 2 delta) s``; receivers record ``g``), whose P
waves are those of the elastic medium, to the approximation that shear waves along the axis do not exist. Where epsilon is less than delta the equations are unstable. Sources in an anisotropic place also make a slow, diamond-shaped
artefact; it is absent where epsilon equals delta.

References:
    Alkhalifah (2000), An acoustic wave equation for anisotropic media, doi:10.1190/1.1444815. Duveneck, Milcik, Bakker & Perkins (2008),
    Acoustic VTI wave equations and their application for anisotropic reverse-time migration, doi:10.1190/1.3059320.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.wave.acoustic import IMAGES
from diffseis.wave.base import AbstractWaveEquation, Act, Place, State
from diffseis.wave.boundary import FreeSurface
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Edges, second_edges
from diffseis.wave.first_order import negative
from diffseis.wave.linear import Slabs, place, scaled, split
from diffseis.wave.nodal import check_nodal
from diffseis.wave.second_order import Curvature, at_faces, at_nodes, largest_second_difference, near_faces
from diffseis.wave.sources import PressureSources
from diffseis.wave.stencils import check_order


class VTIMedium(eqx.Module):
    """Speed along the vertical axis and Thomsen's parameters at the nodes of a grid of two or three dimensions, the last one down."""

    grid: RegularGrid
    speed_km_s: Float[Array, "..."]
    epsilon: Float[Array, "..."]
    delta: Float[Array, "..."]

    def __init__(self, grid: RegularGrid, speed_km_s, epsilon, delta):
        self.grid = grid
        self.speed_km_s, self.epsilon, self.delta = (jnp.asarray(x) for x in (speed_km_s, epsilon, delta))

    def __check_init__(self):
        if self.grid.num_dims < 2:
            raise ValueError("anisotropy needs at least two dimensions")
        unstable = "such a medium has no stable acoustic approximation"
        check_nodal(self.grid, {"speed_km_s": self.speed_km_s}, above=0.0)
        check_nodal(self.grid, {"delta": self.delta}, above=-0.5, why=unstable)
        check_nodal(self.grid, {"epsilon": self.epsilon})
        if is_concrete(self.epsilon, self.delta) and np.any(
            np.asarray(self.epsilon) < np.asarray(self.delta)
        ):
            raise ValueError(f"`epsilon` must not be below `delta` at any node: {unstable}")


class _Coefficients(eqx.Module):
    """Squares of Courant numbers: of horizontal stress by its horizontal derivatives, of both by the others', of vertical stress by its own;
    with their slabs near the faces of each axis."""

    horizontal: Float[Array, "..."]
    coupling: Float[Array, "..."]
    vertical: Float[Array, "..."]
    near: dict[str, tuple[Slabs, ...]]
    curvature: Curvature
    edges: tuple[Edges, ...]


class AcousticVTI(AbstractWaveEquation):
    """Transversely isotropic, without shear.

    Attributes:
        order: of accuracy in space: 2, 4 or 8.
    """

    order: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check_order(self.order)

    def largest_step_s(self, medium: VTIMedium) -> Float[Array, ""]:
        inverse = medium.grid.spacing_km.astype(medium.speed_km_s.dtype) ** -2
        largest = medium.speed_km_s**2 * ((1 + 2 * medium.epsilon) * jnp.sum(inverse[:-1]) + inverse[-1])
        return 2 / jnp.sqrt(largest_second_difference(self.order) * jnp.max(largest))

    def prepare(self, medium: VTIMedium, domain: Domain, dt_s: Float[Array, ""]) -> _Coefficients:
        dtype = medium.speed_km_s.dtype
        spacing, dt_s = medium.grid.spacing_km.astype(dtype), dt_s.astype(dtype)
        vertical = (domain.extend(medium.speed_km_s) * dt_s / spacing[0]) ** 2
        for side in domain.sides:
            if isinstance(domain.face(side), FreeSurface):
                vertical = vertical * (1 - domain.on_face(side).astype(dtype))
        horizontal = vertical * (1 + 2 * domain.extend(medium.epsilon))
        coupling = vertical * jnp.sqrt(1 + 2 * domain.extend(medium.delta))
        weights = (spacing[0] / spacing) ** 2
        # Layers are to absorb the fastest waves there are: horizontal ones.
        fastest = jnp.max(medium.speed_km_s * jnp.sqrt(1 + 2 * medium.epsilon))
        edges = tuple(
            second_edges(domain, a, IMAGES, fastest, dt_s, self.order) for a in range(domain.grid.num_dims)
        )
        near = {
            "horizontal": (
                *near_faces(horizontal, edges[:-1], weights),
                *near_faces(coupling, edges[-1:], weights),
            ),
            "vertical": (
                *near_faces(coupling, edges[:-1], weights),
                *near_faces(vertical, edges[-1:], weights),
            ),
        }
        return _Coefficients(horizontal, coupling, vertical, near, Curvature(weights, self.order), edges)

    def start(self, coefficients: _Coefficients) -> State:
        rest = jnp.zeros_like(coefficients.vertical)
        memory = tuple(e.start(rest.shape, rest.dtype) for e in coefficients.edges)
        return State(
            dict.fromkeys(("horizontal", "vertical", "horizontal gain", "vertical gain"), rest), memory
        )

    def step(self, state: State, coefficients: _Coefficients) -> State:
        fields = dict(state.fields)
        gains, memory = self._gains(fields, state.carried, coefficients)
        fields |= {f"{name} gain": gain for name, gain in gains.items()}
        return State(fields | {name: fields[name] + gain for name, gain in gains.items()}, memory)

    def step_back(self, state: State, coefficients: _Coefficients) -> State:
        fields = dict(state.fields)
        fields |= {name: fields[name] - fields[f"{name} gain"] for name in ("horizontal", "vertical")}
        moving = lambda c: (c.horizontal, c.coupling, c.vertical, c.near)
        gains, _ = self._gains(fields, state.carried, eqx.tree_at(moving, coefficients, replace_fn=negative))
        return State(fields | {f"{name} gain": gain for name, gain in gains.items()}, state.carried)

    def _gains(self, fields, memory, c: _Coefficients):
        """What both stresses gain in a step."""
        axes = tuple(range(fields["vertical"].ndim))
        fields["horizontal"], aside = split(fields["horizontal"], tuple(e.reads for e in c.edges[:-1]))
        fields["vertical"], below = split(fields["vertical"], (c.edges[-1].reads,))
        near = c.near["horizontal"], c.near["vertical"]
        along, across, later = at_faces(c.edges, aside + below, memory, *near)
        flat = c.curvature(fields["horizontal"], axes[:-1])
        steep = c.curvature(fields["vertical"], axes[-1:])
        gains = place(
            {
                "horizontal": fields["horizontal gain"]
                + scaled(c.horizontal, flat)
                + scaled(c.coupling, steep),
                "vertical": fields["vertical gain"] + scaled(c.coupling, flat) + scaled(c.vertical, steep),
            },
            {"horizontal": along, "vertical": across},
        )
        return gains, later

    def places(self, domain: Domain) -> dict[str, Place]:
        return dict.fromkeys(("horizontal", "vertical", "horizontal gain", "vertical gain"), at_nodes(domain))

    def acts(self, sources: Any, coefficients: _Coefficients, medium: VTIMedium, dt_s) -> tuple[Act, ...]:
        if not isinstance(sources, PressureSources):
            raise TypeError(
                f"in an acoustic medium sources are `PressureSources`, got {type(sources).__name__}"
            )
        spacing = medium.grid.spacing_km.astype(medium.speed_km_s.dtype)
        cell = spacing[0] ** 2 / jnp.prod(spacing)
        ones = jnp.ones(sources.num_sources, cell.dtype)
        # In this ratio a source in an elliptical medium makes P waves alone.
        return (
            Act("horizontal gain", ones, coefficients.coupling * cell, half=False, after=False),
            Act("vertical gain", ones, coefficients.vertical * cell, half=False, after=False),
        )

    def observable(self, name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
        if name != "pressure":
            raise TypeError(
                f"an acoustic medium of constant density has no {name.split()[0]} to record, only pressure"
            )
        return (("vertical", 1.0),)
