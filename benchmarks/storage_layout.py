"""Compares ways to lay spans out in ClickHouse: sort key, deduplication, attributes, payloads.

    python benchmarks/storage_layout.py --spans 500000

The rows are corpus spans (or `tests/golden` without the corpus), decoded and normalised by the
product and repeated with new ids over seven days. Each variant gets the same rows through the same
Arrow insert; then five questions are asked of each, median of seven. The result is ADR 0001.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.engine import engine
from tracestore.clickhouse import columns
from tracestore.clickhouse.migrations import known
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve

ROOT = Path(__file__).resolve().parents[1]
DAYS = 7
#: The key holds the start time, so duplicates share a partition.
SETTINGS = {"do_not_merge_across_partitions_select_final": 1}

KEYS = {
    "A Replacing (project, hour, trace, start, span)": (
        "ReplacingMergeTree(version)",
        "(project, toStartOfHour(start_time), trace_id, start_time, span_id)",
    ),
    "B Replacing (project, trace, start, span)": (
        "ReplacingMergeTree(version)",
        "(project, trace_id, start_time, span_id)",
    ),
    "C plain (project, service, name, start)": ("MergeTree", "(project, service, name, start_time)"),
    "D Replacing (project, minute, hash32(trace), start, span)": (
        "ReplacingMergeTree(version)",
        "(project, toStartOfMinute(start_time), xxHash32(trace_id), start_time, span_id)",
    ),
}
#: Variants of A's attribute column.
ATTRIBUTES = {
    "Map(LowCardinality(String), String)": "Map(LowCardinality(String), String)",
    "JSON type": "JSON",
    "String with JSON": "String",
}


def corpus_rows(spans: int, per_batch: int) -> tuple[list[tuple[pa.Table, pa.Table]], float]:
    """Arrow tables of span and payload rows, `spans` in all; and the mean wire size of a span."""
    folder = ROOT.parent / "shared" / "data" / "corpus"
    folder = folder if folder.is_dir() else ROOT / "tests" / "golden"
    found, size = [], 0
    for file in sorted(folder.glob("*/*.traces.binpb.gz")):
        body = gzip.decompress(file.read_bytes())
        if "long" in file.parent.name:
            continue  # 70 MB of one run's repeated state would drown the rest
        size += len(body)
        found += [normalise(record) for record in decode_protobuf(body).records]
    resolve(found)
    batch = [("default", span) for span in found]
    version = time.time_ns()
    span_table, payload_table = columns.span_columns(batch, version), columns.payload_columns(batch, version)
    repeats = max(1, spans // len(found))
    now = time.time_ns()
    tables = []
    for repeat in range(repeats):
        moved = now - (repeats - repeat) * (DAYS * 86_400 * 10**9 // repeats)
        tables.append((again(span_table, repeat, moved), again(payload_table, repeat, moved)))
    return tables, size / len(found)


def again(table: pa.Table, repeat: int, start_ns: int) -> pa.Table:
    """The same rows as another run: ids with a new head, times from `start_ns` on."""
    first = pc.min(table.column("start_time")).value
    times = table.column("start_time").cast(pa.int64())
    # The corpus was recorded over hours; keep the order, squeeze each copy into its share of the week.
    table = table.set_column(
        table.schema.get_field_index("start_time"),
        "start_time",
        pc.add(pc.subtract(times, first), start_ns).cast(pa.timestamp("ns", "UTC")),
    )
    for name in ("trace_id", "span_id", "parent_span_id"):
        if name not in table.column_names:
            continue
        values = table.column(name)
        head = f"{repeat:06x}"
        renewed = pc.binary_join_element_wise(head, pc.utf8_slice_codeunits(values, 6), "")
        renewed = pc.if_else(pc.equal(values, ""), "", renewed)
        table = table.set_column(table.schema.get_field_index(name), name, renewed)
    return table


def questions(table: str, final: str, trace_id: str) -> dict[str, str]:
    source = f"bench.{table}{final}"
    return {
        "trace by id": f"SELECT * EXCEPT (attributes, resource_attributes) FROM {source} WHERE trace_id = '{trace_id}'",
        "latest 100 traces, 24 h": f"SELECT trace_id, min(start_time) AS s, count(), sum(input_tokens), sum(cost_usd) "
        f"FROM {source} WHERE project = 'default' AND start_time > now() - INTERVAL 1 DAY GROUP BY trace_id ORDER BY s DESC LIMIT 100",
        "p95 per tool per hour, 24 h": f"SELECT tool_name, toStartOfHour(start_time) AS h, quantile(0.95)(duration_ns) FROM {source} "
        "WHERE project = 'default' AND type = 'tool' AND start_time > now() - INTERVAL 1 DAY GROUP BY ALL",
        "cost per agent per day, 7 d": f"SELECT agent, toDate(start_time) AS d, sum(cost_usd) FROM {source} WHERE project = 'default' GROUP BY ALL",
        "errors of a tool, 24 h": f"SELECT start_time, trace_id, status_message FROM {source} WHERE project = 'default' AND "
        "tool_name = 'search_kb' AND status = 'error' AND start_time > now() - INTERVAL 1 DAY ORDER BY start_time DESC LIMIT 50",
    }


def timed(run: Callable[[], object], times: int = 7) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        run()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=500_000)
    parser.add_argument("--only", default="", help="only the variants whose name contains this")
    options = parser.parse_args()
    tables, wire = corpus_rows(options.spans, 8192)
    rows = sum(spans.num_rows for spans, _ in tables)
    print(f"{rows:,} spans in {len(tables)} inserts, {wire:,.0f} B a span on the wire\n")
    statements = known()[0].statements[0].replace("tracestore.", "bench.")
    with engine() as (client, process):
        client.command("CREATE DATABASE bench")
        print("| variant | insert, CPU ms per 1,000 | B per span | " + " | ".join(questions("", "", "")) + " |")
        print("|---|---|---|" + "---|" * 5)
        base = list(KEYS.items())
        variants: list[tuple[str, str, str, str, bool]] = []
        for number, (name, (family, order)) in enumerate(base):
            create = (
                statements.replace("bench.stored_spans", f"bench.key_{number}")
                .replace("ReplacingMergeTree(version)", family)
                .replace("(project, toStartOfHour(start_time), trace_id, start_time, span_id)", order)
            )
            variants.append((name, f"key_{number}", create, "spans", family != "MergeTree"))
        for number, (name, kind) in enumerate(ATTRIBUTES.items()):
            create = statements.replace("bench.stored_spans", f"bench.attributes_{number}").replace(
                "attributes          Map(LowCardinality(String), String)", f"attributes {kind}"
            )
            variants.append((f"A, attributes as {name}", f"attributes_{number}", create, kind, True))
        together = statements.replace("bench.stored_spans", "bench.together").replace(
            "    version             UInt64",
            "    input String CODEC(ZSTD(1)), output String CODEC(ZSTD(1)), payload String CODEC(ZSTD(1)),\n    version             UInt64",
        )
        variants.append(("A, payload in the hot table", "together", together, "together", True))
        without = statements.replace("bench.stored_spans", "bench.unsynced")
        without = without.replace("fsync_after_insert = 1, fsync_part_directory = 1, ", "")
        variants.append(("A, without fsync", "unsynced", without, "spans", True))
        variants.append(
            ("A, with fsync", "synced", statements.replace("bench.stored_spans", "bench.synced"), "spans", True)
        )
        for name, table, create, kind, replacing in variants:
            if options.only not in name:
                continue
            client.command(create)
            before, begun = process.cpu_times(), time.perf_counter()
            for spans, payloads in tables:
                insert(client, table, spans, payloads, kind)
            after, wall = process.cpu_times(), time.perf_counter() - begun
            cpu = (after.user + after.system - before.user - before.system) * 1e6 / rows
            insert(client, table, *tables[-1], kind)  # duplicates, as a retried export would leave
            size = client.query(
                f"SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = 'bench' AND table = '{table}'"
            ).result_rows[0][0]
            trace_id = tables[len(tables) // 2][0].column("trace_id")[0].as_py()
            answers = []
            plain = questions(table, "", trace_id)
            final = questions(table, " FINAL", trace_id) if replacing else None
            for label, question in plain.items():
                answer = f"{timed(lambda q=question: client.query(q, settings=SETTINGS)):.0f}"
                if final:
                    answer += f" / {timed(lambda q=final[label]: client.query(q, settings=SETTINGS)):.0f}"
                answers.append(answer)
            print(f"| {name} | {cpu:.1f} (wall {wall:.0f} s) | {size:.0f} | " + " | ".join(answers) + " |", flush=True)
            client.command(f"DROP TABLE bench.{table} SYNC")


def insert(client, table: str, spans: pa.Table, payloads: pa.Table, kind: str) -> None:  # type: ignore[no-untyped-def]
    if kind in ("JSON", "String"):
        maps = spans.column("attributes").to_pylist()
        encoded = [columns._encode(dict(one)).decode() for one in maps]
        spans = spans.set_column(
            spans.schema.get_field_index("attributes"), "attributes", pa.array(encoded, pa.string())
        )
    if kind == "together":
        by_span = dict(zip(payloads.column("span_id").to_pylist(), range(payloads.num_rows), strict=True))
        places = pa.array([by_span.get(span_id) for span_id in spans.column("span_id").to_pylist()], pa.int64())
        for name, source in (("input", "input"), ("output", "output"), ("payload", "attributes")):
            spans = spans.append_column(name, pc.fill_null(payloads.column(source).combine_chunks().take(places), ""))
    body = columns.serialise(spans)
    client.raw_insert(f"bench.{table}", spans.column_names, insert_block=bytes(body), fmt="ArrowStream")


if __name__ == "__main__":
    main()
