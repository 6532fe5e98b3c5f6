"""The synthetic catalogue, loaded by path so that the tests run from any folder."""

import importlib.util
from pathlib import Path

import pytest


def _load():
    path = Path(__file__).parents[1] / "io" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("diffseis_tests_synthetic", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic():
    return _load()


@pytest.fixture(scope="session")
def catalogue(synthetic):
    return synthetic.make_catalogue()
