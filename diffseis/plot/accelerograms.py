"""One strong-motion record on a page: motion, Arias intensity and response spectra."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from diffseis.plot.style import HORIZONTAL_COLOUR, P_COLOUR, S_COLOUR, add_grid, house_style, new_figure
from diffseis.signal import (
    STANDARD_GRAVITY_M_S2,
    LinearSubsteps,
    displacement,
    husid_curve,
    response_spectrum,
    rotated_spectrum,
    velocity,
)

_COLOURS = (P_COLOUR, S_COLOUR)
PERIOD_S = np.geomspace(0.01, 10.0, 91)


def accelerogram_figure(
    accelerations_m_s2: Sequence[Float[np.ndarray, " _"]],
    names: Sequence[str],
    dt_s: float,
    *,
    title: str = "",
    damping: float = 0.05,
) -> Figure:
    """Acceleration, velocity, displacement and Husid curve of one or two components, and their spectra, with RotD50 where there are two.

    Args:
        accelerations_m_s2: of each component, of the same interval.
        names: of the components.
        dt_s: the interval.
        title: of the page.
        damping: of the spectra.
    """
    with house_style():
        figure = new_figure(10.0, 6.6)
        grid = figure.add_gridspec(4, 2, width_ratios=(1.5, 1.0))
        axes = [figure.add_subplot(grid[0, 0])]
        axes += [figure.add_subplot(grid[k, 0], sharex=axes[0]) for k in (1, 2, 3)]
        spectrum_ax = figure.add_subplot(grid[:, 1])
        scales = (1 / STANDARD_GRAVITY_M_S2, 100.0, 100.0, 1.0)
        labels = ("Acceleration (g)", "Velocity (cm/s)", "Displacement (cm)", "Arias intensity (m/s)")
        for values, name, colour in zip(accelerations_m_s2, names, _COLOURS, strict=False):
            a = jnp.asarray(values)
            time = dt_s * np.arange(len(values))
            for k, (ax, scale) in enumerate(zip(axes, scales, strict=True)):
                series = scale * np.asarray(_series(a, dt_s, k))
                ax.plot(time, series, color=colour, linewidth=0.7, label=f"{name}{_peak(series, k)}")
            found = response_spectrum(a, dt_s, PERIOD_S, damping, substeps=LinearSubsteps())
            psa = np.asarray(found.pseudo_acceleration_m_s2) / STANDARD_GRAVITY_M_S2
            spectrum_ax.plot(PERIOD_S, psa, color=colour, linewidth=0.9, label=name)
        if len(accelerations_m_s2) == 2:
            num = min(len(a) for a in accelerations_m_s2)
            pair = jnp.asarray(np.stack([a[:num] for a in accelerations_m_s2]))
            middle = rotated_spectrum(pair, dt_s, PERIOD_S, damping, substeps=LinearSubsteps()).rotd()[0]
            spectrum_ax.plot(
                PERIOD_S,
                np.asarray(middle) / STANDARD_GRAVITY_M_S2,
                color=HORIZONTAL_COLOUR,
                linewidth=1.6,
                label="RotD50",
            )
        corners = ("upper right", "upper right", "upper left", "lower right")
        for ax, label, corner in zip(axes, labels, corners, strict=True):
            ax.set_ylabel(label)
            ax.legend(loc=corner, handlelength=1.2, frameon=True, framealpha=0.85, edgecolor="none")
            ax.margins(x=0)
            add_grid(ax)
        for ax in axes[:-1]:
            ax.tick_params(labelbottom=False)
        axes[-1].set_xlabel("Time from the first sample (s)")
        axes[0].set_title(title)
        spectrum_ax.set_xscale("log")
        spectrum_ax.set_yscale("log")
        spectrum_ax.set_xlabel("Period (s)")
        spectrum_ax.set_ylabel("Pseudo-acceleration (g)")
        spectrum_ax.set_title(f"Response spectra, {100 * damping:g} % damping")
        spectrum_ax.legend(loc="lower left")
        add_grid(spectrum_ax)
        return figure


def _series(acceleration, dt_s, which):
    if which == 0:
        return acceleration
    return (velocity, displacement, husid_curve)[which - 1](acceleration, dt_s)


def _peak(series, which) -> str:
    return f": {series[-1]:.3g}" if which == 3 else f": {np.max(np.abs(series)):.3g}"
