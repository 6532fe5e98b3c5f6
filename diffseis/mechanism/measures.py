"""What is told of a moment tensor beside its planes: kind, axes, components. For tables of many, on the host."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.padding import bucket_size, pad_axis
from diffseis.source import decompose, gcmt_components, lune_of, nodal_planes, principal_axes


@dataclass(frozen=True)
class TensorMeasures:
    """One row per tensor; NaN for one that is not finite.

    Attributes:
        gamma_deg, delta_deg: place on the lune.
        isotropic, clvd, double_couple: signed shares whose sizes sum to 1.
        axes_deg: tensor by T, B, P by trend and plunge.
        axis_values: tensor by T, B, P: principal values.
        gcmt: tensor by rr, tt, pp, rt, rp, tp (r up, t south, p east).
        planes_deg: tensor by plane by strike, dip and rake: nodal planes of the axes.
    """

    gamma_deg: np.ndarray
    delta_deg: np.ndarray
    isotropic: np.ndarray
    clvd: np.ndarray
    double_couple: np.ndarray
    axes_deg: np.ndarray
    axis_values: np.ndarray
    gcmt: np.ndarray
    planes_deg: np.ndarray


def measure_tensors(tensors: Float[np.ndarray, "event 3 3"]) -> TensorMeasures:
    """Of tensors in north, east, down."""
    num = len(tensors)
    known = np.all(np.isfinite(tensors), axis=(1, 2))
    # An event without a source is computed as any other, and blanked.
    whole = np.where(known[:, None, None], tensors, np.diag([1.0, 0.0, -1.0]))
    padded = pad_axis(whole, bucket_size(num))
    found = jax.device_get(_measures(jnp.asarray(padded, float)))
    lune, shares, axes, components, planes = (
        np.where(known.reshape(-1, *[1] * (x.ndim - 1)), np.asarray(x, np.float64)[:num], np.nan)
        for x in found
    )
    return TensorMeasures(
        gamma_deg=np.degrees(lune[:, 0]),
        delta_deg=np.degrees(lune[:, 1]),
        isotropic=shares[:, 0],
        clvd=shares[:, 1],
        double_couple=shares[:, 2],
        axes_deg=np.degrees(axes[..., 1:]),
        axis_values=axes[..., 0],
        gcmt=components,
        planes_deg=np.degrees(planes),
    )


def six_tensors(six: Float[np.ndarray, "draw 6"]) -> Float[np.ndarray, "draw 3 3"]:
    """Tensors of six-vectors (nn, ee, dd, and ne, nd, ed times the root of 2), on the host."""
    nn, ee, dd = six[:, :3].T
    ne, nd, ed = six[:, 3:].T / np.sqrt(2)
    return np.stack([nn, ne, nd, ne, ee, ed, nd, ed, dd], axis=-1).reshape(-1, 3, 3)


@jax.jit
def _measures(tensors: Float[Array, "event 3 3"]):
    def one(tensor):
        shares = decompose(tensor)
        parts = jnp.stack([shares.isotropic, shares.clvd, shares.double_couple])
        return lune_of(tensor), parts, principal_axes(tensor), gcmt_components(tensor), nodal_planes(tensor)

    return jax.vmap(one)(tensors)
