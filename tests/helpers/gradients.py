"""Gradient checks against central differences."""

import jax
import jax.numpy as jnp
import numpy as np


def tol(dtype) -> float:
    """A relative tolerance fit for a computation of a few dozen operations in `dtype`."""
    return {2: 1e-2, 4: 1e-4, 8: 1e-9}[jnp.dtype(dtype).itemsize]


def finite_difference_grad(f, x, *, step: float = 1e-5) -> np.ndarray:
    """Gradient of a scalar function by fourth-order central differences, in float64."""
    x = np.asarray(x, np.float64)
    out = np.zeros_like(x)
    flat = x.reshape(-1)
    for i in range(flat.size):
        h = step * max(1.0, abs(flat[i]))
        values = []
        for k in (-2, -1, 1, 2):
            moved = flat.copy()
            moved[i] += k * h
            values.append(float(f(jnp.asarray(moved.reshape(x.shape)))))
        out.reshape(-1)[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    return out


def check_grads(f, x, *, step: float = 1e-5, rtol: float = 1e-6, atol: float = 1e-8) -> None:
    """Reverse- and forward-mode gradients of the scalar function `f` agree with finite differences at `x`."""
    if not jax.config.read("jax_enable_x64"):
        raise RuntimeError("gradient checks need float64")
    x = jnp.asarray(x, jnp.float64)
    reference = finite_difference_grad(f, x, step=step)
    np.testing.assert_allclose(jax.grad(f)(x), reference, rtol=rtol, atol=atol)
    np.testing.assert_allclose(jax.jacfwd(f)(x), reference, rtol=rtol, atol=atol)
