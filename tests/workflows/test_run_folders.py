"""Folders of results."""

import pytest

from diffseis.workflows.run_folders import folder_of


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
