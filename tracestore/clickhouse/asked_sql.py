"""Runs a statement that a user wrote, and says what ClickHouse says of it, cleaned."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import Any, Final

from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from tracestore.clickhouse import charging, client
from tracestore.errors import InvalidInput

#: Codes of a statement's failure that are the store's fault, or pass: connection, memory of all, cancelled.
_NOT_THE_STATEMENT: Final = frozenset({0, 209, 210, 236, 394, 1001})
_NOISE: Final = re.compile(
    r"^.*?DB::Exception: |\s*\(for url [^)]*\)| \(version [^)]*\)| ?\(in query: .*|\.? In scope .*", re.S
)


def cleaned(message: str) -> str:
    """What ClickHouse says of a statement, without addresses, versions and what its views are made of."""
    name = re.search(r"\(([A-Z_]{4,})\)", message)
    text = _NOISE.sub("", message).strip().removesuffix(f"({name[1]})" if name else "").strip()
    text = re.sub(r"\bstored_(\w+)", r"\1", text)[:1_000]
    return f"{text} ({name[1]})" if name else text


def ask(statement: str, query_settings: dict[str, str], fmt: str, most_bytes: int = 1 << 24) -> bytes:
    """Runs a user's statement and returns the answer in a format; its errors are told as they are, cleaned.

    Raises:
        InvalidInput: the statement is wrong, or its answer larger than `most_bytes`.
        Unavailable: as `client.translate` says; Overloaded: whoever pays (`charging`) may not ask now.
    """
    charging.admit()
    began = time.monotonic()
    try:
        answer: Any = client.shared().raw_stream(statement, settings=query_settings, fmt=fmt)
        with closing(answer):
            body: bytes = answer.read(most_bytes + 1)
    except (ClickHouseError, HTTPError, OSError) as error:
        client.charge_failed(error, began)
        code = client.code_of(error)
        if code in _NOT_THE_STATEMENT or code == client.DISK_FULL:
            raise client.translate(error) from error
        raise InvalidInput(cleaned(str(error)), field="query") from error
    if len(body) > most_bytes:
        raise InvalidInput(f"The answer has over {most_bytes >> 20} MiB: expected fewer rows.", field="query")
    tail = body[-(1 << 14) :]
    if b"\r\n__exception__\r\n" in tail and tail.rstrip().endswith(b"__exception__"):
        raise InvalidInput("The statement failed while its answer was sent: expected a smaller one.", field="query")
    return body
