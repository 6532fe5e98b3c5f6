"""Velocity and stress in an isotropic elastic solid.

``rho v_t = div s + f``, ``s_t = lambda tr(e) + 2 mu e - m_t`` with ``e`` the strain rate, on a staggered grid: normal stresses at nodes, velocities half a
spacing on along their own axis, shear stresses along both of theirs. In three dimensions the axes are north, east and down, in two
any horizontal one and down. A free surface images stresses with the opposite sign and differences velocities inside only, by stencils
that shorten towards it; the strain rate across it follows from its tractions being zero. Nodes of no density are air, which makes any
topography, in steps of the grid.

References:
    Virieux (1986), doi:10.1190/1.1442147. Levander (1988), doi:10.1190/1.1442422. Graves (1996), doi:10.1785/BSSA0860041091.
    Kristek, Moczo & Archuleta (2002), Efficient methods to simulate planar free surface in the 3D 4th-order staggered-grid
    finite-difference schemes, doi:10.1023/A:1019866422821. Moczo et al. (2002), 3D fourth-order staggered-grid finite-difference
    schemes, doi:10.1785/0120010167. Zeng, Xia, Miller & Tsoflias (2012), An improved vacuum formulation for 2D finite-difference
    modeling of Rayleigh waves including surface topography and internal discontinuities, doi:10.1190/geo2011-0067.1.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.wave.base import AbstractWaveEquation, Act, Place, State
from diffseis.wave.boundary import FreeSurface, Rigid
from diffseis.wave.domain import Domain
from diffseis.wave.edges import Kinds
from diffseis.wave.first_order import (
    Slopes,
    alive,
    fixed,
    largest_step_s,
    mean_over_corners,
    near_faces,
    place_of,
    slopes,
)
from diffseis.wave.images import INSIDE, ODD
from diffseis.wave.linear import Slabs, materialised, place, scaled
from diffseis.wave.sources import ForceSources, MomentSources, PressureSources
from diffseis.wave.stencils import check_order

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
        for name, value in zip(names, values, strict=True):
            if value.shape != self.grid.shape:
                raise ValueError(f"`{name}` has shape {value.shape}, its grid {self.grid.shape}")
            if is_concrete(value) and not np.all(np.isfinite(np.asarray(value)) & (np.asarray(value) >= 0)):
                raise ValueError(f"`{name}` must be finite and not below 0 at every node")
        if is_concrete(*values):
            p, s, density = (np.asarray(v) for v in values)
            solid = density > 0
            if not np.all(p[solid] > 0):
                raise ValueError("`p_speed_km_s` must be above 0 wherever there is density")
            if np.any(s[solid] > np.sqrt(0.75) * p[solid]):
                raise ValueError("`s_speed_km_s` must not be above 0.866 `p_speed_km_s`: such a solid has no resistance to pressure")


class _Coefficients(eqx.Module):
    """Times the time step.

    Attributes:
        buoyancy: by velocity.
        lame, shear: lambda and 2 mu, by normal stress.
        modulus: mu, by shear stress.
        crossing: by axis, 0 on free surfaces across it, else 1; None where there are none.
        near: coefficients of each derivative's edges, by field and axis.
        slopes: by field.
    """

    buoyancy: dict[str, Float[Array, "..."]]
    lame: tuple[Float[Array, "..."], ...]
    shear: tuple[Float[Array, "..."], ...]
    modulus: dict[str, Float[Array, "..."]]
    crossing: tuple[Float[Array, "..."] | None, ...]
    near: dict[str, dict[int, Slabs]]
    slopes: dict[str, Slopes]


class Elastic(AbstractWaveEquation):
    """Isotropic and elastic.

    Attributes:
        order: of accuracy in space: 2, 4 or 8.
    """

    order: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        check_order(self.order)

    def largest_step_s(self, medium: ElasticMedium) -> Float[Array, ""]:
        fastest = jnp.max(jnp.where(medium.density_g_cm3 > 0, medium.p_speed_km_s, 0))
        return largest_step_s(fastest, medium.grid.spacing_km, self.order)

    def prepare(self, medium: ElasticMedium, domain: Domain, dt_s: Float[Array, ""]) -> _Coefficients:
        num = domain.grid.num_dims
        dtype = medium.p_speed_km_s.dtype
        dt_s = dt_s.astype(dtype)
        density = domain.extend(medium.density_g_cm3)
        modulus = density * domain.extend(medium.s_speed_km_s) ** 2
        lame = density * domain.extend(medium.p_speed_km_s) ** 2 - 2 * modulus
        fastest = jnp.max(medium.p_speed_km_s)
        make = lambda name, axes: slopes(
            domain, _between(name, num), axes, _kinds(name, num), fastest, dt_s, self.order
        )
        all_slopes = {f"v{i}": make(f"v{i}", range(num)) for i in range(num)}
        all_slopes |= {_stress(i, j): make(_stress(i, j), sorted({i, j})) for i in range(num) for j in range(i, num)}
        near: dict[str, dict[int, Slabs]] = {}
        buoyancy = {}
        for i in range(num):
            name = f"v{i}"
            b = dt_s * _inverse(domain.between(density, i))
            b = fixed(domain, alive(domain, b, _between(name, num), (i,)), _between(name, num), _kinds(name, num))
            buoyancy[name] = b
            near[name] = {j: near_faces(b, all_slopes[_stress(i, j)], j) for j in range(num)}
        crossing, free = _free_surfaces(domain, dtype)
        # Where tractions across some axes are zero, the strains there have been eliminated.
        lame = 2 * lame * modulus * _inverse(free * lame + 2 * modulus) if any(c is not None for c in crossing) else lame
        shear_moduli = {}
        # One array for all normal stresses where no face makes them differ: less to read, and to differentiate.
        held = lambda i, x: fixed(domain, x, (False,) * num, _kinds(_stress(i, i), num))
        lames = [dt_s * lame] * num
        shears = [2 * dt_s * modulus] * num
        lames, shears = ([held(i, x) for i, x in enumerate(several)] for several in (lames, shears))
        for i in range(num):
            name = _stress(i, i)
            near[name] = {}
            for j in range(num):
                stiffness = lames[i] + shears[i] if i == j else lames[i]
                stiffness = stiffness if crossing[j] is None else stiffness * crossing[j]
                near[name][j] = near_faces(stiffness, all_slopes[f"v{j}"], j)
            for j in range(i + 1, num):
                name = _stress(i, j)
                softness = mean_over_corners(domain, _inverse(modulus, infinite=True), (i, j))
                mu = alive(domain, dt_s * _inverse(softness), _between(name, num), (i, j))
                shear_moduli[name] = mu
                near[name] = {
                    i: near_faces(mu, all_slopes[f"v{j}"], i),
                    j: near_faces(mu, all_slopes[f"v{i}"], j),
                }
        return _Coefficients(buoyancy, tuple(lames), tuple(shears), shear_moduli, crossing, near, all_slopes)

    def start(self, coefficients: _Coefficients) -> State:
        rest = jnp.zeros_like(coefficients.lame[0])
        memory = {name: s.start(rest.shape, rest.dtype) for name, s in coefficients.slopes.items()}
        return State(dict.fromkeys(coefficients.slopes, rest), memory)

    def step(self, state: State, coefficients: _Coefficients) -> State:
        c, fields, memory = coefficients, dict(state.fields), dict(state.carried)
        num = len(c.lame)
        stresses, velocities = [n for n in fields if n[0] == "s"], [n for n in fields if n[0] == "v"]
        inner, outer = _all_slopes(fields, memory, c, stresses)
        moved, added = {}, {}
        for i, name in enumerate(velocities):
            total = sum(inner[_stress(i, j)][j] for j in range(num))
            moved[name] = fields[name] + scaled(c.buoyancy[name], total)
            added[name] = tuple(c.near[name][j] * outer[_stress(i, j)][j] for j in range(num))
        fields |= place(moved, added)
        inner, outer = _all_slopes(fields, memory, c, velocities)
        moved, added = {}, {}
        strains = tuple(_crossed(inner[f"v{i}"][i], c.crossing[i]) for i in range(num))
        for i, gained in enumerate(_hooke(c.lame, c.shear, strains)):
            name = _stress(i, i)
            moved[name] = fields[name] + gained
            added[name] = tuple(c.near[name][j] * outer[f"v{j}"][j] for j in range(num))
            for j in range(i + 1, num):
                name = _stress(i, j)
                moved[name] = fields[name] + scaled(c.modulus[name], inner[f"v{i}"][j] + inner[f"v{j}"][i])
                added[name] = (c.near[name][j] * outer[f"v{i}"][j], c.near[name][i] * outer[f"v{j}"][i])
        return State(fields | place(moved, added), memory)

    def places(self, domain: Domain) -> dict[str, Place]:
        return elastic_places(domain)

    def acts(self, sources: Any, coefficients: _Coefficients, medium: ElasticMedium, dt_s) -> tuple[Act, ...]:
        return elastic_acts(sources, coefficients.buoyancy, medium, dt_s)

    def observable(self, name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
        return elastic_observable(name, num_dims)


def elastic_places(domain: Domain) -> dict[str, Place]:
    """Where and when velocities and stresses live."""
    num = domain.grid.num_dims
    names = [f"v{i}" for i in range(num)] + [_stress(i, j) for i in range(num) for j in range(i, num)]
    return {n: place_of(domain, _between(n, num), _kinds(n, num), early=n[0] == "v") for n in names}


def elastic_acts(sources: Any, buoyancy: dict[str, Array], medium: Any, dt_s) -> tuple[Act, ...]:
    """Forces on velocities, moment and pressure on stresses."""
    num = medium.grid.num_dims
    volume = jnp.prod(medium.grid.spacing_km).astype(dt_s.dtype)
    if isinstance(sources, ForceSources):
        return tuple(
            Act(f"v{i}", sources.force[:, i], buoyancy[f"v{i}"] / volume.astype(buoyancy[f"v{i}"].dtype), half=False, after=False)
            for i in range(num)
        )
    dtype = buoyancy["v0"].dtype
    factor = (dt_s / volume).astype(dtype)
    if isinstance(sources, MomentSources):
        moment = (sources.moment + jnp.swapaxes(sources.moment, 1, 2)) / 2
        return tuple(
            Act(_stress(i, j), -moment[:, i, j], factor, half=True, after=True) for i in range(num) for j in range(i, num)
        )
    if isinstance(sources, PressureSources):
        ones = -jnp.ones(sources.num_sources, dtype)
        return tuple(Act(_stress(i, i), ones, factor, half=True, after=True) for i in range(num))
    raise TypeError(f"in a solid sources are `ForceSources`, `MomentSources` or `PressureSources`, got {type(sources).__name__}")


def elastic_observable(name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
    """Velocities as they are, pressure as minus the mean of normal stresses."""
    if name == "pressure":
        return tuple((_stress(i, i), -1 / num_dims) for i in range(num_dims))
    return ((f"v{name.split()[1]}", 1.0),)


def _stress(i: int, j: int) -> str:
    return f"s{min(i, j)}{max(i, j)}"


def _between(name: str, num_dims: int) -> tuple[bool, ...]:
    if name[0] == "v":
        return tuple(a == int(name[1]) for a in range(num_dims))
    return tuple(name[1] != name[2] and a in (int(name[1]), int(name[2])) for a in range(num_dims))


def _kinds(name: str, num_dims: int) -> dict[int, Kinds]:
    if name[0] == "v":
        return dict.fromkeys(range(num_dims), VELOCITY)
    return {a: STRESS for a in {int(name[1]), int(name[2])}}


def _inverse(x, *, infinite: bool = False):
    """``1/x``; where x is zero zero, or so large a number that its inverse is none again."""
    positive = x > 0
    return jnp.where(positive, 1 / jnp.where(positive, x, 1), 1e30 if infinite else 0)


def _free_surfaces(domain: Domain, dtype) -> tuple[tuple[Array | None, ...], Array]:
    """By axis, 0 on free surfaces across it; and how many free surfaces each node lies on (it broadcasts against fields)."""
    crossing: list[Array | None] = []
    free = jnp.zeros((1,) * domain.grid.num_dims, dtype)
    for axis in range(domain.grid.num_dims):
        faces = [(axis, e) for e in (False, True) if isinstance(domain.face((axis, e)), FreeSurface)]
        on = sum((domain.on_face(side).astype(dtype) for side in faces), start=jnp.zeros((), dtype))
        crossing.append(1 - on if faces else None)
        free = free + on if faces else free
    return tuple(crossing), free


def _crossed(strain, crossing):
    return strain if crossing is None else strain * crossing


def _all_slopes(fields, memory, coefficients: _Coefficients, names: list[str]):
    """Of several fields; what their faces remember is renewed in `memory`."""
    inner, outer = {}, {}
    for name in names:
        found = coefficients.slopes[name](fields[name], memory[name])
        fields[name], inner[name], outer[name], memory[name] = found
    return inner, outer


@jax.custom_jvp
def _hooke(lame, shear, strains):
    """Normal stresses. Where they are differentiated, strains are computed once and kept."""
    trace = sum(strains)
    return tuple(a * trace + b * e for a, b, e in zip(lame, shear, strains, strict=True))


@_hooke.defjvp
def _hooke_jvp(primals, tangents):
    (lame, shear, strains), (dlame, dshear, dstrains) = primals, tangents
    strains = materialised(*strains)
    dtrace, trace = sum(dstrains), sum(strains)
    changes = tuple(
        da * trace + a * dtrace + db * e + b * de
        for a, b, e, da, db, de in zip(lame, shear, strains, dlame, dshear, dstrains, strict=True)
    )
    return _hooke(lame, shear, strains), changes
