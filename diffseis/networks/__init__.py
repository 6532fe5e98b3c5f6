"""Functions with weights."""

from diffseis.networks.checkpoints import pack_weights as pack_weights
from diffseis.networks.checkpoints import unpack_header as unpack_header
from diffseis.networks.checkpoints import unpack_weights as unpack_weights
from diffseis.networks.coordinate import CoordinateNetwork as CoordinateNetwork
