"""Velocity and stress in an isotropic elastic solid.

``rho v_t = div s + f``, ``s_t = lambda tr(e) + 2 mu e - m_t`` with ``e`` the strain rate, on a staggered grid: normal stresses at nodes, velocities half a
spacing on along their own axis, shear stresses along both of theirs. In three dimensions the axes are north, east and down, in two
any horizontal one and down. A free surface images stresses with the opposite sign and differences velocities inside only, by stencils
that shorten towards it; the strain rate across it follows from its tractions being zero. Nodes of no density are air, which makes any
topography, in steps of the grid (see `topography`).

References:
    Virieux (1986), doi:10.1190/1.1442147. Levander (1988), doi:10.1190/1.1442422. Graves (1996), doi:10.1785/BSSA0860041091.
    Kristek, Moczo & Archuleta (2002), Efficient methods to simulate planar free surface in the 3D 4th-order staggered-grid
    finite-difference schemes, doi:10.1023/A:1019866422821. Moczo et al. (2002), 3D fourth-order staggered-grid finite-difference
    schemes, doi:10.1785/0120010167. Zeng, Xia, Miller & Tsoflias (2012), An improved vacuum formulation for 2D finite-difference
    modeling of Rayleigh waves including surface topography and internal discontinuities, doi:10.1190/geo2011-0067.1.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.wave.base import AbstractWaveEquation, Act, Place, State
from diffseis.wave.boundary import FreeSurface, Rigid
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Kinds
from diffseis.wave.first_order import (
    Slopes,
    alive,
    fading,
    fixed,
    largest_step_s,
    mean_over_corners,
    near_faces,
    negative,
    place_of,
)
from diffseis.wave.first_order import slopes as make_slopes
from diffseis.wave.images import INSIDE, ODD
from diffseis.wave.linear import Slabs, materialised, place, scaled
from diffseis.wave.nodal import check_nodal
from diffseis.wave.sources import ForceSources, MomentSources, PressureSources
from diffseis.wave.stencils import check_order
from diffseis.wave.topography import Ground, ground, whole_stencils

VELOCITY: Kinds = {FreeSurface: INSIDE, Rigid: ODD}
STRESS: Kinds = {FreeSurface: ODD, Rigid: INSIDE}


class ElasticMedium(eqx.Module):
    """Speeds and density at the nodes of a grid of one, two or three dimensions, the last one down. Air has no density."""

    grid: RegularGrid
    p_speed_km_s: Float[Array, "..."]
    s_speed_km_s: Float[Array, "..."]
    density_g_cm3: Float[Array, "..."]

    def __init__(self, grid: RegularGrid, p_speed_km_s, s_speed_km_s, density_g_cm3):
        self.grid = grid
        self.p_speed_km_s, self.s_speed_km_s, self.density_g_cm3 = (
            jnp.asarray(x) for x in (p_speed_km_s, s_speed_km_s, density_g_cm3)
        )

    def __check_init__(self):
        names = ("p_speed_km_s", "s_speed_km_s", "density_g_cm3")
        values = tuple(getattr(self, name) for name in names)
        check_nodal(self.grid, dict(zip(names, values, strict=True)), least=0.0)
        if is_concrete(*values):
            p, s, density = (np.asarray(v) for v in values)
            solid = density > 0
            if not np.all(p[solid] > 0):
                raise ValueError("`p_speed_km_s` must be above 0 wherever there is density")
            if np.any(s[solid] > np.sqrt(0.75) * p[solid]):
                raise ValueError(
                    "`s_speed_km_s` must not be above 0.866 `p_speed_km_s`: such a solid has no resistance to pressure"
                )


class _Coefficients(eqx.Module):
    """Times the time step.

    Attributes:
        buoyancy: by velocity.
        lame, shear: lambda and 2 mu, by normal stress; one array each where no face makes them differ: less to read, and to differentiate.
        modulus: mu, by shear stress.
        crossing: by axis, 0 on free surfaces across it, else 1; None where there are none.
        near: coefficients of each derivative's edges, by field and axis.
        slopes: by field.
        fading: by velocity, what layers leave of it.
    """

    buoyancy: dict[str, Float[Array, "..."]]
    lame: tuple[Float[Array, "..."], ...]
    shear: tuple[Float[Array, "..."], ...]
    modulus: dict[str, Float[Array, "..."]]
    crossing: tuple[Float[Array, "..."] | None, ...]
    near: dict[str, dict[int, Slabs]]
    slopes: dict[str, Slopes]
    fading: dict[str, tuple[Float[Array, "..."], ...]]


class Elastic(AbstractWaveEquation):
    """Isotropic and elastic.

    Attributes:
        order: of accuracy in space: 2, 4 or 8.
        topography: whether nodes may be air, of no density.
    """

    order: int = eqx.field(static=True, default=4)
    topography: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        check_order(self.order)

    def largest_step_s(self, medium: ElasticMedium) -> Float[Array, ""]:
        fastest = jnp.max(jnp.where(medium.density_g_cm3 > 0, medium.p_speed_km_s, 0))
        return largest_step_s(fastest, medium.grid.spacing_km, self.order)

    def prepare(self, medium: ElasticMedium, domain: Domain, dt_s: Float[Array, ""]) -> _Coefficients:
        num = domain.grid.num_dims
        dtype = medium.p_speed_km_s.dtype
        dt_s = dt_s.astype(dtype)
        if (
            not self.topography
            and is_concrete(medium.density_g_cm3)
            and not np.all(np.asarray(medium.density_g_cm3) > 0)
        ):
            raise ValueError(
                "`density_g_cm3` is zero somewhere: use `Elastic(order, topography=True)` for air, or give a density"
            )
        density = domain.extend(medium.density_g_cm3)
        modulus = density * domain.extend(medium.s_speed_km_s) ** 2
        lame = density * domain.extend(medium.p_speed_km_s) ** 2 - 2 * modulus
        air = ground(domain, density) if self.topography else None
        slopes = elastic_slopes(domain, jnp.max(medium.p_speed_km_s), dt_s, self.order)
        buoyancy, near = buoyancies(domain, density, dt_s, slopes, air)
        crossing = free_surfaces(domain, dtype, air)
        if any(c is not None for c in crossing):
            # Where tractions across some axes are zero, the strains there have been eliminated.
            free = sum((1 - c for c in crossing if c is not None), start=jnp.zeros((), dtype))
            eliminated = 2 * lame * modulus * inverse(free * lame + 2 * modulus)
            lame = jnp.where(jnp.broadcast_to(free, lame.shape) > 0, eliminated, lame)
        share = 1 if air is None else air.share(range(num))
        lame, shear = dt_s * share * lame, 2 * dt_s * share * modulus
        if air is None and not any(isinstance(domain.face(side), FreeSurface) for side in domain.sides):
            lames, shears = (lame,), (shear,)
        else:
            lames, shears = (tuple(hold_normal(domain, x, i, air) for i in range(num)) for x in (lame, shear))
        moduli = {}
        for i in range(num):
            name = stress(i, i)
            near[name] = {}
            for j in range(num):
                own = min(i, len(lames) - 1)
                stiffness = crossed(lames[own] + shears[own] if i == j else lames[own], crossing[j])
                near[name][j] = near_faces(stiffness, slopes[f"v{j}"], j)
            for j in range(i + 1, num):
                name = stress(i, j)
                moduli[name] = mu = dt_s * modulus_between(domain, modulus, i, j, air)
                near[name] = {
                    i: near_faces(mu, slopes[f"v{j}"], i),
                    j: near_faces(mu, slopes[f"v{i}"], j),
                }
        slopes = slopes if air is None else short_of_air(slopes, air, buoyancy, moduli)
        faded = velocities_fading(domain, jnp.max(medium.p_speed_km_s), dt_s)
        return _Coefficients(buoyancy, lames, shears, moduli, crossing, near, slopes, faded)

    def start(self, coefficients: _Coefficients) -> State:
        rest = jnp.zeros_like(coefficients.lame[0])
        memory = {name: s.start(rest.shape, rest.dtype) for name, s in coefficients.slopes.items()}
        return State(dict.fromkeys(coefficients.slopes, rest), memory)

    def step(self, state: State, coefficients: _Coefficients) -> State:
        fields, memory = dict(state.fields), dict(state.carried)
        c = coefficients
        move_velocities(fields, memory, c.slopes, c.buoyancy, c.near, c.fading)
        _move_stresses(fields, memory, coefficients)
        return State(fields, memory)

    def step_back(self, state: State, coefficients: _Coefficients) -> State:
        fields, memory = dict(state.fields), dict(state.carried)
        moving = lambda c: (c.buoyancy, c.lame, c.shear, c.modulus, c.near)
        back = eqx.tree_at(moving, coefficients, replace_fn=negative)
        _move_stresses(fields, memory, back)
        move_velocities(fields, memory, back.slopes, back.buoyancy, back.near, back.fading)
        return State(fields, state.carried)

    def places(self, domain: Domain) -> dict[str, Place]:
        return elastic_places(domain)

    def acts(self, sources: Any, coefficients: _Coefficients, medium: ElasticMedium, dt_s) -> tuple[Act, ...]:
        return elastic_acts(sources, coefficients.buoyancy, medium, dt_s)

    def observable(self, name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
        return elastic_observable(name, num_dims)


def elastic_slopes(domain: Domain, fastest_km_s, dt_s, order: int) -> dict[str, Slopes]:
    """The derivatives that velocities and stresses need, by field."""
    num = domain.grid.num_dims
    names = {f"v{i}": tuple(range(num)) for i in range(num)}
    names |= {stress(i, j): tuple(sorted({i, j})) for i in range(num) for j in range(i, num)}
    return {
        name: make_slopes(domain, between(name, num), axes, kinds(name, num), fastest_km_s, dt_s, order)
        for name, axes in names.items()
    }


def velocities_fading(domain: Domain, fastest_km_s, dt_s) -> dict[str, tuple[Array, ...]]:
    """What layers leave of each velocity."""
    num = domain.grid.num_dims
    names = [f"v{i}" for i in range(num)]
    return {name: fading(domain, between(name, num), fastest_km_s, dt_s) for name in names}


def buoyancies(domain: Domain, density, dt_s, slopes: dict[str, Slopes], air: Ground | None):
    """The time step over the density, by velocity; and the same near faces, by the stresses' derivatives."""
    num = domain.grid.num_dims
    found, near = {}, {}
    for i in range(num):
        name = f"v{i}"
        where = between(name, num)
        others = [a for a in range(num) if a != i]
        b = dt_s * inverse(domain.between(density if air is None else density * air.share(others), i))
        if air is not None:  # Next to air nothing moves: tractions there are known to be zero.
            b = b * (domain.between(air.solid, i) == 1).astype(b.dtype)
        found[name] = fixed(domain, alive(domain, b, where, (i,)), where, kinds(name, num))
        near[name] = {j: near_faces(found[name], slopes[stress(i, j)], j) for j in range(num)}
    return found, near


