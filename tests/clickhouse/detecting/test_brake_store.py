"""What budgets and verdicts read of a real store: several subjects at once, changes, and spending by five minutes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tracestore.clickhouse.detecting import verdicts
from tracestore.detectors.standing import Subject


def test_several_subjects_are_read_at_once_each_with_its_own() -> None:
    now = time.time_ns()
    for trace in (1, 2):
        begun = now - (10 - trace) * SECOND
        write(
            span(1, trace=trace, type="agent", agent="planner", start=begun, session_id="s", user_id="ada"),
            llm(2, trace=trace, parent=1, agent="planner", start=begun + SECOND, session_id="s", user_id="ada"),
        )
    asked = [Subject("default", "trace_id", f"{1:032x}"), Subject("default", "session_id", "s"),
             Subject("default", "agent", "planner"), Subject("other", "agent", "planner")]  # fmt: skip
    found = verdicts.standings(dict.fromkeys(asked, now - 3_600 * SECOND), now)
    assert [len(found[one].runs) for one in asked] == [1, 2, 2, 0]
    (run,) = found[asked[0]].runs
    assert (run.agents, run.sessions, run.users, run.over, run.steps) == (("planner",), ("s",), ("ada",), True, 1)
    assert run.start_ns == now - 9 * SECOND
    assert run.end_ns - run.start_ns >= SECOND
    after = datetime.now(UTC) - timedelta(minutes=1)
    assert {trace for _, trace in verdicts.changed(["default"], after, 10)} == {f"{1:032x}", f"{2:032x}"}
    assert verdicts.changed(["other"], after, 10) == []
    spent = verdicts.spending(["default"], now - 600 * SECOND, now + SECOND, 100)
    assert {(row.project, row.agent, row.user) for row in spent} == {("default", "planner", "ada")}
    assert sum(row.steps for row in spent) == 2
    assert sum(row.tokens for row in spent) == sum(run.tokens for run in found[asked[1]].runs)
    assert verdicts.spending(["default"], now - 600 * SECOND, now - 300 * SECOND, 100) == []
