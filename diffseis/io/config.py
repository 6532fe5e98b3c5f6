"""TOML configuration, as a plain dictionary: what its keys mean is checked where they are used."""

import re
import tomllib
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.io.guards import read_text


def read_config(path: str | Path) -> dict[str, Any]:
    """The content of a TOML file."""
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else None
        raise InputError(
            f"is no valid TOML ({error})", file=path, line=line, fix="correct the line"
        ) from error
