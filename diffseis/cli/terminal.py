"""Progress on a terminal: bars where there is one, lines where there is not."""

import time
from types import TracebackType


class Reporter:
    """Shows what a job is doing. Use as a context manager and pass `update` as the job's `progress`.

    Args:
        unit: what `update` counts; "bytes" are shown as megabytes and with their speed.
    """

    def __init__(self, unit: str = "") -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TransferSpeedColumn,
        )

        self.unit = unit
        self.console = Console(stderr=True)
        self.live = self.console.is_terminal
        counts = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (MofNCompleteColumn(),)
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *counts,
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.live,
        )
        self.stage = ""
        self.task = None
        self.start = time.perf_counter()
        self.last_line = 0.0

    def __enter__(self) -> "Reporter":
        self.bars.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.__exit__(kind, value, trace)

    def update(self, stage: str, done: int, total: int) -> None:
        """Called by the job: stage, how many are done, of how many (0 where that is not known)."""
        if self.live:
            if stage != self.stage or self.task is None:
                if self.task is not None:
                    self.bars.update(self.task, total=1, completed=1)
                self.task = self.bars.add_task(stage, total=total or None)
            self.bars.update(self.task, completed=done, total=total or None)
        else:
            now = time.perf_counter()
            if stage != self.stage or now - self.last_line > 5 or (total and done == total):
                count = self._count(done, total)
                self.console.print(
                    f"[{now - self.start:6.1f} s] {stage}{count}", highlight=False, markup=False
                )
                self.last_line = now
        self.stage = stage

    def _count(self, done: int, total: int) -> str:
        if self.unit == "bytes":
            return f" {done / 1e6:.1f}" + (f"/{total / 1e6:.1f}" if total else "") + " MB"
        return f" {done}/{total}" if total else ""


def numbers(
    text: str | None, option: str, names: str, example: str, *, one_for_all: bool = False
) -> tuple[float, ...] | float | None:
    """Comma-separated numbers of an option. A lone 0 switches something off; with `one_for_all` a lone number is given back as it is."""
    from diffseis.core.errors import InputError

    if text is None:
        return None
    count = names.split(" ")[0].count(",") + 1
    fix = f"give {names}, as {option} {example}"
    try:
        values = tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise InputError(f"{text!r} is no list of numbers", field=option, fix=fix) from error
    if len(values) == 1 and one_for_all:
        return values[0]
    if values == (0.0,):
        values = values * count
    if len(values) != count:
        raise InputError(f"got {len(values)} number(s), {text!r}", field=option, fix=fix)
    return values


def use_compilation_cache() -> str | None:
    """Keeps compiled programs between runs, where the machine lets us; returns the folder.

    ``DIFFSEIS_CACHE`` names another folder; empty switches it off. Best effort: without it, only start-up is slower.
    """
    import os
    import platform
    from pathlib import Path

    import jax

    wanted = os.environ.get("DIFFSEIS_CACHE")
    if wanted == "":
        return None
    base = (
        Path(wanted)
        if wanted
        else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "diffseis"
    )
    # Programs made for one processor may not run on another that shares the home directory.
    folder = base / f"xla-{jax.__version__}-{platform.machine()}-{_processor()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            return None
    except OSError:
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return str(folder)


def _processor() -> str:
    """A short digest of the processor's model and features."""
    import hashlib
    import platform
    from pathlib import Path

    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
        lines = sorted(
            line for line in text.splitlines() if line.startswith(("model name", "flags", "Features"))
        )
    except OSError:
        lines = [platform.processor()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:10]


def prepare_jax() -> None:
    """What every command does before its first array: double precision, cached programs, no GPU noise."""
    import logging

    from diffseis.core.precision import enable_x64

    enable_x64()
    use_compilation_cache()
    logging.getLogger("jax._src.xla_bridge").setLevel(logging.ERROR)
