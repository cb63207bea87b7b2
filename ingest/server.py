"""One ingest process: both transports, the queue and the store, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import structlog
import uvicorn

from ingest.auth import Gate
from ingest.commit import GroupCommit
from ingest.grpc_transport import make_server
from ingest.http_transport import HttpTransport
from ingest.limits import IngestLimits
from ingest.log_commit import LogCommit, LogWriter
from ingest.metrics import Metrics
from ingest.name_budget import NameBudget
from ingest.operations import Operations
from ingest.rate_limit import RateLimits, RatesOf
from ingest.receive import Receiver
from ingest.receive_logs import LogReceiver
from ingest.redacting import Redacting, RedactorOf
from ingest.store import Store, Writer
from tracestore.capture_cut import CutterOf
from tracestore.keys import Identity
from tracestore.spans.model import Span
from tracestore.spans.own_prices import OverridesOf
from tracestore.token_bucket import Clock

log = structlog.get_logger(__name__)

#: How long exports under way may take once we are told to stop.
STOP_WITHIN_S: Final = 5.0
_KEEP_ALIVE_S: Final = 75
_BACKLOG: Final = 1024


class PortInUse(SystemExit):
    """Another process has the port. Ends the process with one sentence."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is put together from; the tests bring their own."""

    writer: Writer
    log_writer: LogWriter
    #: Both take `overrides` too, and are given it where a project has own prices.
    normalise: Callable[..., Span]
    resolve: Callable[..., object]
    identify: Callable[[str], Identity | None]
    check_ready: Callable[[], object]
    require_key: bool = False
    #: A project's own prices, from memory: asked for every export.
    overrides: OverridesOf = lambda project: None
    redactors: RedactorOf = lambda project: None
    #: How much of what is said a project keeps.
    cutters: CutterOf = lambda project: None
    #: How much a project may send, from memory too; `processes` share the ports and each limit.
    rates: RatesOf = lambda project: None
    processes: int = 1
    #: Different attribute names that a project may use in a day, 0 for no limit; each process counts its own.
    attribute_names: int = 0
    clock: Clock = time.monotonic
    limits: IngestLimits = field(default_factory=IngestLimits)


class IngestServer:
    """Listens from `start` to `stop`. `metrics` outlives it."""

    def __init__(self, parts: Parts) -> None:
        limits = parts.limits
        self.metrics = Metrics()
        self._store = Store(
            parts.writer, parts.resolve, self.metrics, bisect_writes=limits.bisect_writes, overrides=parts.overrides,
            cutters=parts.cutters, names=NameBudget(parts.attribute_names, self.metrics.names_beyond),
        )  # fmt: skip
        self.commit = GroupCommit(self._store, limits, self.metrics)
        self.log_commit = LogCommit(parts.log_writer, limits, self.metrics.log_ledger)
        redacting = Redacting(parts.redactors, self.metrics.redactions)
        rate_limits = RateLimits(
            parts.rates,
            self.metrics.rate_limited,
            limits.retry_after_s,
            processes=parts.processes,
            clock=parts.clock,
        )
        logs = LogReceiver(self.log_commit, limits, self.metrics.log_ledger, rate_limits, redacting, parts.cutters)
        self.receiver = Receiver(
            self.commit, parts.normalise, limits, self.metrics, logs.receive, rate_limits, parts.overrides, redacting
        )
        self._gate = Gate(parts.identify, require_key=parts.require_key)
        self._limits = limits
        self._operations = Operations(self.metrics, parts.check_ready)
        self.grpc_port = 0
        self.http_port = 0

    async def start(self, host: str, grpc_port: int, http_port: int, *, reuse_port: bool = False) -> None:
        """Listens on both ports; 0 takes any, see `grpc_port` and `http_port` then.

        Raises:
            PortInUse: a port is taken.
        """
        self._grpc = make_server(self.receiver, self._gate, self._limits, self.metrics, reuse_port=reuse_port)
        try:
            self.grpc_port = self._grpc.add_insecure_port(_address(host, grpc_port))
        except RuntimeError:
            raise PortInUse(f"cannot listen on {_address(host, grpc_port)} for OTLP/gRPC") from None
        try:
            listening = _listen(host, http_port, reuse_port=reuse_port)
        except OSError as error:
            raise PortInUse(f"cannot listen on {_address(host, http_port)} for OTLP/HTTP: {error}") from None
        self.http_port = listening.getsockname()[1]
        app = HttpTransport(self.receiver, self._gate, self._operations, self._limits, self.metrics)
        self._http = _Uvicorn(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(STOP_WITHIN_S),
            )
        )
        await self._grpc.start()
        self._http_task = asyncio.create_task(self._http.serve(sockets=[listening]))
        while not self._http.started:
            if self._http_task.done():
                self._http_task.result()
            await asyncio.sleep(0.005)

    async def stop(self, within_s: float = STOP_WITHIN_S) -> bool:
        """Takes nothing new and answers what is under way. False when there was not time for all of it."""
        self._http.should_exit = True
        finishing = asyncio.create_task(self._finish(within_s))
        done, _ = await asyncio.wait((finishing,), timeout=within_s)
        finishing.cancel()
        self.commit.close()
        self.log_commit.close()
        self._gate.close()
        return bool(done)

    async def _finish(self, within_s: float) -> None:
        await self._grpc.stop(within_s)
        await asyncio.shield(self._http_task)
        await self.commit.drain()
        await self.log_commit.drain()


async def run(parts: Parts, host: str, grpc_port: int, http_port: int, *, reuse_port: bool) -> bool:
    """Serves until SIGTERM or SIGINT; False when the store kept some insert hanging at the end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = IngestServer(parts)
    await server.start(host, grpc_port, http_port, reuse_port=reuse_port)
    log.info("ingest ready", host=host, grpc_port=server.grpc_port, http_port=server.http_port)
    await stopping.wait()
    log.info("ingest stopping")
    clean = await server.stop()
    log.info("ingest stopped", clean=clean, **server.metrics.ledger(), logs=server.metrics.log_ledger.sums())
    return clean


class _Uvicorn(uvicorn.Server):
    """Uvicorn inside our loop: signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(host: str, port: int, *, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
