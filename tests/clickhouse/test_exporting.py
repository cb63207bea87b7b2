"""Exports: everything of one project, in files that others can read, in bounded memory."""

from __future__ import annotations

import csv
import io
import json
import resource
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import write
from tests.engine_process import EngineProcess
from tracestore.clickhouse import client, exporting
from tracestore.clickhouse.exporting import Export
from tracestore.errors import InvalidInput, Unavailable
from tracestore.models import Project
from tracestore.search.parser import parse
from tracestore.spans.model import Event, Link

MIB = 1 << 20


def exported(wanted: Export, project: str = "default") -> bytes:
    return b"".join(exporting.stream(project, wanted))


def parquet(wanted: Export, project: str = "default") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(io.BytesIO(exported(wanted, project))).to_pylist()
    return rows


def sample() -> None:
    event = Event(START + 5, "exception", {"exception.message": "boom"})
    write(
        span(1, type="agent", agent="planner", session_id="s", input="q" * 5_000, attributes={"k": "v", "n": 1},
             events=[event], links=[Link("a" * 32, "b" * 16, "", {})]),
        llm(2, parent=1, cost_usd=None),
        span(3, parent=1, type="tool", tool_name="search", input="{}", output="☃"),
    )  # fmt: skip
    write(span(1, trace=2, name="the other's"), project="other")
    client.run(
        "INSERT INTO stored_findings (project, id, detector, severity, title, first_seen, last_seen, version)"
        " VALUES ('default', 'f', 'loop', 'warning', 'same call', now64(9), now64(9), 1)"
    )


@pytest.mark.parametrize(
    ("table", "rows"),
    [("spans", 3), ("llm_calls", 1), ("tool_calls", 1), ("traces", 1), ("sessions", 1), ("span_payloads", 2),
     ("findings", 1)],
)  # fmt: skip
def test_every_table_is_read_back_by_another_library(table: str, rows: int) -> None:
    sample()
    found = parquet(Export(table))
    assert len(found) == rows
    assert {row["project"] for row in found} == {"default"}
    assert list(found[0]) == [row[0] for row in client.run(f"DESCRIBE TABLE {table}").result_rows]


def test_values_keep_their_types_and_nanoseconds() -> None:
    sample()
    by_number = {int(str(row["span_id"]), 16): row for row in parquet(Export("spans"))}
    first = by_number[1]
    table = pq.read_table(io.BytesIO(exported(Export("spans", columns=["span_id", "start_time"]))))
    assert sorted(table.column("start_time").cast("int64").to_pylist())[0] == START + SECOND
    assert dict(first["attributes"]) == {"k": "v", "n": "1"}  # type: ignore[call-overload]
    assert first["events"][0]["name"] == "exception"  # type: ignore[index]
    assert first["links"][0]["trace_id"] == "a" * 32  # type: ignore[index]
    assert (by_number[2]["cost_usd"], by_number[2]["input_tokens"]) == (None, 100)
    assert parquet(Export("span_payloads", columns=["input"]))[0] == {"input": "q" * 5_000}


