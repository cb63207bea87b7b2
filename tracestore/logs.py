"""Structured logs: one JSON object a line where a machine reads them, short lines on a terminal.

JSON also keeps control characters of hostile input out of the operator's terminal.
"""

from __future__ import annotations

import logging
import sys

import structlog

#: `merge_contextvars` puts the ids of the request (`tracestore.request_ids`) into every line of it.
_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def formatter() -> logging.Formatter:
    """Makes one line of JSON of a record, whether structlog or the standard library made it."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


def configure(*, debug: bool = False) -> None:
    """Sends both structlog and the standard library's logging to stderr in one form."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("django.db.backends").setLevel(logging.INFO)
    # Their warnings repeat what our own errors say.
    for noisy in ("httpx", "urllib3", "kombu", "amqp", "clickhouse_connect"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    if debug:
        root.setLevel(logging.DEBUG)
