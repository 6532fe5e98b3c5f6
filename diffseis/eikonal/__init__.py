"""Travel times."""

from diffseis.eikonal.adjoint import AbstractAdjoint as AbstractAdjoint
from diffseis.eikonal.adjoint import ImplicitAdjoint as ImplicitAdjoint
from diffseis.eikonal.analytic import GradientTime as GradientTime
from diffseis.eikonal.analytic import HomogeneousTime as HomogeneousTime
from diffseis.eikonal.base import AbstractPhaseTimes as AbstractPhaseTimes
from diffseis.eikonal.base import AbstractTravelTimeField as AbstractTravelTimeField
from diffseis.eikonal.field_tables import build_field_tables as build_field_tables
from diffseis.eikonal.grid_tables import GridTimeTables as GridTimeTables
from diffseis.eikonal.grid_tables import build_grid_tables as build_grid_tables
from diffseis.eikonal.grid_tables import station_row as station_row
from diffseis.eikonal.layered import LayeredTime as LayeredTime
from diffseis.eikonal.neural import NeuralSourceTime as NeuralSourceTime
from diffseis.eikonal.neural import NeuralTravelTime as NeuralTravelTime
from diffseis.eikonal.neural_training import slowness_error as slowness_error
from diffseis.eikonal.neural_training import train_travel_times as train_travel_times
from diffseis.eikonal.phase_times import FieldTimes as FieldTimes
from diffseis.eikonal.solve import FactoredSweeping as FactoredSweeping
from diffseis.eikonal.solve import GridTime as GridTime
from diffseis.eikonal.solve import solve_eikonal as solve_eikonal
from diffseis.eikonal.straight import mean_slowness as mean_slowness
from diffseis.eikonal.swept_tables import build_swept_tables as build_swept_tables
from diffseis.eikonal.tables import StationTimeTables as StationTimeTables
from diffseis.eikonal.tables import build_layered_tables as build_layered_tables
from diffseis.eikonal.tables import table_bytes as table_bytes
from diffseis.eikonal.tables import table_error as table_error
