"""Seismic sources: moment tensors and time functions."""

from diffseis.source.base import AbstractSource as AbstractSource
from diffseis.source.base import AbstractTimeFunction as AbstractTimeFunction
from diffseis.source.moment_tensor import DoubleCouple as DoubleCouple
from diffseis.source.moment_tensor import MomentTensor as MomentTensor
from diffseis.source.moment_tensor import double_couple as double_couple
from diffseis.source.moment_tensor import scalar_moment as scalar_moment
from diffseis.source.moment_tensor import slip_and_normal as slip_and_normal
from diffseis.source.time_functions import BandLimitedDelta as BandLimitedDelta
from diffseis.source.time_functions import Brune as Brune
from diffseis.source.time_functions import Gaussian as Gaussian
from diffseis.source.time_functions import Ricker as Ricker
from diffseis.source.time_functions import Triangle as Triangle
