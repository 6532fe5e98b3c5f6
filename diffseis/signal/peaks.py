"""The largest displacement of oscillators, with the derivative at the sample where it is reached.

A maximum changes with the record as the displacement at that one sample does. So the backward pass is the run of oscillators transposed: one loop,
backwards in time, that begins at the sample of the maximum; nothing of the forward run is stored.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float, Int

from diffseis.signal.blocks import block_shape, run_blocks


class Peak(eqx.Module):
    """Where displacements are largest.

    Attributes:
        value: the displacement there, times the square of the angular frequency, with its sign.
        sample: the sample at the end of the step.
    """

    value: Float[Array, " oscillator"]
    sample: Int[Array, " oscillator"]


def find_peaks(acceleration, angle, damping, fraction, num_samples) -> Peak:
    """The largest absolute displacement of each oscillator within the record.

    Args:
        acceleration: of the ground, ``" time"``.
        angle, damping, fraction: of `diffseis.signal.blocks.run_blocks`.
        num_samples: of the record that count, a whole number; what follows is padding.
    """
    shape = block_shape(acceleration.shape[0] - 1, angle.shape[0])
    zero = jnp.zeros((shape[1], angle.shape[0]), angle.dtype)

    def visit(best, shown, _, sample):
        value, place = best
        better = (jnp.abs(shown) > jnp.abs(value)) & (sample < num_samples)[:, None]
        return (jnp.where(better, shown, value), jnp.where(better, sample[:, None], place)), None

    (value, place), _ = run_blocks(
        acceleration, angle, damping, fraction, shape, visit, (zero, jnp.zeros_like(zero, jnp.int32))
    )
    block = jnp.argmax(jnp.abs(value), axis=0)[None, :]
    return Peak(jnp.take_along_axis(value, block, 0)[0], jnp.take_along_axis(place, block, 0)[0])


def displacement_at(
    acceleration: Float[Array, " time"],
    angle: Float[Array, " oscillator"],
    damping: Float[Array, " oscillator"],
    fraction: Float[Array, " oscillator"],
    sample: Int[Array, " oscillator"],
) -> Float[Array, " oscillator"]:
    """Displacement (times the square of the angular frequency) of each oscillator in the step that ends at a sample of its own."""
    shape = block_shape(acceleration.shape[0] - 1, angle.shape[0])
    zero = jnp.zeros((shape[1], angle.shape[0]), angle.dtype)

    def visit(kept, shown, _, now):
        return kept + jnp.where(now[:, None] == sample[None, :], shown, 0), None

    kept, _ = run_blocks(acceleration, angle, damping, fraction, shape, visit, zero)
    return jnp.sum(kept, axis=0)


@jax.custom_jvp
def with_derivative(
    value: Float[Array, " oscillator"],
    accelerations: Float[Array, "component time"],
    angle: Float[Array, " oscillator"],
    damping: Float[Array, " oscillator"],
    fraction: Float[Array, " oscillator"],
    sample: Int[Array, " oscillator"],
    weight: Float[Array, "component oscillator"],
) -> Float[Array, " oscillator"]:
    """A value that is known, with the derivatives of ``sum(weight * displacement_at(...))``, which it is.

    Derivatives by a value, a fraction or a weight are none: those are chosen by the maximum.
    """
    return value


def _derivative(primals: tuple[Any, ...], tangents: tuple[Any, ...]):
    value, accelerations, angle, damping, fraction, sample, weight = primals
    slope = jnp.zeros_like(value)

    def total(rows, angle, damping):
        each = jax.vmap(lambda row: displacement_at(row, angle, damping, fraction, sample))(rows)
        return jnp.sum(weight * each, axis=0)

    if not isinstance(tangents[1], SymbolicZero):
        slope = slope + total(tangents[1], angle, damping)
    # No oscillator knows of another: one run forwards has the derivatives of all by their own periods.
    for argument, (rate_by, tangent) in enumerate(((angle, tangents[2]), (damping, tangents[3])), 1):
        if not isinstance(tangent, SymbolicZero):
            direction = [jnp.zeros_like(angle), jnp.zeros_like(damping)]
            direction[argument - 1] = jnp.ones_like(rate_by)
            _, rate = jax.jvp(lambda a, d: total(accelerations, a, d), (angle, damping), tuple(direction))
            slope = slope + rate * tangent
    return value, slope


with_derivative.defjvp(_derivative, symbolic_zeros=True)
