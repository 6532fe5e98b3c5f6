"""Strict by default: no silent promotion, no warnings, double precision, two fake devices."""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
os.environ.setdefault("MPLBACKEND", "Agg")
# The x32 run of the numeric core: DIFFSEIS_TEST_X64=0.
_X64 = os.environ.get("DIFFSEIS_TEST_X64", "1") == "1"

import jax

jax.config.update("jax_enable_x64", _X64)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

import gc
import random
from pathlib import Path

import equinox as eqx
import jax.random as jr
import pytest

_MANY_MAPPINGS = 45_000

# Files whose tests run the same large program. They go to one worker, where it is compiled once.
_SHARED = {
    **dict.fromkeys(("f11", "f12", "f13", "f14", "f15", "f16", "f19", "f25"), "world"),
    **dict.fromkeys(("f09", "f10", "f17", "f18", "f26", "run_locate", "commands"), "job"),
}


def pytest_sessionstart(session):
    """Compiled programs are kept, as commands keep theirs: most of the time of small tests is XLA's, and workers and later runs share it."""
    from diffseis.cli.terminal import use_compilation_cache

    if use_compilation_cache():
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Distributed (`-n 2`), the tests of a file stay together, and so do those of files that share a program."""
    from xdist.scheduler import LoadFileScheduling

    class ByProgram(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            name = Path(file).stem.removeprefix("test_")
            return _SHARED.get(name.partition("_")[0], _SHARED.get(name, file))

    return ByProgram(config, log) if config.getvalue("dist") == "load" else None


def _num_mappings() -> int:
    """Pieces of memory that this process has mapped, where the system tells."""
    maps = Path("/proc/self/maps")
    return maps.read_bytes().count(b"\n") if maps.exists() else 0


@pytest.fixture(autouse=True, scope="module")
def _programs_of_few_files():
    """Each compiled program maps some pieces of memory. Linux allows a process 65,530, beyond which LLVM crashes."""
    yield
    if _num_mappings() > _MANY_MAPPINGS:
        eqx.clear_caches()
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def getkey(request):
    """A source of fresh keys. The seed comes from the test's name, so a failure can be repeated."""
    seed = random.Random(request.node.nodeid).randint(0, 2**31 - 1)
    state = {"key": jr.key(seed)}

    def _getkey():
        state["key"], key = jr.split(state["key"])
        return key

    return _getkey


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference data, or a skip that says how to get it."""
    folder = os.environ.get("DIFFSEIS_REFERENCE_DATA")
    if not folder:
        pytest.skip("set DIFFSEIS_REFERENCE_DATA to the folder of reference data to run this test")
    return Path(folder)
