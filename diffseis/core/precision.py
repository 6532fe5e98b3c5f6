"""Double precision is chosen by programs, never by the library.

Command line, experiments, notebooks and the test configuration call `enable_x64` before they make their first array.
Library functions follow the dtype of what they are given.
"""

import jax


def enable_x64() -> None:
    """Switch JAX to 64-bit floats for this process."""
    jax.config.update("jax_enable_x64", True)


def x64_enabled() -> bool:
    """Whether arrays are double precision by default."""
    return bool(jax.config.read("jax_enable_x64"))
