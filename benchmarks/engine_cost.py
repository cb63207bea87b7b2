"""What the engine process adds to plain chDB: CPU per request and round trips. Prints Markdown tables.

    python -m benchmarks.engine_cost

Plain chDB runs in a child process on the same statements and bytes; CPU is of the whole process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow as pa

from benchmarks.engine import engine

ROWS = 10_000
REQUESTS = 60
TABLE = (
    "(at DateTime64(9, 'UTC'), id String, name LowCardinality(String), value UInt64, attributes Map(String, String))"
    " ENGINE = MergeTree ORDER BY (name, at)"
)

#: Runs in a process of its own: chDB and the engine cannot share one, and its CPU must stand alone.
PLAIN = """
import sys, time
from chdb import session
statements, directory, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
chdb = session.Session(directory + "/plain")
chdb.query("CREATE DATABASE IF NOT EXISTS b")
chdb.query("CREATE TABLE b.t " + statements)
def cost(run, times):
    run()
    begun = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - begun) / times * 1000
print(cost(lambda: chdb.query("SELECT 1"), 60))
print(cost(lambda: chdb.query(f"INSERT INTO b.t FROM INFILE '{directory}/rows.arrow' FORMAT ArrowStream"), 20))
"""


def rows() -> pa.Table:
    return pa.table(
        {
            "at": pa.array([1_790_000_000_000_000_000 + n for n in range(ROWS)]).cast(pa.timestamp("ns", "UTC")),
            "id": [f"{n:032x}" for n in range(ROWS)],
            "name": [f"chat {n % 7}" for n in range(ROWS)],
            "value": pa.array(range(ROWS), pa.uint64()),
            "attributes": pa.array(
                [[(f"key {k}", f"value {n * k}") for k in range(10)] for n in range(ROWS)],
                pa.map_(pa.string(), pa.string()),
            ),
        }
    )


def main() -> None:
    table = rows()
    with tempfile.TemporaryDirectory() as folder:
        with pa.OSFile(f"{folder}/rows.arrow", "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        body = Path(folder, "rows.arrow").read_bytes()
        answer = subprocess.run(
            [sys.executable, "-c", PLAIN, TABLE, folder, str(ROWS)], capture_output=True, text=True, check=True
        )
        plain = [float(line) for line in answer.stdout.split()]
        with engine() as (client, process):
            idle = process.memory_info().rss
            client.command("CREATE DATABASE b")
            client.command("CREATE TABLE b.t " + TABLE)

            def cost(run: Callable[[], object], times: int) -> tuple[float, float]:
                run()
                before, taken = process.cpu_times(), []
                for _ in range(times):
                    begun = time.perf_counter()
                    run()
                    taken.append((time.perf_counter() - begun) * 1000)
                after = process.cpu_times()
                return (after.user + after.system - before.user - before.system) / times * 1000, statistics.median(
                    taken
                )

            one = cost(lambda: client.command("SELECT 1"), REQUESTS)
            insert = cost(
                lambda: client.raw_insert("b.t", table.column_names, insert_block=body, fmt="ArrowStream"), 20
            )
            print(f"Machine: {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB of memory.\n")
            print("| | engine, CPU | plain chDB, CPU | engine, round trip p50 |\n|---|---|---|---|")
            print(f"| `SELECT 1` through clickhouse-connect | {one[0]:.1f} ms | {plain[0]:.1f} ms | {one[1]:.1f} ms |")
            size = len(body) / 2**20
            print(
                f"| insert of {ROWS:,} rows, Arrow, {size:.1f} MiB | {insert[0]:.1f} ms | {plain[1]:.1f} ms | {insert[1]:.1f} ms |"
            )
            print(f"\nResident memory after start: {idle / 2**20:.0f} MiB.")


if __name__ == "__main__":
    main()
