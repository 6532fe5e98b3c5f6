"""The shared world, the tiny files and the command line."""

import pytest

from diffseis.core.frames import LocalFrame
from tests.faults.world import World, ring
from tests.workflows.tiny import Command, Tiny


@pytest.fixture(scope="session")
def world() -> World:
    return World(LocalFrame(42.8, 13.2), ring())


@pytest.fixture
def tiny(tmp_path) -> Tiny:
    return Tiny.write(tmp_path)


@pytest.fixture
def diffseis(monkeypatch, capsys) -> Command:
    return Command(monkeypatch, capsys)
