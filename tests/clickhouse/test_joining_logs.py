"""Events that came as log records say of their span what it does not say itself, whenever they come."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable

import pytest

from tests.clickhouse.logs import ANSWERED, ASKED, DETAILS, details, log, write_logs
from tests.clickhouse.spans import SECOND, START, llm, span
from tests.clickhouse.test_writer import count, write
from tracestore.clickhouse import client, joining_logs, settling
from tracestore.clickhouse.reader import get_reader
from tracestore.spans.model import Event

TRACE = f"{1:032x}"
CALL = f"{2:016x}"
TOKENS = "SELECT sum(input_tokens), sum(output_tokens), sum(cost_usd), count() FROM spans"


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 50)


def settle() -> None:
    time.sleep(0.06)
    settling.settle()


def spans_come() -> None:
    write(span(1, type="agent", agent="planner"), llm(2, parent=1))


def logs_come() -> None:
    write_logs(details(2))


def joined() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = client.run(
        "SELECT span_id, user_id, finish_reason, input_preview, output_preview, input, output FROM spans"
        " LEFT JOIN span_payloads USING (project, trace_id, span_id) ORDER BY span_id"
    ).result_rows
    return rows


WHOLE = [
    (f"{1:016x}", "u-7", "", "", "", "", ""),
    (CALL, "u-7", "stop", *(json.dumps(said, separators=(",", ":")) for said in (ASKED, ANSWERED) * 2)),
]


@pytest.mark.parametrize(
    "steps",
    [
        [spans_come, logs_come, settle],
        [logs_come, spans_come, settle],
        [spans_come, settle, logs_come, settle],
        [logs_come, settle, spans_come, settle],
        [spans_come, logs_come, settle, spans_come, settle],
        [logs_come, logs_come, settle, spans_come, logs_come, settle, logs_come, spans_come, settle],
    ],
    ids=["spans first", "logs first", "late logs", "late spans", "spans again", "everything again"],
)
def test_in_every_order(steps: list[Callable[[], None]]) -> None:
    for step in steps:
        step()
    assert joined() == WHOLE
    assert client.run(TOKENS).result_rows == [(100, 10, 0.001, 2)]
    assert get_reader().trace("default", TRACE).user_id == "u-7"
    assert count("open_traces") == 0


def test_the_spans_window_may_have_passed_when_the_logs_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before the last minute of the log of activity is not counted as a write any more."""
    logs_come()
    settle()
    client.command("TRUNCATE TABLE tracestore.trace_activity")
    spans_come()
    settle()
    assert joined() == WHOLE


def test_log_records_alone_wait_and_hold_up_nobody() -> None:
    logs_come()
    assert count("open_traces") == 1
    settle()
    assert (count("open_traces"), count("traces"), count("stored_spans")) == (0, 0, 0)


def test_what_the_span_says_itself_counts() -> None:
    own = {"input": "mine", "output": "my own", "user_id": "u-1", "session_id": "s-1", "finish_reason": "length"}
    write(llm(2, **own))
    write_logs(details(2, attributes={"session.id": "s-7"}))
    before = joined()
    settle()
    assert joined() == before == [(CALL, "u-1", "length", "mine", "my own", "mine", "my own")]


def test_only_the_missing_side_is_filled_and_the_rest_of_the_payload_stays() -> None:
    attributes = {"gen_ai.prompt": "mine", "gen_ai.tool.definitions": "[]"}
    write(llm(2, input="mine", attributes=attributes, payload_attributes=frozenset(attributes)))
    write_logs(details(2))
    settle()
    found = get_reader().span("default", TRACE, CALL)
    assert (found.input, found.output) == ("mine", json.dumps(ANSWERED, separators=(",", ":")))
    assert found.attributes == attributes
    assert found.row.output_bytes == len(found.output)


def test_a_settled_trace_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spans_come()
    logs_come()
    settle()
    written: list[str] = []
    monkeypatch.setattr(client, "insert_arrow", lambda table, *_: written.append(table))
    client.run(
        "INSERT INTO trace_activity (project, trace_id, start_time) VALUES ('default', {trace:String}, now64(9))",
        {"trace": TRACE},
    )
    settle()
    assert (written, count("open_traces")) == ([], 0)


def test_projects_and_spans_are_kept_apart() -> None:
    spans_come()
    write(llm(3, parent=1))
    write_logs(details(2), project="other")
    write_logs(details(3, trace=9))
    settle()
    assert [row[1] for row in joined()] == ["", "", ""]


