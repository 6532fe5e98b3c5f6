"""Network codes for picks whose format has none (NORDIC, NonLinLoc, hypoDD)."""

from dataclasses import replace

import numpy as np

from diffseis.core.tables import PickTable, StationTable
from diffseis.io.notices import Notice


def assign_networks(picks: PickTable, stations: StationTable) -> tuple[PickTable, list[Notice]]:
    """Give picks without a network the one of the station of their code, where there is exactly one.

    Codes that several networks share are left as they are, and said.
    """
    known: dict[str, set[str]] = {}
    for network, station in zip(stations.network, stations.station, strict=True):
        known.setdefault(str(station), set()).add(str(network))
    network = np.array(picks.network, dtype=object)
    shared: dict[str, int] = {}
    for row in np.flatnonzero(network == ""):
        code = str(picks.station[row])
        choice = known.get(code, set())
        if len(choice) == 1:
            network[row] = next(iter(choice))
        elif len(choice) > 1:
            shared[code] = shared.get(code, 0) + 1
    notices = []
    if shared:
        message = (
            f"{', '.join(sorted(shared))}: several networks have the station, so the picks stay without one"
        )
        notices.append(Notice("ambiguous-network", message, count=sum(shared.values())))
    return replace(picks, network=network), notices
