"""What all tests of accelerators leave as they found it."""

import jax
import pytest


@pytest.fixture(autouse=True)
def _as_before():
    yield
    jax.config.update("jax_default_device", None)
