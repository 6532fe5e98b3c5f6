r"""What is thought of the speeds of a medium before any time is read: a Gaussian field of their logarithms.

The logarithm keeps speeds positive and makes the standard deviation a fraction. What is often called regularisation is this prior,
stated: how far speeds may lie from the starting model, and over which distance they change together. Correlations along the axes
are Matern functions of smoothness 3/2 (once differentiable fields), multiplied with each other and with that between P and S, so that
the square root of the covariance is a product of small matrices and no large one is ever formed.

References:
    Tarantola (2005), Inverse problem theory, doi:10.1137/1.9780898717921, chapters 3 and 5.
    Rasmussen & Williams (2006), Gaussian processes for machine learning, doi:10.7551/mitpress/3206.001.0001, section 4.2.
"""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffseis.core.tables import PHASES

_JITTER = 1e-9
"""Added to the unit diagonal of correlation matrices: neighbours much closer than the correlation length make them singular to rounding."""


class SpeedPrior(eqx.Module):
    """Normal distribution of the logarithms of P and S speeds at nodes.

    Attributes:
        mean: logarithm of speed (in km/s); P first.
        factors: lower Cholesky factors, one of the phases (standard deviations and correlation of P and S), then one per axis.
    """

    mean: Float[Array, "phase *shape"]
    factors: tuple[Float[Array, "_ _"], ...]

    def __init__(
        self,
        speed_km_s,
        axes_km: Sequence,
        *,
        sd: float | tuple[float, float] = 0.1,
        correlation_km: float | Sequence[float] = 5.0,
        ps_correlation: float = 0.7,
    ):
        """
        Args:
            speed_km_s: of P and S, ``"phase *shape"``: the median of the prior.
            axes_km: coordinates of the nodes along each axis, increasing.
            sd: standard deviation of the logarithm (0.1: ten per cent), of both phases or of each.
            correlation_km: of each axis, or of all.
            ps_correlation: between the logarithms of P and S speed at one place. That of Vp/Vs has the standard deviation
                ``sd sqrt(2 (1 - ps_correlation))`` where both phases have the same.
        """
        speed = np.asarray(speed_km_s, np.float64)
        axes = [np.asarray(a, np.float64) for a in axes_km]
        expected = (len(PHASES), *(len(a) for a in axes))
        if speed.shape != expected:
            raise ValueError(
                f"`speed_km_s` must have shape {expected} (P and S, then the axes), got {speed.shape}"
            )
        if not (np.all(np.isfinite(speed)) and np.all(speed > 0)):
            raise ValueError("`speed_km_s` must be positive and finite at every node")
        sds = np.broadcast_to(np.asarray(sd, np.float64), (len(PHASES),))
        lengths = np.broadcast_to(np.asarray(correlation_km, np.float64), (len(axes),))
        if not (np.all(sds >= 0) and np.all(lengths > 0) and -1 < ps_correlation < 1):
            raise ValueError(
                "a prior of speeds needs `sd` >= 0, `correlation_km` > 0 and `ps_correlation` within (-1, 1), got "
                f"{sd}, {correlation_km} and {ps_correlation}"
            )
        phases = np.array([[1.0, 0.0], [ps_correlation, np.sqrt(1 - ps_correlation**2)]])
        self.mean = jnp.asarray(np.log(speed), float)
        self.factors = (
            jnp.asarray(sds[:, None] * phases, float),
            *(jnp.asarray(_axis_factor(a, b), float) for a, b in zip(axes, lengths, strict=True)),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.mean.shape

    @property
    def size(self) -> int:
        return int(np.prod(self.mean.shape))

    def scale(self, white: Float[Array, "phase *shape"]) -> Float[Array, "phase *shape"]:
        """The departure from the mean that independent unit normals stand for: the square root of the covariance times them."""
        out = white
        for axis, factor in enumerate(self.factors):
            out = jnp.moveaxis(jnp.tensordot(factor, out, axes=(1, axis)), 0, axis)
        return out

    def log_speed(self, white: Float[Array, "phase *shape"]) -> Float[Array, "phase *shape"]:
        """Logarithms of speed (km/s) of independent unit normals."""
        return self.mean + self.scale(white)

    def sd(self) -> Float[Array, "phase *shape"]:
        """Standard deviation of the logarithm at every node."""
        out = jnp.ones((), self.mean.dtype)
        for factor in self.factors:
            out = jnp.tensordot(out, jnp.sqrt(jnp.sum(factor**2, axis=1)), axes=0)
        return out


def _axis_factor(axis_km: np.ndarray, correlation_km: float) -> np.ndarray:
    """Lower Cholesky factor of the Matern 3/2 correlations of nodes on a line."""
    if axis_km.ndim != 1 or not np.all(np.diff(axis_km) > 0):
        raise ValueError(f"the coordinates of nodes must increase, got {axis_km}")
    apart = np.sqrt(3.0) * np.abs(axis_km[:, None] - axis_km[None, :]) / correlation_km
    return np.linalg.cholesky((1 + apart) * np.exp(-apart) + _JITTER * np.eye(len(axis_km)))
