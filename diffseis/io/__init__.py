"""Files in and out. Importing this is cheap: each reader and writer is loaded when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffseis.io.accelerograms import Accelerogram as Accelerogram
    from diffseis.io.accelerograms import read_accelerograms as read_accelerograms
    from diffseis.io.arrivals_csv import write_picks_csv as write_picks_csv
    from diffseis.io.atomic import OutputError as OutputError
    from diffseis.io.atomic import atomic_path as atomic_path
    from diffseis.io.catalogue_csv import read_catalogue_csv as read_catalogue_csv
    from diffseis.io.catalogue_csv import write_catalogue_csv as write_catalogue_csv
    from diffseis.io.components import Components as Components
    from diffseis.io.components import find_components as find_components
    from diffseis.io.config import read_config as read_config
    from diffseis.io.earthquake_sources import EarthquakeSource as EarthquakeSource
    from diffseis.io.events import read_events as read_events
    from diffseis.io.events import read_nordic_bulletin as read_nordic_bulletin
    from diffseis.io.events import sniff_format as sniff_format
    from diffseis.io.events_csv import read_events_csv as read_events_csv
    from diffseis.io.flatfiles import FlatTable as FlatTable
    from diffseis.io.flatfiles import read_flatfile as read_flatfile
    from diffseis.io.focmec import read_focmec as read_focmec
    from diffseis.io.fpfit import read_fpfit as read_fpfit
    from diffseis.io.fpfit_solutions import read_fpfit_solutions as read_fpfit_solutions
    from diffseis.io.greens import GreensFile as GreensFile
    from diffseis.io.greens import GreensHeader as GreensHeader
    from diffseis.io.greens import create_greens as create_greens
    from diffseis.io.greens import open_greens as open_greens
    from diffseis.io.ground_motions_csv import GroundMotions as GroundMotions
    from diffseis.io.ground_motions_csv import write_ground_motions_csv as write_ground_motions_csv
    from diffseis.io.hash import read_hash as read_hash
    from diffseis.io.hypoinverse_polarities import read_hypoinverse_polarities as read_hypoinverse_polarities
    from diffseis.io.intensity_csv import IntensityRow as IntensityRow
    from diffseis.io.intensity_csv import write_intensity_csv as write_intensity_csv
    from diffseis.io.learned_motions import load_neural_model as load_neural_model
    from diffseis.io.learned_motions import save_neural_model as save_neural_model
    from diffseis.io.mechanism_modes_csv import write_mechanism_modes_csv as write_mechanism_modes_csv
    from diffseis.io.mechanism_posterior import read_mechanism_posterior as read_mechanism_posterior
    from diffseis.io.mechanism_posterior import write_mechanism_posterior as write_mechanism_posterior
    from diffseis.io.mechanisms import Mechanism as Mechanism
    from diffseis.io.mechanisms import read_mechanisms as read_mechanisms
    from diffseis.io.mechanisms_csv import write_mechanisms_csv as write_mechanisms_csv
    from diffseis.io.mechanisms_quakeml import mechanisms_to_obspy as mechanisms_to_obspy
    from diffseis.io.mechanisms_quakeml import write_mechanisms_quakeml as write_mechanisms_quakeml
    from diffseis.io.media_arrays import read_media_arrays as read_media_arrays
    from diffseis.io.motion_records_csv import MotionPlaces as MotionPlaces
    from diffseis.io.motion_records_csv import MotionRecords as MotionRecords
    from diffseis.io.motion_records_csv import read_motion_places_csv as read_motion_places_csv
    from diffseis.io.motion_records_csv import read_motion_records_csv as read_motion_records_csv
    from diffseis.io.networks import assign_networks as assign_networks
    from diffseis.io.nonlinloc import read_scat as read_scat
    from diffseis.io.nonlinloc import write_nonlinloc as write_nonlinloc
    from diffseis.io.nonlinloc_hyp import read_nonlinloc_hyp as read_nonlinloc_hyp
    from diffseis.io.notices import Notice as Notice
    from diffseis.io.nrml_sources import read_nrml_sources as read_nrml_sources
    from diffseis.io.observations_csv import read_observations_csv as read_observations_csv
    from diffseis.io.observations_csv import write_observations_csv as write_observations_csv
    from diffseis.io.obspy_events import from_obspy_catalog as from_obspy_catalog
    from diffseis.io.picks_csv import read_picks_csv as read_picks_csv
    from diffseis.io.points_csv import read_points_csv as read_points_csv
    from diffseis.io.points_csv import write_travel_times_csv as write_travel_times_csv
    from diffseis.io.posterior_netcdf import read_posterior_netcdf as read_posterior_netcdf
    from diffseis.io.posterior_netcdf import reference_times as reference_times
    from diffseis.io.posterior_netcdf import write_posterior_netcdf as write_posterior_netcdf
    from diffseis.io.psmeca import write_psmeca as write_psmeca
    from diffseis.io.quakeml import to_obspy_catalog as to_obspy_catalog
    from diffseis.io.quakeml import write_quakeml as write_quakeml
    from diffseis.io.quakeml_polarities import read_quakeml_polarities as read_quakeml_polarities
    from diffseis.io.records import read_json as read_json
    from diffseis.io.records import sha256_of as sha256_of
    from diffseis.io.records import write_geojson as write_geojson
    from diffseis.io.records import write_json as write_json
    from diffseis.io.records import write_station_terms_csv as write_station_terms_csv
    from diffseis.io.scenarios_csv import ScenarioTable as ScenarioTable
    from diffseis.io.scenarios_csv import read_scenarios_csv as read_scenarios_csv
    from diffseis.io.seismograms import band_code as band_code
    from diffseis.io.seismograms import check_station_id as check_station_id
    from diffseis.io.seismograms import to_stream as to_stream
    from diffseis.io.seismograms import write_mseed as write_mseed
    from diffseis.io.skhash import read_skhash as read_skhash
    from diffseis.io.sources_csv import read_sources_csv as read_sources_csv
    from diffseis.io.stations_csv import is_on_section as is_on_section
    from diffseis.io.stations_csv import read_section_stations_csv as read_section_stations_csv
    from diffseis.io.stations_csv import read_stations_csv as read_stations_csv
    from diffseis.io.stations_csv import resolve_epochs as resolve_epochs
    from diffseis.io.stationxml import read_stationxml as read_stationxml
    from diffseis.io.taup import read_velocity_taup as read_velocity_taup
    from diffseis.io.travel_time_networks import read_network_header as read_network_header
    from diffseis.io.travel_time_networks import (
        read_travel_time_networks as read_travel_time_networks,
    )
    from diffseis.io.travel_time_networks import (
        write_travel_time_networks as write_travel_time_networks,
    )
    from diffseis.io.velocity import read_medium as read_medium
    from diffseis.io.velocity import read_velocity as read_velocity
    from diffseis.io.velocity_csv import read_velocity_csv as read_velocity_csv
    from diffseis.io.velocity_grids import nonlinloc_files as nonlinloc_files
    from diffseis.io.velocity_grids import read_velocity_grid as read_velocity_grid
    from diffseis.io.velocity_grids import write_velocity_netcdf as write_velocity_netcdf
    from diffseis.io.velocity_text import is_velocity_text as is_velocity_text
    from diffseis.io.velocity_text import read_velocity_text as read_velocity_text
    from diffseis.io.wavefields import write_records_netcdf as write_records_netcdf
    from diffseis.io.wavefields import write_snapshots_netcdf as write_snapshots_netcdf

_HOME = {
    "Accelerogram": "accelerograms",
    "Components": "components",
    "FlatTable": "flatfiles",
    "EarthquakeSource": "earthquake_sources",
    "GreensFile": "greens",
    "GreensHeader": "greens",
    "GroundMotions": "ground_motions_csv",
    "IntensityRow": "intensity_csv",
    "Mechanism": "mechanisms",
    "MotionPlaces": "motion_records_csv",
    "MotionRecords": "motion_records_csv",
    "Notice": "notices",
    "OutputError": "atomic",
    "ScenarioTable": "scenarios_csv",
    "assign_networks": "networks",
    "atomic_path": "atomic",
    "band_code": "seismograms",
    "check_station_id": "seismograms",
    "create_greens": "greens",
    "find_components": "components",
    "from_obspy_catalog": "obspy_events",
    "is_on_section": "stations_csv",
    "is_velocity_text": "velocity_text",
    "load_neural_model": "learned_motions",
    "mechanisms_to_obspy": "mechanisms_quakeml",
    "nonlinloc_files": "velocity_grids",
    "open_greens": "greens",
    "read_accelerograms": "accelerograms",
    "read_catalogue_csv": "catalogue_csv",
    "read_config": "config",
    "read_events": "events",
    "read_events_csv": "events_csv",
    "read_flatfile": "flatfiles",
    "read_focmec": "focmec",
    "read_fpfit": "fpfit",
    "read_fpfit_solutions": "fpfit_solutions",
    "read_hash": "hash",
    "read_hypoinverse_polarities": "hypoinverse_polarities",
    "read_json": "records",
    "read_mechanism_posterior": "mechanism_posterior",
    "read_mechanisms": "mechanisms",
    "read_media_arrays": "media_arrays",
    "read_medium": "velocity",
    "read_motion_places_csv": "motion_records_csv",
    "read_motion_records_csv": "motion_records_csv",
    "read_network_header": "travel_time_networks",
    "read_nonlinloc_hyp": "nonlinloc_hyp",
    "read_nordic_bulletin": "events",
    "read_nrml_sources": "nrml_sources",
    "read_observations_csv": "observations_csv",
    "read_picks_csv": "picks_csv",
    "read_points_csv": "points_csv",
    "read_posterior_netcdf": "posterior_netcdf",
    "read_quakeml_polarities": "quakeml_polarities",
    "read_scat": "nonlinloc",
    "read_scenarios_csv": "scenarios_csv",
    "read_section_stations_csv": "stations_csv",
    "read_skhash": "skhash",
    "read_sources_csv": "sources_csv",
    "read_stations_csv": "stations_csv",
    "read_stationxml": "stationxml",
    "read_travel_time_networks": "travel_time_networks",
    "read_velocity": "velocity",
    "read_velocity_csv": "velocity_csv",
    "read_velocity_grid": "velocity_grids",
    "read_velocity_taup": "taup",
    "read_velocity_text": "velocity_text",
    "reference_times": "posterior_netcdf",
    "resolve_epochs": "stations_csv",
    "save_neural_model": "learned_motions",
    "sha256_of": "records",
    "sniff_format": "events",
    "to_obspy_catalog": "quakeml",
    "to_stream": "seismograms",
    "write_catalogue_csv": "catalogue_csv",
    "write_geojson": "records",
    "write_ground_motions_csv": "ground_motions_csv",
    "write_intensity_csv": "intensity_csv",
    "write_json": "records",
    "write_mechanism_modes_csv": "mechanism_modes_csv",
    "write_mechanism_posterior": "mechanism_posterior",
    "write_mechanisms_csv": "mechanisms_csv",
    "write_mechanisms_quakeml": "mechanisms_quakeml",
    "write_mseed": "seismograms",
    "write_nonlinloc": "nonlinloc",
    "write_observations_csv": "observations_csv",
    "write_picks_csv": "arrivals_csv",
    "write_posterior_netcdf": "posterior_netcdf",
    "write_psmeca": "psmeca",
    "write_quakeml": "quakeml",
    "write_records_netcdf": "wavefields",
    "write_snapshots_netcdf": "wavefields",
    "write_station_terms_csv": "records",
    "write_travel_time_networks": "travel_time_networks",
    "write_travel_times_csv": "points_csv",
    "write_velocity_netcdf": "velocity_grids",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
