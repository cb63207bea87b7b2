"""What each project has set, as ingest needs it: read from the database, answered from memory.

A process asks for the settings of a project at every request; they change a few times a year. A thread
reads those of all projects every few seconds, so that asking costs a look into a dict and never waits.
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

Entry = TypeVar("Entry")


class Book(Generic[Entry]):
    """The entries of all projects, at most `REFRESH_SECONDS` old; `of` never waits and never raises.

    `read` gives all entries by project and may block and raise; `name` says in the log what they are.
    """

    def __init__(self, name: str, read: Callable[[], Mapping[str, Entry]]) -> None:
        self._name = name
        self._read = read
        self._known: Mapping[str, Entry] = {}
        self._stopping = threading.Event()

    def of(self, project: str) -> Entry | None:
        """The entry of a project, None when it has none."""
        return self._known.get(project)

    def start(self) -> Self:
        """Reads the entries, and again every few seconds until the process ends or `stop`."""
        self.refresh()
        threading.Thread(target=self._keep_fresh, name=self._name, daemon=True).start()
        return self

    def stop(self) -> None:
        self._stopping.set()

    def refresh(self) -> None:
        """Reads the entries of all projects; when the database does not answer, those known go on counting."""
        try:
            close_old_connections()
            self._known = self._read()
        except Exception as error:
            log.warning(f"{self._name} cannot be read", error=type(error).__name__)

    def _keep_fresh(self) -> None:
        while not self._stopping.wait(REFRESH_SECONDS):
            self.refresh()