def test_a_range_and_columns_are_what_was_asked_for() -> None:
    sample()
    moment = datetime.fromtimestamp(START // SECOND + 2, UTC)  # between the spans 1 and 2
    assert [row["span_id"] for row in parquet(Export("spans", until=moment))] == [f"{1:016x}"]
    after = parquet(Export("spans", since=moment, columns=["name", "span_id", "name"]))
    assert after == [{"name": f"span {n}", "span_id": f"{n:016x}"} for n in (2, 3)]
    assert parquet(Export("spans", since=datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_traces_are_exported_by_a_search() -> None:
    write(span(1, trace=1, name="one", agent="planner"), span(2, trace=1, parent=1, type="tool", tool_name="send"))
    write(span(1, trace=2, name="two", agent="planner"))
    found = parquet(Export("traces", search=parse("agent:planner -tool:send"), columns=["name"]))
    assert found == [{"name": "two"}]
    with pytest.raises(InvalidInput) as caught:
        exporting.check(Export("spans", search=parse("x")))
    assert caught.value.field == "q"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Export("stored_spans"), "table"),
        (Export("spans; DROP TABLE x"), "table"),
        (Export("spans", "xlsx"), "format"),
        (Export("spans", columns=["name", "1; DROP TABLE x"]), "columns"),
        (Export("spans", columns=["name` FROM system.tables --"]), "columns"),
        (Export("spans", since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC)), "since"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(wanted: Export, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        exported(wanted)
    assert refused.value.field == field


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠SUM(A1)")


def test_csv_holds_nothing_that_a_spreadsheet_would_run() -> None:
    texts = [*FORMULAS, "plain = text", "", 'quoted "text", with\nlines', "'=1"]
    write(*(span(number, name=text, status_message=text) for number, text in enumerate(texts, 1)))
    wanted = Export(
        "spans", "csv", columns=["span_id", "name", "status_message", "attributes", "duration_ns", "cost_usd"]
    )
    rows = list(csv.DictReader(io.StringIO(exported(wanted).decode(), newline="")))
    found = {int(row["span_id"], 16): row for row in rows}
    for number, text in enumerate(texts, 1):
        guarded = f"'{text}" if text in FORMULAS else text
        assert (found[number]["name"], found[number]["status_message"]) == (guarded, guarded)
        assert (found[number]["attributes"], found[number]["duration_ns"]) == ("{}", str(SECOND))
    # Nowhere else is anything guarded: the other formats are not opened by spreadsheets.
    assert {row["name"] for row in parquet(Export("spans"))} == set(texts)
    lines = [json.loads(line) for line in exported(Export("spans", "jsonl")).splitlines()]
    assert {line["name"] for line in lines} == set(texts)
    assert lines[0]["duration_ns"] == SECOND


def test_a_store_that_breaks_off_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "SELECT throwIf(number = 3000000, 'broken') FROM numbers(10000000) WHERE /*columns*/ != ''"
    monkeypatch.setattr(
        exporting.queries, "load", lambda name, conditions="1": broken if name == "export" else load(name)
    )
    monkeypatch.setattr(exporting, "selected", lambda *_: "'1'")
    seen: list[int] = []
    with pytest.raises(Unavailable):
        seen.extend(len(chunk) for chunk in exporting.stream("default", Export("spans", "csv")))
    assert sum(seen) > MIB  # the error came in the middle of the answer


load = exporting.queries.load


def fill(rows: int, project: str = "default") -> int:
    """Payloads that do not compress, stored by the engine itself; returns their bytes."""
    client.run(
        "INSERT INTO stored_payloads (project, trace_id, span_id, start_time, input, version)"
        " SELECT {project:String}, hex(intDiv(number, 16)), hex(number),"
        " toDateTime64('2026-06-01 00:00:00', 9, 'UTC') + intDiv(number, 100), randomPrintableASCII(4000), 1"
        " FROM numbers({rows:UInt64})",
        {"project": project, "rows": rows},
    )
    return rows * 4_000


def test_memory_is_bounded_on_both_sides(store: EngineProcess) -> None:
    size = fill(120_000)
    engine = psutil.Process(store.pid)
    b"".join(exporting.stream("default", Export("span_payloads", columns=["span_id"])))  # warm
    before, mine = engine.memory_info().rss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen, peak = 0, before
    for number, chunk in enumerate(exporting.stream("default", Export("span_payloads"))):
        seen += len(chunk)
        if number % 100 == 0:
            peak = max(peak, engine.memory_info().rss)
    assert seen > size * 0.7  # it is all there, and hardly compressible
    # Well below the whole: what the engine's allocator keeps for a while is a part of the growth.
    assert peak - before < size * 0.7
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - mine) * 1024 < 64 * MIB


@pytest.fixture
def project(db: None) -> None:
    Project.objects.get_or_create(slug="default", defaults={"name": "Default"})


def test_the_command_writes_a_whole_file_or_none(
    project: None, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample()
    target = tmp_path / "spans.parquet"
    call_command("export", "spans", output=str(target))
    assert pq.read_table(target).num_rows == 3
    call_command("export", "spans", since="2000-01-01", columns="name,span_id", output=str(tmp_path / "spans.csv"))
    assert (tmp_path / "spans.csv").read_text().startswith('"name","span_id"\n')
    capfdbinary.readouterr()
    call_command("export", "spans", format="jsonl", columns="span_id", output="-")
    told = capfdbinary.readouterr()
    assert sorted(json.loads(line)["span_id"] for line in told.out.splitlines()) == [f"{n:016x}" for n in (1, 2, 3)]
    assert b" MB in " in told.err

    def breaks(*_: object) -> object:
        yield b"half"
        raise Unavailable("The store broke off.")

    monkeypatch.setattr(exporting, "stream", breaks)
    before = target.read_bytes()
    with pytest.raises(CommandError, match="broke off"):
        call_command("export", "spans", output=str(target))
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spans.csv", "spans.parquet"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": "nobody"}, "no project"),
        ({"since": "yesterday-ish"}, "since"),
        ({"columns": "nothing"}, "no column"),
        ({"output": "/nowhere/x.parquet"}, "cannot be written"),
    ],
)
def test_the_command_says_what_is_wrong(project: None, tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("export", "spans", **{"output": str(tmp_path / "x.csv"), **options})
