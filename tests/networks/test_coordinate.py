"""Coordinate networks and their checkpoints."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from diffseis.networks import CoordinateNetwork, pack_weights, unpack_header, unpack_weights
from tests.helpers.gradients import check_grads


@pytest.mark.long
@pytest.mark.parametrize("activation", ["tanh", "sin", "silu"])
def test_exactly_even_in_the_offset(activation):
    network = CoordinateNetwork(3, 2, width=9, activation=activation, key=jr.key(0))
    place, offset = jr.normal(jr.key(1), (3,)), jr.normal(jr.key(2), (2,))
    assert network(place, offset) == network(place, -offset)
    assert network(place, offset) != network(place, 2 * offset)


@pytest.mark.long
@pytest.mark.skipif(not jax.config.read("jax_enable_x64"), reason="gradient checks need float64")
def test_gradient_and_start():
    network = CoordinateNetwork(2, 1, width=8, start=-3.0, key=jr.key(0))
    check_grads(lambda x: network(x[:2], x[2:]), jnp.asarray([0.3, -0.2, 0.5]))
    assert abs(float(network(jnp.zeros(2), jnp.zeros(1))) + 3) < 1


@pytest.mark.long
def test_number_of_weights():
    assert CoordinateNetwork(3, 3, width=48, key=jr.key(0)).num_weights == 5089


@pytest.mark.long
def test_round_trip():
    network = CoordinateNetwork(3, 2, width=7, depth=2, key=jr.key(0))
    content = pack_weights(network, {"kind": "test", "error": 1e-4})
    assert unpack_header(content) == {"kind": "test", "error": 1e-4}
    other = CoordinateNetwork(3, 2, width=7, depth=2, key=jr.key(5))
    again = unpack_weights(content, other)
    for a, b in zip(*(jax.tree.leaves(eqx.filter(n, eqx.is_array)) for n in (network, again)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.long
def test_wrong_or_damaged_content_is_refused():
    network = CoordinateNetwork(3, 2, width=7, depth=2, key=jr.key(0))
    content = pack_weights(network, {"kind": "test"})
    with pytest.raises(ValueError, match="shape"):
        unpack_weights(content, CoordinateNetwork(3, 2, width=8, depth=2, key=jr.key(0)))
    with pytest.raises(ValueError, match="missing"):
        unpack_weights(content, CoordinateNetwork(3, 2, width=7, depth=3, key=jr.key(0)))
    for cut in (0, 5, 40, len(content) // 2, len(content) - 1):
        with pytest.raises(ValueError, match=r"damaged|cut short|header"):
            unpack_weights(content[:cut], network)
    with pytest.raises(ValueError, match="cut short"):
        unpack_header(b"no tensors at all")
    bad = eqx.tree_at(lambda n: n.readout.bias, network, jnp.full((1,), jnp.nan))
    with pytest.raises(ValueError, match="no numbers"):
        unpack_weights(pack_weights(bad, {}), network)


def test_one_changed_byte_of_the_weights_is_told():
    network = CoordinateNetwork(3, 2, width=7, depth=2, key=jr.key(0))
    content = bytearray(pack_weights(network, {}))
    unpack_weights(bytes(content), network)
    content[-3] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        unpack_weights(bytes(content), network)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="activation"):
        CoordinateNetwork(2, activation="step", key=jr.key(0))
    with pytest.raises(ValueError, match="width"):
        CoordinateNetwork(2, width=0, key=jr.key(0))
    with pytest.raises(ValueError, match="offset"):
        CoordinateNetwork(2, 2, key=jr.key(0))(jnp.zeros(2))
