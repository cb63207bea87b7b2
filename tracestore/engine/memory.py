"""Gives back to the operating system what the engine has freed.

chDB's allocator (jemalloc) keeps what a query used for the next one, and without a thread of its own, which only a
server starts, it hands nothing back while nobody asks: after one search through all payloads the process kept 1.2 GiB
that it did not use.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tracestore.engine.database import Database
from tracestore.engine.errors import EngineError

#: It is looked at so often, and worth it (0.2 s of CPU, and the kernel's to give it again) from so much on.
LOOK_SECONDS: Final = 30.0
WORTH_BYTES: Final = 128 << 20


class Memory:
    """Knows how much the process held when it last gave back. For one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: int | None = resident()

    def give_back(self) -> bool:
        """Gives back what is free, if there is much of it; whether it did."""
        now = resident()
        if self._held is None or now is None or now < self._held + WORTH_BYTES:
            return False
        try:
            connection = self._database.connect()
            try:
                connection.query("SYSTEM JEMALLOC PURGE")
            finally:
                connection.close()
        except EngineError:
            self._held = None  # this build has another allocator: not asked again
            return False
        self._held = resident()
        return True


def resident() -> int | None:
    """Bytes of this process that are in memory; None where the system does not tell (it is no Linux)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
