"""Commands other than `locate`: doctor, fetch, help; and the words of `locate`."""

import hashlib

import pytest

from diffseis.core.errors import InputError
from diffseis.workflows.config import LocateConfig


def test_doctor(diffseis):
    end = diffseis("doctor")
    assert end.code == 0, end.out
    for word in ("versions", "jax", "devices", "cpu", "cores", "cache", "demo bulletin", "all is well"):
        assert word in end.out


def test_doctor_says_what_is_wrong_and_how_to_mend_it(diffseis, monkeypatch):
    monkeypatch.setattr("diffseis.workflows.demonstration.bulletin_path", lambda: None)
    end = diffseis("doctor")
    assert end.code == 1
    assert "without its test data" in end.out
    assert "fix:" in end.out


def test_version(diffseis):
    end = diffseis("--version")
    assert end.code == 0
    assert end.out.startswith("diffseis ")


def test_no_command_shows_the_help(diffseis):
    end = diffseis()
    said = end.out + end.err
    for word in ("locate", "demo", "doctor", "fetch", "130"):
        assert word in said


def test_every_setting_can_be_given(diffseis):
    """As an option of its own, or by `--set`."""
    said = diffseis("locate", "--help").out
    shown = {name for name in LocateConfig.model_fields if "--" + name.replace("_", "-") in said}
    assert {"picks", "stations", "velocity", "out", "likelihood", "traveltime_error", "sampler"} <= shown
    assert {"traveltimes", "station_terms", "seed", "velocity_kind"} <= shown
    assert "--set" in said
    assert "--config" in said


@pytest.fixture
def parcel(tmp_path):
    """A file and its checksum."""
    path = tmp_path / "parcel.csv"
    path.write_text("a,b\n1,2\n")
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def pooch(monkeypatch):
    """Without its log, which holds on to the standard error of the test that loaded it."""
    module = pytest.importorskip("pooch")
    monkeypatch.setattr(module.get_logger(), "disabled", True)
    return module


def test_fetch(diffseis, parcel, tmp_path, pooch):
    path, digest = parcel
    words = ("fetch", "--url", path.as_uri(), "--sha256", digest, "--out", tmp_path / "data")
    end = diffseis(*words)
    assert end.code == 0, end.err
    got = tmp_path / "data" / "parcel.csv"
    assert end.out.strip() == str(got)
    assert got.read_bytes() == path.read_bytes()
    path.unlink()
    assert diffseis(*words).code == 0, "what is there and sound is not fetched again"


def test_fetch_refuses_another_content(diffseis, parcel, tmp_path, pooch):
    path, _ = parcel
    end = diffseis("fetch", "--url", path.as_uri(), "--sha256", "0" * 64, "--out", tmp_path / "data")
    assert end.code == 2
    assert "sha256" in end.err
    assert "Traceback" not in end.err
    assert not (tmp_path / "data" / "parcel.csv").exists()


def test_fetch_replaces_a_damaged_file(diffseis, parcel, tmp_path, pooch):
    path, digest = parcel
    got = tmp_path / "data" / "parcel.csv"
    got.parent.mkdir()
    got.write_text("half")
    assert diffseis("fetch", "--url", path.as_uri(), "--sha256", digest, "--out", tmp_path / "data").code == 0
    assert got.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        ["--url", "file:///nowhere/a.csv"],
        ["--url", "file:///nowhere/a.csv", "--sha256", "abc"],
        ["--url", "file:///nowhere/a.csv", "--sha256", "0" * 64],
        ["--url", "gopher://x/a.csv", "--sha256", "0" * 64],
        ["no-such-set"],
    ],
    ids=" ".join,
)
def test_fetch_refusals(diffseis, tmp_path, words, pooch):
    end = diffseis("fetch", *words, "--out", tmp_path / "data")
    assert end.code == 2
    assert "fix:" in end.err
    assert "Traceback" not in end.err
    assert not list(tmp_path.rglob("*.csv"))


def test_downloads_are_shown_in_megabytes(capsys):
    from diffseis.cli.terminal import Reporter

    with Reporter(unit="bytes") as reporter:
        reporter.update("waves.bin", 1_500_000, 3_000_000)
        reporter.update("other.bin", 500_000, 0)
    said = capsys.readouterr().err
    assert "waves.bin 1.5/3.0 MB" in said
    assert "other.bin 0.5 MB" in said


def test_fetch_without_words_lists_what_there_is(diffseis):
    assert diffseis("fetch").code == 0


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=true", True),
        ("a=[1.0, 2.0]", [1.0, 2.0]),
        ("a='x'", "x"),
        ("a=x y", "x y"),
        ("a = b=c", "b=c"),
        ("a=", ""),
    ],
)
def test_values_of_set(word, value):
    from diffseis.cli.locate import _settings

    found = _settings([word])
    assert list(found) == ["a"]
    assert str(found["a"]).strip() == str(value)


def test_lists_of_numbers():
    from diffseis.cli.terminal import numbers

    about = ("--x", "FRACTION,MIN_S,MAX_S", "0.02,0.05,2.0")
    assert numbers("0.02,0.05,2.0", *about) == (0.02, 0.05, 2.0)
    assert numbers("0", *about) == (0.0, 0.0, 0.0), "a lone zero switches it off"
    assert numbers(None, *about) is None
    with pytest.raises(InputError, match="FRACTION"):
        numbers("1,2", *about)
    with pytest.raises(InputError, match="FRACTION"):
        numbers("1", *about)
    assert numbers("0.1", "--x", "P_S,S_S", "0.08,0.12", one_for_all=True) == 0.1
