"""How computations end: one enumeration of human sentences, and one container for what they return."""

from typing import Any, Generic, TypeVar

import equinox as eqx
import numpy as np
from jaxtyping import PyTree

T = TypeVar("T")


class RESULTS(eqx.Enumeration):
    """Outcomes. `successful` is falsy in no sense: compare with ``==``."""

    successful = ""
    no_data = "There is nothing to work on: every datum is missing or masked."
    underdetermined = "The data cannot determine the unknowns, or no datum is left to check them by. More phases or stations are needed."
    boundary = (
        "The solution leans on the edge of the search volume, so that its uncertainty is cut off there. "
        "Enlarge the volume or the velocity model, or check the picks."
    )
    not_converged = (
        "The sampler did not converge: the particles do not represent the posterior well. "
        "Increase the number of particles or steps."
    )
    max_steps_reached = "The iteration stopped at its largest number of steps before it met its tolerance."
    non_finite = "A value or a gradient became infinite or NaN."
    left_grid = "A ray left the grid on which its travel times are known. Enlarge the grid."


STATUS_BY_RESULT = {
    "successful": "located",
    "no_data": "no-data",
    "underdetermined": "underdetermined",
    "boundary": "boundary",
    "not_converged": "not-converged",
    "max_steps_reached": "not-converged",
    "non_finite": "failed",
    "left_grid": "failed",
}
"""The word that catalogues and reports use for each result."""

_NAMES = ["successful", *[n for n in STATUS_BY_RESULT if n != "successful"]]


def result_name(code: int) -> str:
    """The name of the `RESULTS` member with this integer code."""
    for name in _NAMES:
        if int(getattr(RESULTS, name)._value) == int(code):
            return name
    raise ValueError(f"{code} is no code of RESULTS")


def status_words(codes) -> np.ndarray:
    """Status words (``located``, ``boundary``...) of an array of `RESULTS` codes."""
    table = {int(getattr(RESULTS, name)._value): word for name, word in STATUS_BY_RESULT.items()}
    return np.array([table[int(c)] for c in np.ravel(np.asarray(codes))], dtype=object).reshape(
        np.shape(codes)
    )


class Solution(eqx.Module, Generic[T]):
    """What every `solve_*`, `fit_*`, `locate`, `associate` and `invert` returns.

    Attributes:
        value: the answer.
        result: a `RESULTS` item, or an array of its codes for batched work.
        stats: numbers about the run (steps, compile time, effective sample size).
        state: what is needed to go on.
    """

    value: Any
    result: Any
    stats: dict[str, PyTree]
    state: PyTree = None
