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
    """

    make: Callable[[int], AbstractTrainer]
    num_steps: int
    num_points: int


TRAINERS = {
    "spring": Choice(lambda num_steps: Spring(), 300, 1024),
    "adam": Choice(adam, 10_000, 1024),
    "soap": Choice(soap, 5_000, 1024),
    "ssbroyden": Choice(lambda num_steps: SelfScaledBroyden(), 100, 4096),
}
"""Steps are not alike: those of `ssbroyden` are twenty each, those of `adam` cost a tenth of `spring`'s."""


def choose_trainer(name: str, num_steps: int | None) -> tuple[AbstractTrainer, int, int]:
    """The trainer of a name, the number of steps and that of points."""
    if name not in TRAINERS:
        raise InputError(f"unknown trainer {name!r}", field="trainer", fix=f"use {', '.join(TRAINERS)}")
    make, usual, num_points = TRAINERS[name]
    steps = usual if num_steps is None else num_steps
    try:
        return make(steps), steps, num_points
    except ValueError as error:
        raise InputError(str(error), field="steps", fix="give more --steps, or --trainer spring") from error
