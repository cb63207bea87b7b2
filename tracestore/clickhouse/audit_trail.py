"""Keeps the audit trail (`stored_tool_calls`) right where settling changes spans.

The trail is written with the spans, which is where the whole text is at hand. What settling may change
afterwards, in traces that came apart, is whose an execution was, what it got and gave, and whether it
was one at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracestore.clickhouse import client, columns, queries


def settle(apart: Sequence[tuple[str, str]], parameters: dict[str, Any]) -> None:
    """Stores the executions of these traces again and takes back those that are none any more.

    Idempotent, like the pass: a row written again replaces itself.

    Raises:
        Unavailable: the store does not answer; the next pass does it again.
    """
    tables = {"apart": columns.traces_table(apart)}
    client.run(queries.load("settle_tool_calls"), parameters, tables=tables)
    client.run(queries.load("settle_take_back"), parameters, tables=tables)
