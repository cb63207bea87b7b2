"""Runs one SELECT of a member over the rows of one project, within limits. Each is logged with who asked."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import dataclass
from typing import Any, Final

import structlog

from tracestore.clickhouse import asked_sql
from tracestore.clickhouse.places import Places
from tracestore.clickhouse.sql_admission import admit
from tracestore.engine import one_project
from tracestore.errors import InvalidInput, TracestoreError

log = structlog.get_logger(__name__)

MOST_ROWS: Final = 10_000
MOST_BYTES: Final = 32 << 20
MOST_SECONDS: Final = 10
#: Statements of one project at once, in each web process.
MOST_AT_ONCE: Final = 2

#: Name of a format → the engine's, and the media type. CSV is written here, for formulas' sake.
FORMATS: Final = {
    "JSON": ("JSONCompact", "application/json"),
    "CSV": ("JSONCompact", "text/csv; charset=utf-8"),
    "TSV": ("TabSeparatedWithNames", "text/tab-separated-values; charset=utf-8"),
    "JSONEachRow": ("JSONEachRow", "application/x-ndjson"),
    "Parquet": ("Parquet", "application/vnd.apache.parquet"),
}
#: What a spreadsheet takes for a formula, full-width signs too; as `tracestore.clickhouse.exporting`.
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SETTINGS: Final = {
    "max_execution_time": str(MOST_SECONDS),
    "timeout_overflow_mode": "throw",
    "max_memory_usage": str(1_000_000_000),
    "max_rows_to_read": str(500_000_000),
    "max_bytes_to_read": str(20_000_000_000),
    "read_overflow_mode": "throw",
    "max_result_bytes": str(4 * MOST_BYTES),
    "result_overflow_mode": "throw",
    "max_threads": "2",
    "max_ast_depth": "500",
    "max_ast_elements": "20000",
    "max_bytes_before_external_group_by": str(300_000_000),
    "max_bytes_before_external_sort": str(300_000_000),
    "max_temporary_data_on_disk_size_for_query": str(2 << 30),
    "allow_ddl": "0",
    "allow_introspection_functions": "0",
    "output_format_json_quote_64bit_integers": "0",
    "do_not_merge_across_partitions_select_final": "1",
    "wait_end_of_query": "1",
    **one_project.PLAN,
}

_places: Final = Places(MOST_AT_ONCE, "statements")


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, at most MOST_ROWS; `truncated` says that there are more. Times in seconds."""

    columns: list[tuple[str, str]]  # name, type
    rows: list[list[Any]]
    truncated: bool
    elapsed_s: float
    rows_read: int
    bytes_read: int

    def as_json(self) -> dict[str, Any]:
        """As ClickHouse's format JSON has it, and `truncated`."""
        names = [name for name, _ in self.columns]
        return {
            "meta": [{"name": name, "type": kind} for name, kind in self.columns],
            "data": [dict(zip(names, row, strict=True)) for row in self.rows],
            "rows": len(self.rows),
            "truncated": self.truncated,
            "statistics": {"elapsed": self.elapsed_s, "rows_read": self.rows_read, "bytes_read": self.bytes_read},
        }

    def as_csv(self) -> str:
        """With a header line. A text that a spreadsheet would run gets an apostrophe (OWASP, "CSV Injection")."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([guarded(name) for name, _ in self.columns])
        for row in self.rows:
            writer.writerow([guarded(as_text(cell)) if isinstance(cell, str) else as_text(cell) for cell in row])
        return out.getvalue()


def guarded(text: str) -> str:
    return f"'{text}" if text[:1] in FORMULA_SIGNS else text


def as_text(cell: Any) -> str:
    """A cell as one line of text; NULL is ''."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return json.dumps(cell, ensure_ascii=False)


def ask(project: str, text: str, actor: str) -> Answer:
    """The answer to a statement.

    Raises:
        InvalidInput: it is refused, wrong, or took more than it may.
        Overloaded: the project runs as many as it may, or has read too much.
        Unavailable: the store does not answer.
    """
    found = json.loads(_run(project, text, actor, "JSONCompact"))
    statistics = found["statistics"]
    return Answer(
        columns=[(column["name"], column["type"]) for column in found["meta"]],
        rows=found["data"][:MOST_ROWS],
        truncated=len(found["data"]) > MOST_ROWS,
        elapsed_s=statistics["elapsed"],
        rows_read=statistics["rows_read"],
        bytes_read=statistics["bytes_read"],
    )


def file(project: str, text: str, actor: str, form: str) -> bytes:
    """The answer as the bytes of a format of the engine's. Raises as `ask`, also for more than MOST_ROWS."""
    return _run(project, text, actor, FORMATS[form][0], whole=True)


def check_format(form: object) -> str:
    if not isinstance(form, str) or form not in FORMATS:
        raise InvalidInput(f"{str(form)[:50]!r} is no format: expected one of {', '.join(FORMATS)}.", field="format")
    return form


def _run(project: str, text: str, actor: str, engine_format: str, *, whole: bool = False) -> bytes:
    began = time.monotonic()
    outcome = "failed"
    try:
        with _places.hold(project):
            settings = dict(_SETTINGS)
            if whole:
                # A file cannot say that it is not all there is.
                settings["max_result_rows"] = str(MOST_ROWS)
            else:
                settings["limit"] = str(MOST_ROWS + 1)
            admitted = admit(project, text, _SETTINGS)
            bound = {**settings, "additional_table_filters": admitted.filters, "readonly": "1"}
            answer = asked_sql.ask(admitted.text, bound, engine_format, MOST_BYTES)
        outcome = "answered"
        return answer
    except TracestoreError as error:
        outcome = error.code
        raise
    finally:
        log.info(
            "sql", project=project, actor=actor, outcome=outcome, statement=text[:4_000],
            duration_s=round(time.monotonic() - began, 3),
        )  # fmt: skip
