"""Travel times on a grid: factored fast sweeping, differentiable by the implicit function theorem."""

from itertools import combinations, product

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from diffseis.core import safe
from diffseis.core.grids import RegularGrid
from diffseis.eikonal.planes import neighbour, orientations, sweep

FAR_S_PER_KM = 1e6
"""Mean slowness of nodes that no wave has reached yet."""


class Factored(eqx.Module):
    """The factored eikonal equation ``|tau grad T0 + T0 grad tau| = s`` on a grid, ``T = T0 tau``, T0 the
    distance.

    The factor takes the kink at the source out of the unknown: tau is smooth there, whether or not the
    source is a node.

    Attributes:
        slowness: at the nodes, s/km.
        distance_km: T0 at the nodes.
        direction: gradient of T0, a unit vector, axis first.
        near: nodes whose tau is prescribed.
        near_tau: the value there.
        spacing_km: of the nodes.
    """

    slowness: Float[Array, "*shape"]
    distance_km: Float[Array, "*shape"]
    direction: Float[Array, "dim *shape"]
    near: Bool[Array, "*shape"]
    near_tau: Float[Array, "*shape"]
    spacing_km: Float[Array, " dim"]


def factor(speed, grid: RegularGrid, source_km: Float[Array, " dim"], near_nodes: float) -> Factored:
    """The equation for a speed given as a function of a point on the grid's axes.

    Within `near_nodes` of the source tau is the mean slowness of the straight segment (Simpson's rule).
    """
    nodes = grid.nodes_km().reshape(-1, grid.num_dims)
    slowness = 1 / jax.vmap(speed)(nodes)
    offset = nodes - source_km[None, :]
    distance = safe.norm(offset)
    middle = 1 / jax.vmap(speed)(nodes - offset / 2)
    mean = (slowness + 4 * middle + (1 / speed(source_km))[None]) / 6
    direction = safe.divide(offset, jnp.broadcast_to(distance[:, None], offset.shape))
    near = stop_gradient(safe.norm(offset / grid.spacing_km[None, :])) < near_nodes
    shape = grid.shape
    return Factored(
        slowness.reshape(shape),
        distance.reshape(shape),
        jnp.moveaxis(direction.reshape(*shape, grid.num_dims), -1, 0),
        near.reshape(shape),
        mean.reshape(shape),
        grid.spacing_km,
    )


def upwind_root(slopes, offsets, slowness):
    """The root tau of ``sum_i (a_i tau - b_i)^2 = s^2``, and whether every term is upwind (not negative)."""
    a2 = sum(a * a for a in slopes)
    ab = sum(a * b for a, b in zip(slopes, offsets, strict=True))
    b2 = sum(b * b for b in offsets)
    root = ab * ab - a2 * (b2 - slowness * slowness)
    usable = (root > 0) & (a2 > 0)
    tau = (ab + jnp.sqrt(jnp.where(usable, root, 1))) / jnp.where(usable, a2, 1)
    for a, b in zip(slopes, offsets, strict=True):
        usable = usable & (a * tau >= b) & (a > 0)
    return tau, usable


def first_order_sweeps(equation: Factored, *, max_rounds: int, tolerance: float):
    """Godunov's monotone first-order scheme, swept to convergence: tau, rounds and the last relative
    change."""
    num_dims = equation.spacing_km.shape[0]
    far = FAR_S_PER_KM

    def one_direction(tau, direction):
        def update(old, neighbours, fields):
            slowness, distance, near, *along = fields
            best = old
            slopes = [distance / equation.spacing_km[i] + along[i] * direction[i] for i in range(num_dims)]
            offsets = [distance / equation.spacing_km[i] * neighbours[i] for i in range(num_dims)]
            for count in range(1, num_dims + 1):
                for axes in combinations(range(num_dims), count):
                    new, usable = upwind_root([slopes[i] for i in axes], [offsets[i] for i in axes], slowness)
                    best = jnp.where(usable, jnp.minimum(best, new), best)
            return jnp.where(near > 0, old, best)

        fields = [
            equation.slowness,
            equation.distance_km,
            equation.near.astype(tau.dtype),
            *equation.direction,
        ]
        return sweep(tau, fields, update, direction, fill=far)

    def one_round(state):
        tau, rounds, _ = state
        new = tau
        for direction in orientations(num_dims):
            new = one_direction(new, direction)
        return new, rounds + 1, jnp.max(jnp.abs(new - tau) / new)

    tau = jnp.where(equation.near, equation.near_tau, far)
    start = (tau, jnp.asarray(0), jnp.asarray(jnp.inf, tau.dtype))
    return jax.lax.while_loop(lambda s: (s[2] > tolerance) & (s[1] < max_rounds), one_round, start)


