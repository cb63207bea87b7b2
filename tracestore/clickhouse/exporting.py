"""Whole tables of a project, streamed as the engine produces them: for files, notebooks and other stores.

Nothing is collected on the way: the engine writes small row groups through its HTTP answer, and
here the answer's chunks are handed on. The project is part of the statement, not of the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tracestore.clickhouse import charging, client, filters, queries
from tracestore.clickhouse.places import Places
from tracestore.clickhouse.rows import TraceFilter
from tracestore.clickhouse.search_sql import condition
from tracestore.errors import InvalidInput, Unavailable
from tracestore.search.tree import Node

#: What may be exported → the column that `since` and `until` compare with.
TABLES: Final = {
    "spans": "start_time",
    "llm_calls": "start_time",
    "tool_calls": "start_time",
    "traces": "start_time",
    "sessions": "start_time",
    "span_payloads": "start_time",
    "findings": "first_seen",
}
#: Ending of a file → the engine's name of the format, and the media type.
FORMATS: Final = {
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "csv": ("CSVWithNames", "text/csv; charset=utf-8"),
    "jsonl": ("JSONEachRow", "application/x-ndjson"),
}
CHUNK_BYTES: Final = 1 << 18
#: Exports of one project at once, in each web process: what one of them will read is not known when it begins.
MOST_AT_ONCE: Final = 4
#: An answer that breaks off says so in its last bytes: the marker, twice a tag, and a message.
TAIL_BYTES: Final = 1 << 14

_SETTINGS: Final = {
    # The engine holds one row group until it is whole; so small that prompts of any size fit.
    "output_format_parquet_row_group_size": 20_000,
    "output_format_parquet_row_group_size_bytes": 16 << 20,
    "output_format_parquet_parallel_encoding": 0,
    "output_format_parallel_formatting": 0,
    "output_format_json_quote_64bit_integers": 0,
    "max_block_size": 2_000,
    "preferred_block_size_bytes": 1_000_000,
    "max_threads": 2,
    "max_memory_usage": 1_500_000_000,
    "max_bytes_before_external_group_by": 300_000_000,
}

_places: Final = Places(MOST_AT_ONCE, "exports")

#: A text column as CSV has it; {0} is one of the view's own names.
GUARDED: Final = r"if(match(e.`{0}`, '^[=+@\\-\t\r\n＝＋－＠]'), concat('\'', e.`{0}`), e.`{0}`) AS `{0}`"


@dataclass(frozen=True, slots=True)
class Export:
    """What to export. `columns` in their order; none means all. `since` counts, `until` does not."""

    table: str
    format: str = "parquet"
    since: datetime | None = None
    until: datetime | None = None
    columns: Sequence[str] = ()
    #: Of `traces` only: which of them, in the search language.
    search: Node | None = None


def check(wanted: Export) -> list[tuple[str, str]]:
    """The columns that an export will have, as (name, type).

    Raises:
        InvalidInput: an unknown table, format or column, or a range that ends before it begins.
        Unavailable: the store does not answer.
    """
    if wanted.table not in TABLES:
        raise InvalidInput(
            f"{wanted.table[:100]} cannot be exported: expected one of {', '.join(TABLES)}.", field="table"
        )
    if wanted.format not in FORMATS:
        raise InvalidInput(f"{wanted.format[:100]} is no format: expected one of {', '.join(FORMATS)}.", field="format")
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        raise InvalidInput("since is later than until: expected an earlier time.", field="since")
    if wanted.search is not None and wanted.table != "traces":
        raise InvalidInput(f"q is a search for traces: expected it only with traces, not {wanted.table}.", field="q")
    there = {row[0]: row[1] for row in client.run(queries.load("view_columns"), {"view": wanted.table}).result_rows}
    for name in wanted.columns:
        if name not in there:
            known = ", ".join(there)
            raise InvalidInput(
                f"{wanted.table} has no column {name[:100]!r}: expected some of {known}.", field="columns"
            )
    names = list(dict.fromkeys(wanted.columns)) or list(there)
    return [(name, there[name]) for name in names]


def stream(project: str, wanted: Export) -> Iterator[bytes]:
    """The file's bytes, in chunks. Nothing is asked before the first chunk is.

    Raises:
        Overloaded: the project runs MOST_AT_ONCE already, or has read too much.
        InvalidInput, Unavailable: as `check`; Unavailable also when the answer breaks off. What was
            handed out until then is no whole file.
    """
    columns = check(wanted)
    parameters: dict[str, Any] = {"project": project, "view": wanted.table}
    conditions = []
    for name, moment, comparison in (("since", wanted.since, ">="), ("until", wanted.until, "<")):
        if moment is not None:
            parameters[name] = f"{moment:%Y-%m-%d %H:%M:%S.%f}"
            conditions.append(f"e.{TABLES[wanted.table]} {comparison} toDateTime64({{{name}:String}}, 9, 'UTC')")
    if wanted.search is not None:
        span_range = filters.since_of_spans(TraceFilter(since=wanted.since))
        found = condition(wanted.search, span_range=span_range)
        conditions.append(found.text)
        parameters |= found.parameters
    query = queries.load("export", " AND ".join(conditions) or "1").replace(
        "/*columns*/", selected(columns, wanted.format)
    )
    with _places.hold(project):
        answer = client.stream(query, parameters, FORMATS[wanted.format][0], _SETTINGS)
        with closing(answer):
            yield from until_broken(answer)


def selected(columns: Sequence[tuple[str, str]], file_format: str) -> str:
    """The select list. The names are the view's own (`check`); the request only chose among them.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV
    Injection"). Maps and lists begin with a bracket and numbers are numbers, so only texts need it.
    """
    if file_format != "csv":
        return ", ".join(f"e.`{name}` AS `{name}`" for name, _ in columns)
    return ", ".join(GUARDED.format(name) if is_text(kind) else f"e.`{name}` AS `{name}`" for name, kind in columns)


def is_text(kind: str) -> bool:
    return kind.removeprefix("LowCardinality(").removeprefix("Nullable(").startswith("String")


def until_broken(answer: Any) -> Iterator[bytes]:
    """The chunks of an answer; its end is held back until it is known to be no error.

    Raises:
        Unavailable: the engine ended the answer with an exception, or the connection broke.
    """
    tail = b""
    for chunk in client.chunks(answer, CHUNK_BYTES):
        # What was read until the answer began has been charged with its headers.
        charging.charge(len(chunk))
        tail += chunk
        if len(tail) > TAIL_BYTES:
            yield tail[:-TAIL_BYTES]
            tail = tail[-TAIL_BYTES:]
    if b"\r\n__exception__\r\n" in tail and tail.rstrip().endswith(b"__exception__"):
        raise Unavailable("The store broke off in the middle of the export. Ask for a shorter time or fewer columns.")
    yield tail
