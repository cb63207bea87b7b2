"""What a project does not keep is in no column of any table, whatever dialect said it."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.metrics import Metrics
from ingest.store import Store
from tests.clickhouse.spans import SECOND, START
from tracestore.capture_cut import Cutter, Mode
from tracestore.clickhouse import client, settling
from tracestore.clickhouse.client import DATABASE
from tracestore.clickhouse.columns import TOOL_PREVIEW_CHARS
from tracestore.clickhouse.log_writer import LogWriter
from tracestore.clickhouse.writer import SpanWriter
from tracestore.detection import Looker
from tracestore.spans import decode, decode_logs
from tracestore.spans.model import Attributes, Event, Link, LogRecord, Resource, Scope, SpanRecord, Value
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import apply
from tracestore.spans.semconv import payload

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parent.parent / "golden"
MARK = "zanzibar"


def cutter(mode: Mode) -> Cutter:
    return Cutter(mode, b"of a test")


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 1)


def keep(mode: Mode | None, spans: Iterable[SpanRecord], logs: Iterable[LogRecord] = (), *, look: bool = True) -> None:
    """Stores them as ingest does, settles them, and lets all detectors look."""
    cut = cutter(mode) if mode else None
    store = Store(SpanWriter(), apply, Metrics(), cutters=lambda project: cut)
    assert store.save([("default", [normalise(record) for record in spans])]) == [{}]
    kept = [("default", cut.log(record) if cut else record) for record in logs]
    if kept:
        LogWriter().write(kept)
    time.sleep(0.01)
    settling.settle()
    if look:
        Looker().look()


def tables() -> list[str]:
    asked = "SELECT name FROM system.tables WHERE database = {d:String} AND engine NOT IN ('View', 'Null')"
    return [name for (name,) in client.run(asked, {"d": DATABASE}).result_rows]


def stored() -> str:
    """Everything that all tables hold, as text."""
    return "\n".join(str(client.run(f"SELECT * FROM {DATABASE}.{table}").result_rows) for table in tables())


def received(folder: Path) -> tuple[list[SpanRecord], list[LogRecord]]:
    spans: list[SpanRecord] = []
    logs: list[LogRecord] = []
    for file in sorted(folder.glob("*.binpb.gz")):
        body = gzip.decompress(file.read_bytes())
        if ".logs." in file.name:
            logs += [record for part in decode_logs.protobuf_slices(body) for record in part.records]
        else:
            spans += [record for part in decode.protobuf_slices(body) for record in part.records]
    return spans, logs


def said(spans: Iterable[SpanRecord], logs: Iterable[LogRecord]) -> set[str]:
    """Runs of words from what the capture's messages, payloads, errors and bodies say."""
    texts: list[str] = []
    for span in spans:
        texts.append(span.status_message)
        texts += [str(span.attributes[name]) for name in payload.payload_attributes(span.attributes)]
        texts += [str(event.attributes) for event in span.events]
    for log in logs:
        texts += [str(log.body), *(str(log.attributes[name]) for name in payload.payload_attributes(log.attributes))]
    return {words for text in texts for words in re.findall(r"[A-Za-z]+(?: [A-Za-z]+){4,}", text)}


def test_nothing_that_was_said_in_a_capture_is_stored() -> None:
    captures = {folder.name: received(folder) for folder in sorted(GOLDEN.glob("*-*"))}
    words = {name: said(*capture) for name, capture in captures.items()}
    assert min(map(len, words.values())) > 3
    spans = [span for capture in captures.values() for span in capture[0]]
    logs = [log for capture in captures.values() for log in capture[1]]
    keep("off", spans, logs)
    everything = stored()
    assert {name: found for name, told in words.items() if (found := {one for one in told if one in everything})} == {}
    # What is no content is as it would be.
    off = figures()
    for table in set(tables()) - {"schema_migrations"}:  # other tests ask what was applied
        client.command(f"TRUNCATE TABLE {DATABASE}.{table}")
    keep(None, spans, logs)
    assert off == figures()
    everything = stored()
    assert [name for name, told in words.items() if not any(one in everything for one in told)] == []


def figures() -> list[tuple[Any, ...]]:
    return list(
        client.run(
            "SELECT trace_id, span_id, name, kind, type, agent, session_id, user_id, start_time, duration_ns, status,"
            " error_type, provider, model, input_tokens, output_tokens, cache_read_tokens, cost_usd, tool_name,"
            " convention FROM spans ORDER BY ALL"
        ).result_rows
    )


def shapes(text: str) -> Iterator[Value]:
    """A text in every form that an attribute may have."""
    yield text
    yield json.dumps([{"role": "user", "content": text, "parts": [{"type": "text", "content": text}]}])
    yield [text]
    yield {"role": "user", "content": text}
    yield text.encode()


#: Where the conventions, and anybody's own code, put what was said.
CONTENT = (
    *sorted(payload._KEYS),
    *(f"{prefix}0.{rest}" for prefix in payload._PREFIXES for rest in ("content", "message.content", "document.id")),
    "question", "app.answer", "metadata", "tag.tags", "db.statement", "db.query.text", "url.full", "http.url",
    "http.target", "logfire.msg", "exception.message", "exception.stacktrace", "gen_ai.tool.description",
    "gen_ai.agent.description", "langfuse.trace.metadata.note", "langfuse.observation.metadata.note", "content",
    "traceloop.association.properties.note", "gen_ai.evaluation.explanation", "gen_ai.request.stop_sequences",
    "tracestore.note",
)  # fmt: skip


