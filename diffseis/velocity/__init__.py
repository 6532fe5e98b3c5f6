"""Media: the speed of one phase as a function of position."""

from diffseis.velocity.anisotropic import SpeedRatio as SpeedRatio
from diffseis.velocity.anisotropic import TransverselyIsotropic as TransverselyIsotropic
from diffseis.velocity.base import AbstractVelocityModel as AbstractVelocityModel
from diffseis.velocity.fingerprint import model_hash as model_hash
from diffseis.velocity.gradient import Gradient as Gradient
from diffseis.velocity.gridded import Gridded as Gridded
from diffseis.velocity.homogeneous import Homogeneous as Homogeneous
from diffseis.velocity.layered import Layered as Layered
from diffseis.velocity.layered import Segments as Segments
from diffseis.velocity.layered import layered_pair as layered_pair
from diffseis.velocity.ratios import POISSON_SOLID as POISSON_SOLID
from diffseis.velocity.ratios import scale_speed as scale_speed
from diffseis.velocity.ratios import vp_from_vs as vp_from_vs
from diffseis.velocity.ratios import vs_from_vp as vs_from_vp
