"""Bounds and sizes of networks of travel times, looked up in the medium."""

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from diffseis.eikonal.medium import Medium, axial, evenly_anisotropic, speed_range
from diffseis.eikonal.neural import Region
from diffseis.eikonal.neural_ground import Ground, path_slowness
from diffseis.eikonal.straight import mean_slowness
from diffseis.velocity import Gradient, Homogeneous, Layered

QUADRATURES = (5, 9, 17, 33)
"""Numbers of nodes of the straight line's mean slowness; the first that is right to `QUADRATURE_ERROR` is taken."""
QUADRATURE_ERROR = 1e-3


def make_region(
    model: Medium,
    low_km: Float[Array, "3"],
    high_km: Float[Array, "3"],
    *,
    receiver_depth_km: tuple[float, float] | None = None,
    ground: Ground | None = None,
    num_samples: int = 24,
) -> Region:
    """The box, with the largest speed in it and around it (half its longest side further each way, where rays may go).

    Below a ground the slowest first arrival goes round it: by as much as the longest of many paths (`path_slowness`).
    """
    around = 0.5 * jnp.max(high_km - low_km)
    # The box's own ends are among them: in most media the slowest place is its top.
    edges = [
        jnp.concatenate([jnp.linspace(a - around, b + around, num_samples), jnp.stack([a, b])])
        for a, b in zip(low_km, high_km, strict=True)
    ]
    along = axial(model)
    if isinstance(along, Layered) and evenly_anisotropic(model):
        edges = [edges[0][:1], edges[1][:1], jnp.concatenate([edges[2], along.depth_km])]
    nodes = jnp.stack(jnp.meshgrid(*edges, indexing="ij"), axis=-1).reshape(-1, 3)
    slowest, fastest = speed_range(model, nodes)
    inside = jnp.all((nodes[:, 2:] >= low_km[2]) & (nodes[:, 2:] <= high_km[2]), axis=1)
    # Between samples speeds may go a little further.
    margin = (
        1.0 if isinstance(along, Layered | Homogeneous | Gradient) and evenly_anisotropic(model) else 1.05
    )
    least = 1 / (margin * jnp.max(fastest))
    greatest = margin / jnp.min(jnp.where(inside, slowest, jnp.inf))
    if ground is not None:
        greatest = greatest * _detour(ground, low_km, high_km)
    thickness = (high_km - low_km)[2]
    layered = isinstance(along, Layered)
    reach = (0.1 if layered else 0.5) * thickness
    straight = 0.05 * thickness if layered else jnp.full_like(thickness, jnp.inf)
    depths = (low_km[2], high_km[2]) if receiver_depth_km is None else receiver_depth_km
    receivers = jnp.stack([jnp.asarray(z, low_km.dtype) for z in depths])
    return Region(low_km, high_km, least, greatest, reach, straight, receivers)


def _detour(ground: Ground, low_km, high_km) -> Float[Array, ""]:
    """How much longer than straight lines paths under the ground are, at most."""
    a, b = _random_pairs(ground, low_km, high_km, 1024, jr.key(0))
    one = Homogeneous(1.0)
    return 1.05 * jnp.max(
        jax.jit(jax.vmap(lambda p, q: path_slowness(one, ground, p, q, num_nodes=33)))(a, b)
    )


def _random_pairs(ground: Ground | None, low_km, high_km, number, key):
    """Points of the box; below the ground."""
    ends = (
        low_km[None, :] + (high_km - low_km)[None, :] * jr.uniform(k, (number, 3), float)
        for k in jr.split(key)
    )
    a, b = ends
    if ground is None:
        return a, b
    if ground.num_horizontal == 1:
        b = b.at[:, 1].set(a[:, 1])
    return jax.vmap(ground.lowered)(a), jax.vmap(ground.lowered)(b)


def choose_quadrature(model, region, form, *, ground: Ground | None = None, key) -> int:
    """How many nodes the mean slowness of straight lines (below a ground: of paths) needs."""
    if ground is None and isinstance(axial(model), Homogeneous | Layered) and evenly_anisotropic(model):
        return QUADRATURES[0]
    a, b = _random_pairs(ground, region.low_km, region.high_km, 256, key)
    if form == "plane":
        b = b.at[:, 1].set(a[:, 1])
    one = mean_slowness if ground is None else lambda m, p, q, **k: path_slowness(m, ground, p, q, **k)
    mean = lambda n: jax.jit(jax.vmap(lambda p, q: one(model, p, q, num_nodes=n)))(a, b)
    best = mean(2 * QUADRATURES[-1])
    for nodes in QUADRATURES[:-1]:
        if float(jnp.max(jnp.abs(mean(nodes) / best - 1))) < QUADRATURE_ERROR:
            return nodes
    return QUADRATURES[-1]