def hold_normal(domain: Domain, values, axis: int, air: Ground | None):
    """Coefficients of a normal stress, with zeros on free surfaces across its axis."""
    num = domain.grid.num_dims
    values = fixed(domain, values, (False,) * num, kinds(stress(axis, axis), num))
    return values if air is None else values * (1 - air.across[axis])


def modulus_between(domain: Domain, modulus, i: int, j: int, air: Ground | None):
    """The harmonic mean of the shear modulus at the four nodes around a shear stress: zero next to fluids and air."""
    softness = mean_over_corners(domain, inverse(modulus, infinite=True), (i, j))
    found = alive(domain, inverse(softness), between(stress(i, j), domain.grid.num_dims), (i, j))
    if air is None:
        return found
    # Next to air the mean is zero but for rounding.
    solid = (mean_over_corners(domain, air.solid, (i, j)) == 1).astype(found.dtype)
    others = [a for a in range(domain.grid.num_dims) if a not in (i, j)]
    return found * solid * mean_over_corners(domain, air.share(others), (i, j))


def short_of_air(slopes: dict[str, Slopes], air: Ground, buoyancy, moduli) -> dict[str, Slopes]:
    """Derivatives with stencils of two nodes where longer ones would reach into the air."""
    found = {}
    for name, slope in slopes.items():
        values = buoyancy.get(name, moduli.get(name, air.solid))
        living = (values > 0).astype(values.dtype)
        whole = {
            a: whole_stencils(living, a, slope.order, forward=bool(e.forward)) for a, e in slope.edges.items()
        }
        found[name] = eqx.tree_at(lambda s: s.whole, slope, whole, is_leaf=lambda x: x is None)
    return found


