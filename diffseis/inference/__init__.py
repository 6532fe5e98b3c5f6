"""Algorithms that know no seismology: samplers, modes, diagnostics."""

from diffseis.inference.base import AbstractReference as AbstractReference
from diffseis.inference.base import AbstractSampler as AbstractSampler
from diffseis.inference.base import Draws as Draws
from diffseis.inference.base import Modes as Modes
from diffseis.inference.base import run_sampler as run_sampler
from diffseis.inference.diagnostics import credible_level as credible_level
from diffseis.inference.diagnostics import effective_sample_size as effective_sample_size
from diffseis.inference.diagnostics import kernel_stein_discrepancy as kernel_stein_discrepancy
from diffseis.inference.fit import AbstractTrainer as AbstractTrainer
from diffseis.inference.fit import fit_residuals as fit_residuals
from diffseis.inference.grid import DenseGrid as DenseGrid
from diffseis.inference.laplace import Laplace as Laplace
from diffseis.inference.modes import Peak as Peak
from diffseis.inference.modes import climb as climb
from diffseis.inference.modes import laplace_modes as laplace_modes
from diffseis.inference.modes import select_starts as select_starts
from diffseis.inference.natural_gradient import Spring as Spring
from diffseis.inference.nuts import NUTS as NUTS
from diffseis.inference.proposals import whiten as whiten
from diffseis.inference.quasirandom import box_muller as box_muller
from diffseis.inference.quasirandom import normal_points as normal_points
from diffseis.inference.quasirandom import resample as resample
from diffseis.inference.quasirandom import student_columns as student_columns
from diffseis.inference.quasirandom import student_from_uniform as student_from_uniform
from diffseis.inference.quasirandom import uniform_points as uniform_points
from diffseis.inference.svgd import SVGD as SVGD
