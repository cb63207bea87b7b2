"""Projects that are to be deleted, as the page of the organisation shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracestore.models import Organisation, ProjectDeletion
from tracestore.moments import nanoseconds, nanoseconds_if
from tracestore.organisations import leaving

#: Projects that are gone and are still shown with their proof, the latest first.
SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """A deletion; times in ns, 0 for none. `tables`: name, rows before, rows left or None."""

    row: ProjectDeletion
    at_ns: int
    due_ns: int
    finished_ns: int
    tables: list[tuple[str, int, int | None]]

    @property
    def going(self) -> bool:
        return self.row.state == ProjectDeletion.State.DELETING

    @property
    def before(self) -> int:
        return sum(before for _, before, _ in self.tables)

    @property
    def left(self) -> int:
        return sum(left or 0 for _, _, left in self.tables)


def shown_deletion(row: ProjectDeletion) -> Shown:
    return Shown(
        row, nanoseconds(row.requested_at), nanoseconds(row.due_at), nanoseconds_if(row.finished_at) or 0,
        leaving.tables_of(row),
    )  # fmt: skip


def gone(organisation: Organisation) -> list[ProjectDeletion]:
    done = organisation.project_deletions.filter(state=ProjectDeletion.State.DONE)
    return list(done.order_by("-finished_at")[:SHOWN])
