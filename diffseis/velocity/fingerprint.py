"""A short name for the exact content of a model, for provenance and caches."""

import hashlib

import jax
import numpy as np
from jaxtyping import PyTree


def model_hash(model: PyTree) -> str:
    """SHA-256 (hex) of a model's structure and of every array leaf: values, shapes and dtypes.

    Equal models have equal hashes on every machine of the same byte order; one changed bit changes the hash.
    """
    leaves, structure = jax.tree.flatten(model)
    digest = hashlib.sha256(str(structure).encode())
    for leaf in leaves:
        array = np.asarray(leaf)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
