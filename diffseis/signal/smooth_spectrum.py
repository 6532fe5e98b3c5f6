"""Response spectra without kinks."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from diffseis.signal.response_spectrum import check_spectrum, oscillator_response


def smooth_response_spectrum(
    acceleration_m_s2: Float[Array, " time"], dt_s, period_s, damping=0.05, *, order: float = 64.0
) -> Float[Array, " period"]:
    """A PSA without kinks: ``(sum |x|^p)^(1/p)`` over samples in place of the maximum, above it by a factor of ``N^(1/p)`` at most.

    The gradient spreads over all samples near the maximum, in place of one. Responses are computed anew in the backward pass, some periods at a time.

    Args:
        acceleration_m_s2, dt_s, period_s, damping: of `response_spectrum`.
        order: p, above 1; infinite would be the maximum.
    """
    check_spectrum(acceleration_m_s2, dt_s, period_s, damping)
    if not order > 1:
        raise ValueError(f"`order` must be above 1, got {order}")
    return _smooth(acceleration_m_s2, dt_s, period_s, damping, float(order))


@eqx.filter_jit
def _smooth(acceleration, dt_s, period_s, damping, order):
    period_s = jnp.asarray(period_s).astype(acceleration.dtype)
    damping = jnp.broadcast_to(jnp.asarray(damping).astype(acceleration.dtype), period_s.shape)

    @jax.checkpoint
    def one(oscillator):
        period, fraction = oscillator
        response = oscillator_response(acceleration, dt_s, period[None], fraction).pseudo_acceleration_m_s2[
            :, 0
        ]
        return p_norm(response, order)

    return lax.map(one, (period_s, damping), batch_size=8)


def p_norm(values: Float[Array, " time"], order: float) -> Float[Array, ""]:
    """``(sum |v|^p)^(1/p)``, 0 with the gradient 0 where all values are 0."""
    size = jnp.abs(values)
    # Any scale gives the same value, so that its own derivative is none.
    scale = lax.stop_gradient(jnp.max(size))
    scale = jnp.where(scale > 0, scale, 1)
    total = jnp.sum((size / scale) ** order)
    there = total > 0
    return scale * jnp.where(there, jnp.where(there, total, 1) ** (1 / order), 0)
