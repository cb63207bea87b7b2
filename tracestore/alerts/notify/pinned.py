"""Connections to one address that was checked, cut off when their time is over and when they bring too much."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any, Final, cast

from urllib3.connection import HTTPConnection, HTTPSConnection

#: Bytes of an answer, its headers and all: http.client bounds a header line, not how many there are for long.
MOST_BYTES: Final = 128 * 1024


class Deadline:
    """Cuts a connection off when its time is over, whatever it is doing: time limits of sockets are for each
    operation, and a receiver that sends a byte now and then never exceeds them.
    """

    def __init__(self, until: float) -> None:
        self.until = until
        self.cut = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @property
    def left_s(self) -> float:
        return max(self.until - time.monotonic(), 0.001)

    @property
    def passed(self) -> bool:
        return self.cut or time.monotonic() >= self.until

    def watch(self, connected: socket.socket) -> None:
        # A second handle of the same connection: TLS takes the first one away.
        self._socket = connected.dup()
        self._timer = threading.Timer(self.left_s, self._cut_off)
        self._timer.daemon = True
        self._timer.start()

    def _cut_off(self) -> None:
        with self._lock:
            self.cut = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Deadline:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None


def connection_to(host: str, port: int, address: str, deadline: Deadline, *, secure: bool) -> HTTPConnection:
    """A connection that goes to `address` whatever the name says now; TLS asks for and proves the name."""
    made: _Pinned | _PinnedTls
    if secure:
        made = _PinnedTls(host, port, timeout=deadline.left_s, ssl_context=ssl.create_default_context())
    else:
        made = _Pinned(host, port, timeout=deadline.left_s)
    made.pin(address, deadline)
    return made


class _Counted(io.RawIOBase):
    """What comes from a receiver, up to the limit."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw, self._left = raw, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._left <= 0:
            raise OSError("the answer is too long")
        read = self._raw.readinto(buffer)
        self._left -= read or 0
        return read

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Counted(cast(io.RawIOBase, sock.makefile("rb", buffering=0))))


class _Pin:
    response_class: Any = _Response
    port: int
    _address: str
    _deadline: Deadline

    def pin(self, address: str, deadline: Deadline) -> None:
        self._address, self._deadline = address, deadline

    def _new_conn(self) -> socket.socket:
        made = socket.create_connection((self._address, self.port), timeout=self._deadline.left_s)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._deadline.watch(made)
        return made


class _Pinned(_Pin, HTTPConnection):
    def __init__(self, host: str, port: int, **options: Any) -> None:
        HTTPConnection.__init__(self, host, port, **options)


class _PinnedTls(_Pin, HTTPSConnection):
    def __init__(self, host: str, port: int, **options: Any) -> None:
        HTTPSConnection.__init__(self, host, port, **options)
