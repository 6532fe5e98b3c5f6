"""The methods of ``diffseis mechanism`` by name."""

from collections.abc import Callable

import jax.random as jr

from diffseis.core.errors import InputError
from diffseis.mechanism import (
    HashOptions,
    Method,
    amortised_method,
    grid_method,
    guided_method,
    source_space,
    svgd_method,
)
from diffseis.workflows.mechanism_config import MechanismConfig
from diffseis.workflows.mechanism_inputs import Progress

Maker = Callable[[MechanismConfig, Progress], Method]


def _plain(make: Callable[..., Method]) -> Maker:
    """A method that needs neither training nor chance."""
    return lambda config, _: make(config.source, _space(config), num_draws=config.num_draws)


def _trained(make: Callable[..., Method]) -> Maker:
    """A method whose network is trained on the way."""

    def method(config: MechanismConfig, progress: Progress) -> Method:
        return make(
            config.source,
            _space(config),
            num_draws=config.num_draws,
            progress=lambda done, total: progress("training", done, total),
            key=jr.fold_in(jr.key(config.seed), 2),
        )

    return method


def _space(config: MechanismConfig):
    return source_space(config.source, vp_vs=config.vp_vs)


METHODS: dict[str, Maker] = {
    "grid": _plain(grid_method),
    "svgd": _plain(svgd_method),
    "amortised": _trained(amortised_method),
    "pgnn": _trained(guided_method),
}
"""How posteriors are found, by name."""


HASH = "hash"
"""HASH's own search, which has acceptable mechanisms in place of draws."""


def check_method(config: MechanismConfig) -> None:
    """Refuses what can be refused before anything is read or trained: a name that there is not, settings that HASH does not have."""
    if config.method == HASH:
        hash_options(config)
    elif config.method not in METHODS:
        known = ", ".join([*METHODS, HASH])
        raise InputError(f"there is no method {config.method!r}", field="--method", fix=f"there is: {known}")


def method_of(config: MechanismConfig, progress: Progress) -> Method | HashOptions:
    """The method that the settings ask for; networks are trained here.

    Raises:
        InputError: if it does not know the kind of source.
    """
    if config.method == HASH:
        return hash_options(config)
    try:
        return METHODS[config.method](config, progress)
    except ValueError as error:
        raise InputError(str(error), field="--method", fix="give another --source or --method") from error


def hash_options(config: MechanismConfig) -> HashOptions:
    """HASH's settings, of those given under the names that all methods share; its own values where none is."""
    for name, refused, why in (
        ("source", config.source != "dc", "HASH knows double couples only"),
        ("station_terms", config.station_terms, "HASH learns nothing of stations"),
    ):
        if refused:
            option = "--" + name.replace("_", "-")
            raise InputError(why, field=option, fix=f"leave {option} out, or --hash-mode")
    own = {"bad_fraction": "mispick", "ratio_bad": "ratio_sd", "vp_vs": "vp_vs"}
    given = {
        theirs: getattr(config, ours)
        for theirs, ours in own.items()
        if getattr(config, ours) != MechanismConfig.model_fields[ours].default
    }
    # SKHASH's polarities have weights of any size, which add up; HASH counts.
    return HashOptions(weighted=config.format == "skhash", **given)
