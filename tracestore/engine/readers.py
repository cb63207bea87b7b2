"""The SQL users that see one project: a file beside the data, read again when it has changed.

The engine knows no Django and no database of people, so who may log in is in a JSON file that only its owner may
read. It holds digests: a password has 256 random bits of its own, so one SHA-256 of it is as good as it is.
A file that is missing means no such users; one that cannot be read means none either, and says so in the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tracestore.engine.one_project import SLUG

#: Its name in the data directory.
FILE = "sql_readers.json"
_log = logging.getLogger("tracestore.engine")


@dataclass(frozen=True)
class Reader:
    """A user who reads one project. `digest`: SHA-256 of the password, hex. `made`: UTC, ISO 8601."""

    user: str
    project: str
    digest: str
    made: str


def digest(password: str) -> str:
    return hashlib.sha256(password.encode("utf-8", "surrogateescape")).hexdigest()


def as_text(readers: Sequence[Reader]) -> str:
    """What the file holds."""
    return json.dumps({"readers": [asdict(reader) for reader in readers]}, indent=1)


def from_text(text: str) -> list[Reader]:
    """The readers of a file.

    Raises:
        ValueError: it is not such a file.
    """
    try:
        found = [Reader(**{name: str(value) for name, value in one.items()}) for one in json.loads(text)["readers"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("It does not list readers.") from error
    if any(not SLUG.match(one.project) or len(one.digest) != 64 for one in found):
        raise ValueError("A reader in it has no project or no digest.")
    return found


class ReadersFile:
    """Looks users up in the file. Usable from any thread."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._readers: dict[str, Reader] = {}

    def find(self, user: str) -> Reader | None:
        """The reader of that name as the file says now."""
        if self._path is None:
            return None
        with self._lock:
            try:
                state = self._path.stat()
                seen = (state.st_mtime_ns, state.st_size, state.st_ino)
                if seen != self._seen:
                    self._readers = {one.user: one for one in from_text(self._path.read_text())}
                    self._seen = seen
            except FileNotFoundError:
                self._readers, self._seen = {}, None
            except (OSError, ValueError) as error:
                self._readers, self._seen = {}, None
                _log.error("readers of one project cannot log in: %s: %s", self._path, error)
            return self._readers.get(user)
