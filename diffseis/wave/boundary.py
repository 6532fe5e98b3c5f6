"""What the faces of a grid do to waves.

References:
    Roden & Gedney (2000), Convolution PML, doi:10.1002/1098-2760(20001205)27:5<334::AID-MOP14>3.0.CO;2-A. Komatitsch &
    Martin (2007), An unsplit convolutional perfectly matched layer improved at grazing incidence,
    doi:10.1190/1.2757586. Pasalic & McGarry (2010), Convolutional perfectly matched layer for isotropic and anisotropic
    acoustic wave equations, doi:10.1190/1.3513453.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Absorbing(eqx.Module):
    """A perfectly matched layer outside the grid: waves leave.

    Attributes:
        num_nodes: its thickness.
        reflection: what it is designed to send back of waves that come straight, in theory. Grids send back more where it is too small.
        frequency_hz: where it absorbs grazing and evanescent waves best; by default a hundredth of what the time step can represent.
    """

    num_nodes: int = eqx.field(static=True, default=20)
    reflection: float = eqx.field(static=True, default=1e-6)
    frequency_hz: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.num_nodes < 1:
            raise ValueError(f"`num_nodes` must be at least 1, got {self.num_nodes}")
        if not 0 < self.reflection < 1:
            raise ValueError(f"`reflection` must lie between 0 and 1, got {self.reflection}")


class PressureRelease(eqx.Module):
    """The surface of a fluid, a node beyond the last of the grid: pressure is zero on it."""


Face = Absorbing | PressureRelease


class Boundary(eqx.Module):
    """A face at the beginning and at the end of each axis.

    Attributes:
        faces: pairs, one per axis.
    """

    faces: tuple[tuple[Face, Face], ...]

    @classmethod
    def absorbing(cls, num_dims: int, **options) -> "Boundary":
        """Waves leave through every face."""
        return cls(((Absorbing(**options), Absorbing(**options)),) * num_dims)

    @property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """Nodes that layers add to either end of each axis."""
        width = lambda face: face.num_nodes if isinstance(face, Absorbing) else 0
        return tuple((width(first), width(last)) for first, last in self.faces)


def layer_profile(
    face: Absorbing, depth: np.ndarray, spacing_km, speed_km_s, dt_s
) -> tuple[Float[Array, " node"], Float[Array, " node"]]:
    """Decay and gain per step of what a layer remembers, at depths into it (in nodes; not above 0 outside)."""
    thickness = face.num_nodes * spacing_km
    share = jnp.asarray(np.clip(depth / face.num_nodes, 0, None), dt_s.dtype)
    damping = -1.5 * speed_km_s * math.log(face.reflection) / thickness * share**2
    hz = 0.005 / dt_s if face.frequency_hz is None else jnp.asarray(face.frequency_hz, dt_s.dtype)
    shift = jnp.pi * hz * (1 - share)
    decay = jnp.exp(-(damping + shift) * dt_s)
    gain = jnp.where(share > 0, damping / (damping + shift) * (decay - 1), 0)
    return decay, gain
