"""Laws that every kind of observation of a source obeys. A new one is a line in `OBSERVABLES`."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from diffseis import source
from diffseis.mechanism import default_noise, event_data
from diffseis.synthesis import ReadingErrors
from tests.helpers.gradients import check_grads
from tests.mechanism.made_up import catalogue, only

X64 = jax.config.read("jax_enable_x64")


def _first(table):
    batch = event_data(table, ["e0"], dtype=np.float64 if X64 else np.float32)
    return jax.tree.map(lambda x: x[0], batch.blocks[0])


def _table(**errors):
    return catalogue(1, 12, errors=ReadingErrors(ratio_share=1.0, amplitude_sd=0.2, **errors))[0]


def _with_signs(table):
    return dataclasses.replace(table, sv_polarity=-table.polarity, sh_polarity=table.polarity)


OBSERVABLES = {
    "P polarities": _first(only(_table(), "polarity")),
    "SH polarities": _first(only(_with_signs(_table()), "sh_polarity")),
    "S/P": _first(only(_table(), "log10_sp")),
    "SV/SH": _first(only(dataclasses.replace(_table(), log10_svsh=_table().log10_sp - 0.7), "log10_svsh")),
    "P amplitudes": _first(only(_table(), "p_amplitude")),
    "absolute P amplitudes": _first(
        only(dataclasses.replace(_table(), p_amplitude=np.abs(_table().p_amplitude)), "p_amplitude")
    ),
}
NAMES = [pytest.param(name, marks=[pytest.mark.long] if name == "SV/SH" else []) for name in OBSERVABLES]
"""S/P and SV/SH are of one kind: the one is tested quickly, both in the long suite."""
NOISE = default_noise()
SOURCES = jax.vmap(source.six_vector)(
    jnp.stack(
        [
            source.double_couple(*jnp.asarray([0.3, 1.0, -0.5])),
            source.double_couple(*jnp.asarray([0.0, np.pi / 2, 0.0])),
            source.double_couple(*jnp.asarray([0.0, 0.0, 0.0])),
            jnp.eye(3) * (2 / 3) ** 0.5,
            -jnp.eye(3) * (2 / 3) ** 0.5,
        ]
    )
)


@eqx.filter_jit
def _log_prob(block, six, noise):
    return block.log_prob(six, noise)


@eqx.filter_jit
def _slopes(block, six, noise):
    return jax.grad(lambda six, noise: jnp.sum(block.log_prob(six, noise)), (0, 1))(six, noise)


@pytest.mark.parametrize("name", NAMES)
def test_masked_rows_say_nothing_whatever_they_hold(name):
    block = OBSERVABLES[name]
    mask = block.mask.at[3].set(False).at[7].set(False)
    masked = eqx.tree_at(lambda b: b.mask, block, mask)
    poisoned = jax.tree.map(
        lambda x: (
            jnp.where(mask.reshape(-1, *[1] * (x.ndim - 1)), x, jnp.nan)
            if jnp.issubdtype(x.dtype, jnp.floating)
            else x
        ),
        masked,
    )
    found, expected = (_log_prob(x, SOURCES, NOISE) for x in (poisoned, masked))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert int(masked.num_data()) == int(np.sum(mask))
    if "amplitudes" not in name:  # of which the others share a size
        parts = [eqx.tree_at(lambda b: b.mask, block, m & block.mask) for m in (mask, ~mask)]
        whole = sum(_log_prob(part, SOURCES, NOISE) for part in parts)
        np.testing.assert_allclose(whole, _log_prob(block, SOURCES, NOISE), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_order_does_not_matter(name):
    block = OBSERVABLES[name]
    order = np.random.default_rng(0).permutation(block.mask.shape[0])
    turned = jax.tree.map(lambda x: x[order], block)
    found, expected = (_log_prob(x, SOURCES, NOISE) for x in (turned, block))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_finite_values_and_gradients_at_every_source(name):
    """Nodal rays, sources without shear, implosions."""
    block = OBSERVABLES[name]
    values, slopes = _log_prob(block, SOURCES, NOISE), _slopes(block, SOURCES, NOISE)
    for found in (values, *jax.tree.leaves(slopes)):
        assert np.all(np.isfinite(found))


@pytest.mark.long
@pytest.mark.skipif(not X64, reason="finite differences need float64")
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in ("SV/SH", "SH polarities") else n for n in OBSERVABLES],
)
def test_gradients(name):
    block = OBSERVABLES[name]
    ordinary = SOURCES[:1]
    flat, back = ravel_pytree((ordinary, NOISE))
    whole = jax.jit(lambda x: jnp.sum(block.log_prob(*back(x))))
    check_grads(whole, flat, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_features_are_finite_and_zero_where_masked(name):
    block = OBSERVABLES[name]
    masked = eqx.tree_at(lambda b: b.mask, block, block.mask.at[0].set(False))
    found = masked.features()
    assert np.all(np.isfinite(found))
    assert np.all(np.asarray(found)[0] == 0)


@pytest.mark.parametrize("name", NAMES)
def test_simulated_data_prefer_the_source_that_made_them(name):
    """On average the likelihood of the true source is above that of others: Gibbs's inequality."""
    block = OBSERVABLES[name]

    def gain(key):
        made = block.simulate(SOURCES[0], NOISE, key=key)
        value = made.log_prob(SOURCES[:3], NOISE)
        return value[0] - value[1:]

    gains = jax.jit(jax.vmap(gain))(jax.random.split(jax.random.key(0), 300))
    assert np.all(np.mean(gains, axis=0) > 0)
