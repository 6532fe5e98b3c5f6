"""Rays at the source: their rows of radiation, and how these change within the errors of the angles."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffseis.core import safe
from diffseis.core.padding import bucket_size
from diffseis.source import radiation_rows

WAVES = ("P", "SV", "SH")


class RayRows(eqx.Module):
    """Rows whose products with a source's six-vector are amplitudes, and their changes by one standard deviation of either angle.

    Attributes:
        value: of the rays as they are.
        by_azimuth, by_takeoff: derivatives by azimuth and take-off angle times their standard deviations.
    """

    value: Float[Array, "*rays 6"]
    by_azimuth: Float[Array, "*rays 6"]
    by_takeoff: Float[Array, "*rays 6"]

    def amplitudes(self, six: Float[Array, "source 6"]) -> "Amplitudes":
        """Of sources, in every ray; ``"ray source"``, whatever the rays' axes were."""
        rows = jnp.stack([self.value, self.by_azimuth, self.by_takeoff]).reshape(-1, 6).astype(six.dtype)
        # One product of matrices costs less than three.
        return Amplitudes(*(rows @ six.T).reshape(3, -1, six.shape[0]))

    def misled(
        self, six: Float[Array, "6"], shift: tuple[Float[Array, " ray"], Float[Array, " ray"]]
    ) -> Float[Array, " ray"]:
        """Amplitudes of one source in rays whose angles are off by so many standard deviations (azimuth, take-off), to first order."""
        found = self.amplitudes(six[None, :])
        return (found.value[:, 0] + shift[0] * found.by_azimuth[:, 0]) + shift[1] * found.by_takeoff[:, 0]

    def sizes(self) -> Float[Array, "ray 2"]:
        """Lengths of the changes by either angle."""
        return jnp.stack([safe.norm(self.by_azimuth), safe.norm(self.by_takeoff)], axis=1)


class Amplitudes(eqx.Module):
    """Amplitudes of sources in rays, and their changes by one standard deviation of either angle."""

    value: Float[Array, "*ray source"]
    by_azimuth: Float[Array, "*ray source"]
    by_takeoff: Float[Array, "*ray source"]

    @property
    def variance(self) -> Float[Array, "*ray source"]:
        """Of the amplitudes, by the errors of the angles, to first order (amplitudes are smooth in angles; what is made of them may not be)."""
        return self.by_azimuth**2 + self.by_takeoff**2


def ray_rows(
    wave: str,
    azimuth_rad: Float[Array, "*rays"],
    takeoff_rad: Float[Array, "*rays"],
    azimuth_sigma_rad: Float[Array, "*rays"],
    takeoff_sigma_rad: Float[Array, "*rays"],
) -> RayRows:
    """Rows of one wave ("P", "SV" or "SH").

    Args:
        wave: which.
        azimuth_rad, takeoff_rad: at the source; take-off from down.
        azimuth_sigma_rad, takeoff_sigma_rad: standard deviations.
    """
    shape, num = azimuth_rad.shape, azimuth_rad.size
    angles = (azimuth_rad, takeoff_rad, azimuth_sigma_rad, takeoff_sigma_rad)
    found = _rows_of_all_waves(*_flat(angles, bucket_size(num, minimum=_LEAST_RAYS)))
    return _of_wave(found, WAVES.index(wave), shape)


_LEAST_RAYS = 2**15
"""Rays are padded to this, or a power of two: one program does for nearly all batches and waves."""


@eqx.filter_jit
def _flat(angles, size):
    return [jnp.pad(x.reshape(-1), (0, size - x.size)) for x in angles]


@eqx.filter_jit
def _of_wave(rows, which, shape):
    num = math.prod(shape)
    return jax.tree.map(lambda x: x[:num, which].reshape(*shape, 6), rows)


@eqx.filter_jit
def _rows_of_all_waves(*angles):
    def one(azimuth, takeoff, azimuth_sigma, takeoff_sigma):
        row = radiation_rows
        still, one = jnp.zeros_like(azimuth), jnp.ones_like(azimuth)
        value, by_azimuth = jax.jvp(row, (azimuth, takeoff), (one, still))
        _, by_takeoff = jax.jvp(row, (azimuth, takeoff), (still, one))
        return RayRows(value, by_azimuth * azimuth_sigma, by_takeoff * takeoff_sigma)

    return jax.vmap(one)(*angles)
