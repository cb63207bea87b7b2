"""Compares ways to store payloads: compression blocks and windows against keeping each message once.

    python -m benchmarks.payload_storage                     generated runs only, about four minutes
    python -m benchmarks.payload_storage --corpus FOLDER     with the captures named *.long.* of that folder

Agents send their whole conversation again at every step. Either the compressor finds the repetition, as
rows of one trace lie side by side, or the text is cut into messages that are stored once by hash and put
together on reading. Each variant runs in a process of its own over chDB, gets the same rows, and says:
bytes on disk before and after merging, CPU of inserting and merging, peak memory, time of reading.
Merges wait until all is inserted and then run once, so their CPU is that of rewriting each row once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.conversations import TEXTS, Row, Run, Words, captured, generated, interleaved, one_after_another, table

MIB = 1 << 20
KEY = "(project, toStartOfHour(start_time), trace_id, start_time, span_id)"
COMMON = (
    "project LowCardinality(String), trace_id String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)), "
    "start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)), version UInt64 CODEC(Delta(8), ZSTD(1))"
)
BY_TRACE = "INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1"


@dataclass(frozen=True)
class Variant:
    name: str
    codec: str = "ZSTD(1)"  # '' = the table's default, LZ4
    block: int = 0  # bytes; 0 = ClickHouse's default, 64 KiB to 1 MiB
    recompress: str = ""  # on the first merge
    once: str = ""  # 'again' or 'cached': messages kept once
    order: str = "received"  # of the attributes in their JSON


VARIANTS = (
    Variant("ZSTD(1), attributes in a set's order", order="set"),
    Variant("ZSTD(1)"),
    Variant("ZSTD(1), blocks 4 MiB", block=4 * MIB),
    Variant("ZSTD(1), blocks 16 MiB", block=16 * MIB),
    Variant("ZSTD(1, 24)", "ZSTD(1, 24)"),
    Variant("ZSTD(1, 24), blocks 4 MiB", "ZSTD(1, 24)", 4 * MIB),
    Variant("ZSTD(1, 24), blocks 16 MiB", "ZSTD(1, 24)", 16 * MIB),
    Variant("ZSTD(3), blocks 16 MiB", "ZSTD(3)", 16 * MIB),
    Variant("ZSTD(3, 24), blocks 4 MiB", "ZSTD(3, 24)", 4 * MIB),
    Variant("ZSTD(3, 24), blocks 16 MiB", "ZSTD(3, 24)", 16 * MIB),
    Variant("LZ4, merged to ZSTD(1, 24), blocks 4 MiB", "", 4 * MIB, recompress="ZSTD(1, 24)"),
    Variant("messages once, sent again in every batch", once="again"),
    Variant("messages once, known ones left out", once="cached"),
)

#: Where a message may begin, at any depth of JSON in JSON. Cutting before these keeps every byte.
MESSAGE = re.compile(
    r'(?=\{\\*"(?:role|type|lc|parts|id|name|content)\\*")|(?=\\*"llm\.(?:input|output)_messages\.\d+\.message\.role)'
)


def cut(batches: Sequence[Sequence[Row]], cached: bool) -> tuple[list[pa.Table], list[pa.Table]]:
    """Rows that hold hashes, and the messages, per batch; a message once per batch, or once for all batches."""
    rows, texts = [], []
    known: set[tuple[str, int]] = set()
    for batch in batches:
        if not cached:
            known.clear()
        new: list[tuple[str, int, str]] = []
        hashes: dict[str, list[list[int]]] = {name: [] for name in TEXTS}
        for row in batch:
            for name in TEXTS:
                found = []
                for piece in MESSAGE.split(getattr(row, name)):
                    # 64 bits within one trace are enough to measure with; a product would take 128.
                    mark = hash(piece) & 0xFFFFFFFFFFFFFFFF
                    found.append(mark)
                    if (row.trace_id, mark) not in known:
                        known.add((row.trace_id, mark))
                        new.append((row.trace_id, mark, piece))
                hashes[name].append(found)
        plain = table(batch)
        for name in TEXTS:
            plain = plain.set_column(
                plain.schema.get_field_index(name), name, pa.array(hashes[name], pa.list_(pa.uint64()))
            )
        rows.append(plain)
        texts.append(
            pa.table(
                {
                    "project": pa.array(["default"] * len(new)),
                    "trace_id": pa.array([one[0] for one in new], pa.string()),
                    "hash": pa.array([one[1] for one in new], pa.uint64()),
                    "text": pa.array([one[2] for one in new], pa.string()),
                }
            )
        )
    return rows, texts


def statements(variant: Variant) -> list[str]:
    block = f", min_compress_block_size = {variant.block}, max_compress_block_size = {variant.block}"
    settings = f" SETTINGS {NO_MERGES}{block if variant.block else ''}"
    codec = f" CODEC({variant.codec})" if variant.codec else ""
    kind = "Array(UInt64)" if variant.once else "String"
    columns = ", ".join(f"{name} {kind}{codec}" for name in TEXTS)
    ttl = f" TTL toDateTime(start_time) RECOMPRESS CODEC({variant.recompress})" if variant.recompress else ""
    create = (
        f"CREATE TABLE bench.payloads ({COMMON}, {columns}, {BY_TRACE}) ENGINE = ReplacingMergeTree(version) "
        f"PARTITION BY toYYYYMMDD(start_time) ORDER BY {KEY}{ttl}{settings}"
    )
    messages = (
        "CREATE TABLE bench.messages (project LowCardinality(String), trace_id String CODEC(ZSTD(1)), hash UInt64 CODEC(ZSTD(1)), "
        f"text String CODEC(ZSTD(1))) ENGINE = ReplacingMergeTree ORDER BY (project, trace_id, hash) SETTINGS {NO_MERGES}"
    )
    return [create, messages] if variant.once else [create]


def reading(variant: Variant, where: str) -> str:
    if not variant.once:
        return f"SELECT span_id, {', '.join(TEXTS)} FROM bench.payloads FINAL WHERE project = 'default' AND {where}"
    trace = where.split(" AND ")[0]
    return f"""
        SELECT span_id, arrayStringConcat(arrayMap(pair -> pair.2, arraySort(groupArray((place, text)))))
        FROM (SELECT span_id, place, hash FROM bench.payloads FINAL
              ARRAY JOIN arrayConcat({", ".join(TEXTS)}) AS hash, arrayEnumerate(arrayConcat({", ".join(TEXTS)})) AS place
              WHERE project = 'default' AND {where}) AS cut
        INNER JOIN (SELECT hash, any(text) AS text FROM bench.messages WHERE project = 'default' AND {trace} GROUP BY hash) AS kept
        USING (hash) GROUP BY span_id"""


#: Keeps ClickHouse from merging by itself, so that OPTIMIZE finds every part free and rewrites each row once.
NO_MERGES = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"


def merge(ask: Callable[[str], str], table: str) -> None:
    """Merges each partition into one part. Raises AssertionError when parts are left over."""
    ask(f"OPTIMIZE TABLE bench.{table} FINAL SETTINGS optimize_throw_if_noop = 1")
    left = ask(
        f"SELECT count() - uniq(partition) FROM system.parts WHERE active AND database = 'bench' AND table = '{table}'"
    )
    assert left.strip() == "0", f"{table}: {left.strip()} parts more than partitions after merging"


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def most_memory() -> int:
    """Bytes resident at most since this process began; `ru_maxrss` would begin with what its parent had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def measured(variant: Variant, batches: list[list[Row]], trace: str, span: str, answer: Any) -> None:
    """Runs in a process of its own. Puts a dict of figures on the queue `answer`."""
    from chdb.session import Session

    with tempfile.TemporaryDirectory(prefix="tracestore-bench-") as folder:
        begun = cpu()
        kept = cut(batches, variant.once == "cached") if variant.once else None
        cutting = cpu() - begun if kept else 0.0
        files: list[tuple[str, Path]] = []
        for number, batch in enumerate(batches):
            tables = {"payloads": kept[0][number] if kept else table(batch)}
            if kept:
                tables["messages"] = kept[1][number]
            for name, rows in tables.items():
                file = Path(folder) / f"{number}.{name}.arrow"
                with pa.ipc.new_stream(file, rows.schema) as writer:
                    writer.write_table(rows)
                files.append((name, file))
        wanted = sum(row.size for batch in batches for row in batch if row.trace_id == trace)
        session = Session(f"{folder}/data")

        def ask(statement: str, form: str = "TabSeparated") -> str:
            return str(session.query(statement, form))

        def size() -> int:
            return int(ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'"))

        ask("CREATE DATABASE bench")
        for statement in statements(variant):
            ask(statement)
        tables_made = ("payloads", "messages") if kept else ("payloads",)
        begun = cpu()
        for name, file in files:
            ask(
                f"INSERT INTO bench.{name} SELECT * FROM file('{file}', 'ArrowStream') SETTINGS "
                "schema_inference_make_columns_nullable = 0"
                if name == "messages"
                else f"INSERT INTO bench.{name} (project, trace_id, span_id, start_time, {', '.join(TEXTS)}, version) "
                f"SELECT * FROM file('{file}', 'ArrowStream') SETTINGS schema_inference_make_columns_nullable = 0"
            )
        inserting, unmerged = cpu() - begun, size()
        one_trace, one_span = f"trace_id = '{trace}'", f"trace_id = '{trace}' AND span_id = '{span}'"
        read_unmerged = milliseconds(lambda: ask(reading(variant, one_trace), "Null"))
        begun = cpu()
        for name in tables_made:
            merge(ask, name)
        merging = cpu() - begun
        got = int(ask(f"SELECT sum(lengthUTF8(concat(* EXCEPT span_id))) FROM ({reading(variant, one_trace)})"))
        if got != wanted:
            raise AssertionError(f"{variant.name}: {got} characters read, {wanted} written")
        answer.put(
            {
                "unmerged": unmerged, "merged": size(), "cut": cutting, "insert": inserting, "merge": merging,
                "read_unmerged": read_unmerged,
                "read_trace": milliseconds(lambda: ask(reading(variant, one_trace), "Null")),
                "read_span": milliseconds(lambda: ask(reading(variant, one_span), "Null")),
                "memory": most_memory(),
            }
        )  # fmt: skip
        session.close()


def milliseconds(call: Callable[[], object], times: int = 7) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def apart(target: Callable[..., None], *arguments: Any) -> dict[str, Any]:
    """What `target(*arguments, queue)` puts on the queue, run in a process of its own: chDB allows one store a process."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=target, args=(*arguments, answer), daemon=True)
    process.start()
    try:
        while process.is_alive() and answer.empty():
            process.join(0.2)
        found: dict[str, Any] = answer.get(timeout=5)
    finally:
        process.join(20)
        if process.is_alive():
            process.kill()
    return found


def compare(title: str, arrange: Callable[[list[Run]], list[list[Row]]], runs: dict[str, list[Run]], only: str) -> None:
    """One table: every variant on the same rows. `runs`: by order of attributes; the first run is the one read."""
    first = runs["received"][0]
    spans, raw = (
        sum(run.spans for run in runs["received"]),
        sum(row.size for run in runs["received"] for row in run.rows),
    )
    middle = first.rows[len(first.rows) // 2]
    print(f"\n### {title}\n\n{spans:,} spans in {len(runs['received'])} runs, {raw / spans:,.0f} B of payload a span; read: "
          f"one trace of {len([r for r in first.rows if r.trace_id == middle.trace_id])} payloads, and one span of it.\n")  # fmt: skip
    print("| variant | B a span: inserted | merged | KB a run, merged | CPU ms per 1,000 spans: cut | insert | merge "
          "| read trace unmerged / merged, ms | read span, ms | peak MiB |\n|---" + "|---" * 9 + "|")  # fmt: skip
    for variant in VARIANTS:
        if only not in variant.name or variant.order not in runs:
            continue
        batches = arrange(runs[variant.order])
        got = apart(measured, variant, batches, middle.trace_id, middle.span_id)
        scale = 1e6 / spans
        print(
            f"| {variant.name} | {got['unmerged'] / spans:,.0f} | {got['merged'] / spans:,.0f} "
            f"| {got['merged'] / len(runs['received']) / 1000:,.0f} | {got['cut'] * scale:,.0f} | {got['insert'] * scale:,.0f} "
            f"| {got['merge'] * scale:,.0f} | {got['read_unmerged']:,.0f} / {got['read_trace']:,.0f} | {got['read_span']:,.0f} "
            f"| {got['memory'] / MIB:,.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder of captures; those named *.long.* are used")
    parser.add_argument("--turns", type=int, default=30, help="steps of a generated run")
    parser.add_argument("--runs", type=int, default=50, help="generated runs that go on at the same time")
    parser.add_argument("--only", default="", help="only the variants whose name contains this")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that folders and processes of its own are removed
    words = Words(7)
    start = time.time_ns() // (3600 * 10**9) * 3600 * 10**9 - 24 * 3600 * 10**9
    others = [generated(seed, options.turns, start, words) for seed in range(1, options.runs + 1)]
    made = {"received": others}
    compare("Generated runs, one after another", lambda runs: one_after_another(runs, 512), made, options.only)
    compare("Generated runs, all at the same time", lambda runs: interleaved(runs, options.turns), made, options.only)
    for folder in sorted(options.corpus.glob("*.long.*")) if options.corpus else []:
        alone = {order: [captured(folder, order)] for order in ("received", "set")}
        compare(f"{folder.name}, alone", lambda runs: one_after_another(runs, 512), alone, options.only)
        if "openllmetry" in folder.name:
            mixed = {order: [*alone[order], *others] for order in alone}
            compare(f"{folder.name} among {len(others)} generated runs at the same time",
                    lambda runs: interleaved(runs, 60), mixed, options.only)  # fmt: skip


if __name__ == "__main__":
    main()
