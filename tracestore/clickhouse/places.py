"""How many of a kind of question one project may have running in this process; one more is refused, not queued."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tracestore.errors import Overloaded


class Places:
    """`most` at once for each project; `what` names them in the refusal."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()

    @contextmanager
    def hold(self, project: str) -> Iterator[None]:
        """Holds a place.

        Raises:
            Overloaded: the project has them all.
        """
        with self._lock:
            if self._running[project] >= self._most:
                raise Overloaded(f"The project runs {self._most} {self._what} already: try again when one has ended.")
            self._running[project] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[project] -= 1
                if not self._running[project]:
                    del self._running[project]
