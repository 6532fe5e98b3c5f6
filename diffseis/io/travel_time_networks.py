"""Trained travel-time networks as files: one safetensors file for P and S, bound to the media they were trained for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import numpy as np

from diffseis.core.errors import InputError
from diffseis.eikonal import NeuralTravelTime
from diffseis.eikonal.neural import FORMS, Region
from diffseis.eikonal.neural_ground import Ground, make_ground
from diffseis.io.atomic import atomic_path
from diffseis.io.guards import read_bytes
from diffseis.networks import CoordinateNetwork, pack_weights, unpack_header, unpack_weights
from diffseis.velocity import AbstractVelocityModel, TransverselyIsotropic, model_hash

KIND = "travel-time networks"
VERSION = 2
_SHAPE = ("place_size", "offset_size", "width", "depth")


def write_travel_time_networks(
    path: str | Path,
    fields: Mapping[str, NeuralTravelTime],
    *,
    training: Mapping[str, Any] | None = None,
    marks: Mapping[str, str] | None = None,
) -> None:
    """Write networks by phase ("P", "S"), each with the hash of its medium.

    Args:
        path: the file, ``.safetensors`` by custom.
        fields: what was trained.
        training: anything about it that JSON can hold (steps, seconds, errors, seed).
        marks: by phase what stands for the medium instead of its own hash: that of the file it was interpolated from, say.
    """
    header: dict[str, Any] = {"kind": KIND, "version": VERSION, "training": dict(training or {})}
    header["phases"] = {phase: _describe(field, (marks or {}).get(phase)) for phase, field in fields.items()}
    content = pack_weights({phase: (f.network, f.region) for phase, f in fields.items()}, header)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_network_header(path: str | Path) -> dict[str, Any]:
    """What a file of networks says of itself: phases, media, training."""
    return _header(path, read_bytes(path))


def read_travel_time_networks(
    path: str | Path,
    models: Mapping[str, AbstractVelocityModel | TransverselyIsotropic],
    *,
    marks: Mapping[str, str] | None = None,
    ground: Callable | None = None,
) -> dict[str, NeuralTravelTime]:
    """The networks of a file, for the media they were trained for and no others.

    Args:
        path: the file.
        models: the medium of every phase that is wanted.
        marks: as they were written with.
        ground: the one they were trained with, if any.

    Raises:
        InputError: for a file that is damaged or of another kind, a phase it does not hold, and a medium that is not the one it was
            trained for.
    """
    content = read_bytes(path)
    header = _header(path, content)
    for phase, model in models.items():
        if phase not in header["phases"]:
            raise InputError(
                f"holds no network for {phase}", file=path, field="phases", fix="train one with train-eikonal"
            )
        expected = (marks or {}).get(phase) or model_hash(model)
        if header["phases"][phase].get("model_hash") != expected:
            raise InputError(
                f"its {phase} network was trained for another velocity model",
                file=path,
                field="model_hash",
                fix="give the model (and its kind and Vp/Vs) it was trained for, or train again with train-eikonal",
            )
        if header["phases"][phase].get("ground_hash") != _ground_hash(ground):
            raise InputError(
                f"its {phase} network was trained {'for another' if ground is not None else 'under a'} ground",
                file=path,
                field="ground_hash",
                fix="give the ground it was trained with",
            )
    try:
        blank = {phase: _blank(about) for phase, about in header["phases"].items()}
        filled = unpack_weights(content, blank)
        return {
            phase: NeuralTravelTime(
                *_first_and_model(filled[phase], model),
                form=str(header["phases"][phase]["form"]),
                num_nodes=int(header["phases"][phase]["num_nodes"]),
                ground=_ground(ground, header["phases"][phase]),
            )
            for phase, model in models.items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot be used ({error})", file=path, field="header", fix="train again with train-eikonal"
        ) from error


def _first_and_model(pair, model):
    network, region = pair
    return network, model, region


def _ground_hash(surface) -> str | None:
    return None if surface is None else model_hash(surface)


def _ground(surface, about) -> Ground | None:
    if surface is None:
        return None
    low, high = (jnp.asarray(about[name], float) for name in ("low_km", "high_km"))
    return make_ground(surface, low, high, str(about["form"]))


def _describe(field: NeuralTravelTime, mark: str | None) -> dict[str, Any]:
    network = field.network
    if network.offset is None:
        raise ValueError("a network of one source is not stored by phase")
    return {
        "model_hash": mark or model_hash(field.model),
        "ground_hash": _ground_hash(None if field.ground is None else field.ground.surface),
        "form": field.form,
        "num_nodes": field.num_nodes,
        "place_size": int(network.place.in_features),
        "offset_size": int(network.offset.in_features),
        "width": int(network.place.out_features),
        "depth": len(network.hidden) + 1,
        "activation": network.activation,
        "low_km": np.asarray(field.region.low_km).tolist(),
        "high_km": np.asarray(field.region.high_km).tolist(),
        "receiver_depth_km": np.asarray(field.region.receiver_depth_km).tolist(),
    }


def _blank(about: dict[str, Any]) -> tuple[CoordinateNetwork, Region]:
    if about["form"] not in FORMS:
        raise ValueError(f"unknown form {about['form']!r}")
    sizes = [int(about[name]) for name in _SHAPE]
    if not all(0 < n <= 4096 for n in sizes):
        raise ValueError(f"a network of the sizes {sizes}")
    network = CoordinateNetwork(
        *sizes[:2], width=sizes[2], depth=sizes[3], activation=str(about["activation"]), key=jr.key(0)
    )
    zero, one = jnp.zeros(3), jnp.ones(())
    return network, Region(zero, zero, one, one, one, one, jnp.zeros(2))


def _header(path, content) -> dict[str, Any]:
    try:
        header = unpack_header(content)
    except ValueError as error:
        raise InputError(
            f"cannot be read: {error}", file=path, fix="name a file that train-eikonal wrote"
        ) from error
    if header.get("kind") != KIND or not isinstance(header.get("phases"), dict):
        raise InputError(
            "holds no travel-time networks",
            file=path,
            field="kind",
            fix="name a file that train-eikonal wrote",
        )
    if header.get("version") != VERSION:
        raise InputError(
            f"is of version {header.get('version')}, this program reads {VERSION}",
            file=path,
            field="version",
            fix="train again with train-eikonal, or update diffseis",
        )
    return header
