"""Mechanisms of sources."""

from diffseis.mechanism.hash_mode import hash_mechanisms as hash_mechanisms
from diffseis.mechanism.hash_options import HashOptions as HashOptions
from diffseis.mechanism.hash_solution import HashSolution as HashSolution
from diffseis.mechanism.hash_solution import hash_grade as hash_grade
from diffseis.mechanism.waveforms import SourcePosterior as SourcePosterior
from diffseis.mechanism.waveforms import WaveformProblem as WaveformProblem
from diffseis.mechanism.waveforms import invert_waveforms as invert_waveforms
