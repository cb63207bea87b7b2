"""A request of ClickHouse's HTTP interface, taken apart."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tracestore.engine.errors import BAD_ARGUMENTS, INVALID_SESSION_TIMEOUT, EngineError

# Parameters that steer the transport. Every other one, but param_…, is a setting of the query.
_TRANSPORT = frozenset(
    (
        "query", "database", "default_format", "user", "password", "query_id", "quota_key", "role",
        "session_id", "session_timeout", "session_check", "close_session", "stacktrace", "compress",
        "decompress", "buffer_size", "wait_end_of_query", "client_protocol_version",
        "http_response_headers", "framing", "access_token",
    )
)  # fmt: skip
_EXTERNAL = re.compile(r"(?P<table>.+)_(?P<field>format|structure|types)\Z")
_QUERY_ID = re.compile(r"[^\x00-\x1f\x7f]{1,256}\Z")


@dataclass(frozen=True)
class Request:
    """Method, path, URL parameters and headers (names in lower case)."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def query(self) -> str:
        """The query, or its first part, from the URL."""
        return self.params.get("query", "")

    @property
    def database(self) -> str:
        """The database that unqualified names mean, empty for the user's default."""
        name = self.params.get("database") or self.headers.get("x-clickhouse-database", "")
        return "" if name == "__default__" else name

    @property
    def default_format(self) -> str:
        """The format of an answer to a query without a FORMAT clause."""
        return self.params.get("default_format") or self.headers.get("x-clickhouse-format") or "TabSeparated"

    @property
    def query_id(self) -> str:
        """The id the client gave, or a new one."""
        given = self.params.get("query_id") or self.headers.get("x-clickhouse-query-id", "")
        if given and not _QUERY_ID.match(given):
            raise EngineError(BAD_ARGUMENTS, "query_id must be 1 to 256 printable characters.")
        return given or str(uuid.uuid4())

    @property
    def query_parameters(self) -> dict[str, str]:
        """Values for {name:Type} placeholders."""
        return {n[6:]: v for n, v in self.params.items() if n.startswith("param_") and len(n) > 6}

    def settings(self, external_tables: frozenset[str] = frozenset()) -> dict[str, str]:
        """Settings given by URL; parameters that describe external tables are not settings."""
        found = {}
        for name, value in self.params.items():
            if name in _TRANSPORT or name.startswith("param_"):
                continue
            external = _EXTERNAL.match(name)
            if external and external["table"] in external_tables:
                continue
            found[name] = value
        return found

    @property
    def protocol_revision(self) -> int:
        """The revision of the Native format the client understands; 0 if it named none."""
        given = self.params.get("client_protocol_version", "")
        return int(given) if given.isdigit() and len(given) < 10 else 0

    def flag(self, name: str) -> bool:
        """Whether a boolean parameter is set."""
        return self.params.get(name, "") in ("1", "true", "True")

    def session_seconds(self, default: float, longest: float) -> float:
        """The session's idle time-out, checked against the longest allowed."""
        given = self.params.get("session_timeout")
        if given is None:
            return default
        if not given.isdigit() or int(given) > longest:
            raise EngineError(
                INVALID_SESSION_TIMEOUT,
                f"Invalid session timeout: {given}. The longest allowed is {longest:.0f} seconds.",
            )
        return float(given)


def from_scope(scope: Mapping[str, Any]) -> Request:
    """Read an ASGI scope."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    pairs = parse_qsl(
        scope["query_string"].decode("latin-1"),
        keep_blank_values=True,
        encoding="utf-8",
        errors="surrogateescape",
    )
    return Request(scope["method"], scope["path"], dict(pairs), headers)
