"""Ways to delete what a project no longer keeps, on a table shaped like `stored_payloads`.

    python -m benchmarks.retention --rows 300000

Ten days of payloads that do not compress, of one project or of two that share parts, one of which
keeps five days. Each way starts from the same table. CPU is the engine's own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

import benchmarks.django_ready  # noqa: F401 (before anything of tracestore)
from benchmarks.store import started
from tests.engine_process import EngineProcess
from tracestore.clickhouse import client, expiry

TODAY = datetime.now(UTC).date()
FIRST = TODAY - timedelta(days=4)
TTL = "toDateTime(start_time) + toIntervalDay(multiIf(project = 'brief', 4, 36500))"
SYNC = {"mutations_sync": 1}
EXPIRED = f"project = 'brief' AND start_time < '{FIRST} 00:00:00'"


def fill(rows: int, shared: bool) -> None:
    client.command("DROP TABLE IF EXISTS tried SYNC")
    client.command("CREATE TABLE tried AS stored_payloads")
    for day in range(10):
        client.run(
            "INSERT INTO tried (project, trace_id, span_id, start_time, input, version)"
            " SELECT if({shared:UInt8} = 1 AND number % 2 = 1, 'for-ever', 'brief'), hex(intDiv(number, 16)), hex(number),"
            " toDateTime64({day:String}, 9, 'UTC') + number % 86400, randomPrintableASCII(1000), 1"
            " FROM numbers({rows:UInt64})",
            {"rows": rows // 10, "shared": int(shared), "day": f"{TODAY - timedelta(days=day)} 00:00:00"},
        )
    client.command("OPTIMIZE TABLE tried FINAL")


def job() -> None:
    expiry.expire("tried", {FIRST: ["brief"]})


def lightweight() -> None:
    client.run(f"DELETE FROM tried WHERE {EXPIRED}", None, {"lightweight_deletes_sync": 1})


def mutation() -> None:
    client.run(f"ALTER TABLE tried DELETE WHERE {EXPIRED}", None, SYNC)


def ttl() -> None:
    client.run(f"ALTER TABLE tried MODIFY TTL {TTL}", None, {"materialize_ttl_after_modify": 0})
    client.run("ALTER TABLE tried MATERIALIZE TTL", None, SYNC)


WAYS: dict[str, Callable[[], None]] = {
    "parts dropped by name, the rest by a mutation of their partition (chosen)": job,
    "lightweight DELETE": lightweight,
    "ALTER DELETE of the table": mutation,
    "MODIFY TTL multiIf(project, …), MATERIALIZE TTL": ttl,
}


def measured(engine: EngineProcess, way: Callable[[], None]) -> tuple[float, float]:
    process = psutil.Process(engine.pid)
    before, begun = process.cpu_times(), time.perf_counter()
    way()
    after = process.cpu_times()
    return time.perf_counter() - begun, after.user + after.system - before.user - before.system


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=300_000)
    rows = arguments.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as engine:
        for shared in (False, True):
            print(
                f"\n{'two projects that share parts' if shared else 'one project'}, {rows:,} rows of 1 KB, ten days\n"
            )
            print("| way | s | CPU s | once more, CPU s | expired rows left | MB on disk before → after |")
            print("|---|---|---|---|---|---|")
            for name, way in WAYS.items():
                fill(rows, shared)
                before = size()
                wall, cpu = measured(engine, way)
                again = measured(engine, way)[1]
                left = client.run(f"SELECT count() FROM tried WHERE {EXPIRED}").result_rows[0][0]
                print(f"| {name} | {wall:.2f} | {cpu:.2f} | {again:.2f} | {left:,} | {before:.0f} → {size():.0f} |")


def size() -> float:
    return float(
        client.run(
            "SELECT sum(bytes_on_disk) / 1e6 FROM system.parts WHERE active AND database = 'tracestore' AND table = 'tried'"
        ).result_rows[0][0]
    )


if __name__ == "__main__":
    main()
