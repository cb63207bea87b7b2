"""The board of this process, and the thread that keeps it fresh in a web process."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from typing import Final

import structlog
from django.db import close_old_connections

from tracestore.verdicts.board import Board

log = structlog.get_logger(__name__)

REFRESH_SECONDS: Final = 1.0


class Service:
    """Gives the board. Once `enabled` the first question starts the thread; a fork starts anew with its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._enabled = False
        self._pid = 0
        self._board = Board()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def enable(self) -> None:
        """Called by who serves questions: from now on they are answered from memory."""
        self._enabled = True

    @property
    def board(self) -> Board:
        if not self._enabled or self._pid == os.getpid():
            return self._board
        with self._lock:
            if self._pid != os.getpid():
                self._board = Board(live=True)
                self._stopping = threading.Event()
                words = (self._board, self._stopping)
                self._thread = threading.Thread(target=_keep_fresh, args=words, name="verdicts", daemon=True)
                self._thread.start()
                self._pid = os.getpid()
        return self._board

    def stop(self) -> None:
        """Ends the thread, waits for it and forgets what is known (in tests: it must not read the next one's rows)."""
        self._stopping.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(10)
        self._thread = None
        self._enabled, self._pid, self._board = False, 0, Board()


def _keep_fresh(board: Board, stopping: threading.Event) -> None:
    wait = REFRESH_SECONDS
    while not stopping.wait(wait):
        began = time.monotonic()
        try:
            close_old_connections()
            board.refresh(datetime.now(UTC))
        except Exception as error:
            # The thread must live: without it every answer would be out of date.
            log.error("verdicts cannot be refreshed", error=type(error).__name__, exc_info=error)
        wait = max(REFRESH_SECONDS - (time.monotonic() - began), 0.1)


service: Final = Service()
