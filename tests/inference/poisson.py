"""Poisson's equation on the unit square as a problem of residuals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr


class Poisson(eqx.Module):
    """``laplacian u + 2 pi^2 sin(pi x) sin(pi y) = 0``, whose answer is ``sin(pi x) sin(pi y)``."""

    def __call__(self, weights, x):
        laplacian = jnp.trace(jax.hessian(weights)(x))
        return (laplacian + 2 * jnp.pi**2 * jnp.prod(jnp.sin(jnp.pi * x))) / 20


def boundary(weights, x):
    return weights(x)


def square(key):
    """Points inside and on the sides."""
    k_inside, k_along, k_side = jr.split(key, 3)
    along = jr.uniform(k_along, (128,))
    side = jr.randint(k_side, (128,), 0, 4)
    edge = jnp.stack([along, (side % 2).astype(float)], axis=-1)
    edge = jnp.where((side < 2)[:, None], edge, edge[:, ::-1])
    return [jr.uniform(k_inside, (256, 2)), edge]


def relative_error(weights) -> float:
    axis = jnp.linspace(0.0, 1.0, 21)
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    exact = jnp.prod(jnp.sin(jnp.pi * grid), axis=-1)
    found = eqx.filter_vmap(weights)(grid)
    return float(jnp.linalg.norm(found - exact) / jnp.linalg.norm(exact))
