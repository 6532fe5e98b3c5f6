"""Travel times."""

from diffseis.eikonal.analytic import GradientTime as GradientTime
from diffseis.eikonal.analytic import HomogeneousTime as HomogeneousTime
from diffseis.eikonal.base import AbstractPhaseTimes as AbstractPhaseTimes
from diffseis.eikonal.base import AbstractTravelTimeField as AbstractTravelTimeField
from diffseis.eikonal.layered import LayeredTime as LayeredTime
from diffseis.eikonal.phase_times import FieldTimes as FieldTimes
from diffseis.eikonal.tables import StationTimeTables as StationTimeTables
from diffseis.eikonal.tables import build_layered_tables as build_layered_tables
from diffseis.eikonal.tables import table_bytes as table_bytes
from diffseis.eikonal.tables import table_error as table_error
