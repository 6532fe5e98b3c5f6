"""Pure functions of a seismogram: response spectra and other measures of how strong a motion is."""

from diffseis.signal.response_spectrum import ResponseSpectrum as ResponseSpectrum
from diffseis.signal.response_spectrum import batched_response_spectra as batched_response_spectra
from diffseis.signal.response_spectrum import oscillator_response as oscillator_response
from diffseis.signal.response_spectrum import response_spectrum as response_spectrum
from diffseis.signal.response_spectrum import smooth_response_spectrum as smooth_response_spectrum
from diffseis.signal.rotated_spectrum import RotatedSpectrum as RotatedSpectrum
from diffseis.signal.rotated_spectrum import rotated_spectrum as rotated_spectrum
from diffseis.signal.substeps import AbstractSubsteps as AbstractSubsteps
from diffseis.signal.substeps import BandLimited as BandLimited
from diffseis.signal.substeps import LinearSubsteps as LinearSubsteps
from diffseis.signal.substeps import NoSubsteps as NoSubsteps
