"""Whether results can be written, asked before the work and not after it."""

from pathlib import Path

from diffseis.core.errors import InputError


def check_outputs(outputs: dict[str, Path | None], inputs: dict[str, Path | None]) -> None:
    """Raises InputError where a file to be written is one that is read, stands for two, is a folder, or cannot be written.

    Args:
        outputs, inputs: files by option, such as ``--out``; None where the option was not given.
    """
    from diffseis.io import atomic_path

    read = {path.resolve(): option for option, path in inputs.items() if path is not None}
    written: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        other = read.get(path.resolve()) or written.get(path.resolve())
        if other is not None:
            raise InputError(f"{path} is {other}, too", field=option, fix="give another name")
        written[path.resolve()] = option
        if path.is_dir():
            raise InputError(f"{path} is a folder", field=option, fix=f"name a file in it: {path / 'NAME'}")
        if not path.exists():
            with atomic_path(path) as temporary:  # what it raises says what is wrong, and how to mend it
                temporary.touch()
            path.unlink(missing_ok=True)


def check_picture(path: Path | None, option: str) -> None:
    """Raises InputError where a figure would not be a PNG."""
    if path is not None and path.suffix.lower() != ".png":
        raise InputError(f"{path} would not be a picture", field=option, fix="end its name with .png")
