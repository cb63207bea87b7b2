"""The jobs of the schedule, and when each last did its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tracestore import passes
from tracestore.schedule import SCHEDULE


@dataclass(frozen=True, slots=True)
class Pass:
    """A job of the schedule. `every` in seconds; `done` and `failed` are None when it never was."""

    job: str
    name: str
    every: float
    done: datetime | None = None
    failed: datetime | None = None

    @property
    def failing(self) -> bool:
        """Whether the last thing that is known of it is a failure."""
        return self.failed is not None and (self.done is None or self.failed > self.done)


def all_passes() -> list[Pass]:
    """Every job of the schedule, in its order."""
    done, failed = passes.moments()
    found = []
    for name, entry in SCHEDULE.items():
        job = str(entry["task"]).removeprefix("tracestore.")
        found.append(Pass(job, name, float(entry["schedule"]), done.get(job), failed.get(job)))
    return found
