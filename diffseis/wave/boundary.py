"""What the faces of a grid do to waves. A face runs through the outermost nodes of the grid.

References:
    Roden & Gedney (2000), Convolution PML, doi:10.1002/1098-2760(20001205)27:5<334::AID-MOP14>3.0.CO;2-A. Komatitsch &
    Martin (2007), An unsplit convolutional perfectly matched layer improved at grazing incidence,
    doi:10.1190/1.2757586. Meza-Fajardo & Papageorgiou (2008), on when layers are stable, doi:10.1785/0120070223. Levander (1988), Fourth-order finite-difference P-SV seismograms, doi:10.1190/1.1442422.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Absorbing(eqx.Module):
    """A perfectly matched layer outside the grid: waves leave.

    Attributes:
        num_nodes: its thickness.
        reflection: what it is designed to send back of waves that come straight, in theory. Grids send back more where it is too small.
        frequency_hz: where it absorbs grazing and evanescent waves best; by default that of the fastest waves of 16 nodes' length.
        sideways: in solids, share of the damping across the layer that takes from all motion in it. In media that guide waves backwards, as very rough or stratified
            ones below a free surface do, layers amplify these in the course of very many steps: 0.02 stops that, but sends back more of long waves.
        speed_km_s: of the waves that it is designed for; by default of the medium's fastest. A layer is no part of the physics: its design has no derivatives.
    """

    num_nodes: int = eqx.field(static=True, default=20)
    reflection: float = eqx.field(static=True, default=1e-6)
    frequency_hz: float | None = eqx.field(static=True, default=None)
    sideways: float = eqx.field(static=True, default=0.0)
    speed_km_s: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.num_nodes < 1:
            raise ValueError(f"`num_nodes` must be at least 1, got {self.num_nodes}")
        if not 0 < self.reflection < 1:
            raise ValueError(f"`reflection` must lie between 0 and 1, got {self.reflection}")
        if not 0 <= self.sideways <= 1:
            raise ValueError(f"`sideways` must lie between 0 and 1, got {self.sideways}")
        for name in ("frequency_hz", "speed_km_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"`{name}` must be above 0, got {value}")


class FreeSurface(eqx.Module):
    """Nothing pulls at the face: pressure, or traction, is zero on it."""


class Rigid(eqx.Module):
    """The face does not move: not at all in a solid, not across itself in a fluid."""


class Periodic(eqx.Module):
    """What leaves by the face enters by the opposite one; the node after the last is the first."""


Side = tuple[int, bool]
"""A face of a grid: its axis, and whether it is at the axis's end."""

Face = Absorbing | FreeSurface | Rigid | Periodic


class Boundary(eqx.Module):
    """A face at the beginning and at the end of each axis.

    Attributes:
        faces: pairs, one per axis.
    """

    faces: tuple[tuple[Face, Face], ...]

    def __check_init__(self):
        for axis, pair in enumerate(self.faces):
            if sum(isinstance(face, Periodic) for face in pair) == 1:
                raise ValueError(
                    f"axis {axis} is periodic at one of its faces: it must be at both or neither"
                )

    @classmethod
    def absorbing(cls, num_dims: int, *, free_surface: bool = False, **options) -> "Boundary":
        """Waves leave through every face; but for the first of the last axis, the top, if it is to be a free surface."""
        layer = Absorbing(**options)
        last = (FreeSurface() if free_surface else layer, layer)
        return cls(((layer, layer),) * (num_dims - 1) + (last,))

    @property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """Nodes that layers add to either end of each axis."""
        width = lambda face: face.num_nodes if isinstance(face, Absorbing) else 0
        return tuple((width(first), width(last)) for first, last in self.faces)

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Which axes are."""
        return tuple(isinstance(first, Periodic) for first, _ in self.faces)


def layer_profile(
    face: Absorbing, depth: np.ndarray, spacing_km, speed_km_s, dt_s
) -> tuple[Float[Array, " node"], Float[Array, " node"]]:
    """Decay and gain per step of what a layer remembers, at depths into it (in nodes)."""
    share, damping, speed = _damping(face, depth, spacing_km, speed_km_s, dt_s.dtype)
    hz = speed / (16 * spacing_km) if face.frequency_hz is None else face.frequency_hz
    shift = jnp.pi * hz * jnp.clip(1 - share, 0, None)
    decay = jnp.exp(-(damping + shift) * dt_s)
    gain = jnp.where(share > 0, damping / (damping + shift) * (decay - 1), 0)
    return decay, gain


def layer_fading(face: Absorbing, depth: np.ndarray, spacing_km, speed_km_s, dt_s) -> Float[Array, " node"]:
    """What is left per step of what moves along a layer, at depths into it (in nodes)."""
    _, damping, _ = _damping(face, depth, spacing_km, speed_km_s, dt_s.dtype)
    return jnp.exp(-face.sideways * damping * dt_s)


def _damping(face: Absorbing, depth: np.ndarray, spacing_km, speed_km_s, dtype):
    """Depths over the thickness, the damping there, and the speed that it is made for."""
    share = jnp.asarray(np.clip(depth / face.num_nodes, 0, None), dtype)
    speed = jax.lax.stop_gradient(speed_km_s) if face.speed_km_s is None else face.speed_km_s
    thickness = face.num_nodes * spacing_km
    return share, -1.5 * speed * math.log(face.reflection) / thickness * share**2, speed
