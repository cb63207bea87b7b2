"""Reads the `TRACESTORE_*` environment; a bad value stops the start with its name and what is expected.

No Django here: the supervisor and the engine read the same variables before Django is set up.
Every variable is listed in `.env.example`; a test holds the two together.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


class BadEnvironment(SystemExit):
    """A variable has a value that cannot be used. Ends the process with one sentence."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: expected {expected}.")


def text(name: str, default: str) -> str:
    return os.environ.get(name, "").strip() or default


def optional(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def flag(name: str, default: bool) -> bool:
    value = text(name, "true" if default else "false").lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise BadEnvironment(name, value, "true or false")


def port(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise BadEnvironment(name, value, "a TCP port from 1 to 65535")
    return int(value)


def count(name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or not least <= int(value) <= most:
        raise BadEnvironment(name, value, f"a whole number from {least} to {most}")
    return int(value)


def url(name: str, schemes: tuple[str, ...]) -> str | None:
    value = optional(name)
    if value is None:
        return None
    if urlsplit(value).scheme not in schemes or (value.endswith("://")):
        raise BadEnvironment(name, value, "a URL that begins with " + " or ".join(f"{s}://" for s in schemes))
    return value


@dataclass(frozen=True, slots=True)
class Environment:
    """All of the environment, checked. Made by `read()`."""

    data_dir: Path
    bind: str
    web_port: int
    otlp_grpc_port: int
    otlp_http_port: int
    clickhouse_port: int
    clickhouse_url: str | None
    database_url: str | None
    broker_url: str | None
    secret_key: str | None
    admin_password: str | None
    api_key: str | None
    require_api_key: bool
    sql_password: str | None
    allow_private_webhooks: bool
    allowed_hosts: tuple[str, ...]
    debug: bool
    ingest_processes: int

    @property
    def loopback(self) -> bool:
        return is_loopback(self.bind)

    @property
    def embedded(self) -> bool:
        """Whether ClickHouse is the engine process that we start ourselves."""
        return self.clickhouse_url is None


def is_loopback(address: str) -> bool:
    return address == "localhost" or address == "::1" or address.startswith("127.")


def read() -> Environment:
    bind = text("TRACESTORE_BIND", "127.0.0.1")
    loopback = is_loopback(bind)
    data_dir = Path(text("TRACESTORE_DATA_DIR", str(ROOT / "var"))).expanduser()
    if data_dir.exists() and not data_dir.is_dir():
        raise BadEnvironment("TRACESTORE_DATA_DIR", str(data_dir), "a directory, or a path where one can be made")
    with contextlib.suppress(OSError):
        data_dir.mkdir(parents=True, exist_ok=True)
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise BadEnvironment("TRACESTORE_DATA_DIR", str(data_dir), "a directory that can be written to")
    return Environment(
        data_dir=data_dir.absolute(),
        bind=bind,
        web_port=port("TRACESTORE_WEB_PORT", 8000),
        otlp_grpc_port=port("TRACESTORE_OTLP_GRPC_PORT", 4317),
        otlp_http_port=port("TRACESTORE_OTLP_HTTP_PORT", 4318),
        clickhouse_port=port("TRACESTORE_CLICKHOUSE_PORT", 8123),
        clickhouse_url=url("TRACESTORE_CLICKHOUSE_URL", ("http", "https")),
        database_url=url("TRACESTORE_DATABASE_URL", ("postgres", "postgresql", "sqlite")),
        broker_url=url("TRACESTORE_BROKER_URL", ("redis", "rediss", "filesystem", "memory")),
        secret_key=optional("TRACESTORE_SECRET_KEY"),
        admin_password=optional("TRACESTORE_ADMIN_PASSWORD"),
        api_key=optional("TRACESTORE_API_KEY"),
        require_api_key=flag("TRACESTORE_REQUIRE_API_KEY", not loopback),
        sql_password=optional("TRACESTORE_SQL_PASSWORD"),
        allow_private_webhooks=flag("TRACESTORE_ALLOW_PRIVATE_WEBHOOKS", loopback),
        allowed_hosts=tuple(h for h in text("TRACESTORE_ALLOWED_HOSTS", "").replace(",", " ").split()),
        debug=flag("TRACESTORE_DEBUG", False),
        ingest_processes=count("TRACESTORE_INGEST_PROCESSES", 1, most=64),
    )
