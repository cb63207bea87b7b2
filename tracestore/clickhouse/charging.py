"""Who pays for what the store reads: whoever the context names, or nobody.

The store says with each answer what was read for it (`X-ClickHouse-Summary`), so charging asks nothing more. Only the
web process names somebody (`dashboard.read_budget`): workers, ingest and commands read on nobody's account.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol

from clickhouse_connect.driver.httputil import get_pool_manager

#: Bytes a second that a question is taken to have read when it failed and the store did not say: a small machine's.
UNTOLD_BYTES_PER_SECOND: Final = 200_000_000
#: The store says what was read when all of it was, not when the answer began.
TOLD_AT_THE_END: Final = {"wait_end_of_query": 1}


class Payer(Protocol):
    def admit(self) -> None:
        """Returns when a question may be asked.

        Raises:
            Overloaded: not now; `retry_after_s` says when.
        """

    def charge(self, read_bytes: int) -> None:
        """So many uncompressed bytes were read, or handed out."""


_payer: ContextVar[Payer | None] = ContextVar("payer", default=None)
#: The payer of this context, None when nobody pays.
current: Final = _payer.get


@contextmanager
def paying(payer: Payer | None) -> Iterator[None]:
    """What is asked inside of it, in this context and copies of it, is charged to `payer`."""
    token = _payer.set(payer)
    try:
        yield
    finally:
        _payer.reset(token)


def admit() -> None:
    """Raises Overloaded when whoever pays may not ask now."""
    payer = current()
    if payer is not None:
        payer.admit()


def charge(read_bytes: int) -> None:
    payer = current()
    if payer is not None:
        payer.charge(read_bytes)


def counting_pool(**options: Any) -> Any:
    """A pool of connections that charges each answer to the payer: every statement passes it, whatever asks."""
    pool = get_pool_manager(**options)
    request: Callable[..., Any] = pool.request

    def counted(*args: Any, **kwargs: Any) -> Any:
        answer = request(*args, **kwargs)
        payer = current()
        if payer is not None:
            payer.charge(told(answer.headers))
        return answer

    pool.request = counted
    return pool


def told(headers: Mapping[str, str]) -> int:
    """The bytes read that an answer's headers tell; 0 when they tell nothing."""
    try:
        return int(json.loads(headers.get("X-ClickHouse-Summary", "{}")).get("read_bytes", 0))
    except (ValueError, AttributeError):
        return 0
