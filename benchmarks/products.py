"""What `benchmarks/peers.py` asks of a product, and Tracestore as one. The others: `peer_packages.py`."""

from __future__ import annotations

import contextlib
import urllib.request
from pathlib import Path

from benchmarks.load import Target
from tests.e2e.stack import API_KEY, Stack


class Unavailable(Exception):
    """A product cannot be installed or started here; the text says why."""


class Product:
    """One product with its data in `folder`."""

    name = ""
    version = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target: Target

    def install(self) -> None:
        """Makes what is needed to start. Raises Unavailable."""

    def start(self) -> None:
        """Starts it, or starts it again on the same data; returns when it answers. Raises Unavailable."""
        raise NotImplementedError

    def pid(self) -> int:
        raise NotImplementedError

    def stop(self) -> None:
        """Ends what `start` started. Harmless when nothing runs."""
        raise NotImplementedError

    def kill(self) -> None:
        """`kill -9` of every process of it at once."""
        raise NotImplementedError

    def stored(self) -> int:
        """Spans in its database."""
        raise NotImplementedError

    def by_request(self) -> dict[int, int]:
        """Spans in its database by the first 8 bytes of their trace ids, which name the request."""
        raise NotImplementedError

    def visible(self, trace: str) -> bool:
        """Whether its API shows the trace of this id (32 hex digits)."""
        raise NotImplementedError

    def settle(self) -> None:
        """Waits for work that it puts off until spans are stored, so that its CPU counts too."""

    def disk(self) -> int:
        """Bytes of what it stored."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


class Tracestore(Product):
    name = "Tracestore"
    version = "this tree"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stack = Stack(folder)
        self.target = Target(self.stack.otlp_grpc)

    def start(self) -> None:
        try:
            self.stack.start()
        except AssertionError as error:
            raise Unavailable(str(error)) from error

    def pid(self) -> int:
        assert self.stack.process is not None
        return self.stack.process.pid

    def stop(self) -> None:
        self.stack.stop()

    def kill(self) -> None:
        self.stack.kill()

    def stored(self) -> int:
        return int(self.stack.admin("SELECT count() FROM spans")[0][0])

    def by_request(self) -> dict[int, int]:
        rows = self.stack.admin("SELECT substring(trace_id, 1, 16), count() FROM spans GROUP BY 1")
        return {int(head, 16): int(count) for head, count in rows}

    def visible(self, trace: str) -> bool:
        return answers(f"{self.stack.web}/api/v1/traces/{trace}/", {"authorization": f"Bearer {API_KEY}"}) is not None

    def settle(self) -> None:
        self.stack.wait_settled(120)

    def disk(self) -> int:
        """Active parts: those that a merge replaced are deleted eight minutes later."""
        found = self.stack.admin("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'tracestore'")
        return int(found[0][0])


def answers(url: str, headers: dict[str, str] | None = None) -> bytes | None:
    """The body of a 200, None for anything else."""
    request = urllib.request.Request(url, headers=headers or {})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=10) as response:
        body: bytes = response.read()
        return body if response.status == 200 else None
    return None
