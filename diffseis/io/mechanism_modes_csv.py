"""Separate mechanisms of each event as CSV: one row for each, the preferred first."""

import csv
import io
from pathlib import Path

import numpy as np

from diffseis.io.atomic import write_text
from diffseis.io.catalogue_csv import fixed
from diffseis.mechanism import MechanismCatalogue, modes_of

MODE_COLUMNS = (
    "event_id",
    "mode",
    "probability",
    "strike_deg",
    "dip_deg",
    "rake_deg",
    "strike2_deg",
    "dip2_deg",
    "rake2_deg",
)
"""Columns of ``modes.csv``, in their order."""


def write_mechanism_modes_csv(path: str | Path, catalogue: MechanismCatalogue) -> None:
    """Write the separate mechanisms that are counted in ``num_modes``: the probability of each and its planes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(MODE_COLUMNS)
    table = catalogue.mechanisms
    modes = modes_of(table)
    for row in range(len(modes)):
        angles = [fixed(x, 2) for x in np.ravel(modes.planes_deg[row])]
        name = str(table.event_id[modes.event[row]])
        writer.writerow([name, int(modes.rank[row]), fixed(modes.probability[row], 4), *angles])
    write_text(path, stream.getvalue())
