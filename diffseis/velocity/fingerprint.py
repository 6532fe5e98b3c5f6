"""A short name for the exact content of a model, for provenance and caches."""

import hashlib

import jax
import numpy as np
from jaxtyping import PyTree


def model_hash(model: PyTree) -> str:
    """SHA-256 (hex) of a model's structure and of every array leaf: values, shapes and dtypes.

    Equal models have equal hashes on every machine of the same byte order; one changed bit changes the hash.

    Raises:
        ValueError: for a model that holds plain functions, whose content cannot be seen.
    """
    leaves, structure = jax.tree.flatten(model)
    digest = hashlib.sha256(str(structure).encode())
    for leaf in leaves:
        array = np.asarray(leaf)
        if array.dtype == object:
            raise ValueError(
                f"a model that holds a {type(leaf).__name__} has no hash; give functions of a point as an `equinox.Module`"
            )
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
