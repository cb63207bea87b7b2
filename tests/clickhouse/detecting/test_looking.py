"""Looks at running traces: what is found, changed, taken back; late spans, restarts, failures, bounds."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tests.detectors.small import Breaks, Repeats, Waits
from tracestore import detection, detector_runs
from tracestore.clickhouse import client, settling
from tracestore.clickhouse.detecting import findings, looking, trajectories
from tracestore.clickhouse.detecting.findings import FindingFilter, StoredFinding
from tracestore.clickhouse.reader import get_reader
from tracestore.detection import Looker
from tracestore.models import DetectorRun
from tracestore.spans.model import Span

pytestmark = pytest.mark.django_db
#: Ten minutes before each test (not before it was collected, which may be long ago).
NOW = 0


def tool(number: int, given: str = '{"q": 1}', **fields: Any) -> Span:
    given_fields = {"tool_name": "search", "input": given, "output": "nothing", "agent": "planner", **fields}
    return span(number, type="tool", parent=1, start=NOW + number * SECOND, **given_fields)


def root(trace: int = 1, **fields: Any) -> Span:
    return span(1, type="agent", agent="planner", start=NOW, trace=trace, **fields)


def found(**wanted: Any) -> list[StoredFinding]:
    return findings.listed("default", FindingFilter(**wanted)).results


@pytest.fixture
def looker() -> Looker:
    detector_runs.flush()
    return Looker([Repeats()])


def test_a_loop_is_found_with_its_third_repeat_and_grows_with_the_fourth(looker: Looker) -> None:
    write(tool(2), tool(3))
    assert looker.look().findings == 0
    write(tool(4))
    assert looker.look().findings == 1
    (first,) = found()
    assert (first.title, first.agent, first.evidence, first.cause) == (
        "search was called 3 times", "planner", {"times": 3}, "model"
    )  # fmt: skip
    assert (first.span_ids, first.look_first) == ([f"{n:016x}" for n in (2, 3, 4)], f"{2:016x}")
    assert (first.first_seen_ns, first.last_seen_ns) == (NOW + 2 * SECOND, NOW + 5 * SECOND)
    write(tool(5))
    looker.look()
    (again,) = found()
    assert (again.id, again.evidence) == (first.id, {"times": 4})
    assert get_reader().trace("default", f"{1:032x}").findings == 1


def test_looking_again_writes_nothing(looker: Looker) -> None:
    write(tool(2), tool(3), tool(4), root())
    assert looker.look().findings == 1
    assert looker.look().traces == 0
    another = Looker([Repeats()])  # after a restart: the overlap is looked at again
    done = another.look()
    assert (done.traces, done.findings) == (1, 0)
    assert client.run("SELECT count() FROM stored_findings").result_rows == [(1,)]


def test_only_what_is_new_is_read(looker: Looker) -> None:
    write(tool(2), tool(3))
    looker.look()
    before = looker.traces["default", f"{1:032x}"].spans[f"{2:016x}"]
    write(tool(4))
    looker.look()
    assert looker.traces["default", f"{1:032x}"].spans[f"{2:016x}"] is before


def test_what_a_newer_look_no_longer_says_is_taken_back(looker: Looker) -> None:
    write(tool(2), tool(3), tool(4))
    looker.look()
    assert len(found()) == 1
    write(tool(4, output="something new"))
    assert looker.look().withdrawn == 1
    assert found() == []
    assert get_reader().trace("default", f"{1:032x}").findings == 0
    write(tool(4))
    looker.look()
    assert len(found()) == 1


def test_a_late_span_that_moves_the_beginning_leaves_one_finding(looker: Looker) -> None:
    write(tool(3), tool(4), tool(5), root())
    looker.look()
    settle()
    looker.look()
    write(tool(2))
    looker.look()
    (one,) = found()
    assert (one.first_seen_ns, one.evidence) == (NOW + 2 * SECOND, {"times": 4})


def settle() -> None:
    time.sleep(0.06)
    settling.settle()


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    global NOW
    NOW = time.time_ns() - 600 * SECOND
    monkeypatch.setattr(settling, "QUIET_MS", 50)


def test_it_is_looked_at_once_more_when_it_settles(looker: Looker) -> None:
    (repeats,) = looker.detectors
    write(tool(2, agent=""), tool(3, agent=""), tool(4, agent=""))
    looker.look()
    write(root())
    looker.look()
    settle()
    looker.look()
    assert isinstance(repeats, Repeats)
    assert [(one.complete, one.agent) for one in repeats.seen] == [(False, ""), (True, "planner"), (True, "planner")]
    # The agent is part of the finding's identity: the one without is taken back.
    assert [one.agent for one in found()] == ["planner"]


def test_a_trace_that_came_whole_is_looked_at_once(looker: Looker) -> None:
    write(root(), tool(2))
    assert looker.look().traces == 1
    settle()
    assert looker.look().traces == 0


def test_a_detector_that_fails_is_counted_and_hides_no_other() -> None:
    detector_runs.flush()
    DetectorRun.objects.all().delete()
    looker = Looker([Breaks(), Repeats()])
    write(tool(2), tool(3), tool(4))
    assert looker.look().findings == 1
    detector_runs.flush()
    row = DetectorRun.objects.get(detector="broken")
    assert (row.looks, row.failures, row.last_failure) == (1, 1, "ValueError: no such thing")
    row = DetectorRun.objects.get(detector="loop")
    assert (row.failures, row.findings) == (0, 1)


def test_a_detector_that_fails_takes_nothing_back(looker: Looker) -> None:
    write(tool(2), tool(3), tool(4))
    looker.look()

    class BrokenLoop(Breaks):
        id = "loop"

    write(tool(5, output="new"))
    assert Looker([BrokenLoop()]).look().withdrawn == 0
    assert len(found()) == 1


def test_calls_of_earlier_traces_of_the_session_count_together(looker: Looker) -> None:
    for trace in (1, 2):
        write(root(trace, session_id="s"), tool(2, trace=trace, session_id="s"))
        looker.look()
        settle()
    fresh = Looker([Repeats()])  # knows nothing of the first two
    third = [root(3, session_id="s"), tool(2, trace=3, session_id="s")]
    write(*[moved(one) for one in third])
    fresh.look()
    (one,) = found()
    assert (one.trace_id, one.evidence) == (f"{3:032x}", {"times": 3})


def test_traces_of_a_session_that_come_at_once_are_judged_together_once(looker: Looker) -> None:
    for trace in range(1, 5):
        write(*(moved(one, trace) for one in (root(trace, session_id="s"), tool(2, trace=trace, session_id="s"))))
    assert looker.look().findings == 1
    (one,) = found()
    assert (one.trace_id, one.evidence) == (f"{4:032x}", {"times": 4})
    (repeats,) = looker.detectors
    assert isinstance(repeats, Repeats)
    assert [seen.whole_session for seen in repeats.seen] == [False] * 4 + [True]


def test_what_was_said_of_a_session_stays_while_there_is_no_time_for_sessions(
    monkeypatch: pytest.MonkeyPatch, looker: Looker
) -> None:
    for trace in (1, 2, 3):
        write(*(moved(one, trace) for one in (root(trace, session_id="s"), tool(2, trace=trace, session_id="s"))))
    looker.look()
    assert len(found()) == 1
    late = moved(span(9, trace=3, type="other", parent=1, session_id="s", start=NOW), 3)
    with monkeypatch.context() as busy:
        busy.setattr(detection, "SESSIONS_SECONDS", -1.0)
        write(late)
        assert looker.look().withdrawn == 0
    write(
        moved(tool(2, trace=2, session_id="s", output="something new"), 2), moved(root(3, session_id="s", name="r"), 3)
    )
    assert looker.look().withdrawn == 1
    assert found() == []


def test_a_look_that_takes_long_leaves_the_rest_to_the_next(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    monkeypatch.setattr(detection, "PASS_SECONDS", 0.0)
    for trace in (1, 2, 3):
        write(*(tool(number, trace=trace) for number in (2, 3, 4)))
    assert [(one.traces, one.more) for one in (looker.look() for _ in range(4))] == [
        (1, True), (1, True), (1, False), (0, False),
    ]  # fmt: skip
    assert len(found()) == 3


def test_runs_that_go_on_come_before_those_that_are_over(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    """However many are waiting: a loop that goes on burns money now."""
    monkeypatch.setattr(detection, "PASS_SECONDS", 0.0)
    monkeypatch.setattr(detection, "PASS_TRACES", 4)
    monkeypatch.setattr(detection, "MOST_PASS_TRACES", 4)
    for trace in range(1, 8):
        write(*(tool(number, trace=trace) for number in (2, 3, 4)), root(trace))
    write(*(tool(number, trace=9) for number in (2, 3, 4)))
    assert looker.look().more
    assert [one.trace_id for one in found()] == [f"{9:032x}"]
    while looker.look().more:
        pass
    assert len(found()) == 8


def moved(one: Span, minutes: int = 1) -> Span:
    one.record.start_ns += 60 * minutes * SECOND
    one.record.end_ns += 60 * minutes * SECOND
    return one


def test_a_run_that_went_silent_is_looked_at_when_it_is_old_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    looker = Looker([Waits()])
    write(tool(2), tool(2, trace=2), root(2))
    looker.look()
    looker.look_at_silent()
    assert [one.trace_id for one in found()] == [f"{1:032x}"]  # by its spans' times
    client.command("TRUNCATE TABLE stored_findings")
    now = looking.now()
    monkeypatch.setattr(looking, "now", lambda: now + 61 * detection.SECOND_US)
    assert looker.look_at_silent().traces == 1
    assert [one.trace_id for one in found()] == [f"{1:032x}"]
    assert looker.look_at_silent().traces == 0
    monkeypatch.setattr(looking, "now", lambda: now + (24 * 3600 + 5) * detection.SECOND_US)
    looking.mark("silent", now + (24 * 3600 - 5) * detection.SECOND_US)
    looker.look_at_silent()  # a day later it is over, and no longer waits
    assert found() == []


def test_a_look_is_bounded_and_one_that_is_behind_takes_more(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    monkeypatch.setattr(detection, "PASS_TRACES", 2)
    monkeypatch.setattr(detection, "MOST_PASS_TRACES", 6)
    for trace in range(1, 16):
        write(*(tool(number, trace=trace) for number in (2, 3, 4)))
    looks = [looker.look() for _ in range(5)]
    assert [(one.traces, one.more) for one in looks] == [(2, True), (4, True), (6, True), (3, False), (0, False)]
    assert len(found()) == 15


def test_of_those_that_wait_the_ones_that_go_on_come_first(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    """A loop whose steps come one by one is not lost in the middle of runs that came whole."""
    monkeypatch.setattr(detection, "LOG_TRACES", (2, 4))
    monkeypatch.setattr(detection, "PASS_TRACES", 2)
    monkeypatch.setattr(detection, "MOST_PASS_TRACES", 2)
    for trace in range(1, 12):
        write(*(tool(number, trace=trace) for number in (2, 3, 4)), root(trace))
    for number in (2, 3, 4):
        write(tool(number, trace=99))
    for trace in range(12, 30):
        write(*(tool(number, trace=trace) for number in (2, 3, 4)), root(trace))
    assert looker.look().more
    assert {one.trace_id for one in found()} == {f"{1:032x}", f"{99:032x}"}


def test_a_look_without_room_for_all_payloads_takes_fewer(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    monkeypatch.setattr(detection, "PASS_TRACES", 2)
    monkeypatch.setattr(trajectories, "MOST_PAYLOADS", 300_000)
    for trace in range(1, 16):
        write(*(tool(number, trace=trace, input="i" * 50_000) for number in (2, 3)))
    looks = [looker.look() for _ in range(6)]
    assert [(one.traces, one.more) for one in looks] == [
        (2, True), (4, True), (2, True), (4, True), (2, True), (1, False),
    ]  # fmt: skip


def test_of_a_long_log_the_oldest_and_the_latest_are_read(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    """The next look begins where the oldest ended; what was passed over is not lost."""
    monkeypatch.setattr(detection, "LOG_TRACES", (3, 9))
    monkeypatch.setattr(detection, "PASS_TRACES", 2)
    monkeypatch.setattr(detection, "MOST_PASS_TRACES", 2)
    monkeypatch.setattr(detection, "OVERLAP_US", 0)
    asked: list[int] = []
    changed = looking.changed

    def counted(after: int, limit: int, *, latest: bool = False) -> list[looking.Touched]:
        asked.append(limit)
        return changed(after, limit, latest=latest)

    monkeypatch.setattr(looking, "changed", counted)
    for trace in range(1, 31):
        write(*(tool(number, trace=trace) for number in (2, 3, 4)))
    assert looker.look().more
    assert {one.trace_id for one in found()} == {f"{1:032x}", f"{30:032x}"}
    looks = 1
    while looker.look().more:
        looks += 1
        assert looks < 40
    assert len(found()) == 30
    assert max(asked) <= 9


def test_of_a_huge_trace_the_newest_spans_are_read(monkeypatch: pytest.MonkeyPatch, looker: Looker) -> None:
    monkeypatch.setattr(trajectories, "MOST_SPANS", 4)
    write(*(tool(number) for number in range(2, 12)))
    looker.look()
    (one,) = found()
    assert one.evidence["times"] == 4
    assert "newest" in one.evidence["read"]


def test_a_store_that_fails_while_findings_are_written_loses_none(
    monkeypatch: pytest.MonkeyPatch, looker: Looker
) -> None:
    write(tool(2), tool(3), tool(4))
    update = findings.update

    def fails(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(findings, "update", fails)
    with pytest.raises(RuntimeError):
        looker.look()
    monkeypatch.setattr(findings, "update", update)
    assert looker.look().findings == 1


def test_a_model_call_is_read_with_its_messages(looker: Looker) -> None:
    """As from a decoded request: the newest message, the answer, the instructions, the calls it asked for."""
    write(
        llm(
            2, start=NOW, parent=1, payload_attributes=frozenset({"gen_ai.input.messages", "gen_ai.output.messages"}),
            attributes={
                "gen_ai.input.messages": '[{"role":"system","parts":[{"type":"text","content":"Be brief."}]},'
                '{"role":"user","parts":[{"type":"text","content":"Weather?"}]}]',
                "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"tool_call","id":"c1",'
                '"name":"weather","arguments":{"city":"Rome"}}],"finish_reason":"tool_calls"}]',
                "gen_ai.request.max_tokens": 16,
            },
        ),
        tool(3, given="x" * 5000),
    )  # fmt: skip
    looker.look()
    spans = looker.traces["default", f"{1:032x}"].spans
    call = spans[f"{2:016x}"]
    assert (call.input, call.output, call.instructions) == ("Weather?", "", "Be brief.")
    assert [(one.id, one.name, one.arguments) for one in call.requested] == [("c1", "weather", '{"city":"Rome"}')]
    assert call.attributes == {"gen_ai.request.max_tokens": 16}
    assert len(spans[f"{3:016x}"].input) == 5000


def test_what_was_dismissed_does_not_count_until_it_is_undone(looker: Looker) -> None:
    write(tool(2), tool(3), tool(4))
    looker.look()
    (one,) = found()
    findings.dismiss("default", one.fingerprint)
    (one,) = found()
    assert (one.dismissed, one.severity) == (True, "info")
    assert found(live=True) == []
    assert get_reader().trace("default", f"{1:032x}").findings == 0
    write(*(tool(number, trace=2) for number in (2, 3, 4)))
    looker.look()
    assert [one.dismissed for one in found()] == [True, True]
    findings.dismiss("default", one.fingerprint, active=False)
    assert [(one.dismissed, one.severity) for one in found(severity="critical")] == [(False, "critical")] * 2


def test_pages_of_findings_go_on_where_they_ended(looker: Looker) -> None:
    for trace in range(1, 6):
        write(*(tool(number, trace=trace) for number in (2, 3, 4)))
    looker.look()
    seen, cursor = [], None
    while True:
        page = findings.listed("default", FindingFilter(detector="loop"), limit=2, cursor=cursor)
        seen += [one.id for one in page.results]
        if (cursor := page.next) is None:
            break
    assert len(seen) == len(set(seen)) == 5
