"""What storing realistic spans costs the engine, by table and by the size of an insert. Prints a Markdown table.

    python -m benchmarks.inserts --rows 32768 --sizes 512,2048,8192

Only the engine's own CPU is counted: around each insert, and then until its merges are over. The sizes
take turns, so that a machine that becomes busy does not decide between them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa

import benchmarks.django_ready  # noqa: F401 (before anything of tracestore)
from benchmarks.otlp_requests import SHAPES, SPANS_PER_REQUEST, Template, build
from benchmarks.store import started
from tracestore.clickhouse import client, writer
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.model import Span
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

ROUNDS = 3
MERGING = "SELECT count() FROM system.merges"


def requests(shape: str) -> Iterator[list[Span]]:
    """Requests without end, each with new ids."""
    template = Template(build(SHAPES[shape], 1))
    number = 0
    while True:
        number += 1
        spans = [normalise(record) for record in decode_protobuf(bytes(template.renew(number))).records]
        resolve(spans)
        yield spans


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=32_768, help="rows written in each size and round")
    arguments.add_argument("--sizes", default="512,2048,8192", help="rows of an insert, separated by commas")
    arguments.add_argument("--shape", choices=SHAPES, default="realistic")
    given = arguments.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    spent: dict[int, dict[str, list[float]]] = {size: defaultdict(list) for size in sizes}
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as engine:
        process = psutil.Process(engine.pid)
        arriving = requests(given.shape)
        insert = writer.insert
        for _ in range(ROUNDS):
            for size in sizes:
                tables: dict[str, float] = defaultdict(float)

                def counted(table: str, rows: pa.Table, tables: dict[str, float] = tables) -> None:
                    before = cpu(process)
                    insert(table, rows)
                    tables[table] += cpu(process) - before

                writer.insert = counted
                begun, written = cpu(process), 0
                while written < given.rows:
                    batch = [("default", span) for _ in range(size // SPANS_PER_REQUEST) for span in next(arriving)]
                    writer.SpanWriter().write(batch)
                    written += len(batch)
                while client.run(MERGING).result_rows[0][0]:
                    time.sleep(0.2)
                tables["merges between and after"] = cpu(process) - begun - sum(tables.values())
                for table, seconds in tables.items():
                    spent[size][table].append(seconds * 1e6 / written)
    names = list(spent[sizes[0]])
    print(
        f"{given.shape}, {given.rows:,} rows a round, median of {ROUNDS} rounds: CPU ms of the engine per 1,000 rows\n"
    )
    print("| rows of an insert | " + " | ".join(names) + " | in all |\n|---" + "|---:" * (len(names) + 1) + "|")
    for size in sizes:
        medians = [statistics.median(spent[size][name]) for name in names]
        print(f"| {size:,} | " + " | ".join(f"{median:.0f}" for median in medians) + f" | {sum(medians):.0f} |")


if __name__ == "__main__":
    main()
