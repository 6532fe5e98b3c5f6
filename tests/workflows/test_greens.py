"""Building stores of Green's functions on disk."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffseis.core.errors import InputError
from diffseis.core.frames import LocalFrame
from diffseis.core.grids import RegularGrid
from diffseis.io import open_greens
from diffseis.wave import (
    Boundary,
    Elastic,
    ElasticMedium,
    TimeAxis,
    greens_store,
    num_substeps,
    source_lattice,
)
from diffseis.workflows.greens import build_greens


def _problem():
    grid = RegularGrid([0.0, 0.0], 0.2, (30, 24))
    full = lambda v: jnp.full(grid.shape, v, jnp.float32)
    medium = ElasticMedium(grid, full(4.0), full(2.3), full(2.5))
    return medium, source_lattice(grid, [2.0, 2.0], [4.0, 4.0], 2), TimeAxis(24, 0.1)


@pytest.mark.long
def test_build_and_resume(tmp_path, monkeypatch):
    """What was interrupted goes on with the station that is missing, and is the store that is made in one go."""
    medium, lattice, axis = _problem()
    stations = {"XX.A": [1.0, 0.0], "XX.B": [5.0, 0.5]}
    boundary = Boundary.absorbing(2, free_surface=True, num_nodes=5)
    told = []

    def build(progress):
        return build_greens(
            tmp_path / "g", Elastic(), medium, stations, lattice, axis, 1.5, boundary=boundary, frame=LocalFrame(45.0, 10.0),
            progress=progress,
        )  # fmt: skip

    def stop(stage, done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(stop)
    assert open_greens(tmp_path / "g").missing == [1]
    file = build(lambda *said: told.append(said))
    assert told == [("Green's functions", 1, 2), ("Green's functions", 2, 2)]
    assert file.missing == []
    assert file.header.about["frame"] == [45.0, 10.0]
    whole = greens_store(
        Elastic(),
        medium,
        jnp.asarray([[1.0, 0.0], [5.0, 0.5]], jnp.float32),
        lattice,
        axis,
        1.5,
        boundary=boundary,
        substeps=num_substeps(Elastic(), medium, axis),
    )
    found = np.asarray(file.load().coefficients)
    np.testing.assert_allclose(found, whole.coefficients, atol=1e-4 * np.max(np.abs(found)))
    with pytest.raises(InputError, match="other Green's functions"):
        build_greens(
            tmp_path / "g", Elastic(order=2), medium, stations, lattice, axis, 1.5, boundary=boundary
        )


def test_a_station_outside(tmp_path):
    medium, lattice, axis = _problem()
    with pytest.raises(InputError, match=r"station XX.A .* lies outside the medium"):
        build_greens(tmp_path / "g", Elastic(), medium, {"XX.A": [99.0, 0.0]}, lattice, axis, 1.5)
    assert not (tmp_path / "g").exists()