def marked(text: str) -> tuple[list[SpanRecord], list[LogRecord]]:
    """Spans of each dialect with the text in each place where content stands, and such log records."""
    spans: list[SpanRecord] = []
    logs: list[LogRecord] = []
    dialects: list[Attributes] = [
        {"openinference.span.kind": "LLM"}, {"openinference.span.kind": "TOOL", "tool.name": "t"},
        {"openinference.span.kind": "RETRIEVER"}, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"}, {"traceloop.span.kind": "tool"},
        {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "t"}, {"langfuse.observation.type": "generation"},
        {"mlflow.spanType": '"CHAT_MODEL"'}, {"langsmith.span.kind": "llm"}, {},
    ]  # fmt: skip
    for number, dialect in enumerate(dialects):
        for place, values in enumerate(zip(*([list(shapes(text))] * len(CONTENT)), strict=True)):
            held: Attributes = {**dict(zip(CONTENT, values, strict=True)), **dialect}
            spans.append(
                SpanRecord(
                    f"{number + 1:032x}", f"{place + 1:016x}", "", "step", START, START + SECOND, status="error",
                    status_message=text, attributes=held, events=[Event(START, "exception", dict(held))],
                    links=[Link("e" * 32, "f" * 16, "", dict(held))],
                    resource=Resource({"service.name": "shop", "process.command_args": [text],
                                       "process.command_line": text}, "shop"),
                    scope=Scope("tests", "1", {"note": text}),
                )
            )  # fmt: skip
    for place, body in enumerate(shapes(text)):
        for name in ("", "gen_ai.user.message", "gen_ai.choice", "gen_ai.client.inference.operation.details"):
            logs.append(LogRecord(f"{1:032x}", f"{1:016x}", START + place, START, event_name=name, body=body,
                                  attributes=dict(zip(CONTENT, [body] * len(CONTENT), strict=True))))  # fmt: skip
    return spans, logs


def test_off_keeps_no_content_in_any_form_of_any_dialect() -> None:
    keep("off", *marked(f"the {MARK} said"))
    everything = stored()
    assert "shop" in everything
    assert MARK not in everything
    assert "emFuemliYXI" not in everything  # the same in base64, as bytes are stored


def test_a_preview_keeps_the_beginning_and_no_more() -> None:
    spans, logs = marked("known " + "x" * TOOL_PREVIEW_CHARS + f" {MARK}")
    keep("preview", spans, logs, look=False)
    everything = stored()
    assert "known" in everything
    assert MARK not in everything
    assert client.run("SELECT max(length(input)) FROM span_payloads").result_rows[0][0] <= TOOL_PREVIEW_CHARS


def test_what_is_kept_of_a_span() -> None:
    keep("off", [SpanRecord(
        "a" * 32, "b" * 16, "", "chat", START, START + SECOND, attributes={
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.output_tokens": 3, "gen_ai.input.messages": '[{"role":"user","parts":[]}]', "question": "why",
            "gen_ai.response.finish_reasons": ["stop"], "score": 0.5, "cached": True, "session.id": "s",
            "langfuse.observation.usage_details": '{"input": 7}', "langfuse.observation.cost_details": '{"why": "not"}',
        },
    )])  # fmt: skip
    ((attributes, size, given, finish, tokens),) = client.run(
        "SELECT attributes, input_bytes, input_preview, finish_reason, input_tokens FROM stored_spans FINAL"
    ).result_rows
    assert attributes == {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": "7",
        "gen_ai.usage.output_tokens": "3", "gen_ai.response.finish_reasons": '["stop"]', "score": "0.5",
        "cached": "true", "session.id": "s", "langfuse.observation.usage_details": '{"input": 7}',
        "tracestore.capture": "off",
    }  # fmt: skip
    assert (size > 0, given, finish, tokens) == (True, "", "stop", 7)


def test_a_loop_is_still_seen_where_nothing_is_kept() -> None:
    keep("off", *received(GOLDEN / "langgraph-openinference.loop_exact.s0"))
    found = client.run("SELECT detector, evidence FROM findings WHERE detector = 'loop'").result_rows
    assert found
    assert "[not kept: " in found[0][1]


def test_the_same_text_is_the_same_and_says_nothing() -> None:
    one, other = cutter("off"), Cutter("off", b"of another project")
    digest = one.stands_for("late delivery")
    assert digest == one.stands_for("late delivery") == one.stands_for(digest)
    assert digest != one.stands_for("late deliveries")
    assert digest != other.stands_for("late delivery")
    assert re.fullmatch(r"\[not kept: [g-z]{16}\]", digest)


def test_a_span_that_cannot_be_cut_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    for mode in ("off", "preview"):
        monkeypatch.setattr(Cutter, f"_{mode}", fail)
        monkeypatch.setattr(Cutter, f"_{mode}_log", staticmethod(fail) if mode == "preview" else fail)
    for mode in ("off", "preview"):
        spans, logs = marked(MARK)
        keep(mode, spans[:5], logs, look=False)  # type: ignore[arg-type]
    assert MARK not in stored()
