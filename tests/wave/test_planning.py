"""Plans beside what runs turn out to need."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    Acoustic,
    AcousticMedium,
    BoundaryReconstruct,
    Elastic,
    ElasticMedium,
    ForceSources,
    Full,
    PressureReceivers,
    PressureSources,
    Recursive,
    TimeAxis,
    VelocityReceivers,
    plan,
    propagate,
)


def problem(name, shape, num_steps, adjoint):
    """A gradient, its argument, and its plan."""
    num_dims = len(shape)
    grid = RegularGrid([0.0] * num_dims, 0.01, shape)
    full = lambda v: jnp.full(shape, v, "float32")
    series = jnp.ones((1, num_steps), "float32")
    source, receivers = jnp.full((1, num_dims), 0.1, "float32"), jnp.full((50, num_dims), 0.2, "float32")
    if name == "acoustic":
        equation, medium = Acoustic(8), AcousticMedium(grid, full(2.0))
        ends = PressureSources(source, series), PressureReceivers(receivers)
    else:
        equation, medium = Elastic(4), ElasticMedium(grid, full(3.0), full(1.7), full(2.0))
        ends = ForceSources(source, jnp.ones_like(source), series), VelocityReceivers(receivers)
    axis = TimeAxis(num_steps, 0.001)
    options = {"adjoint": adjoint, "substeps": 1}

    def misfit(medium):
        return 0.5 * jnp.sum(propagate(equation, medium, *ends, axis, throw=False, **options).value ** 2)

    gradient = jax.value_and_grad(misfit, allow_int=True)
    return gradient, medium, plan(equation, medium, *ends, axis, **options)


def test_what_a_plan_says():
    _, _, few = problem("acoustic", (40, 30), 100, Recursive(checkpoints=4))
    _, _, all_kept = problem("acoustic", (40, 30), 100, Full())
    assert few.num_nodes == all_kept.num_nodes == 80 * 70
    assert few.num_steps == 100
    assert few.recomputation == 2.0
    assert all_kept.recomputation == 1.0
    assert few.kept_bytes < 0.5 * all_kept.kept_bytes
    # At the least pressure itself, at each step.
    assert all_kept.kept_bytes > 100 * 80 * 70 * 4
    assert few.gradient_bytes > few.kept_bytes + few.forward_bytes
    assert "kept for the gradient" in str(few)
    assert f"{few.gradient_bytes / 1e6:,.1f} MB" in str(few)


CASES = [
    ("acoustic", (120, 100), 300, Recursive()),
    ("acoustic", (60, 50), 150, Full()),
    ("acoustic", (120, 100), 300, BoundaryReconstruct()),
    ("elastic", (90, 80), 150, Recursive(10)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shape", "num_steps", "adjoint"), CASES)
def test_plans_agree_with_the_compiler(name, shape, num_steps, adjoint):
    gradient, medium, planned = problem(name, shape, num_steps, adjoint)
    found = jax.jit(gradient).lower(medium).compile().memory_analysis()
    if found is None:
        pytest.skip("this backend does not tell")
    assert planned.gradient_bytes == pytest.approx(found.temp_size_in_bytes, rel=0.2)


SCRIPT = """
import json, sys
import jax
from tests.wave.test_planning import problem
from diffseis.wave import BoundaryReconstruct, Recursive
name, adjoint = sys.argv[1], {"Recursive": Recursive(), "BoundaryReconstruct": BoundaryReconstruct()}[sys.argv[2]]
gradient, medium, planned = problem(name, (300, 300), 1000, adjoint)
compiled = jax.jit(gradient).lower(medium).compile()
def kilobytes(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))
# The peak from now on.
open("/proc/self/clear_refs", "w").write("5")
before = kilobytes("VmRSS")
jax.block_until_ready(compiled(medium))
print(json.dumps([planned.gradient_bytes, (kilobytes("VmHWM") - before) * 1024]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks are measured on Linux")
@pytest.mark.parametrize(
    ("name", "adjoint"),
    [("acoustic", "Recursive"), ("acoustic", "BoundaryReconstruct"), ("elastic", "Recursive")],
)
def test_plans_agree_with_measured_memory(name, adjoint):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, adjoint],
        capture_output=True,
        text=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "0"},
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stderr[-3000:])
    planned, measured = json.loads(done.stdout.splitlines()[-1])
    assert planned == pytest.approx(measured, rel=0.2)
