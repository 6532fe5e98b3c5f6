"""Figures and the HTML report."""

from diffseis.plot.beachballs import draw_beachball as draw_beachball
from diffseis.plot.comparison import Comparison as Comparison
from diffseis.plot.comparison import compare as compare
from diffseis.plot.comparison import comparison_figure as comparison_figure
from diffseis.plot.event_card import event_figure as event_figure
from diffseis.plot.focal_sphere import LOWER as LOWER
from diffseis.plot.focal_sphere import Hemisphere as Hemisphere
from diffseis.plot.maps import map_figure as map_figure
from diffseis.plot.quality import quality_figure as quality_figure
from diffseis.plot.quality import uncertainty_figure as uncertainty_figure
from diffseis.plot.report import make_figures as make_figures
from diffseis.plot.report import render_report as render_report
from diffseis.plot.report import write_report as write_report
from diffseis.plot.residuals import residual_figure as residual_figure
from diffseis.plot.sections import section_figure as section_figure
from diffseis.plot.style import figure_png as figure_png
from diffseis.plot.style import house_style as house_style
from diffseis.plot.training import TrainingCurve as TrainingCurve
from diffseis.plot.training import training_figure as training_figure
from diffseis.plot.travel_times import TimeSection as TimeSection
from diffseis.plot.travel_times import error_figure as error_figure
from diffseis.plot.travel_times import wavefront_figure as wavefront_figure
from diffseis.plot.wave_networks import network_figure as network_figure
from diffseis.plot.wavefields import WavefieldFrames as WavefieldFrames
from diffseis.plot.wavefields import record_figure as record_figure
from diffseis.plot.wavefields import write_animation as write_animation
