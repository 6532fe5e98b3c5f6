"""Mechanisms of sources."""

from diffseis.mechanism.waveforms import SourcePosterior as SourcePosterior
from diffseis.mechanism.waveforms import WaveformProblem as WaveformProblem
from diffseis.mechanism.waveforms import invert_waveforms as invert_waveforms
