"""Waves: finite differences and networks."""

from diffseis.wave.acoustic import Acoustic as Acoustic
from diffseis.wave.acoustic import AcousticMedium as AcousticMedium
from diffseis.wave.adjoint import AbstractAdjoint as AbstractAdjoint
from diffseis.wave.adjoint import Full as Full
from diffseis.wave.adjoint import Recursive as Recursive
from diffseis.wave.base import AbstractWaveEquation as AbstractWaveEquation
from diffseis.wave.boundary import Absorbing as Absorbing
from diffseis.wave.boundary import Boundary as Boundary
from diffseis.wave.boundary import PressureRelease as PressureRelease
from diffseis.wave.propagate import Receivers as Receivers
from diffseis.wave.propagate import Sources as Sources
from diffseis.wave.propagate import TimeAxis as TimeAxis
from diffseis.wave.propagate import num_substeps as num_substeps
from diffseis.wave.propagate import propagate as propagate
