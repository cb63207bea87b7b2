"""The data directory: one holder at a time, and no leftovers of a killed one."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

_PRIVATE = ".engine"


class DirectoryInUse(Exception):
    """Another engine process holds the data directory. The text names it and the holder."""


class DataDirectory:
    """A locked data directory. chDB hangs or corrupts if two processes open the same one.

    The lock is the kernel's, so it dies with the process: nothing has to be cleaned up by hand
    after ``kill -9``. The pid in the file is only there to be told to people.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._private = self.path / _PRIVATE
        self._lock: IO[str] | None = None

    @property
    def spool(self) -> Path:
        """Where bodies too large for memory are kept while their request runs."""
        return self._private / "spool"

    def acquire(self) -> None:
        """Take the lock or raise `DirectoryInUse`; then remove what a killed engine left."""
        self._private.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = open(self._private / "lock", "a+", encoding="ascii")  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise DirectoryInUse(
                f"Data directory {self.path} is already in use by the engine process {holder}."
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock
        shutil.rmtree(self.spool, ignore_errors=True)
        self.spool.mkdir(mode=0o700)
        (self.path / "user_files").mkdir(exist_ok=True)

    def release(self) -> None:
        """Give the lock back. Call it only after chDB is closed."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