def test_in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining_logs, "CHUNK_TRACES", 2)
    for trace in range(1, 6):
        write(llm(2, trace=trace))
        write_logs(details(2, trace=trace))
    settle()
    assert client.run("SELECT count() FROM spans WHERE user_id = 'u-7' AND input_bytes > 0").result_rows == [(5,)]


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [([], []), ([1], [1]), ([1, 1, 1], [3]), ([20 << 20, 20 << 20, 1], [1, 2]), ([90 << 20, 1], [1, 1])],
)
def test_chunks(sizes: list[int], parts: list[int]) -> None:
    traces = [("p", str(number), size) for number, size in enumerate(sizes)]
    assert [len(chunk) for chunk in joining_logs.chunks(traces)] == parts


LEGACY = [
    log(2, "gen_ai.system.message", time_ns=START + 2 * SECOND, body={"content": "be brief"}),
    log(2, "gen_ai.user.message", time_ns=START + 2 * SECOND + 1, body={"content": "the weather?"}),
    log(
        2,
        "gen_ai.choice",
        time_ns=START + 2 * SECOND + 2,
        body={"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "sunny"}},
    ),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_messages_that_are_records_of_their_own(order: tuple[int, ...]) -> None:
    write(llm(2))
    for number in order:
        write_logs(LEGACY[number])
    settle()
    ((_, _, reason, _, _, asked, answered),) = joined()
    assert [(said["role"], said["content"]) for said in json.loads(str(asked))] == [
        ("system", "be brief"),
        ("user", "the weather?"),
    ]
    assert [(said["role"], said["content"]) for said in json.loads(str(answered))] == [("assistant", "sunny")]
    assert reason == "stop"


def test_an_exception_gives_the_error_type() -> None:
    write(llm(2, status="error"))
    write_logs(log(2, "gen_ai.client.operation.exception", attributes={"exception.type": "openai.RateLimitError"}))
    settle()
    assert client.run("SELECT error_type FROM spans").result_rows == [("openai.RateLimitError",)]


# Reading one span


@pytest.mark.parametrize("settled", [False, True])
def test_a_span_is_read_with_its_records_before_and_after_settling(settled: bool) -> None:
    write(llm(2))
    write_logs(*LEGACY, log(2, "", severity_text="WARN", body="slow", attributes={"ms": 900}))
    if settled:
        settle()
    found = get_reader().span("default", TRACE, CALL)
    assert [(event.name, event.origin) for event in found.events] == [
        ("gen_ai.system.message", "log"),
        ("gen_ai.user.message", "log"),
        ("gen_ai.choice", "log"),
        ("log", "log"),
    ]
    assert found.events[3].attributes == {"severity": "WARN", "body": "slow", "ms": 900}
    assert json.loads(found.input)[1]["content"] == "the weather?"
    assert (found.row.finish_reason, found.row.input_tokens) == ("stop", 100)


def test_what_the_span_has_is_not_shown_twice() -> None:
    attributes = {
        "gen_ai.input.messages": json.dumps(ASKED),
        "gen_ai.output.messages": json.dumps(ANSWERED),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    own = Event(START, "gen_ai.user.message", {"content": "the weather?"})
    write(llm(2, attributes=attributes, events=[own]))
    write_logs(details(2), log(2, "gen_ai.user.message", body={"content": "the weather?"}))
    found = get_reader().span("default", TRACE, CALL)
    assert [(event.name, event.origin, event.attributes) for event in found.events] == [
        ("gen_ai.user.message", "span", {"content": "the weather?"}),
        (DETAILS, "log", {"user.id": "u-7"}),
    ]


def test_evaluations_by_span_and_by_response() -> None:
    def result(number: int, name: str, **more: object) -> object:
        return log(
            number,
            "gen_ai.evaluation.result",
            time_ns=START + number,
            attributes={"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": number / 2},
            **more,  # type: ignore[arg-type]
        )

    write(llm(2, response_id="resp_1"))
    by_response = log(5, "gen_ai.evaluation.result", time_ns=START + 9, span_id="")
    by_response.attributes = {"gen_ai.evaluation.name": "tone", "gen_ai.response.id": "resp_1"}
    other = log(6, "gen_ai.evaluation.result", span_id="", attributes={"gen_ai.response.id": "resp_2"})
    write_logs(result(2, "relevance"), result(3, "another span's"), by_response, other)  # type: ignore[arg-type]
    found = get_reader().span("default", TRACE, CALL)
    assert [(one.name, one.score) for one in found.evaluations] == [("relevance", 1.0), ("tone", None)]
