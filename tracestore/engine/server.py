"""The life of the engine process: lock, open, serve, drain, close."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from types import FrameType

import uvicorn

from tracestore.engine.app import EngineApp
from tracestore.engine.database import Database
from tracestore.engine.datadir import DataDirectory, DirectoryInUse
from tracestore.engine.settings import CONNECTION_DEFAULTS, EngineSettings

EXIT_IN_USE = 3
EXIT_CANNOT_LISTEN = 4


def run(settings: EngineSettings) -> int:
    """Run the engine until SIGTERM or SIGINT; returns the exit code."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s engine %(message)s")
    directory = DataDirectory(settings.path)
    try:
        directory.acquire()
    except DirectoryInUse as error:
        print(error, file=sys.stderr, flush=True)
        return EXIT_IN_USE
    try:
        listener = _listen(settings.host, settings.port)
    except OSError as error:
        reason = error.strerror or error
        print(f"Cannot listen on {settings.host}:{settings.port}: {reason}.", file=sys.stderr)
        directory.release()
        return EXIT_CANNOT_LISTEN
    # chDB writes the schemas that travel with a query (Protobuf) into the working directory.
    os.chdir(directory.spool)
    database = Database(directory.path, settings.server_options, CONNECTION_DEFAULTS)
    try:
        asyncio.run(_serve(settings, directory, database, listener))
    finally:
        database.close()
        directory.release()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on each connection; without, answers of
    # two writes wait 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    listener.set_inheritable(False)
    return listener


async def _serve(
    settings: EngineSettings, directory: DataDirectory, database: Database, listener: socket.socket
) -> None:
    app = EngineApp(settings, directory.spool, database)
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
        h11_max_incomplete_event_size=None,
    )
    server = uvicorn.Server(config)

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn raises the signal again after its own clean end; these handlers turn that into
    # nothing, so that a stop by signal is an exit with code 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if server.started:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"ready http://{shown}:{port}", flush=True)
        print(f"engine ready on {shown}:{port}, data in {directory.path}", file=sys.stderr)
    await serving
    await app.close()
