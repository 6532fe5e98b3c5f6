"""Hypocentres with uncertainties that hold."""

from diffseis.location.catalogue import REGION_LEVELS as REGION_LEVELS
from diffseis.location.catalogue import Arrivals as Arrivals
from diffseis.location.catalogue import LocatedCatalogue as LocatedCatalogue
from diffseis.location.catalogue import LocatedEvents as LocatedEvents
from diffseis.location.catalogue import Particles as Particles
from diffseis.location.data import EventData as EventData
from diffseis.location.data import event_arrays as event_arrays
from diffseis.location.data import prepare_picks as prepare_picks
from diffseis.location.event import EventPosterior as EventPosterior
from diffseis.location.event import locate_event as locate_event
from diffseis.location.likelihood import AbstractLikelihood as AbstractLikelihood
from diffseis.location.likelihood import InlierOutlier as InlierOutlier
from diffseis.location.likelihood import StudentT as StudentT
from diffseis.location.likelihood import TravelTimeError as TravelTimeError
from diffseis.location.likelihood_edt import EqualDifferentialTime as EqualDifferentialTime
from diffseis.location.likelihood_gaussian import Gaussian as Gaussian
from diffseis.location.locate import default_volume as default_volume
from diffseis.location.locate import locate as locate
from diffseis.location.posterior import ModeSearch as ModeSearch
from diffseis.location.posterior import Problem as Problem
from diffseis.location.prior import AbstractDepthPrior as AbstractDepthPrior
from diffseis.location.prior import FlatSurface as FlatSurface
from diffseis.location.prior import NormalDepth as NormalDepth
from diffseis.location.prior import SearchVolume as SearchVolume
from diffseis.location.prior import StationSurface as StationSurface
from diffseis.location.prior import UniformDepth as UniformDepth