def elastic_places(domain: Domain) -> dict[str, Place]:
    """Where and when velocities and stresses live."""
    num = domain.grid.num_dims
    names = [f"v{i}" for i in range(num)] + [stress(i, j) for i in range(num) for j in range(i, num)]
    return {n: place_of(domain, between(n, num), kinds(n, num), early=n[0] == "v") for n in names}


def elastic_acts(sources: Any, buoyancy: dict[str, Array], medium: Any, dt_s) -> tuple[Act, ...]:
    """Forces on velocities, moment and pressure on stresses."""
    num = medium.grid.num_dims
    volume = jnp.prod(medium.grid.spacing_km).astype(dt_s.dtype)
    if isinstance(sources, ForceSources):
        return tuple(
            Act(
                f"v{i}",
                sources.force[:, i],
                buoyancy[f"v{i}"] / volume.astype(buoyancy[f"v{i}"].dtype),
                half=False,
                after=False,
            )
            for i in range(num)
        )
    dtype = buoyancy["v0"].dtype
    factor = (dt_s / volume).astype(dtype)
    if isinstance(sources, MomentSources):
        moment = (sources.moment + jnp.swapaxes(sources.moment, 1, 2)) / 2
        return tuple(
            Act(stress(i, j), -moment[:, i, j], factor, half=True, after=True)
            for i in range(num)
            for j in range(i, num)
        )
    if isinstance(sources, PressureSources):
        ones = -jnp.ones(sources.num_sources, dtype)
        return tuple(Act(stress(i, i), ones, factor, half=True, after=True) for i in range(num))
    raise TypeError(
        f"in a solid sources are `ForceSources`, `MomentSources` or `PressureSources`, got {type(sources).__name__}"
    )


