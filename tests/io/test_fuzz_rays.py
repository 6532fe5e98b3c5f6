"""Damaged files of first motions: a reader refuses with `InputError`, or returns what a seismologist could believe."""

import numpy as np
import pytest

from diffseis.io import (
    read_focmec,
    read_fpfit,
    read_fpfit_solutions,
    read_hash,
    read_hypoinverse_polarities,
    read_nonlinloc_hyp,
    read_observations_csv,
    read_quakeml_polarities,
    read_skhash,
)
from tests.helpers.mutants import fuzz
from tests.io import ray_files as files


def check_rays(table):
    assert len(table)
    assert all(table.station)
    assert all(table.event_id)
    known = lambda column: column[np.isfinite(column)]
    assert np.all(np.abs(known(table.azimuth_deg)) <= 360)
    for takeoff in (known(table.takeoff_deg), known(table.s_takeoff_deg)):
        assert np.all((takeoff >= 0) & (takeoff <= 180))
    np.testing.assert_array_equal(np.isnan(table.azimuth_deg), np.isnan(table.takeoff_deg))
    for sigma in (known(table.azimuth_sigma_deg), known(table.takeoff_sigma_deg)):
        assert np.all((sigma >= 0) & (sigma <= 90))
    for polarity in (table.polarity, table.sv_polarity, table.sh_polarity):
        assert np.all(np.abs(known(polarity)) <= 1)
    for ratio in (table.log10_sp, table.log10_svp, table.log10_shp, table.log10_svsh):
        assert not np.isinf(ratio).any()
        assert np.all(np.abs(known(ratio)) <= 10)
    times = table.time[~np.isnat(table.time)]
    if len(times):
        assert np.datetime64("1850") <= times.min() <= times.max() < np.datetime64("2151")


def check(value):
    table, *others = value
    check_rays(table)
    for places in others[:-1]:
        if places is not None:
            latitude = places.latitude[np.isfinite(places.latitude)]
            longitude = places.longitude[np.isfinite(places.longitude)]
            assert np.all(np.abs(latitude) <= 90)
            assert np.all(np.abs(longitude) <= 360)


def check_observations(value):
    if len(value[0]):
        check(value)


READERS = {
    "observations": (files.OBSERVATIONS, read_observations_csv, check_observations),
    "hash 1": (files.HASH_1, lambda p: read_hash(p, 1), check),
    "hash 2": (files.HASH_2, lambda p: read_hash(p, 2), check),
    "hash 4": (files.HASH_4, lambda p: read_hash(p, 4), check),
    "skhash": (files.SKHASH, read_skhash, check),
    "focmec": (files.FOCMEC, read_focmec, check),
    "hypo71": (files.HYPO71, read_fpfit, check),
    "archive": (files.ARCHIVE, read_hypoinverse_polarities, check),
    "nonlinloc": (files.NONLINLOC, read_nonlinloc_hyp, check),
}

# The files beside a phase file: option, content, and what is read with it.
BESIDE = {
    "stations": (files.STATIONS, files.HASH_2, lambda p, q: read_hash(p, 2, stations=q)),
    "five stations": (files.FIVE_STATIONS, files.HASH_4, lambda p, q: read_hash(p, 4, stations=q)),
    "reversals": (files.REVERSALS, files.HASH_1, lambda p, q: read_hash(p, 1, reversals=q)),
    "amplitudes": (files.AMPLITUDES, files.HASH_2, lambda p, q: read_hash(p, 3, amplitudes=q)),
    "simulps": (files.SIMULPS, files.HASH_2, lambda p, q: read_hash(p, 5, angles=q)),
    "skhash amplitudes": (files.SKHASH_AMPLITUDES, files.SKHASH, lambda p, q: read_skhash(p, amplitudes=q)),
    "skhash stations": (files.SKHASH_STATIONS, files.SKHASH, lambda p, q: read_skhash(p, stations=q)),
    "skhash reversals": (files.SKHASH_REVERSALS, files.SKHASH, lambda p, q: read_skhash(p, reversals=q)),
}


@pytest.mark.parametrize("kind", READERS)
def test_what_is_whole_is_read(tmp_path, kind):
    data, read, _ = READERS[kind]
    (tmp_path / "whole").write_bytes(data)
    value = read(tmp_path / "whole")
    assert len(value[0]) >= 6
    assert [n.kind for n in value[-1] if n.kind == "left-out"] == []


@pytest.mark.parametrize("kind", READERS)
def test_mutants(tmp_path, kind):
    data, read, sane = READERS[kind]
    assert fuzz(tmp_path / "mutant", data, read, sane, range(80)) > 0


@pytest.mark.parametrize("kind", BESIDE)
def test_mutants_beside(tmp_path, kind):
    data, phases, read = BESIDE[kind]
    (tmp_path / "phases").write_bytes(phases)
    (tmp_path / "beside").write_bytes(data)
    whole = read(tmp_path / "phases", tmp_path / "beside")
    assert [n.message for n in whole[-1] if n.kind in ("left-out", "unknown-station")] == []
    fuzz(tmp_path / "beside", data, lambda path: read(tmp_path / "phases", path), check, range(40))


def check_planes(value):
    for mechanism in value[0]:
        strike, dip, rake = mechanism.strike_dip_rake_deg
        assert 0 <= strike < 360
        assert 0 <= dip <= 90
        assert abs(rake) <= 180
        assert not abs(mechanism.latitude) > 90


def test_mutants_of_planes(tmp_path):
    fuzz(tmp_path / "mutant", files.FPFIT_SOLUTIONS, read_fpfit_solutions, check_planes, range(80))


def test_quakeml_mutants(tmp_path):
    assert fuzz(tmp_path / "mutant", files.QUAKEML, read_quakeml_polarities, check, range(30)) > 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", READERS)
def test_many_mutants_and_every_truncation(tmp_path, kind):
    data, read, sane = READERS[kind]
    fuzz(tmp_path / "mutant", data, read, sane, range(1000, 4000))
    cut = lambda data, length: data[:length]
    fuzz(tmp_path / "cut", data, read, sane, range(len(data)), damage=cut)
