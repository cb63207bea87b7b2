"""Being told instead of asking: `watch(brake, trace_id=…)` listens to `/api/v1/verdict/stream` in a daemon thread.

While it is told, `brake.check()` of the same subject asks nobody and takes no time. When the stream ends, `check` asks
as before.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final

from tracestore.client.brake import Brake, Verdict, parsed

log = logging.getLogger("tracestore.client")

#: Tracestore says something, if only that it is there, at least so often; after that a line is taken to be dead.
SILENCE_SECONDS: Final = 30.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
#: With these answers another try would end the same way.
HOPELESS: Final = frozenset({400, 401, 403, 404, 405})


class Watch:
    """A stream that is listened to, until `close()` or the end of a `with`. `verdict` is what was said last."""

    def __init__(self, brake: Brake, kind: str, value: str, on_halt: Callable[[Verdict], object] | None) -> None:
        self.brake, self.subject, self.on_halt = brake, (kind, value, ""), on_halt
        self.verdict: Verdict | None = None
        self._closed = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="tracestore-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Closing it would not wake the thread that reads.
                self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._closed.is_set():
            try:
                for heard in self._listen():
                    pause = FIRST_PAUSE
                    self._take(heard)
            except LookupError as error:
                log.warning("Tracestore does not stream verdicts: %s", error)
                return
            except (OSError, ValueError, http.client.HTTPException) as error:
                if not self._closed.is_set():
                    log.info("The stream of verdicts ended: %s", error)
            self._closed.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _listen(self) -> Iterator[Verdict | None]:
        """Verdicts; None for a sign of life.

        Raises LookupError when there is no use in trying again; OSError, HTTPException or ValueError otherwise.
        """
        connection = self.brake.connect(SILENCE_SECONDS)
        try:
            headers = {**self.brake.headers, "accept": "text/event-stream"}
            connection.request("GET", self.brake.path(self.subject, "stream"), headers=headers)
            self._socket = connection.sock
            response = connection.getresponse()
            if response.status in HOPELESS:
                raise LookupError(f"it answered {response.status} {response.reason}")
            if response.status != 200:
                raise ValueError(f"it answered {response.status} {response.reason}")
            data: list[str] = []
            while line := response.readline(65536):
                name, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(":")
                if name == "data":
                    data.append(value.removeprefix(" "))
                elif not name and not value:
                    if data:
                        yield parsed("\n".join(data))
                        data = []
                    else:
                        yield None
        finally:
            connection.close()

    def _take(self, heard: Verdict | None) -> None:
        before = self.verdict
        verdict = heard or before
        if verdict is None:
            return
        self.verdict = verdict
        self.brake.learn(self.subject, verdict, SILENCE_SECONDS)
        if verdict.halted and self.on_halt is not None and not (before and before.halted):
            try:
                self.on_halt(verdict)
            except Exception:
                log.exception("on_halt failed")


def watch(
    brake: Brake,
    *,
    trace_id: str = "",
    session_id: str = "",
    agent: str = "",
    on_halt: Callable[[Verdict], object] | None = None,
) -> Watch:
    """Listens to the verdict on one trace, session or agent.

    Raises:
        ValueError: none or several were named.
    """
    named = {"trace_id": trace_id, "session_id": session_id, "agent": agent}
    found = [(kind, value) for kind, value in named.items() if value]
    if len(found) != 1:
        raise ValueError("Expected one of trace_id, session_id and agent.")
    return Watch(brake, *found[0], on_halt)
