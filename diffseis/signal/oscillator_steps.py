"""One step of a damped oscillator under acceleration that changes linearly, exact (Nigam & Jennings).

The oscillator ``u'' + 2 z w u' + w^2 u = -a`` is written for ``x = w^2 u`` and ``y = w u'``, which are accelerations: with the angle ``w t`` for
time it is ``dx = y``, ``dy = -x - 2 z y - a``, so that a step depends on its angle and the damping alone, and all its numbers are of order one.

References:
    Nigam & Jennings (1969), Calculation of response spectra from strong-motion earthquake records, Bulletin of the Seismological Society
    of America 59, 909-922, doi:10.1785/BSSA0590020909.
"""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

_SERIES_UP_TO = 1.0
_LAST_POWER = 19


class Step(eqx.Module):
    """From the state at the begin of a step to the state at its end, or at a fraction of it.

    Attributes:
        x_by_x, x_by_y, y_by_x, y_by_y: of the state.
        x_by_first, x_by_last, y_by_first, y_by_last: of the acceleration at the begin and at the end of the whole step.
    """

    x_by_x: Float[Array, "*shape"]
    x_by_y: Float[Array, "*shape"]
    y_by_x: Float[Array, "*shape"]
    y_by_y: Float[Array, "*shape"]
    x_by_first: Float[Array, "*shape"]
    x_by_last: Float[Array, "*shape"]
    y_by_first: Float[Array, "*shape"]
    y_by_last: Float[Array, "*shape"]

    def __call__(self, x, y, first, last):
        """The next state; all arguments of shapes that go together."""
        return (
            self.x_by_x * x + self.x_by_y * y + self.x_by_first * first + self.x_by_last * last,
            self.y_by_x * x + self.y_by_y * y + self.y_by_first * first + self.y_by_last * last,
        )


def oscillator_step(
    angle: Float[Array, "*shape"], damping: Float[Array, "*shape"], fraction: Float[Array, "*shape"]
) -> Step:
    """The step.

    Args:
        angle: of the whole step, ``2 pi dt / T``.
        damping: as a fraction of critical, from 0 to below 1.
        fraction: of the step that is gone, above 0 and up to 1.
    """
    gone = fraction * angle
    ramp, slope, curve = _from_rest_on_ramp(gone, damping)
    # The ramp of the whole step rises by 1 over `angle`.
    return Step(
        x_by_x=1 + slope,
        x_by_y=-curve,
        y_by_x=curve,
        y_by_y=1 + slope + 2 * damping * curve,
        x_by_first=slope - ramp / angle,
        x_by_last=ramp / angle,
        y_by_first=curve - slope / angle,
        y_by_last=slope / angle,
    )


def free_turn(angle: Float[Array, "*shape"], damping: Float[Array, "*shape"]) -> Step:
    """What the state becomes without acceleration, after any angle."""
    zero = jnp.zeros_like(angle)
    _, slope, curve = _closed_form(angle, damping)
    turned = (1 + slope, -curve, curve, 1 + slope + 2 * damping * curve)
    return Step(*turned, zero, zero, zero, zero)


def _from_rest_on_ramp(angle, damping):
    """Response from rest to an acceleration equal to the angle, with its two derivatives: all else is made of these."""
    near = angle < _SERIES_UP_TO
    series = _series(jnp.where(near, angle, 0.5), damping)
    closed = _closed_form(jnp.where(near, 2 * _SERIES_UP_TO, angle), damping)
    return tuple(jnp.where(near, s, c) for s, c in zip(series, closed, strict=True))


def _closed_form(angle, damping):
    root = jnp.sqrt(1 - damping**2)
    decay = jnp.exp(-damping * angle)
    sine = decay * jnp.sin(root * angle) / root
    free = decay * jnp.cos(root * angle) + damping * sine
    return sine + 2 * damping * (1 - free) - angle, free - 1, -sine


def _series(angle, damping):
    """By powers of the angle, where the closed form is a small difference of large numbers."""
    zero = jnp.zeros_like(angle)

    def add_power(state, n):
        (before, last), sums = state
        following = -(before * angle**2 + 2 * damping * n * last * angle) / (n * (n + 1))
        weights = (jnp.ones_like(n), n + 1, (n + 1) * n)
        sums = tuple(total + weight * following for total, weight in zip(sums, weights, strict=True))
        return ((last, following), sums), None

    # A loop rather than a long expression, which takes XLA seconds to compile.
    powers = jnp.arange(3, _LAST_POWER, dtype=angle.dtype)
    third = jnp.full_like(angle, -1 / 6)
    first = ((zero, third), (third, 3 * third, 6 * third))
    (_, (ramp, slope, curve)), _ = lax.scan(add_power, first, powers)
    return ramp * angle**3, slope * angle**2, curve * angle
