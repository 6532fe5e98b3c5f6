"""Seismograms of any source out of a store of Green's functions.

The displacement that a moment tensor makes at a station is, by reciprocity, the double product of the tensor with the strain that a force at
the station would make at the source. A store holds these strains on a lattice of places, as coefficients of splines: seismograms of a source
between them cost a product of a small matrix with some of them, and a convolution, instead of a run.

References:
    Eisner & Clayton (2001), A reciprocity method for multiple-source simulations, doi:10.1785/0120000222. Zhao, Chen & Jordan (2006), Strain
    Green's tensors, reciprocity, and their applications to seismic source and structure studies, doi:10.1785/0120050253. van Driel et al. (2015),
    Instaseis: instant global seismograms based on a broadband waveform database, doi:10.5194/se-6-701-2015.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float
from scipy.fft import next_fast_len

from diffseis.core import bsplines
from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid
from diffseis.wave.resampling import integrated
from diffseis.wave.time_axis import TimeAxis


def tensor_pairs(num_dims: int) -> tuple[tuple[int, int], ...]:
    """Axes of the components of a symmetric tensor, in the order of a store."""
    return tuple((i, j) for i in range(num_dims) for j in range(i, num_dims))


class GreensStore(eqx.Module):
    """Strains of impulses at stations, on a lattice of places where sources may be.

    Seismograms are those of a run with `MomentSources`, but for frequencies above `pass_hz`, which fade out. They are differentiable in
    the source's place, tensor and series, and in the store.

    Attributes:
        coefficients: of splines through strains per force and time, 1 / (GPa km^2 s): by the component of strain (`tensor_pairs`), and by that
            of the force.
        lattice: the places, on the axes of the medium's grid. They are held fixed where seismograms are differentiated.
        time_axis: of seismograms.
        pass_hz: highest frequency.
        num_before: samples of each record before the impulse (static).
        degree: of the splines (static).
    """

    coefficients: Float[Array, "station *node tensor component time"]
    lattice: RegularGrid
    time_axis: TimeAxis
    pass_hz: Float[Array, ""]
    num_before: int = eqx.field(static=True)
    degree: int = eqx.field(static=True)

    def __check_init__(self):
        bsplines.check_degree(self.degree)
        num = self.lattice.num_dims
        nodes = tuple(bsplines.num_coefficients(n, self.degree) for n in self.lattice.shape)
        times = self.time_axis.num_samples + self.num_before
        wanted = (*nodes, len(tensor_pairs(num)), num, times)
        if self.coefficients.shape[1:] != wanted:
            raise ValueError(
                f"`coefficients` has shape {self.coefficients.shape}, for this lattice and time axis it must be (stations, {', '.join(map(str, wanted))})"
            )

    @property
    def num_stations(self) -> int:
        return self.coefficients.shape[0]

    def velocity(
        self,
        position_km: Float[Array, " dim"],
        moment: Float[Array, "dim dim"],
        series: Float[Array, " time"],
    ) -> Float[Array, "station component time"]:
        """Particle velocity in km/s of one source at all stations.

        Args:
            position_km: within the lattice. Elsewhere it is an error; where JAX traces, seismograms are NaN.
            moment: in GPa km^3 = 1e18 N m (per km out of the plane in two dimensions).
            series: moment rate over moment in 1/s at the times of `time_axis`, as a row of `time_series`.
        """
        self._check(series)
        return self._convolved(self.impulse_velocity(position_km, moment), series)

    def displacement(
        self,
        position_km: Float[Array, " dim"],
        moment: Float[Array, "dim dim"],
        series: Float[Array, " time"],
    ) -> Float[Array, "station component time"]:
        """The same in km of displacement."""
        self._check(series)
        rate = jnp.pad(series, (0, self.num_before))
        return self._convolved(
            self.impulse_velocity(position_km, moment), integrated(rate, self.time_axis.dt_s)
        )

    def impulse_velocity(
        self, position_km: Float[Array, " dim"], moment: Float[Array, "dim dim"]
    ) -> Float[Array, "station component lag"]:
        """Velocity over the integral of moment rate for a source that acts all at once, `num_before` samples after the first."""
        self._check_inside(position_km)
        index = self.lattice.to_index(position_km.astype(self.lattice.origin_km.dtype))
        last = jnp.asarray(self.lattice.shape, index.dtype) - 1
        inside = jnp.all((index >= -_SLACK) & (index <= last + _SLACK))
        found = _read(self.coefficients, index, self._six(moment), self.degree)
        return jnp.where(inside, found, jnp.nan)

    def _six(self, moment) -> Float[Array, " tensor"]:
        """What to multiply components of strain with."""
        pairs = tensor_pairs(self.lattice.num_dims)
        both = [moment[i, i] if i == j else moment[i, j] + moment[j, i] for i, j in pairs]
        return jnp.stack(both).astype(self.coefficients.dtype)

    def _convolved(self, records, series):
        num, before = self.time_axis.num_samples, self.num_before
        length = int(np.asarray(next_fast_len(2 * (num + before), real=True)))
        spectrum = jnp.fft.rfft(series.astype(records.dtype), n=length)[None, None, :]
        full = jnp.fft.irfft(jnp.fft.rfft(records, n=length, axis=-1) * spectrum, n=length, axis=-1)
        return full[..., before : before + num].astype(records.dtype) * self.time_axis.dt_s.astype(
            records.dtype
        )

    def _check(self, series) -> None:
        if series.shape != (self.time_axis.num_samples,):
            raise ValueError(
                f"`series` has shape {series.shape}, the time axis {self.time_axis.num_samples} samples"
            )

    def _check_inside(self, position_km) -> None:
        if position_km.shape != (self.lattice.num_dims,):
            raise ValueError(
                f"`position_km` must have {self.lattice.num_dims} coordinates, got an array of shape {position_km.shape}"
            )
        if not is_concrete(position_km, self.lattice.origin_km, self.lattice.spacing_km):
            return
        low, spacing = np.asarray(self.lattice.origin_km), np.asarray(self.lattice.spacing_km)
        high = low + spacing * (np.asarray(self.lattice.shape) - 1)
        place = np.asarray(position_km)
        if not np.all((place >= low - _SLACK * spacing) & (place <= high + _SLACK * spacing)):
            raise ValueError(
                f"the source at {place} km lies outside the store, which spans {low} to {high} km: build one that reaches there"
            )


_SLACK = 1e-4
"""Of a lattice spacing, outside of which a source lies outside: positions in single precision are rounded."""


def _rows(index, sizes, degree: int, *, slopes: bool):
    """The first coefficient along each axis, and weights of all in reach: of the value, then of its derivatives by `index`."""
    cells = [bsplines.cell(index[a], n) for a, n in enumerate(sizes)]
    value = [bsplines.weights(t, degree) for _, t in cells]
    rows = [value]
    if slopes:
        slope = [_slope(t, degree) for _, t in cells]
        rows += [[slope[a] if a == axis else w for a, w in enumerate(value)] for axis in range(len(sizes))]
    return jnp.stack([first for first, _ in cells]), jnp.stack([_outer(r).reshape(-1) for r in rows])


def _slope(fraction, degree: int):
    return jax.jvp(lambda t: bsplines.weights(t, degree), (fraction,), (jnp.ones_like(fraction),))[1]


def _outer(weights):
    product = weights[0]
    for w in weights[1:]:
        product = product[..., None] * w.reshape((1,) * product.ndim + w.shape)
    return product


def _contracted(coefficients, first, rows, degree: int) -> Float[Array, "row station tensor component time"]:
    """Sums over the coefficients in reach, one for each row of weights."""
    num_dims = first.shape[0]
    reach = (degree + 1,) * num_dims
    rest = coefficients.shape[1 + num_dims :]
    rows = rows.astype(coefficients.dtype)
    zero = jnp.zeros((), first.dtype)

    # Station by station: what is gathered stays in the processor's cache until it is used.
    def one(_, station):
        begin = (station, *(first[a] for a in range(num_dims)), *(zero for _ in rest))
        patch = jax.lax.dynamic_slice(coefficients, begin, (1, *reach, *rest))
        return None, rows @ patch.reshape(rows.shape[1], -1)

    stations = jnp.arange(coefficients.shape[0], dtype=first.dtype)
    found = jax.lax.scan(one, None, stations)[1]
    return jnp.moveaxis(found.reshape(-1, rows.shape[0], *rest), 1, 0)


def _times_moment(moment, strains):
    return jnp.tensordot(moment, strains, axes=(0, 1))


def _sizes(coefficients, degree: int) -> list[int]:
    return [n - degree + 1 for n in coefficients.shape[1:-3]]


def _plain(coefficients, index, moment, degree: int) -> Float[Array, "station component time"]:
    first, rows = _rows(index, _sizes(coefficients, degree), degree, slopes=False)
    return _times_moment(moment, _contracted(coefficients, first, rows, degree)[0])


_read = jax.custom_jvp(_plain, nondiff_argnums=(3,))
"""Strain at a place times moment. Its derivatives are found in the same pass over the coefficients as its value: memory is what costs time."""


def _read_jvp(degree: int, primals, tangents):
    coefficients, index, moment = primals
    dcoefficients, dindex, dmoment = tangents
    moves = not isinstance(dindex, SymbolicZero)
    first, rows = _rows(index, _sizes(coefficients, degree), degree, slopes=moves)
    strains = _contracted(coefficients, first, rows, degree)
    value = _times_moment(moment, strains[0])
    change = jnp.zeros_like(value)
    if not isinstance(dmoment, SymbolicZero):
        change = change + _times_moment(dmoment, strains[0])
    if moves:
        slopes = jnp.stack([_times_moment(moment, s) for s in strains[1:]])
        change = change + jnp.tensordot(dindex.astype(value.dtype), slopes, axes=(0, 0))
    if not isinstance(dcoefficients, SymbolicZero):
        change = change + _plain(dcoefficients, index, moment, degree)
    return value, change


_read.defjvp(_read_jvp, symbolic_zeros=True)
