"""What a point source radiates into a ray: P, SV and SH in the far field.

Amplitudes are linear in the six-vector m of the tensor: ``amplitude = rows @ m``. They are displacements but for the factor 1 / (4 pi rho c^3 r), c the speed of the
wave, so that a ratio of S to P that was recorded near the source is the ratio of rows times (Vp/Vs)^3.

Take-off angles are counted from down: 0 is down, pi/2 level, pi up. HASH and SKHASH count from up: `takeoff_from_up`. SV is positive along the direction of increasing take-off angle,
SH along that of increasing azimuth (clockwise from above), as in Aki & Richards. ObsPy's ``farfield(..., 'S')`` is the negative of this S.

References:
    Aki & Richards (2002), Quantitative Seismology, equations 4.29, 4.89 to 4.91; 5.27 to 5.34 for the free surface.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from diffseis.source.six_vectors import six_vector


def takeoff_from_up(takeoff_rad: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """A take-off angle counted from up (HASH, SKHASH) as one counted from down, and back."""
    return jnp.asarray(jnp.pi, takeoff_rad.dtype) - takeoff_rad


def ray_basis(azimuth_rad: Float[Array, ""], takeoff_rad: Float[Array, ""]) -> Float[Array, "3 3"]:
    """Rows: unit vectors of the motion of P, SV and SH in north, east, down."""
    ca, sa, ci, si = jnp.cos(azimuth_rad), jnp.sin(azimuth_rad), jnp.cos(takeoff_rad), jnp.sin(takeoff_rad)
    zero = jnp.zeros_like(ca)
    return jnp.stack([si * ca, si * sa, ci, ci * ca, ci * sa, -si, -sa, ca, zero]).reshape(3, 3)


def radiation_rows(azimuth_rad: Float[Array, ""], takeoff_rad: Float[Array, ""]) -> Float[Array, "3 6"]:
    """Rows for P, SV and SH whose product with a tensor's six-vector is the amplitude along a ray. Map it over rays."""
    basis = ray_basis(azimuth_rad, takeoff_rad)
    ray = basis[0]
    rows = []
    for motion in basis:
        dyad = motion[:, None] * ray[None, :]
        rows.append(six_vector(0.5 * (dyad + dyad.T)))
    return jnp.stack(rows)


def radiation(
    tensor: Float[Array, "3 3"], azimuth_rad: Float[Array, ""], takeoff_rad: Float[Array, ""]
) -> Float[Array, "3"]:
    """Amplitudes of P, SV and SH along a ray: motion . tensor . ray."""
    basis = ray_basis(azimuth_rad, takeoff_rad)
    return basis @ tensor @ basis[0]


class FreeSurface(eqx.Module):
    """Displacement at the surface over that of the incoming wave; complex beyond the critical angle, where the surface moves out of phase.

    Attributes:
        p_vertical, p_radial: of incoming P: up, and away from the source.
        sv_vertical, sv_radial: of incoming SV whose motion is away from the source (and down): up, and away from the source.
        sh: 2 always.
    """

    p_vertical: Complex[Array, ""]
    p_radial: Complex[Array, ""]
    sv_vertical: Complex[Array, ""]
    sv_radial: Complex[Array, ""]
    sh: Complex[Array, ""]


def free_surface(
    ray_parameter_s_km: Float[Array, ""], vp_km_s: Float[Array, ""], vs_km_s: Float[Array, ""]
) -> FreeSurface:
    """What the surface of a half-space does to plane waves from below.

    Args:
        ray_parameter_s_km: sine of the angle of incidence over the speed.
        vp_km_s, vs_km_s: at the surface.
    """
    kind = jnp.complex128 if ray_parameter_s_km.dtype == jnp.float64 else jnp.complex64
    p = ray_parameter_s_km.astype(kind)
    a, b = vp_km_s.astype(kind), vs_km_s.astype(kind)
    # Downward decay of evanescent waves asks for the root with a positive imaginary part.
    cos_i, cos_j = _cosine(p * a), _cosine(p * b)
    bend = 1 / b**2 - 2 * p**2
    coupling = 4 * p**2 * cos_i * cos_j / (a * b)
    whole = bend**2 + coupling
    pp = (coupling - bend**2) / whole
    ps = 4 * p * cos_i / b * bend / whole
    ss = (bend**2 - coupling) / whole
    sp = 4 * p * cos_j / a * bend / whole
    sin_i, sin_j = p * a, p * b
    return FreeSurface(
        p_vertical=cos_i * (1 - pp) + sin_j * ps,
        p_radial=sin_i * (1 + pp) + cos_j * ps,
        sv_vertical=-(sin_j * (1 - ss) + cos_i * sp),
        sv_radial=cos_j * (1 + ss) + sin_i * sp,
        sh=jnp.full_like(p, 2),
    )


def _cosine(sine):
    """Of an angle by its complex sine; its derivative at 1 is infinite and given as that a rounding error away."""
    square = 1 - sine**2
    return jnp.sqrt(jnp.where(square == 0, float(jnp.finfo(sine.dtype).eps), square))
