"""Whether a value is there to be looked at."""

from jax.core import Tracer


def is_concrete(*values) -> bool:
    """Whether values can be looked at: they cannot while JAX traces a function."""
    return not any(isinstance(v, Tracer) for v in values)
