"""Ground motions of scenarios as CSV: one row per scenario, model and measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffseis.io.atomic import atomic_path

GROUND_MOTION_COLUMNS = ("scenario", "model", "imt", "mean_ln", "tau", "phi", "sigma")
_BLOCK = 20_000


@dataclass(frozen=True)
class GroundMotions:
    """Of one model.

    Attributes:
        model: its name, as asked for.
        measures: names of intensity measures.
        mean_ln, tau, phi, sigma: measure by scenario.
    """

    model: str
    measures: Sequence[str]
    mean_ln: np.ndarray
    tau: np.ndarray
    phi: np.ndarray
    sigma: np.ndarray


def write_ground_motions_csv(
    path: str | Path, models: Sequence[GroundMotions], progress: Callable[[int, int], None] | None = None
) -> None:
    """Write all, scenario by scenario; what is no number stays empty.

    Args:
        path: the file.
        models: of the same scenarios.
        progress: told how many scenarios are written, of how many.
    """
    num = models[0].mean_ln.shape[1] if models else 0
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(",".join(GROUND_MOTION_COLUMNS) + "\n")
        for first in range(0, num, _BLOCK):
            rows = range(first, min(first + _BLOCK, num))
            stream.write("".join(_lines(models, rows)))
            if progress is not None:
                progress(rows[-1] + 1, num)


def _lines(models: Sequence[GroundMotions], rows: range):
    part = slice(rows[0], rows[-1] + 1)
    heads, numbers = [], []
    for m in models:
        stacked = np.stack([m.mean_ln, m.tau, m.phi, m.sigma], axis=-1)[:, part]
        for i, name in enumerate(m.measures):
            heads.append(f",{m.model},{name},")
            numbers.append(stacked[i].tolist())
    for k, row in enumerate(rows):
        for head, values in zip(heads, numbers, strict=True):
            yield f"{row}{head}{','.join(map(_number, values[k]))}\n"


def _number(value: float) -> str:
    return f"{value:.9g}" if np.isfinite(value) else ""
