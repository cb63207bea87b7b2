"""Command line of the engine process."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tracestore.engine.settings import GIB, MIB, EngineSettings, memory_limit, server_options


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and the environment, and run the engine."""
    parser = argparse.ArgumentParser(
        prog="python -m tracestore.engine",
        description="Serve a data directory over ClickHouse's HTTP interface.",
        epilog="Passwords: TRACESTORE_ENGINE_PASSWORD (user tracestore, required) and "
        "TRACESTORE_SQL_PASSWORD (user reader; unset = no such user).",
    )
    parser.add_argument("--path", type=Path, required=True, help="data directory, made if missing")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8123, help="0 picks a free one")
    parser.add_argument("--max-memory", type=int, default=memory_limit(), help="bytes, all queries")
    parser.add_argument("--max-body", type=int, default=GIB, help="largest request body in bytes")
    parser.add_argument("--max-running", type=int, default=16, help="queries at once")
    parser.add_argument("--readers", type=Path, help="file of the users who read one project, see sql_readers")
    options = parser.parse_args(arguments)
    password = os.environ.get("TRACESTORE_ENGINE_PASSWORD", "")
    if not password:
        parser.error("TRACESTORE_ENGINE_PASSWORD must be set: there is no anonymous access.")
    if options.max_memory < 256 * MIB:
        parser.error("--max-memory must be at least 268435456 (256 MiB).")
    path = options.path.absolute()
    settings = EngineSettings(
        path=path,
        host=options.host,
        port=options.port,
        admin_password=password,
        reader_password=os.environ.get("TRACESTORE_SQL_PASSWORD", ""),
        readers=options.readers.absolute() if options.readers else None,
        max_body_bytes=options.max_body,
        max_running=options.max_running,
        server_options=server_options(path, options.max_memory),
    )
    # Only now, so that --help and a wrong command line do not load half a gigabyte of engine.
    from tracestore.engine.server import run

    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
