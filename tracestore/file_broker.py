"""Celery's broker of files, made safe for a reader that looks while a writer writes.

Kombu's own transport creates a message's file, then fills it; a worker that looks in between finds it
empty and ends (“Unrecoverable error: JSONDecodeError”, every few minutes at a job a second). Here a
message gets its name only once it is whole, and a message of a process with Kombu's own transport is
given time to become so. A worker that is killed loses the jobs that it had taken: they are jobs that
the schedule repeats.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from queue import Empty
from typing import Any, Final

import structlog
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils import json as kombu_json

log = structlog.get_logger(__name__)

#: Kombu's own, which also knows dates and such; untyped.
_json: Any = kombu_json
#: How often the folder is looked at, and the stop flag too. Kombu's second would be felt between a loop
#: and its alert; five looks a second cost a hundredth of a core.
LOOK_EVERY: Final = 0.2
#: How long a message may take to be written by somebody else.
WHOLE_WITHIN: Final = 0.5


class Channel(filesystem.Channel):
    """Puts and gets messages as whole files."""

    # (Its two bases disagree on the name of the second argument.)
    def _put(self, queue: Any, message: Any, **_: Any) -> None:  # type: ignore[override]
        name = f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg"
        unnamed = os.path.join(self.data_folder_out, f".{name}")
        with open(unnamed, "w", encoding="utf-8") as file:
            file.write(_json.dumps(message))
        os.rename(unnamed, os.path.join(self.data_folder_out, name))

    def _get(self, queue: Any, timeout: Any = None) -> Any:
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = os.path.join(self.processed_folder, name)
            try:
                os.rename(os.path.join(self.data_folder_in, name), taken)
            except FileNotFoundError:
                continue  # another worker was quicker
            try:
                return _read(taken)
            except json.JSONDecodeError:
                log.warning("a job was left half-written and is dropped", file=name)
            finally:
                os.remove(taken)
        raise Empty


class Transport(filesystem.Transport):
    """As Kombu's, but never waits for longer than `LOOK_EVERY`, so that a worker can be stopped."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: Any = None, **_: Any) -> Any:
        wait = min(timeout or LOOK_EVERY, LOOK_EVERY)
        inherited: Any = super().drain_events
        return inherited(connection, timeout=wait)


def install() -> None:
    """Lets `filesystem://` mean this transport in this process."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"


def _read(path: str) -> Any:
    until = time.monotonic() + WHOLE_WITHIN
    while True:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            return _json.loads(text)
        except json.JSONDecodeError:
            if time.monotonic() > until:
                raise
        time.sleep(0.005)
