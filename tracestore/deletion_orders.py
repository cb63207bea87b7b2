"""How orders to delete are worked on, whatever it is that they delete: by one worker at a time, telling how far it is,
while the jobs that write rows again rest; and again when something was not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model
from django.utils import timezone

from tracestore import leases
from tracestore.errors import Overloaded, Unavailable

Row = TypeVar("Row", bound=Model)

#: Jobs that read rows, work, and write rows again: they rest while rows are deleted, or would bring some back.
RESTING: Final = ("agent_health", "evaluate_alerts", "detect_traces", "settle_traces")
#: The one whose passes may take minutes. Nothing waits for it but the last count, which a pass that had read before
#: could make untrue. Its lease lasts so long (`tasks.WINDOWS_LEASE_SECONDS`) if it was killed.
SLOW: Final = "judge_windows"
SLOW_PATIENCE_SECONDS: Final = 1_200.0
#: How long that one rests: histories are counted again meanwhile.
SLOW_REST_SECONDS: Final = 300
#: If a worker is killed while it deletes, those jobs rest for so long. A mutation that takes longer may meet one of
#: them; what it brings back is counted, and the next round deletes it.
REST_SECONDS: Final = 30
#: How long it waits for them to pause.
PATIENCE_SECONDS: Final = 120.0
TELL_SECONDS: Final = 0.5
#: How often who waits for an order looks at it.
LOOK_SECONDS: Final = 0.2
#: What says that it cannot be done now.
LATER: Final = (Unavailable, Overloaded)
_DEFECT: Final = "An internal error occurred. The worker's log tells more."


@dataclass(slots=True)
class Work(Generic[Row]):
    """An order in work, and when it told of itself last."""

    row: Row
    _told: float = field(default=0.0, init=False)

    def figures(self) -> dict[str, Any]:
        """The fields of its row that grow meanwhile."""
        return {}

    def tell(self, message: str = "", *, now: bool = False) -> None:
        """Writes down how far it is, at most every TELL_SECONDS unless `now`."""
        row: Any = self.row
        if message:
            row.message = message
        if now or time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            type(row).objects.filter(pk=row.pk).update(told_at=timezone.now(), message=row.message, **self.figures())


@dataclass(frozen=True, slots=True)
class Turns(Generic[Row]):
    """Who does which order of one kind.

    `claim` takes the next one, or the wanted one, so that nobody takes it too; None while there is nothing to do or
    somebody is at it. `carry_out` does it and raises Unavailable or Overloaded when it cannot be done now: `put_back`
    then says why, and it is taken up again. `broke` is told of a defect. `open` are the states of what is to be done.
    """

    open: tuple[str, ...]
    claim: Callable[[Row | None], Row | None]
    carry_out: Callable[[Row], Row]
    put_back: Callable[[Row, str], None]
    broke: Callable[[Row, str], None]

    def perform_next(self) -> bool:
        """Does the next one, if there is one to be done now; whether another may follow."""
        row = self.claim(None)
        if row is None:
            return False
        try:
            self._perform(row)
        except LATER:
            return False
        return True

    def perform(self, row: Row) -> Row:
        """Does this one as soon as it is its turn, or waits while a worker does it or another one.

        Raises:
            Unavailable, Overloaded: it cannot be done now; it stays, and a worker goes on.
        """
        while row.state in self.open:  # type: ignore[attr-defined]  # orders have it
            taken = self.claim(row)
            if taken is not None:
                return self._perform(taken)
            time.sleep(LOOK_SECONDS)
            row.refresh_from_db()
        return row

    def _perform(self, row: Row) -> Row:
        try:
            return self.carry_out(row)
        except LATER as error:
            self.put_back(row, error.message)
            raise
        except Exception:
            self.broke(row, _DEFECT)
            raise


@contextmanager
def rest(work: Work[Any]) -> Iterator[None]:
    """Waits until the jobs that write rows again pause, and keeps them pausing for the block."""
    with ExitStack() as held:
        for name in RESTING:
            held.enter_context(pause(work, name, REST_SECONDS, PATIENCE_SECONDS))
        yield


@contextmanager
def pause(work: Work[Any], name: str, seconds: float, patience: float) -> Iterator[None]:
    """The same for one job.

    Raises:
        Overloaded: it did not pause for so long.
    """
    end = time.monotonic() + patience
    while True:
        with leases.hold(name, seconds=seconds) as held:
            if held:
                yield
                return
        if time.monotonic() > end:
            raise Overloaded(f"The job {name} of the worker did not pause. It is tried again.")
        work.tell(f"Waiting for the job {name} to pause")
        time.sleep(0.05)
