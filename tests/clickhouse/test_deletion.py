"""What was ordered to be deleted is in no table any more, its neighbours are, and the order proves both."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_capture import stored, tables
from tests.clickhouse.test_writer import write
from tracestore import deletion, deletion_orders, deletion_quotes, deletion_work, feedback, leases, tasks
from tracestore.alerts.facts import Evidence, Facts, Run, as_json
from tracestore.alerts.facts import from_json as facts_of
from tracestore.alerts.message import Message
from tracestore.alerts.message import as_json as message_json
from tracestore.alerts.message import from_json as message_of
from tracestore.alerts.models import (
    Alert,
    AlertRule,
    Channel,
    Halt,
    Incident,
    Notification,
    Route,
    Silence,
    Transition,
)
from tracestore.audit.log import NOBODY
from tracestore.clickhouse import client, deleting, settling
from tracestore.clickhouse.detecting import histories
from tracestore.clickhouse.log_writer import LogWriter
from tracestore.clickhouse.reader import get_reader
from tracestore.deletion_quotes import Named
from tracestore.detectors.histories import ToolHours
from tracestore.errors import InvalidInput, NotFound, Unavailable
from tracestore.models import AuditEntry, Deletion, Feedback, Project, SavedView
from tracestore.spans.model import Link, LogRecord

pytestmark = pytest.mark.django_db
AGO = time.time_ns() // (3600 * SECOND) * 3600 * SECOND - 3600 * SECOND
MARK = "zanzibar"
GONE, OTHER, ELSEWHERE = 0xA1, 0xA2, 0xA3


@pytest.fixture(autouse=True)
def short_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 1)


@pytest.fixture
def project() -> Project:
    return Project.objects.get_or_create(slug="shop", defaults={"name": "Shop"})[0]


def trace(number: int, *, session: str, user: str = "user-7", text: str = "kept", slug: str = "shop") -> None:
    """A run with every kind of row but what jobs make of it: a failing tool, a link, logs, findings."""
    who = {"agent": "bot", "session_id": session, "user_id": user}
    failing: dict[str, Any] = {"type": "tool", "tool_name": "refund", "status": "error", "error_type": "Refused"}
    write(
        span(1, trace=number, type="agent", start=AGO, links=[Link(f"{OTHER:032x}", "b" * 16)], input=text * 300,
             payload_attributes=frozenset({"input.value"}), **who),
        llm(2, trace=number, parent=1, start=AGO + 1, output=text, **who),
        span(3, trace=number, parent=1, start=AGO + 2, status_message=f"{text} refused", output=text, **failing, **who),
        project=slug,
    )  # fmt: skip
    log = LogRecord(f"{number:032x}", f"{1:016x}", AGO, AGO, body=text)
    apart = LogRecord("", "", AGO, AGO + 1, body=text, attributes={"session.id": session, "user.id": user})
    LogWriter().write([(slug, log), (slug, apart)])
    for name, seen_in, evidence in (("own", f"{number:032x}", "{}"), ("window", "", f'{{"trace": "{number:032x}"}}')):
        client.run(
            "INSERT INTO stored_findings (project, id, detector, severity, title, explanation, trace_id, fingerprint,"
            " evidence, first_seen, last_seen, version) VALUES ({p:String}, {id:String}, 'loop', 'warning', 'Loop',"
            " {text:String}, {trace:String}, 'f', {evidence:String}, now64(9), now64(9), 1)",
            {"p": slug, "id": f"{name}-{number}-{slug}", "text": text, "trace": seen_in, "evidence": evidence},
        )

    client.run(
        "INSERT INTO stored_agent_health (project, agent, at, state, reasons, healthy_again, version)"
        " VALUES ({p:String}, 'bot', now64(3), 'warning', [{text:String}, 'Loops'], [{again:String}], 1)",
        {"p": slug, "text": f"Trace {number:032x} loops", "again": f"Session {session} of {user} ends"},
    )


def work() -> None:
    """What jobs make of it: summaries, histories."""
    time.sleep(0.01)
    settling.settle()
    while histories.refresh(ToolHours, time.time_ns()):
        pass


def ordered(kind: str, value: str, slug: str = "shop") -> Deletion:
    row = deletion.order(deletion.subject_of(slug, kind, value), "ada")
    tasks.delete_data()
    row.refresh_from_db()
    return row


def rows_of(number: int, slug: str = "shop") -> dict[str, int]:
    return deleting.counts(deleting.Subject(slug, "trace", f"{number:032x}"), [f"{number:032x}"])


def neighbours() -> dict[str, dict[str, int]]:
    """Rows of what is not deleted. Histories are counted anew, and links of the deleted run pointed to this one."""
    kept = {"shop": rows_of(OTHER), "elsewhere": rows_of(GONE, "elsewhere")}
    return {
        slug: {table: number for table, number in rows.items() if table not in ("stored_histories", "trace_links")}
        for slug, rows in kept.items()
    }


def test_every_table_of_the_schema_is_known_to_deletion() -> None:
    assert set(tables()) == set(deleting.TABLES) | deleting.WITHOUT
    assert not set(deleting.TABLES) & deleting.WITHOUT


@pytest.mark.parametrize(("kind", "value"), [("trace", f"{GONE:032x}"), ("session", "s-gone"), ("user", "user-gone")])
def test_all_of_it_goes_and_nothing_else(project: Project, kind: str, value: str) -> None:
    trace(OTHER, session="s-kept")
    trace(GONE, session="s-kept", slug="elsewhere")  # the same id in another project
    trace(GONE, session="s-gone", user="user-gone", text=MARK)
    client.command("OPTIMIZE TABLE stored_spans FINAL")
    trace(GONE, session="s-gone", user="user-gone", text=MARK)  # a second version of each row
    if kind == "session":
        work()
    before = neighbours()
    assert MARK in stored()
    has = {table for table, rows in rows_of(GONE).items() if rows}
    # A history names one of several runs as its example: this one or the other.
    made = set() if kind == "session" else {"stored_traces"}
    assert has | {"stored_histories"} == set(deleting.TABLES) - made
    row = ordered(kind, value)
    assert (row.state, row.message, row.traces) == ("done", "", 1)
    assert set(row.left.values()) == {0}
    assert min(row.deleted[table] for table in has) > 0
    assert set(rows_of(GONE).values()) == {0}
    everything = stored()
    if kind == "trace":
        # A log record that belongs to no span names the session only.
        everything = "\n".join(line for line in everything.split("), (") if "'session.id': 's-gone'" not in line)
    assert MARK not in everything
    assert neighbours() == before
    assert client.run("SELECT count() FROM traces WHERE project = 'shop'").result_rows == [(1,)]
    assert client.run("SELECT count() FROM spans WHERE project = 'shop'").result_rows == [(3,)]
    with pytest.raises(NotFound):
        get_reader().trace("shop", f"{GONE:032x}")
    if kind == "session":
        # Aggregates over what is left are counted again.
        (hours,) = histories.history(ToolHours, "shop", time.time_ns() + SECOND)
        assert [(one.calls, one.failed) for one in hours.rows] == [(1, 1)]
    entry = AuditEntry.objects.get(action="data.deleted")
    assert (entry.actor, entry.detail) == ("delete_data", {"kind": kind, "traces": 1})


def test_what_is_not_stored_is_deleted_too(project: Project) -> None:
    row = ordered("session", "nobody")
    assert (row.state, row.traces, sum(row.deleted.values())) == ("done", 0, 0)


def test_what_arrives_meanwhile_is_caught_and_what_arrives_later_is_stored(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace(GONE, session="s")
    late = iter((span(9, trace=GONE, session_id="s", start=AGO), span(1, trace=ELSEWHERE, session_id="s", start=AGO)))
    count = deletion_work._left

    def count_left(work: deletion_work.Deleting) -> Any:
        for one in late:
            write(one, project="shop")
            break
        return count(work)

    monkeypatch.setattr(deletion_work, "_left", count_left)
    row = ordered("session", "s")
    assert (row.state, row.traces) == ("done", 2)
    assert client.run("SELECT count() FROM spans WHERE project = 'shop'").result_rows == [(0,)]
    write(span(1, trace=GONE, session_id="s", start=AGO), project="shop")
    assert client.run("SELECT count() FROM spans WHERE project = 'shop'").result_rows == [(1,)]


def test_spans_that_never_stop_end_it_and_it_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion_work, "MOST_ROUNDS", 2)
    count = deletion_work._left

    def count_left(work: deletion_work.Deleting) -> Any:
        write(span(9, trace=GONE, session_id="s", start=AGO), project="shop")
        return count(work)

    monkeypatch.setattr(deletion_work, "_left", count_left)
    row = ordered("session", "s")
    assert row.state == "failed"
    assert "arriving" in row.message
    assert row.left["stored_spans"] == 1


def test_an_order_that_was_left_is_taken_up_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    trace(GONE, session="s")
    delete = deleting.delete

    def die(subject: deleting.Subject, traces: Any, table: str, tell: Any) -> int:
        if table == "stored_tool_calls":
            raise SystemExit  # as the worker that is killed: nothing is put down
        return delete(subject, traces, table, tell)

    monkeypatch.setattr(deleting, "delete", die)
    row = deletion.order(deletion.subject_of("shop", "session", "s"), "ada")
    with pytest.raises(SystemExit):
        tasks.delete_data()
    monkeypatch.setattr(deleting, "delete", delete)
    tasks.delete_data()
    row.refresh_from_db()
    assert row.state == "running"  # it may still be at it
    Deletion.objects.update(told_at=timezone.now() - deletion.SILENT - timedelta(seconds=1))
    tasks.delete_data()
    row.refresh_from_db()
    assert (row.state, row.traces, set(row.left.values())) == ("done", 1, {0})
    assert row.deleted["stored_payloads"] > 0  # counted before it was killed


def test_it_waits_for_the_store_and_for_the_other_jobs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    trace(GONE, session="s")
    monkeypatch.setattr(deletion_orders, "PATIENCE_SECONDS", 0.1)
    with leases.hold("settle_traces", seconds=60):
        row = ordered("session", "s")
    assert row.state == "waiting"
    assert "pause" in row.message

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("The store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(client, "run", away)
        tasks.delete_data()
    row.refresh_from_db()
    assert (row.state, row.message) == ("waiting", "The store does not answer.")
    tasks.delete_data()
    row.refresh_from_db()
    assert row.state == "done"


def test_a_defect_ends_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "traces_of", lambda subject: 1 / 0)
    row = deletion.order(deletion.subject_of("shop", "session", "s"), "ada")
    with pytest.raises(ZeroDivisionError):
        tasks.delete_data()
    row.refresh_from_db()
    assert (row.state, deletion.tables_of(row)) == ("failed", [])


def test_two_orders_of_one_thing_are_one(project: Project) -> None:
    subject = deletion.subject_of("shop", "session", "s")
    assert deletion.order(subject, "ada") == deletion.order(subject, "bob")
    with pytest.raises(NotFound):
        deletion.order(deletion.subject_of("nowhere", "session", "s"), "ada")


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [("trace", "xyz", "trace_id"), ("trace", "", "trace_id"), ("session", "", "session_id"), ("user", "", "user_id"),
     ("user", "x" * 301, "user_id"), ("session", None, "session_id"), ("session", "a\x00", "session_id"),
     ("project", "shop", "kind")],
)  # fmt: skip
def test_what_names_nobody_is_refused(kind: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        deletion.subject_of("shop", kind, value)
    assert refused.value.field == field


def test_a_trace_id_is_read_in_capitals_too() -> None:
    assert deletion.subject_of("shop", "trace", "A" * 32).value == "a" * 32


def test_how_much_it_would_be(project: Project) -> None:
    trace(GONE, session="s")
    trace(OTHER, session="s")
    assert deleting.extent(deletion.subject_of("shop", "session", "s")) == deleting.Extent(
        2, 6, AGO, AGO + 2, more=False
    )
    assert deleting.extent(deletion.subject_of("shop", "trace", f"{GONE:032x}")).spans == 3
    for kind, value in (("user", "nobody"), ("trace", "e" * 32)):
        assert deleting.extent(deletion.subject_of("shop", kind, value)) == deleting.Extent(0, 0, 0, 0, more=False)


def facts(*numbers: int) -> dict[str, Any]:
    return as_json(
        Facts("Loop in bot", f"It said {MARK}.", runs=tuple(Run(f"{one:032x}", "run", "bot") for one in numbers),
              evidence=tuple(Evidence("Loop", f"{one:032x}") for one in numbers), changed=(f"{MARK} changed",),
              run_count=len(numbers))
    )  # fmt: skip


def test_what_on_call_keeps_quotes_nothing_of_it(project: Project) -> None:
    trace(GONE, session="s-gone")
    rule = AlertRule.objects.create(project=project, name="loops", kind="findings")
    only, both, other = (
        Incident.objects.create(project=project, key=str(len(numbers)), severity="warning", title=f"{MARK} loops",
                                facts=facts(*numbers), labels={"session": label})
        for numbers, label in (((GONE,), "s-gone"), ((GONE, OTHER), "x"), ((OTHER,), "x"))
    )  # fmt: skip
    alert = Alert.objects.create(project=project, rule=rule, fingerprint="f", state="firing", severity="warning",
                                 facts=facts(GONE, OTHER))  # fmt: skip
    note = Transition.objects.create(
        incident=both, kind="noted", actor="ada", note=f"See {GONE:032x} of s-gone, s-gone2."
    )
    channel = Channel.objects.create(project=project, name="c", kind="webhook")
    waiting = Notification.objects.create(
        project=project, channel=channel, incident=only, event="resolved", occasion="o",
        message=message_json(Message("resolved", "shop", "2026-01-01T00:00:00Z", f"{MARK} loops", key="k", number=1,
                                     state="resolved", facts=facts_of(facts(GONE)), lines=(MARK,), note=MARK)),
    )  # fmt: skip
    over = Halt.objects.create(project=project, by="session_id", subject="s-gone", source="hand", reason="s-gone loops",
                               actor="ada")  # fmt: skip
    active = Halt.objects.create(project=project, by="session_id", subject="s-gone", source="hand", reason="r",
                                 actor="ada", active_key="k")  # fmt: skip
    feedback.say("shop", f"own-{GONE}-shop", feedback.CONFIRMED, MARK)
    row = ordered("session", "s-gone")
    assert row.state == "done"
    for one in (only, both, other, alert, note, waiting, over, active):
        one.refresh_from_db()
    assert only.title == deletion_quotes.GONE_TITLE
    assert only.labels == {"session": "[deleted]"}
    assert MARK not in str([only.facts, both.facts, alert.facts, waiting.message])
    assert [run["trace_id"] for run in both.facts["runs"]] == [f"{OTHER:032x}"]
    assert both.title == f"{MARK} loops"  # it is about another run too
    assert facts_of(other.facts) == facts_of(facts(OTHER))
    assert note.note == "See [deleted] of [deleted], s-gone2."
    told = message_of(waiting.message)
    assert (told.event, told.key, told.state, told.title) == ("resolved", "k", "resolved", deletion_quotes.GONE_TITLE)
    assert facts_of(only.facts).summary == deletion_quotes.GONE_SUMMARY
    assert (over.subject, over.reason, active.subject) == ("[deleted]", "[deleted] loops", "s-gone")
    assert not Feedback.objects.exists()
    assert (row.deleted["incidents"], row.deleted["judgements"]) == (2, 1)
    assert deletion_quotes.left("shop", Named({f"{GONE:032x}"}, "s-gone")).total() == 0


def test_what_people_keep_asks_for_nothing_of_it(project: Project) -> None:
    trace(GONE, session="s-gone")
    views = [
        SavedView.objects.create(project=project, name=name, query=query, deleted_at=at)
        for name, query, at in (
            ("of s-gone", "session = s-gone", None), ("the run", f'trace = "{GONE:032x}"', None),
            ("thrown away", 'session = "s-gone"', timezone.now()), ("about s-gone", "session = s-gone2", None),
        )
    ]  # fmt: skip
    rule = AlertRule.objects.create(project=project, name="r", kind="search",
                                    condition={"query": "session = s-gone", "threshold": 1})  # fmt: skip
    kept = AlertRule.objects.create(project=project, name="k", kind="search", condition={"query": "session = s-kept"})
    matchers = [{"name": "session", "value": "s-gone", "is_regex": False, "is_equal": True}]
    silence = Silence.objects.create(project=project, starts_at=timezone.now(), ends_at=timezone.now(),
                                     matchers=matchers, comment="s-gone is known")  # fmt: skip
    route = Route.objects.create(project=project, name="route", matchers=matchers)
    channel = Channel.objects.create(project=project, name="c", kind="webhook", last_error="400: s-gone?")
    sent = Notification.objects.create(project=project, channel=channel, event="opened", occasion="o", error="s-gone?")
    delivery = sent.deliveries.create(outcome="failed", error="400: s-gone?")
    row = ordered("session", "s-gone")
    assert (row.state, set(row.left.values())) == ("done", {0})
    for one in (rule, kept, silence, route, channel, sent, delivery):
        one.refresh_from_db()
    assert list(SavedView.objects.values_list("name", "query")) == [("about [deleted]", "session = s-gone2")]
    assert row.searches == ["of [deleted]", "the run"]
    assert (rule.enabled, rule.condition) == (False, {"query": "session = [deleted]", "threshold": 1})
    assert kept.enabled
    # A silence or route that lost its matcher would match everything.
    blank = [{"name": "session", "value": "[deleted]", "is_regex": False, "is_equal": True}]
    assert silence.matchers == route.matchers == blank
    assert silence.comment == "[deleted] is known"
    assert {channel.last_error, delivery.error} == {"400: [deleted]?"}
    assert sent.error == "[deleted]?"
    assert (row.deleted["saved views"], row.deleted["alert rules"], row.deleted["silences"]) == (4, 1, 1)
    assert len(views) == 4


def test_figures_of_agents_stay_without_what_names_it(project: Project) -> None:
    trace(GONE, session="s-gone", user="user-gone")
    trace(OTHER, session="s-kept")
    row = ordered("user", "user-gone")
    assert (row.deleted["stored_agent_health"], row.left["stored_agent_health"]) == (1, 0)
    states = client.run(
        "SELECT reasons, healthy_again FROM stored_agent_health WHERE project = 'shop' ORDER BY reasons"
    ).result_rows
    assert states == [
        ([f"Trace {OTHER:032x} loops", "Loops"], ["Session s-kept of user-7 ends"]),
        (["[deleted]", "Loops"], ["[deleted]"]),
    ]  # fmt: skip


def test_a_finding_that_says_the_name_goes(project: Project) -> None:
    for number, title in enumerate(("Session a.b (x) cost much", "Session a.b (x)2 cost much", "aXb (x)")):
        client.run(
            "INSERT INTO stored_findings (project, id, title, first_seen, last_seen, version)"
            " VALUES ('shop', {id:String}, {title:String}, now64(9), now64(9), 1)",
            {"id": str(number), "title": title},
        )
    row = ordered("session", "a.b (x)")
    assert row.deleted["stored_findings"] == 1
    assert client.run("SELECT id FROM stored_findings WHERE project = 'shop' ORDER BY id").result_rows == [
        ("1",),
        ("2",),
    ]


def test_a_short_name_is_only_taken_for_itself() -> None:
    named = Named(set(), "7")
    assert named.without({"user": "7", "text": "7 of 70 runs"}) == {"user": "[deleted]", "text": "7 of 70 runs"}


def test_what_detection_remembers_of_runs_is_forgotten(project: Project) -> None:
    before = tasks._looker
    tasks.detect_traces()
    assert tasks._looker is before
    ordered("session", "s")
    tasks.detect_traces()
    assert tasks._looker is not before


def test_what_is_known_of_whole_days_is_forgotten(project: Project) -> None:
    """A state of an agent that is gone would come back by it."""
    before = tasks._days
    tasks.agent_health()
    assert tasks._days is before
    ordered("session", "s")
    tasks.agent_health()
    assert tasks._days is not before


def test_the_audit_log_does_not_name_whom_it_was_about(project: Project) -> None:
    ordered("user", "user-gone")
    assert "user-gone" not in str(AuditEntry.objects.values())
    assert NOBODY.name not in AuditEntry.objects.values_list("actor", flat=True)
