"""The forward direction: data with known truth."""

from diffseis.synthesis.first_motions import ReadingErrors as ReadingErrors
from diffseis.synthesis.first_motions import synthetic_radiation as synthetic_radiation
from diffseis.synthesis.picks import draw_hypocentres as draw_hypocentres
from diffseis.synthesis.picks import synthetic_picks as synthetic_picks
