"""Random keys that depend on *what* is computed, not on where it stands in a batch."""

import hashlib
from collections.abc import Sequence

import jax
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key, UInt32


def stable_ids(names: Sequence[str]) -> UInt32[np.ndarray, " name"]:
    """A 32-bit number for each name, the same on every machine and in every session."""
    digests = (hashlib.sha256(str(name).encode()).digest()[:4] for name in names)
    return np.frombuffer(b"".join(digests), dtype=">u4").astype(np.uint32)


def fold_keys(key: Key[Array, ""], ids: UInt32[Array | np.ndarray, " name"]) -> Key[Array, " name"]:
    """One key per id. An event's key does not change when others are added, dropped or reordered."""
    return jax.vmap(lambda i: jr.fold_in(key, i))(ids)
