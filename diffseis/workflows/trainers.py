"""The trainers that the command line knows by name."""

from collections.abc import Callable
from typing import NamedTuple

from diffseis.core.errors import InputError
from diffseis.inference import AbstractTrainer, SelfScaledBroyden, Spring, adam, soap


class Choice(NamedTuple):
    """A trainer and what goes with it.

    Attributes:
        make: the trainer, for a number of steps.
        num_steps: of the training, where none is given.
        num_points: per step.
        width: of the network.
    """

    make: Callable[[int], AbstractTrainer]
    num_steps: int
    num_points: int
    width: int = 48


class Chosen(NamedTuple):
    """A trainer, and what a training with it takes."""

    trainer: AbstractTrainer
    num_steps: int
    num_points: int
    width: int


TRAINERS = {
    "spring": Choice(lambda num_steps: Spring(), 300, 1024),
    "adam": Choice(adam, 10_000, 1024),
    "soap": Choice(soap, 5_000, 1024),
    # Its steps cost the square of the number of weights.
    "ssbroyden": Choice(lambda num_steps: SelfScaledBroyden(), 100, 4096, 24),
}
"""Steps are not alike: those of `ssbroyden` are twenty each, those of `adam` cost a tenth of `spring`'s."""


MAX_BYTES = 32e9
"""More memory than this is refused before it is asked for."""


def choose_trainer(name: str, num_steps: int | None, width: int | None = None) -> Chosen:
    """The trainer of a name, with its usual number of steps and width where none are given."""
    if name not in TRAINERS:
        raise InputError(f"unknown trainer {name!r}", field="trainer", fix=f"use {', '.join(TRAINERS)}")
    make, usual_steps, num_points, usual_width = TRAINERS[name]
    steps = usual_steps if num_steps is None else num_steps
    width = usual_width if width is None else width
    weights = 2 * width * width + 16 * width
    # Three times what is held per weight: a row of residuals' derivatives, or one of the inverse Hessian.
    rows = {"spring": num_points, "ssbroyden": weights}.get(name, 0)
    num_bytes = 3 * 8.0 * rows * weights
    if num_bytes > MAX_BYTES:
        raise InputError(
            f"{name} takes about {num_bytes / 1e9:.0f} GB for networks of {width} units per layer (at most {MAX_BYTES / 1e9:.0f} GB are allowed)",
            field="--width",
            fix="give a smaller one, or --trainer adam",
        )
    try:
        return Chosen(make(steps), steps, num_points, width)
    except ValueError as error:
        raise InputError(str(error), field="steps", fix="give more --steps, or --trainer spring") from error
