"""Folders of results."""

import json

import pytest

from diffseis.workflows.run_folders import clear_earlier, folder_of


def test_an_interrupted_run_leaves_no_folder_it_made(tmp_path):
    """One that was there stays, and so does what was written."""
    for name, there in (("new", False), ("old", True)):
        out = tmp_path / name
        if there:
            out.mkdir()
        with pytest.raises(KeyboardInterrupt), folder_of(out, "diffseis mechanism"):
            raise KeyboardInterrupt
        assert out.exists() == there
    with folder_of(tmp_path / "some", "diffseis mechanism") as out:
        (out / "kept").write_text("")
    assert (tmp_path / "some/kept").exists()


def test_an_earlier_run_stays_until_there_is_a_better_one(tmp_path):
    out, command = tmp_path / "out", "diffseis mechanism"
    with folder_of(out, command):
        (out / "a.csv").write_text("")
        (out / "run.json").write_text(json.dumps({"command": command, "files": ["a.csv"]}))
    with folder_of(out, command, clear=False):
        assert (out / "a.csv").exists()
        clear_earlier(out, command)
        assert list(out.iterdir()) == [out / ".lock"]
