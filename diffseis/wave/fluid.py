"""Pressure and velocity in a fluid whose density varies.

``rho v_t = -grad p + f``, ``p_t = -rho c^2 div v + q``, on a staggered grid: pressure at nodes, velocities half a spacing on along their own axis.

References:
    Virieux (1986), doi:10.1190/1.1442147. Graves (1996), doi:10.1785/BSSA0860041091.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core.grids import RegularGrid
from diffseis.wave.base import AbstractWaveEquation, Act, Place, State
from diffseis.wave.boundary import FreeSurface, Rigid
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Kinds
from diffseis.wave.first_order import Slopes, alive, fixed, largest_step_s, near_faces, negative, place_of
from diffseis.wave.first_order import slopes as make_slopes
from diffseis.wave.images import EVEN, ODD
from diffseis.wave.linear import Slabs, minus, place, scaled
from diffseis.wave.nodal import check_nodal
from diffseis.wave.sources import ForceSources, PressureSources
from diffseis.wave.stencils import check_order

PRESSURE: Kinds = {FreeSurface: ODD, Rigid: EVEN}
VELOCITY: Kinds = {FreeSurface: EVEN, Rigid: ODD}


class FluidMedium(eqx.Module):
    """Speed and density at the nodes of a grid of one, two or three dimensions, the last one down."""

    grid: RegularGrid
    speed_km_s: Float[Array, "..."]
    density_g_cm3: Float[Array, "..."]

    def __init__(self, grid: RegularGrid, speed_km_s, density_g_cm3):
        self.grid = grid
        self.speed_km_s, self.density_g_cm3 = jnp.asarray(speed_km_s), jnp.asarray(density_g_cm3)

    def __check_init__(self):
        values = {"speed_km_s": self.speed_km_s, "density_g_cm3": self.density_g_cm3}
        check_nodal(self.grid, values, above=0.0)


class _Coefficients(eqx.Module):
    buoyancy: tuple[Float[Array, "..."], ...]
    bulk: Float[Array, "..."]
    near_velocity: tuple[Slabs, ...]
    near_pressure: tuple[Slabs, ...]
    slopes: dict[str, Slopes]


class Fluid(AbstractWaveEquation):
    """Variable density.

    Attributes:
        order: of accuracy in space: 2, 4 or 8.
    """

    order: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        check_order(self.order)

    def largest_step_s(self, medium: FluidMedium) -> Float[Array, ""]:
        return largest_step_s(jnp.max(medium.speed_km_s), medium.grid.spacing_km, self.order)

    def prepare(self, medium: FluidMedium, domain: Domain, dt_s: Float[Array, ""]) -> _Coefficients:
        num = domain.grid.num_dims
        dt_s = dt_s.astype(medium.speed_km_s.dtype)
        fastest = jnp.max(medium.speed_km_s)
        make = lambda name, axes: make_slopes(
            domain, _between(name, num), axes, dict.fromkeys(axes, _kinds(name)), fastest, dt_s, self.order
        )
        slopes = {"pressure": make("pressure", tuple(range(num)))}
        slopes |= {f"v{i}": make(f"v{i}", (i,)) for i in range(num)}
        density = domain.extend(medium.density_g_cm3)
        buoyancy = tuple(
            alive(domain, dt_s / domain.between(density, i), _between(f"v{i}", num), (i,)) for i in range(num)
        )
        bulk = dt_s * density * domain.extend(medium.speed_km_s) ** 2
        bulk = fixed(domain, bulk, _between("pressure", num), dict.fromkeys(range(num), PRESSURE))
        return _Coefficients(
            buoyancy,
            bulk,
            tuple(near_faces(b, slopes["pressure"], i) for i, b in enumerate(buoyancy)),
            tuple(near_faces(bulk, slopes[f"v{i}"], i) for i in range(num)),
            slopes,
        )

    def start(self, coefficients: _Coefficients) -> State:
        rest = jnp.zeros_like(coefficients.bulk)
        memory = {name: s.start(rest.shape, rest.dtype) for name, s in coefficients.slopes.items()}
        return State(dict.fromkeys(coefficients.slopes, rest), memory)

    def step(self, state: State, coefficients: _Coefficients) -> State:
        fields, memory = dict(state.fields), dict(state.carried)
        _move_velocities(fields, memory, coefficients)
        _move_pressure(fields, memory, coefficients)
        return State(fields, memory)

    def step_back(self, state: State, coefficients: _Coefficients) -> State:
        fields, memory = dict(state.fields), dict(state.carried)
        back = eqx.tree_at(
            lambda c: (c.buoyancy, c.bulk, c.near_velocity, c.near_pressure),
            coefficients,
            replace_fn=negative,
        )
        _move_pressure(fields, memory, back)
        _move_velocities(fields, memory, back)
        return State(fields, state.carried)

    def places(self, domain: Domain) -> dict[str, Place]:
        num = domain.grid.num_dims
        names = ["pressure"] + [f"v{i}" for i in range(num)]
        images = {
            n: dict.fromkeys(range(num), _kinds(n)) if n == "pressure" else {int(n[1]): VELOCITY}
            for n in names
        }
        return {n: place_of(domain, _between(n, num), images[n], early=n[0] == "v") for n in names}

    def acts(self, sources: Any, coefficients: _Coefficients, medium: FluidMedium, dt_s) -> tuple[Act, ...]:
        dtype = coefficients.bulk.dtype
        volume = jnp.prod(medium.grid.spacing_km).astype(dtype)
        if isinstance(sources, PressureSources):
            factor = dt_s.astype(dtype) / volume
            return (Act("pressure", jnp.ones(sources.num_sources, dtype), factor, half=True, after=True),)
        if isinstance(sources, ForceSources):
            return tuple(
                Act(f"v{i}", sources.force[:, i], b / volume, half=False, after=False)
                for i, b in enumerate(coefficients.buoyancy)
            )
        raise TypeError(
            f"in a fluid sources are `PressureSources` or `ForceSources`, got {type(sources).__name__}"
        )

    def observable(self, name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
        return ((name if name == "pressure" else f"v{name.split()[1]}", 1.0),)


def _between(name: str, num_dims: int) -> tuple[bool, ...]:
    return tuple(name == f"v{a}" for a in range(num_dims))


def _kinds(name: str) -> Kinds:
    return PRESSURE if name == "pressure" else VELOCITY


def _move_velocities(fields, memory, c: _Coefficients) -> None:
    found = c.slopes["pressure"](fields["pressure"], memory["pressure"])
    fields["pressure"], inner, outer, memory["pressure"] = found
    moved, added = {}, {}
    for i, buoyancy in enumerate(c.buoyancy):
        moved[f"v{i}"] = fields[f"v{i}"] - scaled(buoyancy, inner[i])
        added[f"v{i}"] = (minus(c.near_velocity[i] * outer[i]),)
    fields |= place(moved, added)


def _move_pressure(fields, memory, c: _Coefficients) -> None:
    total, edges = [], []
    for i, near in enumerate(c.near_pressure):
        name = f"v{i}"
        fields[name], slope, outer, memory[name] = c.slopes[name](fields[name], memory[name])
        total.append(slope[i])
        edges.append(minus(near * outer[i]))
    pressure = fields["pressure"] - scaled(c.bulk, sum(total[1:], start=total[0]))
    fields |= place({"pressure": pressure}, {"pressure": tuple(edges)})
