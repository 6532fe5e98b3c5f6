"""Files of learned ground-motion models: the same model comes back, and nothing else is taken for one."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import groundmotion as gm
from diffseis.core.errors import InputError
from diffseis.io import load_neural_model, save_neural_model
from diffseis.networks import pack_weights
from tests.groundmotion.test_neural_varying import made


@pytest.fixture
def saved(tmp_path):
    model = made(num_members=2)
    path = tmp_path / "model.safetensors"
    save_neural_model(path, model, name="ours", about={"seed": 3})
    return model, path


def test_the_same_model_comes_back(saved):
    model, path = saved
    found, header = load_neural_model(path)
    assert eqx.tree_equal(found, model)
    assert (header["name"], header["training"]["seed"]) == ("ours", 3)
    assert header["limits"]["magnitude"] == [4.0, 7.0]
    some, _ = load_neural_model(path, ["SA(0.25)", "PGA"])
    assert eqx.tree_equal(some, gm.with_measures(model, ["SA(0.25)", "PGA"]))
    with pytest.raises(ValueError, match="gives no PGV; it gives PGA"):
        load_neural_model(path, ["PGV"])


def test_the_model_below_and_correlations_come_back(tmp_path):
    names = ["PGA", "SA(1.0)"]
    below = gm.ground_motion_model("BSSA14:basin=none", names)
    rho = jnp.asarray([[1.0, 0.4], [0.4, 1.0]], float)
    own = gm.Correlation(rho, rho, rho)
    model = dataclasses.replace(
        made(tuple(names)), base=below, correlations=gm.MeasureCorrelations(own, own, own)
    )
    path = tmp_path / "model.safetensors"
    save_neural_model(path, model, base="BSSA14:basin=none")
    found, header = load_neural_model(path)
    assert eqx.tree_equal(found.base, below)
    assert header["base"] == "BSSA14:basin=none"
    np.testing.assert_array_equal(found.covariance(), model.covariance())
    for wrong in (None, "BSSA14", "CY14"):
        with pytest.raises(ValueError, match="not the model below"):
            save_neural_model(path, model, base=wrong)
    with pytest.raises(ValueError, match="whole one"):
        save_neural_model(path, gm.with_measures(model, ["PGA"]), base="BSSA14:basin=none")


def _changed(path, **changes):
    from diffseis.networks import unpack_header

    content = path.read_bytes()
    header = {**unpack_header(content), **changes}
    path.write_bytes(pack_weights({"weights": jnp.zeros(3)}, header))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: p.unlink(), "model.safetensors"),
        (lambda p: p.write_text("PGA,SA\n"), "cannot be read"),
        (lambda p: p.write_bytes(p.read_bytes()[:-40]), "cannot be used"),
        (lambda p: p.write_bytes(p.read_bytes()[:-8] + b"\0" * 8), "weights are damaged"),
        (lambda p: _changed(p, kind="travel-time networks"), "no learned ground-motion model"),
        (lambda p: _changed(p, version=99), "version 99"),
        (lambda p: _changed(p, num_units=10**9), "cannot be used"),
        (lambda p: _changed(p, measures=["MMI"]), "no intensity measure"),
        (lambda p: _changed(p, base="Nobody99"), "no ground-motion model"),
        (lambda p: _changed(p, limits=None), "cannot be used"),
    ],
)
def test_other_files_are_refused(saved, spoil, says):
    _, path = saved
    spoil(path)
    with pytest.raises(InputError, match=says):
        load_neural_model(path)


def test_a_model_of_either_precision_is_read(saved):
    model, path = saved
    assert (
        load_neural_model(path)[0].factor.dtype == model.factor.dtype == jax.dtypes.canonicalize_dtype(float)
    )


def test_a_model_of_few_earthquakes_says_so(tmp_path, saved):
    model, _ = saved
    path = tmp_path / "few.safetensors"
    for num, said in ((2, "learned from 2 events"), (40, "")):
        save_neural_model(path, model, about={"num_events": num})
        assert load_neural_model(path)[0].caveat.startswith(said)
        assert bool(load_neural_model(path)[0].caveat) == bool(said)
