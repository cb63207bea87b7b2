"""What a check answers, and running them so that none can take the others down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import structlog
from django.db import DatabaseError

from tracestore.errors import TracestoreError

log = structlog.get_logger(__name__)

State = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Result:
    """`said` is what was found; `mend` is what to do about it, empty when all is well."""

    name: str
    state: State
    said: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """`ask` returns state, what was found, and how to mend it."""

    name: str
    ask: Callable[[], tuple[State, str, str]]


def run(checks: Iterable[Check]) -> list[Result]:
    """The answers, in order. A check that fails itself is bad, and says why in words of our own."""
    return [_run(check) for check in checks]


def _run(check: Check) -> Result:
    try:
        return Result(check.name, *check.ask())
    except TracestoreError as error:
        return Result(check.name, "bad", error.message, "Start the store, or see the log of the engine.")
    except DatabaseError:
        return Result(
            check.name, "bad", "The metadata database does not answer or is not migrated.",
            "Look at TRACESTORE_DATABASE_URL and at that server, then run `manage.py bootstrap`.",
        )  # fmt: skip
    except Exception as error:
        log.exception("a check failed itself", check=check.name)
        return Result(check.name, "bad", f"The check itself failed ({type(error).__name__}).", "See the log above.")
