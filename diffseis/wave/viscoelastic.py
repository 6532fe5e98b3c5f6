"""Velocity and stress in a solid that absorbs: constant quality factors over a band of frequencies.

The relaxation of stress is that of a generalised Maxwell body, several standard linear solids side by side. Its variables ``xi`` follow strain rates,
``xi_t = w (e - xi)``, one for each relaxation frequency ``w`` and component, and take off stress what they have relaxed. Speeds are those at a
reference frequency; at others they differ, as causality demands.

References:
    Emmerich & Korn (1987), Incorporation of attenuation into time-domain computations of seismic wave fields, doi:10.1190/1.1442386. Kristek &
    Moczo (2003), Seismic-wave propagation in viscoelastic media with material discontinuities, doi:10.1785/0120030023. Moczo, Kristek & Galis
    (2014), The finite-difference modelling of earthquake motions, doi:10.1017/CBO9781139236911.
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
from diffseis.wave.domain import Domain
from diffseis.wave.elastic import (
    ElasticMedium,
    all_slopes,
    buoyancies,
    elastic_acts,
    elastic_observable,
    elastic_places,
    elastic_slopes,
    free_surfaces,
    hold_normal,
    inverse,
    modulus_between,
    move_velocities,
    stress,
    velocities_fading,
)
from diffseis.wave.first_order import Slopes, largest_step_s, mean_over_corners
from diffseis.wave.linear import Slabs, place, scaled
from diffseis.wave.nodal import check_nodal
from diffseis.wave.stencils import check_order


class ViscoelasticMedium(eqx.Module):
    """An elastic medium, at a reference frequency, and quality factors at its nodes; infinite ones do not absorb."""

    elastic: ElasticMedium
    p_quality: Float[Array, "..."]
    s_quality: Float[Array, "..."]

    def __init__(self, elastic: ElasticMedium, p_quality, s_quality):
        self.elastic = elastic
        self.p_quality, self.s_quality = jnp.asarray(p_quality), jnp.asarray(s_quality)

    @property
    def grid(self) -> RegularGrid:
        return self.elastic.grid

    def __check_init__(self):
        values = {"p_quality": self.p_quality, "s_quality": self.s_quality}
        check_nodal(
            self.grid,
            values,
            least=5.0,
            finite=False,
            why="a few relaxation mechanisms cannot absorb more evenly",
        )


class _Coefficients(eqx.Module):
    """As of an elastic solid, unrelaxed; `relaxed_*` are what each mechanism takes off."""

    buoyancy: dict[str, Float[Array, "..."]]
    lame: tuple[Float[Array, "..."], ...]
    shear: tuple[Float[Array, "..."], ...]
    modulus: dict[str, Float[Array, "..."]]
    relaxed_lame: tuple[tuple[Float[Array, "..."], ...], ...]
    relaxed_shear: tuple[tuple[Float[Array, "..."], ...], ...]
    relaxed_modulus: tuple[dict[str, Float[Array, "..."]], ...]
    crossing: tuple[Float[Array, "..."] | None, ...]
    ratio: Float[Array, "..."]
    rates: Float[Array, " mechanism"]
    near: dict[str, dict[int, Slabs]]
    slopes: dict[str, Slopes]
    fading: dict[str, tuple[Float[Array, "..."], ...]]


class Viscoelastic(AbstractWaveEquation):
    """Isotropic, with constant quality factors.

    Attributes:
        band_hz: where they are constant; relaxation frequencies are spread over it evenly in logarithm.
        reference_hz: at which speeds are those of the medium; by default the middle of the band, in logarithm.
        num_mechanisms: of relaxation; three keep the quality factor within 5 % over two decades.
        order: of accuracy in space: 2, 4 or 8.
    """

    band_hz: tuple[float, float] = eqx.field(static=True)
    reference_hz: float | None = eqx.field(static=True, default=None)
    num_mechanisms: int = eqx.field(static=True, default=3)
    order: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        check_order(self.order)
        low, high = self.band_hz
        if not 0 < low < high:
            raise ValueError(f"`band_hz` must be two rising frequencies above 0, got {self.band_hz}")
        if self.num_mechanisms < 1:
            raise ValueError(f"`num_mechanisms` must be at least 1, got {self.num_mechanisms}")

    @property
    def relaxation_hz(self) -> np.ndarray:
        """Relaxation frequencies."""
        return (
            np.geomspace(*self.band_hz, self.num_mechanisms)
            if self.num_mechanisms > 1
            else np.sqrt([math.prod(self.band_hz)])
        )

    def strengths(self, quality: Float[Array, "..."]) -> Float[Array, "mechanism ..."]:
        """What share of a modulus each mechanism relaxes: least squares to the quality factor over the band (Emmerich & Korn 1987)."""
        w = 2 * np.pi * self.relaxation_hz
        at = 2 * np.pi * np.geomspace(*self.band_hz, 4 * self.num_mechanisms + 1)
        total = w[None, :] ** 2 + at[:, None] ** 2
        plain, damped = (
            jnp.asarray(x / total, quality.dtype)
            for x in (w[None, :] * at[:, None], np.broadcast_to(w[None, :] ** 2, total.shape))
        )

        def one(inverse_quality):
            matrix = plain + damped * inverse_quality
            # Relative deviations count.
            normal = matrix.T @ matrix
            return jnp.linalg.solve(normal, matrix.T @ jnp.full(len(at), inverse_quality, quality.dtype))

        found = jax.vmap(one)((1 / quality).reshape(-1))
        return jnp.moveaxis(found.reshape(*quality.shape, -1), -1, 0)

    def unrelaxed(self, strengths: Float[Array, "mechanism ..."]) -> Float[Array, "..."]:
        """The unrelaxed modulus over that of the phase speed at the reference frequency."""
        middle = math.sqrt(math.prod(self.band_hz)) if self.reference_hz is None else self.reference_hz
        real, imaginary = jnp.ones_like(strengths[0]), jnp.zeros_like(strengths[0])
        for share, hz in zip(strengths, self.relaxation_hz, strict=True):
            ratio = middle / float(hz)
            real = real - share / (1 + ratio**2)
            imaginary = imaginary + share * ratio / (1 + ratio**2)
        size = jnp.sqrt(real**2 + imaginary**2)
        return (size + real) / (2 * size**2)

    def largest_step_s(self, medium: ViscoelasticMedium) -> Float[Array, ""]:
        elastic = medium.elastic
        fastest = elastic.p_speed_km_s * jnp.sqrt(self.unrelaxed(self.strengths(medium.p_quality)))
        fastest = jnp.max(jnp.where(elastic.density_g_cm3 > 0, fastest, 0))
        return largest_step_s(fastest, medium.grid.spacing_km, self.order)

    def prepare(self, medium: ViscoelasticMedium, domain: Domain, dt_s: Float[Array, ""]) -> _Coefficients:
        num, elastic = domain.grid.num_dims, medium.elastic
        dtype = elastic.p_speed_km_s.dtype
        dt_s = dt_s.astype(dtype)
        if is_concrete(elastic.density_g_cm3) and not np.all(np.asarray(elastic.density_g_cm3) > 0):
            raise ValueError(
                "`density_g_cm3` is zero somewhere: air over the ground is for `Elastic(topography=True)` alone"
            )
        density = domain.extend(elastic.density_g_cm3)
        p_shares, s_shares = (self.strengths(q) for q in (medium.p_quality, medium.s_quality))
        p_modulus = density * domain.extend(elastic.p_speed_km_s**2 * self.unrelaxed(p_shares))
        modulus = density * domain.extend(elastic.s_speed_km_s**2 * self.unrelaxed(s_shares))
        p_shares, s_shares = (jax.vmap(domain.extend)(s) for s in (p_shares, s_shares))
        slopes = elastic_slopes(domain, jnp.max(elastic.p_speed_km_s), dt_s, self.order)
        buoyancy, near = buoyancies(domain, density, dt_s, slopes, None)
        crossing = free_surfaces(domain, dtype, None)
        held = lambda i, x: hold_normal(domain, x, i, None)
        axes = range(num)
        pairs = [(i, j) for i in axes for j in range(i + 1, num)]
        lame = p_modulus - 2 * modulus
        shears = {stress(i, j): dt_s * modulus_between(domain, modulus, i, j, None) for i, j in pairs}
        relaxed_lame, relaxed_shear, relaxed_modulus = [], [], []
        for p_share, s_share in zip(p_shares, s_shares, strict=True):
            relaxed = p_modulus * p_share - 2 * modulus * s_share
            relaxed_lame.append(tuple(held(i, dt_s * relaxed) for i in axes))
            relaxed_shear.append(tuple(held(i, 2 * dt_s * modulus * s_share) for i in axes))
            relaxed_modulus.append(
                {
                    stress(i, j): shears[stress(i, j)] * mean_over_corners(domain, s_share, (i, j))
                    for i, j in pairs
                }
            )
        rates = jnp.asarray(2 * np.pi * self.relaxation_hz, dtype) * dt_s
        return _Coefficients(
            buoyancy,
            tuple(held(i, dt_s * lame) for i in axes),
            tuple(held(i, 2 * dt_s * modulus) for i in axes),
            shears,
            tuple(relaxed_lame),
            tuple(relaxed_shear),
            tuple(relaxed_modulus),
            crossing,
            lame * inverse(p_modulus),
            rates,
            near,
            slopes,
            velocities_fading(domain, jnp.max(elastic.p_speed_km_s), dt_s),
        )

    def start(self, coefficients: _Coefficients) -> State:
        rest = jnp.zeros_like(coefficients.ratio)
        memory = {name: s.start(rest.shape, rest.dtype) for name, s in coefficients.slopes.items()}
        stresses = [n for n in coefficients.slopes if n[0] == "s"]
        relaxing = tuple(dict.fromkeys(stresses, rest) for _ in range(coefficients.rates.shape[0]))
        return State(dict.fromkeys(coefficients.slopes, rest), (memory, relaxing))

    def step(self, state: State, coefficients: _Coefficients) -> State:
        c, fields = coefficients, dict(state.fields)
        memory, relaxing = dict(state.carried[0]), state.carried[1]
        move_velocities(fields, memory, c.slopes, c.buoyancy, c.near, c.fading)
        strains = self._strains(fields, memory, c)
        num = len(c.lame)
        # Relaxation variables are those of whole steps; stress takes their means over a step, centred like the strain rate.
        later, means = [], []
        for number, before in enumerate(relaxing):
            rate = c.rates[number]
            after = {n: ((2 - rate) * x + 2 * rate * strains[n]) / (2 + rate) for n, x in before.items()}
            later.append(after)
            means.append({n: (x + before[n]) / 2 for n, x in after.items()})
        trace = _trace(strains, num)
        traces = [_trace(m, num) for m in means]
        for i in range(num):
            name = stress(i, i)
            gained = scaled(c.lame[i], trace) + scaled(c.shear[i], strains[name])
            for number, mean in enumerate(means):
                gained = (
                    gained
                    - scaled(c.relaxed_lame[number][i], traces[number])
                    - scaled(c.relaxed_shear[number][i], mean[name])
                )
            fields[name] = fields[name] + gained
            for j in range(i + 1, num):
                # Strains of two indices here are sums of both velocities' slopes.
                name = stress(i, j)
                gained = scaled(c.modulus[name], strains[name])
                for number, mean in enumerate(means):
                    gained = gained - scaled(c.relaxed_modulus[number][name], mean[name])
                fields[name] = fields[name] + gained
        return State(fields, (memory, tuple(later)))

    def _strains(self, fields, memory, c: _Coefficients) -> dict[str, Float[Array, "..."]]:
        """Strain rates, faces included: by the name of the stress."""
        num = len(c.lame)
        inner, outer = all_slopes(fields, memory, c.slopes, [n for n in fields if n[0] == "v"])
        per_km = lambda v, axis: Slabs(
            c.slopes[v].inverse_spacing[axis] * outer[v][axis].values, outer[v][axis].band
        )
        plain, added = {}, {}
        for i in range(num):
            plain[stress(i, i)], added[stress(i, i)] = inner[f"v{i}"][i], (per_km(f"v{i}", i),)
            for j in range(i + 1, num):
                plain[stress(i, j)] = inner[f"v{i}"][j] + inner[f"v{j}"][i]
                added[stress(i, j)] = (per_km(f"v{i}", j), per_km(f"v{j}", i))
        strains = place(plain, added)
        for a, crossing in enumerate(c.crossing):
            if (
                crossing is not None
            ):  # On a free surface tractions vanish, and so this strain follows from the others.
                others = sum(strains[stress(b, b)] for b in range(num) if b != a)
                strains[stress(a, a)] = crossing * strains[stress(a, a)] - (1 - crossing) * (c.ratio * others)
        return strains

    def places(self, domain: Domain) -> dict[str, Place]:
        return elastic_places(domain)

    def acts(
        self, sources: Any, coefficients: _Coefficients, medium: ViscoelasticMedium, dt_s
    ) -> tuple[Act, ...]:
        return elastic_acts(sources, coefficients.buoyancy, medium, dt_s)

    def observable(self, name: str, num_dims: int) -> tuple[tuple[str, float], ...]:
        return elastic_observable(name, num_dims)


def _trace(strains, num_dims: int):
    return sum(strains[stress(i, i)] for i in range(num_dims))
