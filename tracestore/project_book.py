"""Settings of all projects as ingest needs them: read from the database, answered from memory.

A process asks at every request; the settings change a few times a year. A thread reads all of them every
few seconds, so that asking costs a look into a dict and never waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final, Generic, Self, TypeVar

import structlog
from django.db import close_old_connections

log = structlog.get_logger(__name__)

#: How long a change may go unnoticed by a process that receives spans.
REFRESH_SECONDS: Final = 3.0

T = TypeVar("T")


class ProjectBook(Generic[T]):
    """Project → its settings, at most `REFRESH_SECONDS` old; `get` never waits and never raises.

    `read(known)` makes the whole book anew from the database, and may keep what has not changed.
    `name` says in the log and among threads what the settings are.
    """

    def __init__(self, name: str, read: Callable[[Mapping[str, T]], Mapping[str, T]]) -> None:
        self._name = name
        self._read = read
        self._known: Mapping[str, T] = {}
        self._stopping = threading.Event()

    def get(self, project: str) -> T | None:
        """What is known of a project, None when it has no settings of its own."""
        return self._known.get(project)

    def start(self) -> Self:
        """Reads the settings, and again every few seconds until the process ends or `stop`."""
        self.refresh()
        threading.Thread(target=self._keep_fresh, name=self._name, daemon=True).start()
        return self

    def stop(self) -> None:
        self._stopping.set()

    def refresh(self) -> None:
        """Reads the settings of all projects; when the database does not answer, those known go on counting."""
        try:
            close_old_connections()
            self._known = self._read(self._known)
        except Exception as error:
            log.warning(f"{self._name} cannot be read", error=type(error).__name__)

    def _keep_fresh(self) -> None:
        while not self._stopping.wait(REFRESH_SECONDS):
            self.refresh()
