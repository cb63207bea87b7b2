"""A plain HTTP client, so that tests see statuses, headers and bytes as they are."""

from __future__ import annotations

import http.client
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.engine_process import EngineProcess


@dataclass(frozen=True)
class Answer:
    """A complete answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        """The exception code, 0 for none."""
        return int(self.headers.get("x-clickhouse-exception-code", "0"))


class RawClient:
    """Sends requests as one user over a connection that is kept open."""

    def __init__(self, engine: EngineProcess, user: str = "", password: str = "") -> None:
        self.engine = engine
        self.connection = http.client.HTTPConnection(engine.host, engine.port, timeout=60)
        self.headers: dict[str, str] = {}
        if user:
            token = b64encode(f"{user}:{password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {token}"

    def send(
        self,
        body: bytes | str = b"",
        *,
        method: str = "POST",
        path: str = "/",
        headers: dict[str, str] | None = None,
        **params: object,
    ) -> Answer:
        """One request and its answer."""
        target = f"{path}?{urlencode(params)}" if params else path
        data = body.encode() if isinstance(body, str) else body
        self.connection.request(method, target, data or None, {**self.headers, **(headers or {})})
        answer = self.connection.getresponse()
        content = answer.read()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content)

    def query(self, text: str, **params: object) -> str:
        """The answer of a query that must succeed, without its last line end."""
        answer = self.send(text, **params)
        assert answer.status == 200, answer.text
        return answer.text.rstrip("\n")

    def close(self) -> None:
        self.connection.close()


def admin(engine: EngineProcess) -> RawClient:
    """A client with all rights."""
    return RawClient(engine, engine.admin_user, engine.admin_password)


def reader(engine: EngineProcess) -> RawClient:
    """A client of the read-only user."""
    return RawClient(engine, engine.reader_user, engine.reader_password)
