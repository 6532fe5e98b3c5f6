"""Checks of values at the nodes of a grid."""

import numpy as np
from jaxtyping import Array, Float

from diffseis.core.concrete import is_concrete
from diffseis.core.grids import RegularGrid


def check_nodal(
    grid: RegularGrid,
    values: dict[str, Float[Array, "..."]],
    *,
    above: float | None = None,
    least: float | None = None,
    finite: bool = True,
    why: str = "",
) -> None:
    """Refuse arrays that do not fit a grid, and, where they can be seen, those that are not numbers, or too small.

    Args:
        values: by the name that the user knows.
        above, least: what all values must exceed, or must not be below.
        finite: whether they must not be infinite.
        why: the reason, for the message.
    """
    for name, value in values.items():
        if value.shape != grid.shape:
            raise ValueError(f"`{name}` has shape {value.shape}, its grid {grid.shape}")
        if not is_concrete(value):
            continue
        seen = np.asarray(value)
        good = ~np.isnan(seen) & (np.isfinite(seen) | (not finite))
        bounds = ["finite"] * finite
        if above is not None:
            good = good & (seen > above)
            bounds.append(f"above {above:g}")
        if least is not None:
            good = good & (seen >= least)
            bounds.append(f"at least {least:g}")
        if not good.all():
            node = tuple(int(i) for i in np.argwhere(~good)[0])
            reason = f": {why}" if why else ""
            raise ValueError(
                f"`{name}` must be {' and '.join(bounds)} at every node, got {seen[node]:g} at {node}{reason}"
            )
