"""Fills the audit trail (`stored_tool_calls`) with the executions of the traces that a pass settles.

Part of a settling pass, after the summaries are stored and before the traces are marked as settled:
until then the view `tool_calls` answers from the spans, so nothing is missing in between.
"""

from __future__ import annotations

from typing import Any

from tracestore.clickhouse import client, queries


def settle(chosen: client.Tables, parameters: dict[str, Any], *, again: bool) -> None:
    """Stores the executions of the traces of a pass, which travel as the table `chosen`.

    `again` tells that some of them were settled before. Idempotent, like the pass: a row written again
    replaces itself.

    Raises:
        Unavailable: the store does not answer; the next pass does it again.
    """
    client.run(queries.load("settle_tool_calls"), parameters, tables=chosen)
    if again:
        # Rows of an earlier pass whose span has stopped being an execution.
        client.run(queries.load("settle_take_back"), parameters, tables=chosen)
