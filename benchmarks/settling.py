"""What each statement of a settling pass costs the engine, in CPU per 1,000 spans.

    python -m benchmarks.settling --requests 20 --passes 8

Writes realistic requests (benchmarks/load.py) straight through the writer and settles them, as the
worker would once a second under load. Only the engine's own CPU is counted, around each statement.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import psutil

import benchmarks.django_ready  # noqa: F401 (before anything of tracestore)
from benchmarks.otlp_requests import SHAPES, SPANS_PER_REQUEST, Template, build
from benchmarks.store import started
from tracestore.clickhouse import client, queries, settling
from tracestore.clickhouse.writer import SpanWriter
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--requests", type=int, default=20, help="requests of 512 spans between two passes")
    arguments.add_argument("--passes", type=int, default=8)
    arguments.add_argument("--shape", choices=SHAPES, default="realistic")
    given = arguments.parse_args()
    settling.QUIET_MS = 50  # type: ignore[misc]
    names = {queries.load(name): name for name in STATEMENTS}
    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as engine:
        process = psutil.Process(engine.pid)

        def measured(query: str, *rest: Any, **named: Any) -> Any:
            before = process.cpu_times()
            answer = run(query, *rest, **named)
            after = process.cpu_times()
            spent[names.get(query, "other")] += after.user + after.system - before.user - before.system
            return answer

        run = client.run
        template = Template(build(SHAPES[given.shape], 1))
        for one in range(given.passes):
            for number in range(given.requests):
                spans = [normalise(record) for record in decode_protobuf(template.renew(one * 1000 + number)).records]
                resolve(spans)
                SpanWriter().write([("default", span) for span in spans])
            time.sleep(0.5)  # background merges of what was just written are not the pass's
            client.run = measured  # type: ignore[assignment]
            settling.settle()
            client.run = run
        thousands = given.passes * given.requests * SPANS_PER_REQUEST / 1000
        tools = client.run("SELECT count() FROM tool_calls").result_rows[0][0]
    print(f"{given.shape}: {thousands:.0f} thousand spans, {tools} of them executions of tools\n")
    print("| statement | CPU ms per 1,000 spans |\n|---|---|")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"| {name} | {seconds * 1000 / thousands:.2f} |")


STATEMENTS = (
    "settle_open", "settle_known", "joining_traces", "settle_spans", "settle_rows", "settle_summaries", "settle_moved",
    "complete_first_edges", "complete_wanting", "settle_tool_calls", "settle_take_back", "settle_mark", "settle_watermark",
)  # fmt: skip


if __name__ == "__main__":
    main()
