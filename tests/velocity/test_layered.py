"""Construction, values and refusals of velocity models."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.grids import RegularGrid
from diffseis.core.tables import VelocityTable
from diffseis.velocity import (
    Gradient,
    Gridded,
    Homogeneous,
    Layered,
    layered_pair,
    model_hash,
    scale_speed,
    vp_from_vs,
    vs_from_vp,
)


def _speeds(model, depths):
    return [float(model.speed(jnp.asarray([1.0, 2.0, z]))) for z in depths]


def test_layers():
    model = Layered([0.0, 2.0, 10.0], [4.0, 3.0, 6.0])
    np.testing.assert_allclose(_speeds(model, [-3, 0, 1.9, 2.0, 9.9, 10, 99]), [4, 4, 4, 3, 3, 6, 6])


def test_linear_with_a_jump():
    model = Layered([0.0, 2.0, 2.0, 10.0], [4.0, 4.5, 5.0, 6.0], "linear")
    np.testing.assert_allclose(
        _speeds(model, [-3, 1.0, 2.0, 6.0, 10, 99]), [4, 4.25, 5, 5.5, 6, 6], rtol=1e-6
    )


@pytest.mark.long
def test_gridded_meets_its_nodes():
    grid = RegularGrid([0.0, 0.0, -1.0], [2.0, 3.0, 1.0], (5, 6, 7))
    speed = np.random.default_rng(0).uniform(3, 7, grid.shape)
    model = Gridded(grid, speed)
    nodes = grid.nodes_km().reshape(-1, 3)
    np.testing.assert_allclose(jax.vmap(model.speed)(nodes), speed.reshape(-1), rtol=1e-4)


def test_pair_and_ratio():
    table = VelocityTable(np.array([0.0, 5.0]), np.array([5.0, 6.0]), np.array([2.9, 3.5]), kind="linear")
    p_model, s_model = layered_pair(table)
    assert p_model.kind == s_model.kind == "linear"
    assert layered_pair(table, "layers")[0].kind == "layers"
    np.testing.assert_allclose(s_model.speed_km_s, [2.9, 3.5], rtol=1e-6)
    assert vs_from_vp(vp_from_vs(3.0, 1.8), 1.8) == pytest.approx(3.0)
    x = jnp.asarray([0.0, 0.0, 3.0])
    grid = RegularGrid([0.0], [5.0], (6,))
    for model in (p_model, Homogeneous(6.0), Gradient(5.0, 0.1), Gridded(grid, np.linspace(5, 7, 6))):
        assert float(scale_speed(model, 0.5).speed(x)) == pytest.approx(0.5 * float(model.speed(x)), rel=1e-5)


@pytest.mark.parametrize(
    ("vp", "vs", "depth", "match"),
    [
        ([5.0, -6.0], [2.0, 3.0], [0.0, 1.0], "positive"),
        ([5.0, np.nan], [2.0, 3.0], [0.0, 1.0], "finite"),
        ([2.0, 3.0], [5.0, 6.0], [0.0, 1.0], "faster than S"),
        ([5.0, 6.0], [2.0, 3.0], [1.0, 0.0], "increase"),
        ([5.0, 6.0], [2.0, 3.0], [0.0, 0.0], "increase"),
        ([5.0, 6.0], [2.0, 3.0], [0.0, np.nan], "finite"),
        ([5.0, 6.0], [2.0, 3.0], [0.0, 35000.0], "metres"),
    ],
)
def test_refused_tables(vp, vs, depth, match):
    with pytest.raises(ValueError, match=match):
        layered_pair(VelocityTable(np.array(depth), np.array(vp), np.array(vs)))


def test_refused_models():
    with pytest.raises(ValueError, match="positive"):
        Homogeneous(0.0)
    with pytest.raises(ValueError, match="finite"):
        Gradient(5.0, np.inf)
    with pytest.raises(ValueError, match="kind"):
        Layered([0.0], [5.0], "cubic")
    with pytest.raises(ValueError, match="equally long"):
        Layered([0.0, 1.0], [5.0])
    with pytest.raises(ValueError, match="not decrease"):
        Layered([0.0, 2.0, 1.0], [5.0, 5.0, 5.0], "linear")
    with pytest.raises(ValueError, match="shape"):
        Gridded(RegularGrid([0.0], [1.0], (4,)), np.ones(3))


def test_hash_sees_values_and_kind():
    one, same = Layered([0.0, 1.0], [5.0, 6.0]), Layered([0.0, 1.0], [5.0, 6.0])
    assert model_hash(one) == model_hash(same)
    others = [Layered([0.0, 1.0], [5.0, 6.0001]), Layered([0.0, 1.0], [5.0, 6.0], "linear")]
    assert len({model_hash(m) for m in [one, *others]}) == 3
