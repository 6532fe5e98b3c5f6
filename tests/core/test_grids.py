"""Regular grids."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid


def test_nodes_and_indices():
    grid = RegularGrid([1.0, -2.0], [0.5, 2.0], (3, 4))
    nodes = grid.nodes_km()
    assert nodes.shape == (3, 4, 2)
    np.testing.assert_allclose(nodes[2, 3], grid.end_km)
    np.testing.assert_allclose(grid.to_index(nodes)[1, 2], [1, 2])
    np.testing.assert_allclose(grid.axis_km(1), [-2, 0, 2, 4])


def test_contains():
    grid = RegularGrid([0.0, 0.0], 1.0, (3, 3))
    assert grid.contains([2.0, 0.0])
    assert not grid.contains(jnp.asarray([2.1, 0.0]))
    assert grid.contains([2.0 + 1e-12, 0.0], rounding=1e-9)
    assert not grid.contains([2.0 + 1e-8, 0.0], rounding=1e-9)


def test_wrong_shapes():
    with pytest.raises(ValueError, match="origin"):
        RegularGrid([0.0], 1.0, (3, 3))
    with pytest.raises(ValueError, match="at least 2 nodes"):
        RegularGrid([0.0], 1.0, (1,))


def test_constants_lie_within_a_grid_while_jax_traces():
    grid = RegularGrid([0.0, 0.0], [1.0, 0.5], (3, 5))
    inside = jax.jit(
        lambda x: x + jnp.asarray(float(grid.contains([2.0, 2.0]) and not grid.contains([2.0, 2.1])))
    )
    assert float(inside(jnp.zeros(()))) == 1


@pytest.mark.parametrize("spacing", [-0.2, 0.0, [0.2, float("nan")]])
def test_spacings_must_be_above_zero(spacing):
    with pytest.raises(ValueError, match="above 0"):
        RegularGrid([0.0, 0.0], spacing, (4, 4))
