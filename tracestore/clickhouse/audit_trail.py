"""Fills the audit trail (`stored_tool_calls`) with the executions of the traces that a pass settles.

Part of a settling pass, after the summaries are stored and before the traces are marked as settled:
until then the view `tool_calls` answers from the spans, so nothing is missing in between.
"""

from __future__ import annotations

from typing import Any

from tracestore.clickhouse import client, queries


def settle(chosen: dict[str, Any]) -> None:
    """Stores the executions of the traces that the pass `chosen["version"]` has summarised.

    Idempotent, like the pass: a row written again replaces itself.

    Raises:
        Unavailable: the store does not answer; the next pass does it again.
    """
    since = client.run(queries.load("settle_since"), chosen).result_rows[0][0]
    if since is None:
        return
    bound = {**chosen, "since": since}
    client.run(queries.load("settle_tool_calls"), bound)
    # Almost never any: rows from an earlier pass whose span has stopped being an execution.
    if client.run(queries.load("settle_unconfirmed_count"), bound).result_rows[0][0]:
        client.run(queries.load("settle_take_back"), bound)
