"""docs/data-dictionary.md: every column a reader sees is in it as it is, and its questions are answered right."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import clickhouse_connect
import pytest

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tests.engine_process import EngineProcess
from tracestore.clickhouse import client
from tracestore.engine.settings import EXPOSED_VIEWS
from tracestore.environment import ROOT

TEXT = (ROOT / "docs/data-dictionary.md").read_text()
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## )", TEXT, re.M | re.S))
QUESTIONS = dict(re.findall(r"^### ([^\n]+)\n\n```sql\n(.*?)\n```", TEXT, re.M | re.S))


def test_every_view_of_the_reader_has_its_section_and_no_other() -> None:
    assert list(SECTIONS) == list(dict.fromkeys(SECTIONS))
    assert set(SECTIONS) == set(EXPOSED_VIEWS)


@pytest.mark.parametrize("view", EXPOSED_VIEWS)
def test_every_column_is_documented_as_it_is(view: str) -> None:
    documented = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (.+) \|$", SECTIONS[view], re.M)
    # A cell of a table is one line.
    assert [(name, kind) for name, kind, _ in documented] == [
        (name, re.sub(r"\(\s+", "(", kind).replace("\n", "").replace("    ", " "))
        for name, kind, *_ in client.run(f"DESCRIBE TABLE {view}").result_rows
    ]
    assert all(len(meaning) > 3 for _, _, meaning in documented)
    for name, kind, meaning in documented:
        assert kind.startswith("Nullable") == ("NULL" in meaning), name


#: Ten in the morning of the day before yesterday: within 30 days, and no question's day or hour is cut.
MORNING = int(
    (datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=2)).timestamp()
) * SECOND  # fmt: skip
DAY = datetime.fromtimestamp(MORNING // SECOND, UTC).date()


@pytest.fixture
def ask(store: EngineProcess) -> Iterator[Any]:
    def at(second: int) -> dict[str, int]:
        return {"start": MORNING + second * SECOND, "end_ns": MORNING + (second + 1) * SECOND}

    ada = {"agent": "planner", "agent_version": "1", "user_id": "ada", "session_id": "s-1"}
    bob = {"agent": "planner", "agent_version": "2", "user_id": "bob", "session_id": "s-2"}
    write(
        span(1, type="agent", **at(0), **ada),
        llm(2, parent=1, cost_usd=0.25, input_tokens=100, input="short", **at(1), **ada),
        span(3, parent=1, type="tool", tool_name="search", **at(2), **ada),
        llm(4, parent=1, cost_usd=0.5, input_tokens=400, cache_read_tokens=100, input="long " * 100, **at(13), **ada),
    )
    write(
        span(1, trace=2, type="agent", status="error", **at(60), **bob),
        llm(2, trace=2, parent=1, cost_usd=0.25, model="gpt-5", input_tokens=50, **at(61), **bob),
        llm(3, trace=2, parent=1, cost_usd=None, model="unheard-of", input_tokens=30, **at(62), **bob),
        span(4, trace=2, parent=1, type="tool", tool_name="search", status="error", start=MORNING + 63 * SECOND,
             end_ns=MORNING + 67 * SECOND, **bob),
    )  # fmt: skip
    # What none of the answers may count: another project's, too old, and the same once more.
    write(llm(2, trace=9, cost_usd=9.0, **at(1), **ada), project="other")
    write(llm(2, trace=8, cost_usd=9.0, start=int(time.time_ns()) - 40 * 86_400 * SECOND, **{**ada, "session_id": ""}))
    write(llm(2, parent=1, cost_usd=0.25, input_tokens=100, input="short", **at(1), **ada))
    client.run(
        "INSERT INTO stored_findings (project, id, detector, agent, first_seen, last_seen, wasted_cost_usd,"
        " wasted_tokens, version) SELECT 'default', toString(number), if(number < 2, 'loop', 'stalled_run'), 'planner',"
        " now64(9), now64(9), 0.5, 100, 1 FROM numbers(3)"
    )
    with clickhouse_connect.get_client(
        host=store.host, port=store.port, username="reader", password=store.reader_password, database="tracestore"
    ) as reader:
        yield lambda statement: [tuple(row) for row in reader.query(statement).result_rows]


TRACE = {number: f"{number:032x}" for number in (1, 2)}
SPAN = {number: f"{number:016x}" for number in range(1, 5)}
HOUR = datetime.fromtimestamp(MORNING // SECOND, UTC).replace(tzinfo=None)
ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "Cost per user per day": [(DAY, "ada", 0.75, 0), (DAY, "bob", 0.25, 1)],
    "Tool errors by version of the agent": [("search", "2", 1, 1, 1.0), ("search", "1", 1, 0, 0.0)],
    "95th percentile of each tool per hour": [(HOUR, "search", 2, 4000.0)],
    "Tokens and money wasted in loops": [("planner", 2, 200, 1.0)],
    "How the context grows within a run": [(TRACE[1], 2, 100, 400, 300), (TRACE[2], 2, 30, 50, -20)],
    "Cache hit rate by model": [
        ("gpt-4o-mini", 500, 100, 0.2), ("gpt-5", 50, 0, 0.0), ("unheard-of", 30, 0, 0.0),
    ],
    "Longest sessions": [("s-1", 1, 2, 14, 0.75), ("s-2", 1, 2, 7, 0.25)],
    "What failed runs cost": [("planner", 1, 2, 0.25, 0.25)],
    "The most expensive prompts": [
        (TRACE[1], SPAN[4], "gpt-4o-mini", 0.5, 400, ("long " * 100)[:200]),
        (TRACE[1], SPAN[2], "gpt-4o-mini", 0.25, 100, "short"),
        (TRACE[2], SPAN[2], "gpt-5", 0.25, 50, ""),
    ],
    "Idle gaps: where a run waited for nobody": [(TRACE[1], "span 4", 10.0)],
}  # fmt: skip


def test_there_are_ten_questions_and_an_answer_for_each() -> None:
    assert len(QUESTIONS) == 10
    assert list(QUESTIONS) == list(ANSWERS)


@pytest.mark.parametrize("question", ANSWERS)
def test_a_question_is_answered_right(ask: Any, question: str) -> None:
    found = ask(QUESTIONS[question])
    if question == "The most expensive prompts":  # two cost the same: their order is not said
        found = [found[0], *sorted(found[1:])]
    if question == "95th percentile of each tool per hour":
        found = [(row[0].replace(tzinfo=None), *row[1:]) for row in found]
    assert found == ANSWERS[question]
