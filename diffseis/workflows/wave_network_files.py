"""Networks of waves as files: safetensors, with what is needed to read them in the header."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from diffseis.core.errors import InputError
from diffseis.io.atomic import atomic_path
from diffseis.networks import (
    AbstractFeatures,
    GaborFeatures,
    HeldFeatures,
    SineFeatures,
    pack_weights,
    unpack_header,
    unpack_weights,
)
from diffseis.wave import Background, HarmonicSources, HelmholtzNetwork, WaveNetwork
from diffseis.wave.neural_waves import Memory

FORMAT = "diffseis wave network 2"


class _Parts(eqx.Module):
    """A network of one frequency without complex numbers, which the format lacks."""

    features: AbstractFeatures
    real: Any
    imaginary: Any
    background: Background
    position_km: Any
    amplitude_real: Any
    amplitude_imaginary: Any
    angular_hz: Any
    box_km: Any


def write_wave_network(
    path: str | Path, network: WaveNetwork | HelmholtzNetwork, about: dict[str, Any]
) -> None:
    """Of features that are windows or sines, held or not.

    Raises:
        OutputError: if the file cannot be written.
    """
    stored = network if isinstance(network, WaveNetwork) else _apart(network)
    header = {
        **about,
        "format": FORMAT,
        "network": type(network).__name__,
        "features": _described(network.features),
        "sizes": {**_sizes(network), "box": None if network.box_km is None else list(network.box_km.shape)},
    }
    content = pack_weights(stored, header)
    with atomic_path(path) as there:
        there.write_bytes(content)


def read_wave_network(path: str | Path) -> tuple[WaveNetwork | HelmholtzNetwork, dict[str, Any]]:
    """The network, and what was written about it.

    Raises:
        InputError: for a file that is missing, damaged, or something else.
    """
    path, fix = Path(path), "train it anew with `diffseis train-wave`"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path, fix="check the path") from error
    try:
        header = unpack_header(content)
        if header.get("format") != FORMAT:
            raise ValueError("holds no network of waves, or one of another version")
        like = _like(header)
        found = unpack_weights(content, like)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(str(error) or type(error).__name__, file=path, fix=fix) from error
    return (found if isinstance(found, WaveNetwork) else _together(found)), header


def _apart(network: HelmholtzNetwork) -> _Parts:
    amplitude = jnp.asarray(network.sources.amplitude)
    return _Parts(
        network.features,
        jnp.real(network.last),
        jnp.imag(network.last),
        network.background,
        network.sources.position_km,
        jnp.real(amplitude),
        jnp.imag(amplitude),
        network.angular_hz,
        network.box_km,
    )


def _together(parts: _Parts) -> HelmholtzNetwork:
    amplitude = jnp.asarray(np.asarray(parts.amplitude_real) + 1j * np.asarray(parts.amplitude_imaginary))
    last = jnp.asarray(np.asarray(parts.real) + 1j * np.asarray(parts.imaginary))
    sources = HarmonicSources(parts.position_km, amplitude)
    return HelmholtzNetwork(parts.features, last, parts.background, sources, parts.angular_hz, parts.box_km)


def _described(features: AbstractFeatures) -> dict[str, Any]:
    if isinstance(features, HeldFeatures):
        return {"kind": "held", "axis": features.axis, "of": _described(features.features)}
    if isinstance(features, GaborFeatures):
        return {"kind": "gabor", "shape": list(features.centre.shape)}
    if isinstance(features, SineFeatures):
        return {"kind": "sine", "shapes": [list(w.shape) for w in features.weights]}
    raise ValueError(f"features of kind {type(features).__name__} have no place in files")


def _sizes(network: WaveNetwork | HelmholtzNetwork) -> dict[str, Any]:
    if isinstance(network, WaveNetwork):
        return {
            "modes": list(network.modes.shape),
            "drag": network.drag_hz.shape[0],
            "layer": list(network.memory.decay.shape),
        }
    return {
        "last": list(network.last.shape),
        "places": list(network.sources.position_km.shape),
        "amplitude": list(jnp.shape(network.sources.amplitude)),
    }


def _like(header: dict[str, Any]) -> WaveNetwork | _Parts:
    zeros = lambda *shape: jnp.zeros(tuple(int(n) for n in shape))
    features, sizes = _empty(header["features"]), header["sizes"]
    box = None if sizes["box"] is None else zeros(*sizes["box"])
    if header["network"] == "WaveNetwork":
        num_modes = sizes["modes"][1]
        return WaveNetwork(
            features,
            zeros(*sizes["modes"]),
            zeros(num_modes),
            zeros(num_modes, sizes["drag"]),
            zeros(sizes["drag"]),
            Memory(zeros(*sizes["layer"], num_modes), zeros(*sizes["layer"])),
            zeros(),
            zeros(),
            box,
        )
    num = sizes["places"][0]
    background = Background(zeros(num), zeros(num))
    last, amplitude = sizes["last"], sizes["amplitude"]
    return _Parts(
        features,
        zeros(*last),
        zeros(*last),
        background,
        zeros(*sizes["places"]),
        zeros(*amplitude),
        zeros(*amplitude),
        zeros(),
        box,
    )


def _empty(told: dict[str, Any]) -> AbstractFeatures:
    if told["kind"] == "held":
        return HeldFeatures(_empty(told["of"]), int(told["axis"]), jnp.zeros(()), jnp.zeros(()))
    if told["kind"] == "gabor":
        num, dim = told["shape"]
        zeros = jnp.zeros((num, dim))
        return GaborFeatures(zeros, jnp.zeros(num), zeros, jnp.zeros(num))
    shapes = told["shapes"]
    return SineFeatures(tuple(jnp.zeros(tuple(s)) for s in shapes), tuple(jnp.zeros(s[0]) for s in shapes))
