"""HASH's solutions in the catalogue of all methods."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffseis import source
from diffseis.mechanism import HashOptions, hash_catalogue, hash_mechanisms
from diffseis.synthesis import ReadingErrors
from tests.mechanism.made_up import catalogue, only

OPTIONS = HashOptions(grid_spacing_deg=10.0, num_trials=5, min_polarities=8)


@pytest.mark.long
def test_every_event_has_a_row_and_the_numbers_are_hashs():
    clean = ReadingErrors(2.0, 2.0, mispick=0.0, polarity_sd=0.01)
    table, tensors = catalogue(3, 60, errors=clean)
    table = only(table, "polarity")
    few = np.flatnonzero(np.asarray(table.event_id) == "e1")[4:]
    table = table.take(np.setdiff1d(np.arange(len(table)), few))
    ids = ["e0", "e1", "e2", "lost"]
    solutions = hash_mechanisms(table, ids, options=OPTIONS, key=jax.random.key(0))
    found = hash_catalogue(table, solutions, OPTIONS, num_kept=50)
    rows = found.mechanisms
    assert list(rows.event_id) == ids
    assert list(rows.status) == ["ok", "underdetermined", "ok", "no-data"]
    assert found.draws.shape == (4, 50, 6)
    assert np.isnan(found.draws[1]).all()
    assert np.isnan(rows.strike_deg[1])
    np.testing.assert_allclose(np.linalg.norm(found.draws[0], axis=1), np.sqrt(2), rtol=1e-5)
    for i, row in ((0, 0), (2, 2)):
        plane = jnp.radians(
            jnp.asarray([solutions[i].strike_deg[0], solutions[i].dip_deg[0], solutions[i].rake_deg[0]])
        )
        np.testing.assert_allclose(rows.tensor[row], source.double_couple(*plane), atol=1e-5)
        assert (
            np.degrees(
                float(
                    source.kagan_angle(jnp.asarray(rows.tensor[row], float), jnp.asarray(tensors[row], float))
                )
            )
            < 20
        )
        assert rows.kagan50_deg[row] <= rows.kagan90_deg[row]
        assert rows.strike_error_deg[row] == solutions[i].fault_plane_uncertainty_deg[0]
        assert np.isnan(rows.ratio_misfit[row])
    # The second plane is the first one's auxiliary plane.
    first = [jnp.radians(jnp.asarray(x)) for x in (rows.strike_deg[0], rows.dip_deg[0], rows.rake_deg[0])]
    second = [jnp.radians(jnp.asarray(x)) for x in (rows.strike2_deg[0], rows.dip2_deg[0], rows.rake2_deg[0])]
    np.testing.assert_allclose(source.double_couple(*first), source.double_couple(*second), atol=1e-4)
