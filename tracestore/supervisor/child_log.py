"""What a child writes: all of it into a file that cannot grow for ever, the worrying part on the terminal."""

from __future__ import annotations

import json
import re
from collections import deque
from pathlib import Path

#: One file's size and how many older ones are kept: 40 MB for each process at most.
FILE_BYTES = 10_000_000
KEPT = 3
#: A line longer than this is cut into pieces, so that one cannot fill the memory.
LINE_BYTES = 100_000
TAIL_LINES = 30

_OWN = ("tracestore", "ingest", "dashboard")
_PLAIN = re.compile(r"^\W*(ERROR|CRITICAL|FATAL)\b")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class ChildLog:
    """A child's log file. `tail` has its last lines, for the message that says why it ended."""

    def __init__(self, path: Path, file_bytes: int = FILE_BYTES, kept: int = KEPT) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._file_bytes = file_bytes
        self._kept = kept
        self._rest = b""
        self._file = path.open("ab", buffering=0)

    def write(self, data: bytes) -> list[str]:
        """Stores what was read from the pipe; returns the lines that it completes."""
        self._file.write(data)
        if self._file.tell() >= self._file_bytes:
            self._rotate()
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_BYTES:
            whole.append(self._rest)
            self._rest = b""
        lines = [line.decode("utf-8", "replace").rstrip("\r") for line in whole]
        self.tail.extend(line for line in lines if line.strip())
        return lines

    def close(self) -> None:
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._kept, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path if number == 1 else self.path.with_name(f"{self.path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
        self._file = self.path.open("ab", buffering=0)


def printable(text: str, length: int = 300) -> str:
    """Text that cannot steer a terminal, on one line and not too long."""
    text = _UNPRINTABLE.sub("·", text)
    return text if len(text) <= length else text[: length - 1] + "…"


def readable(line: str) -> str:
    """A log line for a person: of a JSON line its message and reasons, anything else as it is."""
    fields = _fields(line)
    if fields is None:
        return printable(line.strip())
    known = ("event", "level", "logger", "timestamp", "exception")
    details = ", ".join(f"{key}={value}" for key, value in fields.items() if key not in known)
    exception = str(fields.get("exception", "")).strip().rpartition("\n")[2]
    parts = (str(fields.get("event", "")), f"({details})" if details else "", exception)
    return printable(" ".join(part for part in parts if part))


def is_worrying(line: str) -> bool:
    """Whether a line is an error, or a warning of our own; libraries warn about what is handled."""
    fields = _fields(line)
    if fields is not None:
        own = str(fields.get("logger", "")).startswith(_OWN)
        return fields.get("level") in ("error", "critical") or (own and fields.get("level") == "warning")
    return bool(_PLAIN.match(line)) or line.startswith("Traceback (most recent call last)")


def _fields(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
