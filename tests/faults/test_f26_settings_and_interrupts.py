"""Case 26: bad settings get one short message; Ctrl-C leaves a state from which the same command goes on."""

import os
import signal
import subprocess
import time

import pytest

from diffseis.workflows.locating import run_locate
from tests.workflows.tiny import Tiny, script

BAD_OPTIONS = {
    "misspelled key": (["--set", "num_particle=64"], ["num_particle", "did you mean `num_particles`"]),
    "strange key": (["--set", "colour=red"], ["colour", "known keys"]),
    "no key": (["--set", "num_particles"], ["num_particles", "key=value"]),
    "wrong type": (["--set", "seed=early"], ["seed", "early"]),
    "wrong word": (["--likelihood", "cauchy"], ["likelihood", "cauchy", "robust"]),
    "out of range": (["--set", "outlier_fraction=5"], ["outlier_fraction", "less than 1"]),
    "two numbers of three": (
        ["--traveltime-error", "0.02,0.05"],
        ["traveltime-error", "give FRACTION,MIN_S,MAX_S"],
    ),
    "no numbers": (["--traveltime-error", "two per cent"], ["traveltime-error", "two per cent"]),
    "bounds exchanged": (["--traveltime-error", "0.02,2.0,0.05"], ["min_s <= max_s"]),
    "a depth prior without width": (["--depth-prior-km", "8,0"], ["depth_prior_km", "standard deviation"]),
    "unknown option": (["--likelyhood", "robust"], ["--likelyhood"]),
    "text for a number": (["--num-particles", "many"], ["--num-particles", "integer"]),
}


def _one_screen(end):
    assert end.code == 2
    assert "Traceback" not in end.err + end.out
    assert len(end.err.splitlines()) <= 20
    assert max(map(len, end.err.splitlines())) < 900


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options(tiny, diffseis, case):
    words, said = BAD_OPTIONS[case]
    end = diffseis(*tiny.words(), *words)
    _one_screen(end)
    for word in said:
        assert word in end.err
    assert not tiny.config.out.exists()


def test_a_missing_file_suggests_the_nearest(tiny, diffseis):
    end = diffseis(*tiny.words(picks=tiny.folder / "pick.csv"))
    _one_screen(end)
    assert f"did you mean {tiny.config.picks}" in end.err
    end = diffseis(*tiny.words(picks="/no/such/folder/picks.csv"))
    _one_screen(end)
    assert "check the path" in end.err


def test_a_missing_setting_is_named(tiny, diffseis):
    end = diffseis(*tiny.words(velocity=None))
    _one_screen(end)
    assert "velocity" in end.err
    assert "TOML" in end.err


def test_a_folder_for_a_file_is_refused(tiny, diffseis):
    end = diffseis(*tiny.words(picks=tiny.folder))
    _one_screen(end)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("likelyhood = 'robust'\n", ["likelyhood", "did you mean `likelihood`"]),
        ("seed = 'early'\n", ["seed", "early"]),
        ("seed = \n", ["line 1", "TOML"]),
        ("[locate]\nseed = 1\n", ["locate"]),
    ],
)
def test_a_bad_toml_file(tiny, diffseis, text, said):
    path = tiny.folder / "settings.toml"
    path.write_text(text)
    end = diffseis(*tiny.words(), "--config", path)
    _one_screen(end)
    assert "settings.toml" in end.err
    for word in said:
        assert word in end.err


def test_a_missing_toml_file(tiny, diffseis):
    end = diffseis(*tiny.words(), "--config", tiny.folder / "nothing.toml")
    _one_screen(end)
    assert "nothing.toml" in end.err


def test_an_output_folder_that_is_a_file(tiny, diffseis):
    (tiny.folder / "out").write_text("here first")
    end = diffseis(*tiny.words())
    _one_screen(end)
    assert (tiny.folder / "out").read_text() == "here first"


# --- interrupts


def _results(folder):
    return {name: (folder / name).read_bytes() for name in ("catalog.csv", "picks.csv", "catalog.geojson")}


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """Figures take longer than all the rest, and are not what is tested here."""
    monkeypatch.setattr("diffseis.plot.make_figures", lambda *_, **__: {})


@pytest.fixture
def many(tmp_path):
    """Events enough for three chunks."""
    return Tiny.write(tmp_path, num_events=36)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What comes out without an interrupt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diffseis.plot.make_figures", lambda *_, **__: {})
        whole = Tiny.write(tmp_path_factory.mktemp("whole"), num_events=36)
        run_locate(whole.config)
    assert not (whole.config.out / ".resume").exists()
    return _results(whole.config.out)


def _interrupt(config):
    """Ctrl-C as soon as a chunk is done; returns what was kept."""

    def interrupt(stage, done, total):
        if stage == "locating":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_locate(config, progress=interrupt)
    assert not (config.out / "catalog.csv").exists(), "nothing stands under a final name"
    kept = list((config.out / ".resume").glob("*/*.npz"))
    assert kept
    return kept


def _located_again(config):
    """How many events the next run computes."""
    totals = []
    run_locate(
        config, progress=lambda stage, done, total: totals.append(total) if "locating" in stage else None
    )
    assert not (config.out / ".resume").exists()
    return max(totals, default=0)


@pytest.mark.long
def test_an_interrupt_keeps_what_was_done_and_the_next_run_goes_on(many, undisturbed):
    _interrupt(many.config)
    assert _located_again(many.config) < 36
    assert _results(many.config.out) == undisturbed


@pytest.mark.long
def test_a_damaged_store_is_made_again(many, undisturbed):
    for path in _interrupt(many.config):
        path.write_bytes(path.read_bytes()[:200])
    assert _located_again(many.config) == 36
    assert _results(many.config.out) == undisturbed


@pytest.mark.long
def test_what_was_kept_is_not_used_with_other_settings(many):
    _interrupt(many.config)
    totals = []

    def stop(stage, done, total):
        if "locating" in stage:
            totals.append(total)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_locate(many.config.model_copy(update={"seed": 1}), progress=stop)
    assert totals[0] == 36


@pytest.mark.long
def test_the_command_says_how_to_go_on(many, diffseis, monkeypatch):
    from diffseis.cli.terminal import Reporter

    def interrupt(self, stage, done, total):
        if stage == "locating":
            raise KeyboardInterrupt

    monkeypatch.setattr(Reporter, "update", interrupt)
    end = diffseis(*many.words())
    assert end.code == 130
    assert "Traceback" not in end.err
    assert "the same command goes on" in end.err
    assert list((many.config.out / ".resume").glob("*/*.npz"))


@pytest.mark.slow
def test_a_real_interrupt(tmp_path):
    """SIGINT to a process of its own; the same command then ends as one that was left alone."""
    big = Tiny.write(tmp_path, num_events=600)
    environment = {**os.environ, "DIFFSEIS_CACHE": str(tmp_path / "cache")}

    def start(out):
        return subprocess.Popen(
            [*script(), *big.words(out=out)],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    out = tmp_path / "out"
    job = start(out)
    end = time.monotonic() + 240
    while not list(out.glob(".resume/*/*.npz")):
        assert job.poll() is None, job.communicate()[1]
        assert time.monotonic() < end, "nothing was kept in four minutes"
        time.sleep(0.01)
    job.send_signal(signal.SIGINT)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 130, said
    assert "Traceback" not in said
    assert "goes on" in said
    assert not (out / "catalog.csv").exists()
    for folder in (out, tmp_path / "whole"):
        job = start(folder)
        _, said = job.communicate(timeout=240)
        assert job.returncode == 0, said
    assert _results(out) == _results(tmp_path / "whole")
