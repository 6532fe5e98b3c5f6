"""Grids that are divided among devices.

Eight virtual devices need a process of their own. Bits are compared where the compiler does not fuse products with sums: whether it does
depends on the shape of a loop, which is not that of one device's.
"""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from diffseis.core.grids import RegularGrid
from diffseis.wave import (
    Absorbing,
    Acoustic,
    AcousticMedium,
    Boundary,
    BoundaryReconstruct,
    Periodic,
    PressureReceivers,
    PressureSources,
    TimeAxis,
    propagate,
)

SCRIPT = """
import json, sys
import jax, jax.numpy as jnp, jax.random as jr, numpy as np
from jax.sharding import Mesh
from diffseis.core.grids import RegularGrid
from diffseis.wave import *

name, dims, free = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "free"
shape = {2: (116, 22), 3: (84, 13, 12)}[dims]
grid = RegularGrid([0.0] * dims, 0.05, shape)
rough = lambda key, low, high: low + (high - low) * jr.uniform(jr.key(key), shape)
elastic = ElasticMedium(grid, rough(0, 2.0, 3.0), rough(1, 1.0, 1.5), rough(2, 1.5, 2.5))
equation, medium = {
    "acoustic": lambda: (Acoustic(8), AcousticMedium(grid, elastic.p_speed_km_s)),
    "fluid": lambda: (Fluid(4), FluidMedium(grid, elastic.p_speed_km_s, elastic.density_g_cm3)),
    "vti": lambda: (AcousticVTI(8), VTIMedium(grid, elastic.p_speed_km_s, rough(3, 0.1, 0.2), rough(4, 0, 0.1))),
    "elastic": lambda: (Elastic(4), elastic),
    "viscoelastic": lambda: (
        Viscoelastic((0.5, 20.0), order=2), ViscoelasticMedium(elastic, rough(5, 20, 60), rough(6, 10, 30))
    ),
}[name]()
axis = TimeAxis(40, 0.006)
pulse = jnp.sin(jnp.arange(40) / 4)[None] * jnp.hanning(40)[None]
# A source and a receiver across the cut between two devices, and some elsewhere.
cut = (shape[0] + 12) // 8 * 3 * 0.05 - 0.3
places = jnp.asarray([[cut + 0.013, 0.31, 0.27], [1.0, 0.33, 0.25]])[:, :dims]
receivers = jnp.asarray([[0.31, 0.4, 0.3], [cut - 0.02, 0.36, 0.31], [shape[0] * 0.05 - 0.1, 0.2, 0.2]])[:, :dims]
series = jnp.concatenate([pulse, 0.5 * pulse])
if name in ("elastic", "viscoelastic"):
    sources, receivers = MomentSources(places, jnp.stack([jnp.eye(dims) + 0.5] * 2), series), VelocityReceivers(receivers)
else:
    sources, receivers = PressureSources(places, series), PressureReceivers(receivers)
substeps = num_substeps(equation, medium, axis)
boundary = Boundary.absorbing(dims, num_nodes=6, free_surface=free)

def misfit(medium, series, mesh):
    moved = type(sources)(*[series if x is sources.series else x for x in vars(sources).values()])
    record = propagate(equation, medium, moved, receivers, axis, boundary=boundary, substeps=substeps, mesh=mesh, throw=False).value
    return 0.5 * jnp.sum(record**2), record

def run(mesh):
    gradient = jax.value_and_grad(lambda m, s: misfit(m, s, mesh), argnums=(0, 1), has_aux=True, allow_int=True)
    (_, record), (by_medium, by_series) = jax.jit(gradient)(medium, series)
    fields = [np.asarray(x) for x in jax.tree.leaves(by_medium) if x.shape == shape]
    return np.asarray(record), fields, np.asarray(by_series)

one, eight = run(None), run(Mesh(np.array(jax.devices()), ("space",)))

odd = RegularGrid([0.0] * 2, 0.05, (117, 22))
try:
    propagate(
        Acoustic(2), AcousticMedium(odd, jnp.full(odd.shape, 2.0)), PressureSources(places[:, :2], series),
        PressureReceivers(places[:, :2]), axis, boundary=Boundary.absorbing(2, num_nodes=6),
        mesh=Mesh(np.array(jax.devices()), ("space",)),
    )
    refused = ""
except ValueError as error:
    refused = str(error)
error = lambda a, b: float(np.max(np.abs(a - b)) / np.max(np.abs(a)))
print(json.dumps({
    "devices": len(jax.devices()),
    "refused": refused,
    "record": [bool((one[0] == eight[0]).all()), error(one[0], eight[0])],
    "medium": [[bool((a == b).all()), error(a, b)] for a, b in zip(one[1], eight[1])],
    "series": error(one[2], eight[2]),
    "sizes": [float(np.max(np.abs(x))) for x in (one[0], *one[1], one[2])],
}))
"""


