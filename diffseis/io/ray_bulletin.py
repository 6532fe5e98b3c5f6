"""A bulletin on its way into tables: events with the first motions under them, line by line, whatever the format."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffseis.core.errors import InputError
from diffseis.core.radiation_table import RadiationTable
from diffseis.core.tables import EventTable
from diffseis.io.notices import Notice
from diffseis.io.origins import new_name, origin_table
from diffseis.io.rays import Ray, check_ray, collect_rays


@dataclass
class RayBulletin:
    """What was read so far. It changes with every line, and never leaves its reader but as tables.

    Attributes:
        path: the file.
        origins: of the events, as `origin_table` takes them.
        names: of the events.
        rays: of the first motions.
        refused: why lines could not be used.
        unsigned: how many P picks have no first motion.
        current: the origin under which lines stand, if it could be read.
    """

    path: str | Path
    origins: list[dict[str, Any]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    rays: list[Ray] = field(default_factory=list)
    refused: list[InputError] = field(default_factory=list)
    unsigned: int = 0
    current: dict[str, Any] | None = None

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """A line that cannot be used is left out and told; it stops nothing."""
        try:
            yield
        except InputError as error:
            self.refused.append(error)

    def begin(self, origin: dict[str, Any]) -> None:
        """The event of the lines that follow, under a name of its own."""
        self.current = origin | {"event_id": new_name(origin["event_id"], self.names)}
        self.names.add(self.current["event_id"])
        self.origins.append(self.current)

    def close(self) -> None:
        """Lines that follow belong to no event, until one begins."""
        self.current = None

    def event(self, line: int, above: str) -> dict[str, Any]:
        """The origin that a line stands under.

        Args:
            line: its number.
            above: what the line of an event is called.
        """
        if self.current is None:
            raise InputError(
                "stands under no event that could be read",
                file=self.path,
                line=line,
                field="event",
                fix=f"check the {above} above",
            )
        return self.current

    def add(self, ray: Ray, line: int) -> None:
        """A first motion, if a ray can be so."""
        self.rays.append(check_ray(ray, self.path, line))

    def tables(self) -> tuple[RadiationTable, EventTable, list[Notice]]:
        """Rays, hypocentres, and what their user should know."""
        table, notices = collect_rays(self.rays, self.refused, self.path, unsigned=self.unsigned)
        return table, origin_table(self.origins), notices
