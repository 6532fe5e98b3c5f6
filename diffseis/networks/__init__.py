"""Functions with weights."""

from diffseis.networks.checkpoints import pack_weights as pack_weights
from diffseis.networks.checkpoints import unpack_header as unpack_header
from diffseis.networks.checkpoints import unpack_weights as unpack_weights
from diffseis.networks.coordinate import CoordinateNetwork as CoordinateNetwork
from diffseis.networks.features import AbstractFeatures as AbstractFeatures
from diffseis.networks.features import Derivatives as Derivatives
from diffseis.networks.features import GaborFeatures as GaborFeatures
from diffseis.networks.features import HeldFeatures as HeldFeatures
from diffseis.networks.features import SineFeatures as SineFeatures
