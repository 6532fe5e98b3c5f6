"""The tiny files and the command line."""

import pytest

from tests.workflows.tiny import Command, Tiny


@pytest.fixture
def tiny(tmp_path) -> Tiny:
    return Tiny.write(tmp_path)


@pytest.fixture
def diffseis(monkeypatch, capsys) -> Command:
    return Command(monkeypatch, capsys)
