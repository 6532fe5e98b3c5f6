"""The forward direction: data with known truth."""

from diffseis.synthesis.picks import draw_hypocentres as draw_hypocentres
from diffseis.synthesis.picks import synthetic_picks as synthetic_picks