def _compare(name: str, num_dims: int, face: str, flags: str):
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count=8 {flags}",
        "JAX_ENABLE_X64": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, str(num_dims), face],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stderr[-3000:])
    found = json.loads(done.stdout.splitlines()[-1])
    if found["devices"] != 8 or not all(size > 0 for size in found["sizes"]):
        pytest.fail(f"nothing was compared: {found}")
    return found


@pytest.mark.parametrize(
    ("name", "num_dims", "face"),
    [
        pytest.param("acoustic", 2, "free", marks=pytest.mark.long),
        *(
            pytest.param(name, 2, face, marks=pytest.mark.slow)
            for name in ("fluid", "vti", "elastic", "viscoelastic")
            for face in ("absorbing", "free")
        ),
        pytest.param("elastic", 3, "free", marks=pytest.mark.slow),
    ],
)
def test_eight_devices_give_the_same_bits(name, num_dims, face):
    """Records and the gradient by the medium; that by the sources differs in the order of a sum."""
    found = _compare(name, num_dims, face, "--xla_cpu_max_isa=AVX")
    assert found["record"][0], found
    assert all(same for same, _ in found["medium"]), found
    assert found["series"] < 1e-5
    assert "129 nodes along the first axis" in found["refused"]
    assert "7 nodes thicker" in found["refused"]


@pytest.mark.slow
def test_eight_devices_with_fused_products():
    """As compiled by default: the same to a rounding here and there."""
    found = _compare("elastic", 2, "free", "")
    assert found["record"][1] < 1e-6
    assert max(error for _, error in found["medium"]) < 1e-6


@pytest.mark.long
def test_what_cannot_be_divided():
    mesh = Mesh(np.array(jax.devices()[:1]), ("space",))

    def run(shape, boundary=None, adjoint=None, mesh=mesh):
        num_dims = len(shape)
        medium = AcousticMedium(RegularGrid([0.0] * num_dims, 0.1, shape), jnp.full(shape, 2.0))
        at = jnp.full((1, num_dims), 0.3)
        return propagate(
            Acoustic(2),
            medium,
            PressureSources(at, jnp.zeros((1, 4))),
            PressureReceivers(at),
            TimeAxis(4, 0.01),
            boundary=boundary,
            adjoint=adjoint,
            mesh=mesh,
        )

    layers = Absorbing(4)
    with pytest.raises(ValueError, match="one dimension is not divided"):
        run((20,))
    with pytest.raises(ValueError, match="use `Recursive`"):
        run((20, 20), adjoint=BoundaryReconstruct())
    with pytest.raises(ValueError, match="must not be periodic"):
        run((20, 20), boundary=Boundary(((Periodic(), Periodic()), (layers, layers))))
    with pytest.raises(ValueError, match="a mesh of one axis"):
        run((20, 20), mesh=Mesh(np.array(jax.devices()[:1]).reshape(1, 1), ("a", "b")))
