"""An accelerator gives the seismograms and gradients of the processor beside it: ``pytest -m gpu tests/accelerator``."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.wave import (
    Boundary,
    MomentSources,
    PressureReceivers,
    PressureSources,
    Recursive,
    TimeAxis,
    VelocityReceivers,
    num_substeps,
    propagate,
)
from tests.accelerator.test_same_answers import on_both
from tests.wave.test_equations import CASES, _at, _grid, _series

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(jax.default_backend() == "cpu", reason="needs an accelerator"),
]


@pytest.mark.parametrize("num_dims", [2, 3])
@pytest.mark.parametrize("name", list(CASES))
def test_records_and_gradients(name, num_dims):

    def compute():
        equation, make = CASES[name]
        medium, series = make(_grid(num_dims)), _series(1)
        axis = TimeAxis(series.shape[1], 0.008)
        places = _at(np.array([0.21, 0.33, 0.27]), num_dims), _at(np.array([0.52, 0.41, 0.36]), num_dims)
        if name in ("elastic", "viscoelastic"):
            sources = MomentSources(places[0], jnp.eye(num_dims)[None] + 0.5, series)
            receivers = VelocityReceivers(places[1])
        else:
            sources, receivers = PressureSources(places[0], series), PressureReceivers(places[1])
        substeps = num_substeps(equation, medium, axis)
        boundary = Boundary.absorbing(num_dims, num_nodes=6, free_surface=True)

        def misfit(medium):
            options = {"boundary": boundary, "substeps": substeps, "throw": False, "adjoint": Recursive(6)}
            record = propagate(equation, medium, sources, receivers, axis, **options).value
            return 0.5 * jnp.sum(record**2), record

        return jax.jit(jax.value_and_grad(misfit, has_aux=True, allow_int=True))(medium)

    accelerator, processor = (
        [x for x in jax.tree.leaves(found) if np.issubdtype(x.dtype, np.floating)]
        for found in on_both(compute)
    )
    rtol = 1e-11 if jax.config.read("jax_enable_x64") else 2e-5
    for one, other in zip(accelerator, processor, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=rtol * max(np.max(np.abs(other)), 1e-30))
