"""Reads Tracestore from Python: rows, a value bound by the server, an Arrow table.

pip install clickhouse-connect pyarrow
TRACESTORE_SQL_PASSWORD=… python read_with_clickhouse_connect.py
"""

from __future__ import annotations

import os

import clickhouse_connect

client = clickhouse_connect.get_client(
    host=os.environ.get("TRACESTORE_SQL_HOST", "127.0.0.1"),
    port=int(os.environ.get("TRACESTORE_SQL_PORT", "8123")),
    username="reader",
    password=os.environ.get("TRACESTORE_SQL_PASSWORD", ""),
    database="tracestore",
)

for agent, runs, cost in client.query(
    "SELECT agent, count(), sum(cost_usd) FROM traces GROUP BY agent ORDER BY agent"
).result_rows:
    # NULL (None) means that no price is known: it is not nothing.
    print(f"{agent or '(no agent)'}: {runs} runs, {'price unknown' if cost is None else f'{cost:.4f} USD'}")

failed = client.query(
    "SELECT count() FROM tool_calls WHERE tool_name = {tool:String} AND status = 'error'", parameters={"tool": "search"}
)
print(f"search failed {failed.first_row[0]} times")

table = client.query_arrow("SELECT model, input_tokens, output_tokens FROM llm_calls")
print(f"{table.num_rows} model calls as an Arrow table of {table.nbytes} bytes")