def elastic_observable(name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
    """Velocities as they are, pressure as minus the mean of normal stresses."""
    if name == "pressure":
        return tuple((stress(i, i), -1 / num_dims) for i in range(num_dims))
    return ((f"v{name.split()[1]}", 1.0),)


def stress(i: int, j: int) -> str:
    """The name of a stress."""
    return f"s{min(i, j)}{max(i, j)}"


def between(name: str, num_dims: int) -> tuple[bool, ...]:
    """Along which axes a field lies between nodes."""
    if name[0] == "v":
        return tuple(a == int(name[1]) for a in range(num_dims))
    return tuple(name[1] != name[2] and a in (int(name[1]), int(name[2])) for a in range(num_dims))


def kinds(name: str, num_dims: int) -> dict[int, Kinds]:
    """Images of a field at the faces of the axes along which it is differenced."""
    if name[0] == "v":
        return dict.fromkeys(range(num_dims), VELOCITY)
    return dict.fromkeys({int(name[1]), int(name[2])}, STRESS)


def inverse(x, *, infinite: bool = False):
    """``1/x``; where x is zero zero, or so large a number that its inverse is none again."""
    positive = x > 0
    return jnp.where(positive, 1 / jnp.where(positive, x, 1), 1e30 if infinite else 0)


def free_surfaces(domain: Domain, dtype, air: Ground | None) -> tuple[Array | None, ...]:
    """By axis, 0 on free surfaces across it, else 1 (it broadcasts against fields); None where there are none."""
    crossing: list[Array | None] = []
    for axis in range(domain.grid.num_dims):
        faces = [(axis, e) for e in (False, True) if isinstance(domain.face((axis, e)), FreeSurface)]
        on = sum((domain.on_face(side).astype(dtype) for side in faces), start=jnp.zeros((), dtype))
        off = 1 - on if faces else None
        if air is not None:
            off = 1 - air.across[axis] if off is None else off * (1 - air.across[axis])
        crossing.append(off)
    return tuple(crossing)


def crossed(strain, crossing):
    """A strain rate across an axis; zero on free surfaces, where it has been eliminated."""
    return strain if crossing is None else strain * crossing


def all_slopes(fields, memory, slopes: dict[str, Slopes], names: list[str]):
    """Of several fields; what their faces remember is renewed in `memory`."""
    inner, outer = {}, {}
    for name in names:
        fields[name], inner[name], outer[name], memory[name] = slopes[name](fields[name], memory[name])
    return inner, outer


def move_velocities(fields, memory, slopes: dict[str, Slopes], buoyancy, near, fading) -> None:
    """Velocities a step later, in `fields`."""
    inner, outer = all_slopes(fields, memory, slopes, [n for n in fields if n[0] == "s"])
    moved, added = {}, {}
    for i, name in enumerate(buoyancy):
        total = sum(inner[stress(i, j)][j] for j in range(len(buoyancy)))
        kept = math.prod(fading[name], start=fields[name])
        moved[name] = kept + scaled(buoyancy[name], total)
        added[name] = tuple(near[name][j] * outer[stress(i, j)][j] for j in range(len(buoyancy)))
    fields |= place(moved, added)


def _move_stresses(fields, memory, c: _Coefficients) -> None:
    """Stresses a step later, in `fields`."""
    num = len(c.buoyancy)
    inner, outer = all_slopes(fields, memory, c.slopes, [n for n in fields if n[0] == "v"])
    moved, added = {}, {}
    strains = tuple(crossed(inner[f"v{i}"][i], c.crossing[i]) for i in range(num))
    for i, gained in enumerate(_hooke(c.lame, c.shear, strains)):
        name = stress(i, i)
        moved[name] = fields[name] + gained
        added[name] = tuple(c.near[name][j] * outer[f"v{j}"][j] for j in range(num))
        for j in range(i + 1, num):
            name = stress(i, j)
            moved[name] = fields[name] + scaled(c.modulus[name], inner[f"v{i}"][j] + inner[f"v{j}"][i])
            added[name] = (c.near[name][j] * outer[f"v{i}"][j], c.near[name][i] * outer[f"v{j}"][i])
    fields |= place(moved, added)


@jax.custom_jvp
def _hooke(lame, shear, strains):
    """Normal stresses. Where they are differentiated, strains are kept (see `linear.scaled`)."""
    trace = sum(strains)
    each = len(strains) // len(lame)
    return tuple(a * trace + b * e for a, b, e in zip(lame * each, shear * each, strains, strict=True))


@_hooke.defjvp
def _hooke_jvp(primals, tangents):
    (lame, shear, strains), (dlame, dshear, dstrains) = primals, tangents
    stresses = _hooke(lame, shear, strains)
    kept = materialised(*strains, after=stresses[-1])
    dtrace = sum(dstrains)
    # Strains one by one: their sum would be one more array to keep.
    common = tuple(sum(da * e for e in kept) + a * dtrace for a, da in zip(lame, dlame, strict=True))
    each = len(strains) // len(lame)
    changes = tuple(
        x + db * e + b * de
        for x, b, db, e, de in zip(common * each, shear * each, dshear * each, kept, dstrains, strict=True)
    )
    return stresses, changes
