"""Weights as bytes: safetensors with a JSON header. No code is stored, so none is executed when they are read."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

HEADER_KEY = "diffseis"
DIGEST_KEY = "weights_sha256"
"""In the header, of the arrays: a file whose weights were damaged is told from one that is whole."""
T = TypeVar("T", bound=PyTree)


def pack_weights(module: PyTree, header: Mapping[str, Any]) -> bytes:
    """A file's content: every array of a PyTree under its path, and a header of anything JSON can hold."""
    from safetensors.numpy import save

    named = {name: np.array(x, order="C") for name, x in _named(module).items()}
    told = {**header, DIGEST_KEY: _digest(named)}
    return save(named, metadata={HEADER_KEY: json.dumps(told, sort_keys=True, allow_nan=False)})


def _digest(named: Mapping[str, np.ndarray]) -> str:
    sums = hashlib.sha256()
    for name in sorted(named):
        sums.update(name.encode() + b"\0" + np.ascontiguousarray(named[name]).tobytes())
    return sums.hexdigest()


def unpack_header(content: bytes) -> dict[str, Any]:
    """The header of a file's content.

    Raises:
        ValueError: if the content is damaged or was not written by `pack_weights`.
    """
    return {key: value for key, value in _whole_header(content).items() if key != DIGEST_KEY}


def _whole_header(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= len(content) - 8:
        raise ValueError("is no safetensors file, or is cut short")
    try:
        head = json.loads(content[8 : 8 + length])
        header = json.loads(head["__metadata__"][HEADER_KEY])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("its header was not written by diffseis") from error
    if not isinstance(header, dict):
        raise ValueError("its header was not written by diffseis")
    return header


def unpack_weights(content: bytes, like: T) -> T:
    """The arrays of a file's content in the place of those of `like`, which names and shapes them.

    Raises:
        ValueError: for content that is damaged, or whose arrays are not those of `like`; it names the array.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        stored = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"is no safetensors file, or is damaged ({error})") from error
    digest = _whole_header(content).get(DIGEST_KEY)
    if digest is not None and digest != _digest(stored):
        raise ValueError("its weights are damaged: they are not those that were written")
    wanted = _named(like)
    for name in sorted(set(wanted) ^ set(stored)):
        raise ValueError(f"the array {name} is {'missing' if name in wanted else 'unknown'}")
    for name, x in wanted.items():
        if stored[name].shape != x.shape:
            raise ValueError(f"the array {name} has shape {stored[name].shape}, expected {x.shape}")
        if not np.issubdtype(stored[name].dtype, np.floating) or np.any(np.isnan(stored[name])):
            raise ValueError(f"the array {name} holds values that are no numbers")
    arrays, static = eqx.partition(like, eqx.is_array_like)
    leaves, structure = jax.tree.flatten(arrays)
    new = [jnp.asarray(stored[name], jnp.asarray(x).dtype) for name, x in zip(wanted, leaves, strict=True)]
    return eqx.combine(jax.tree.unflatten(structure, new), static)


def _named(module: PyTree) -> dict[str, np.ndarray]:
    arrays = eqx.filter(module, eqx.is_array_like)
    paths = jax.tree_util.tree_flatten_with_path(arrays)[0]
    return {jax.tree_util.keystr(path).lstrip("."): np.asarray(x) for path, x in paths}
