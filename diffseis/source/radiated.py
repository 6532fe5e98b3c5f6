"""What sources radiate into rays, on the host: the NumPy twin of `diffseis.source.radiation`, for tables and figures.

Angles are in degrees: azimuths from north, take-off from down (0 down, 90 level, 180 up). SV and SH have the senses of `diffseis.source.radiation`.
"""

import numpy as np
from jaxtyping import Float


def ray_motions(azimuth_deg, takeoff_deg) -> Float[np.ndarray, "*shape 3 3"]:
    """Unit vectors (north, east, down) of the motion of P, SV and SH; the first is that of the ray."""
    azimuth, takeoff = (np.radians(np.asarray(x, float)) for x in (azimuth_deg, takeoff_deg))
    ca, sa, ci, si = np.cos(azimuth), np.sin(azimuth), np.cos(takeoff), np.sin(takeoff)
    p, sv, sh = (si * ca, si * sa, ci), (ci * ca, ci * sa, -si), (-sa, ca, np.zeros_like(sa * ci))
    return np.stack([np.stack(np.broadcast_arrays(*motion), axis=-1) for motion in (p, sv, sh)], axis=-2)


def radiated(
    tensor: Float[np.ndarray, "*each 3 3"], azimuth_deg, takeoff_deg
) -> Float[np.ndarray, "*shape 3"]:
    """Amplitudes of P, SV and SH in rays of one tensor, or each of its own."""
    motions = ray_motions(azimuth_deg, takeoff_deg)
    force = (motions[..., :1, :] @ np.asarray(tensor))[..., 0, :]
    return np.sum(motions * force[..., None, :], axis=-1)


def p_amplitudes(
    tensors: Float[np.ndarray, "*particle 3 3"], direction: Float[np.ndarray, "*shape 3"]
) -> Float[np.ndarray, "*all"]:
    """Amplitude of P (positive: motion away from the source) of every tensor in every direction (north, east, down): axes of directions, then of tensors.

    By one product of six-vectors, so that a thousand tensors in thousands of directions take moments.
    """
    row, column = np.triu_indices(3)
    twice = np.where(row == column, 1.0, 2.0)
    dyads = direction[..., row] * direction[..., column] * twice
    six = tensors[..., row, column]
    flat = dyads.reshape(-1, 6) @ six.reshape(-1, 6).T
    return flat.reshape(dyads.shape[:-1] + six.shape[:-1])