def upwind_sides(equation: Factored, tau: Float[Array, "*shape"]) -> Int[Array, "dim *shape"]:
    """For each node and axis: from before (1), from after (-1) or not at all (0), as the converged tau has
    it."""
    num_dims = equation.spacing_km.shape[0]
    best = jnp.full_like(tau, jnp.inf)
    sides = [jnp.zeros(tau.shape, jnp.int32)] * num_dims
    for choice in product((0, 1, -1), repeat=num_dims):
        axes = [i for i in range(num_dims) if choice[i]]
        if not axes:
            continue
        ratio = [equation.distance_km / equation.spacing_km[i] for i in axes]
        slopes = [r + choice[i] * equation.direction[i] for r, i in zip(ratio, axes, strict=True)]
        offsets = [r * neighbour(tau, i, choice[i], FAR_S_PER_KM) for r, i in zip(ratio, axes, strict=True)]
        new, usable = upwind_root(slopes, offsets, equation.slowness)
        better = usable & (new < best)
        best = jnp.where(better, new, best)
        sides = [jnp.where(better, choice[i], sides[i]) for i in range(num_dims)]
    return jnp.where(equation.near[None], 0, jnp.stack(sides))


def implicit(equation: Factored, tau: Float[Array, "*shape"], *, max_rounds: int) -> Float[Array, "*shape"]:
    """The converged tau with its derivatives with respect to the equation.

    With upwind sides frozen, ``tau = U(tau, equation)``. Where U is differentiable the solution moves by
    ``(I - dU/dtau)^-1 dU``: one linear solve, which sweeps do as well, and for reverse mode its transpose.
    """
    tau = stop_gradient(tau)
    sides = stop_gradient(upwind_sides(equation, tau))
    num_dims = sides.shape[0]
    slopes, offsets, ratios = [], [], []
    for i in range(num_dims):
        active = jnp.abs(sides[i]).astype(tau.dtype)
        ratio = active * equation.distance_km / equation.spacing_km[i]
        before, after = neighbour(tau, i, 1, 0.0), neighbour(tau, i, -1, 0.0)
        slopes.append(ratio + sides[i].astype(tau.dtype) * equation.direction[i])
        offsets.append(ratio * jnp.where(sides[i] > 0, before, after))
        ratios.append(ratio)
    a2 = sum(a * a for a in slopes)
    ab = sum(a * b for a, b in zip(slopes, offsets, strict=True))
    b2 = sum(b * b for b in offsets)
    root = ab * ab - a2 * (b2 - equation.slowness**2)
    regular = ~equation.near & (root > 0) & (a2 > 0)
    local = (ab + jnp.sqrt(jnp.where(regular, root, 1))) / jnp.where(regular, a2, 1)
    updated = jnp.where(regular, local, jnp.where(equation.near, equation.near_tau, tau))

    flux = [jnp.maximum(a * tau - b, 0) for a, b in zip(slopes, offsets, strict=True)]
    total = sum(g * a for g, a in zip(flux, slopes, strict=True))
    weights = []
    for i in range(num_dims):
        w = jnp.where(regular & (total > 0), flux[i] * ratios[i] / jnp.where(total > 0, total, 1), 0)
        weights.append((jnp.where(sides[i] > 0, w, 0), jnp.where(sides[i] < 0, w, 0)))
    weights = stop_gradient(weights)
    moved = _solve(weights, updated - stop_gradient(updated), max_rounds)
    return tau + moved


def _apply(weights, x):
    """``dU/dtau x``: what each node takes over from its upwind neighbours."""
    out = jnp.zeros_like(x)
    for axis, (before, after) in enumerate(weights):
        out = out + before * neighbour(x, axis, 1, 0.0) + after * neighbour(x, axis, -1, 0.0)
    return out


def _solve(weights, rhs, max_rounds):
    """``(I - W)^-1 rhs`` where W is `_apply`; differentiable in `rhs`, forwards and backwards."""
    # The transpose of W hands values the other way: the same form with weights moved to the receiving node.
    backward = [
        (neighbour(after, axis, 1, 0.0), neighbour(before, axis, -1, 0.0))
        for axis, (before, after) in enumerate(weights)
    ]
    return jax.lax.custom_linear_solve(
        lambda x: x - _apply(weights, x),
        rhs,
        lambda _, b: _linear_sweeps(weights, b, max_rounds),
        lambda _, b: _linear_sweeps(backward, b, max_rounds),
    )


def _linear_sweeps(weights, rhs, max_rounds):
    tolerance = 4 * float(jnp.finfo(rhs.dtype).eps)
    num_dims = len(weights)

    def one_direction(x, direction):
        behind = [weights[i][0 if direction[i] > 0 else 1] for i in range(num_dims)]
        ahead = rhs
        for i in range(num_dims):
            ahead = ahead + weights[i][1 if direction[i] > 0 else 0] * neighbour(x, i, -direction[i], 0.0)

        def update(old, neighbours, fields):
            del old
            ahead, *behind = fields
            return ahead + sum(w * n for w, n in zip(behind, neighbours, strict=True))

        return sweep(x, [ahead, *behind], update, direction, fill=0.0)

    def one_round(state):
        x, rounds, _ = state
        new = x
        for direction in orientations(num_dims):
            new = one_direction(new, direction)
        scale = jnp.maximum(jnp.max(jnp.abs(new)), float(jnp.finfo(rhs.dtype).tiny))
        return new, rounds + 1, jnp.max(jnp.abs(new - x)) / scale

    start = (rhs, jnp.asarray(0), jnp.asarray(jnp.inf, rhs.dtype))
    return jax.lax.while_loop(lambda s: (s[2] > tolerance) & (s[1] < max_rounds), one_round, start)[0]
