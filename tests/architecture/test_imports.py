"""Importing diffseis does nothing, and little of it is needed to ask for help."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("obspy", "matplotlib", "flax", "pandas", "xarray", "zarr")


def _python(code: str, *, folder: Path | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("JAX_ENABLE_X64", "XLA_FLAGS")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    if folder is not None:
        environment |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": _path()}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


def _path() -> str:
    return os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)]).strip(os.pathsep)


EFFECTS = """
import json, logging, sys, warnings
warnings.simplefilter("error")
import jax
before = dict(jax.config.values)
import diffseis
bare = sorted(sys.modules)
import diffseis.core, diffseis.velocity, diffseis.eikonal, diffseis.inference, diffseis.location
import diffseis.synthesis, diffseis.io, diffseis.workflows, diffseis.cli
from diffseis.location import locate
from diffseis.io import Notice
import jax._src.xla_bridge as bridge
print(json.dumps({
    "config": {k: str(v) for k, v in jax.config.values.items() if before.get(k) != v},
    "handlers": [str(h) for h in logging.root.handlers + logging.getLogger("diffseis").handlers],
    "backends": bridge.backends_are_initialized(),
    "bare": bare,
    "modules": sorted(sys.modules),
}))
"""


@pytest.fixture(scope="module")
def effects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    found = json.loads(_python(EFFECTS, folder=folder))
    found["files"] = [str(p.relative_to(folder)) for p in folder.rglob("*")]
    return found


def test_no_setting_of_jax_is_changed(effects):
    assert effects["config"] == {}


def test_no_backend_is_started(effects):
    assert not effects["backends"]


def test_no_file_is_written(effects):
    assert effects["files"] == []


def test_no_log_handler_is_added(effects):
    assert effects["handlers"] == []


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_not_needed_is_not_loaded(effects, name):
    assert name not in effects["bare"]
    assert name not in effects["modules"], "not by any room but `plot`, either"


def test_importing_diffseis_loads_no_room(effects):
    assert [m for m in effects["bare"] if m.startswith("diffseis")] == ["diffseis"]


def test_import_costs_less_than_two_imports_of_jax(tmp_path):
    code = "import time; start = time.process_time(); import {}; print(time.process_time() - start)"

    def best(name):
        return min(float(_python(code.format(name), folder=tmp_path)) for _ in range(3))

    assert best("diffseis") < 2 * best("jax")


@pytest.mark.parametrize("words", [["--help"], ["locate", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_neither_jax_nor_obspy(tmp_path, words):
    code = f"""
import sys
sys.argv = ["diffseis", *{words!r}]
from diffseis.cli import main
try:
    main()
except SystemExit as end:
    print("code", end.code or 0)
print("loaded", [m for m in ("jax", "jaxlib", "numpy", "scipy", *{HEAVY!r}) if m in sys.modules])
"""
    said = _python(code, folder=tmp_path)
    assert "code 0" in said
    assert "diffseis" in said
    loaded = said.rsplit("loaded", 1)[1]
    assert "jax" not in loaded
    assert "obspy" not in loaded
    assert "matplotlib" not in loaded


def test_the_floors_of_the_house():
    """The import contracts hold."""
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter is not installed")
    ended = subprocess.run(
        [str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert "0 broken" in ended.stdout
