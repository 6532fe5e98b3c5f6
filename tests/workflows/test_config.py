"""Settings: checked, written down, and read back."""

import shlex
import tomllib

import pytest

from diffseis.core.errors import InputError
from diffseis.workflows.config import LocateConfig, load_config, to_command, to_toml

CHANGES = {
    "nothing": {},
    "numbers": {"num_particles": 64, "max_depth_km": 25.5, "seed": 7, "outlier_fraction": 0.1},
    "lists": {"traveltime_error": (0.03, 0.1, 1.5), "depth_prior_km": (8.0, 4.0)},
    "words": {
        "likelihood": "gaussian",
        "sampler": "laplace",
        "velocity_kind": "linear",
        "station_terms": "static",
    },
    "rare": {
        "outlier_scale_s": 0.5,
        "correlation_km": 1.0,
        "num_steps": 9,
        "grid_spacing_km": 0.3,
        "station_term_iterations": 2,
        "station_term_min_picks": 3,
    },
    "more": {
        "default_uncertainty_s": 0.1,
        "search_margin_km": 12.345678901,
        "vp_vs": 1.73,
        "picks_format": "csv",
    },
    "switches": {"nonlinloc": True, "event_cards": 3},
}


@pytest.mark.parametrize("case", CHANGES)
def test_toml_round_trip(tiny, case):
    config = tiny.config.model_copy(update=CHANGES[case])
    assert load_config(tomllib.loads(to_toml(config))) == config


def test_paths_with_odd_characters_survive(tiny):
    odd = tiny.folder / 'a "quoted" \\ name, é.csv'
    odd.write_bytes(tiny.config.picks.read_bytes())
    config = tiny.config.model_copy(update={"picks": odd})
    assert load_config(tomllib.loads(to_toml(config))) == config
    assert str(odd) in shlex.split(to_command(config))


@pytest.mark.parametrize("case", CHANGES)
def test_the_command_repeats_the_run(tiny, case, monkeypatch):
    """What `to_command` writes, the command line understands, to the same settings."""
    from typer.testing import CliRunner

    import diffseis.cli.locate as command
    from diffseis.cli.app import app

    config = tiny.config.model_copy(update=CHANGES[case])
    seen = []
    monkeypatch.setattr(command, "run", lambda values, **_: seen.append(load_config(values)))
    words = shlex.split(to_command(config))
    assert words[:2] == ["diffseis", "locate"]
    ended = CliRunner().invoke(app, words[1:])
    assert ended.exit_code == 0, ended.output
    assert seen == [config]


def test_the_command_names_only_what_differs(tiny):
    words = shlex.split(to_command(tiny.config))
    assert "--likelihood" not in words
    assert words[words.index("--num-particles") + 1] == "32"


@pytest.mark.parametrize(
    ("key", "near"),
    [("num_particle", "num_particles"), ("stations_terms", "station_terms"), ("Seed", "seed")],
)
def test_the_nearest_key_is_suggested(tiny, key, near):
    with pytest.raises(InputError) as refused:
        load_config({**tiny.config.model_dump(), key: 1})
    assert refused.value.field == key
    assert f"`{near}`" in refused.value.fix


def test_defaults_are_those_of_the_command():
    fields = LocateConfig.model_fields
    assert fields["traveltime_error"].default == (0.02, 0.05, 2.0)
    assert (fields["likelihood"].default, fields["sampler"].default) == ("robust", "svgd")
    assert (fields["traveltimes"].default, fields["station_terms"].default) == ("auto", "none")
