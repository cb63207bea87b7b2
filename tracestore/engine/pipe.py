"""A pipe from an engine thread to the event loop: bounded, so a slow client slows its query."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os

_CAPACITY = 1 << 20  # what Linux allows an ordinary user


class ResultPipe:
    """The reading end belongs to the event loop, `write_end` to the worker, which closes it."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        # Only Linux has it, and it fails when the user's quota of pipe memory is used up; a small
        # pipe works, too.
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, _CAPACITY)

    async def read(self) -> bytes:
        """The next bytes, empty when the worker has closed its end."""
        while True:
            try:
                return os.read(self._read_end, _CAPACITY)
            except BlockingIOError:
                await self._readable()

    async def hold(self, limit: int, seconds: float | None) -> tuple[bytes, bool]:
        """Collect what comes until the end (True), or (False) it is too large or too old."""
        loop = asyncio.get_running_loop()
        pieces: list[bytes] = []
        size, deadline = 0, None
        while size < limit and (deadline is None or loop.time() < deadline):
            try:
                async with asyncio.timeout_at(deadline):
                    piece = await self.read()
            except TimeoutError:
                break
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)
            size += len(piece)
            if deadline is None and seconds is not None:
                deadline = loop.time() + seconds
        return b"".join(pieces), False

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._read_end, wake)
        try:
            await ready
        finally:
            loop.remove_reader(self._read_end)

    def close(self) -> None:
        """Stop reading. A worker that still writes gets an error, which ends its query."""
        os.close(self._read_end)
