"""``diffseis``: sub-commands, and the one place where errors become messages and exit codes."""

import _thread
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable

import typer

from diffseis.cli.demo import demo
from diffseis.cli.doctor import doctor
from diffseis.cli.fetch import fetch
from diffseis.cli.greens import greens
from diffseis.cli.groundmotion import groundmotion
from diffseis.cli.hazard import hazard
from diffseis.cli.intensity import intensity
from diffseis.cli.locate import locate
from diffseis.cli.mechanism import mechanism
from diffseis.cli.residuals import residuals
from diffseis.cli.shaking import shaking
from diffseis.cli.train_eikonal import train_eikonal
from diffseis.cli.train_groundmotion import train_groundmotion
from diffseis.cli.train_wave import train_wave
from diffseis.cli.traveltimes import traveltimes
from diffseis.cli.wave import wave

app = typer.Typer(
    name="diffseis",
    help="Differentiable physics for earthquake seismology.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done, 2 bad input or settings, 3 done but no event was located or computed, measured, or has a mechanism, 130 interrupted (repeat to resume locate, greens, demo and fetch).",
)


class Interrupted(BaseException):
    """Ctrl-C during a command. Typer would end the program itself on a `KeyboardInterrupt`, without a word.

    Attributes:
        resumes: whether the command goes on where it stopped.
    """

    def __init__(self, resumes: bool = True) -> None:
        super().__init__()
        self.resumes = resumes


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def wrapped(*words, **options) -> None:
        try:
            command(*words, **options)
        except KeyboardInterrupt as error:
            raise Interrupted(command not in _FROM_THE_START) from error

    return wrapped


_FROM_THE_START = (
    traveltimes,
    train_eikonal,
    train_groundmotion,
    train_wave,
    wave,
    mechanism,
    groundmotion,
    intensity,
    residuals,
    shaking,
    hazard,
)
"""Commands that keep nothing of what they have not finished."""

for _command in (
    locate,
    mechanism,
    groundmotion,
    residuals,
    train_groundmotion,
    shaking,
    hazard,
    intensity,
    traveltimes,
    train_eikonal,
    wave,
    train_wave,
    greens,
    demo,
    doctor,
    fetch,
):
    app.command()(_interruptible(_command))


def _version(show: bool) -> bool:
    if show:
        from importlib.metadata import version

        typer.echo(f"diffseis {version('diffseis')}")
        raise typer.Exit()
    return show


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def _interrupt() -> None:
    """As Ctrl-C does: it wakes what waits, too, where the system has signals."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def keep_interrupts() -> None:
    """Raise Ctrl-C anew where it would be lost: Python prints, and forgets, what is raised inside a callback of its garbage collector, and JAX has one."""
    usual = sys.unraisablehook

    def hook(unraisable) -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            # Not at once: this hook's own exceptions are forgotten, too.
            threading.Timer(0.05, _interrupt).start()
        else:
            usual(unraisable)

    sys.unraisablehook = hook


def main() -> None:
    """Entry point: one short message for what a user can mend, a traceback only for our own faults."""
    keep_interrupts()
    # A GPU's memory is not taken whole unless the user asked for it.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    from diffseis.core.errors import InputError

    try:
        app()
    except InputError as error:
        typer.echo(f"diffseis: {error}", err=True)
        sys.exit(2)
    except (Interrupted, KeyboardInterrupt) as error:
        kept = "What was finished is kept; the same command goes on from there."
        nothing = "Nothing was written; the same command begins anew."
        said = kept if getattr(error, "resumes", True) else nothing
        typer.echo(f"\ndiffseis: interrupted. {said}", err=True)
        sys.stderr.flush()
        # Threads may still be inside compiled code, which cannot be interrupted: do not wait for them.
        os._exit(130)
