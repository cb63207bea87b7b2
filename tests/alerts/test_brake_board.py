"""The board: memory, freshness, failing open, changes, the record of halts; with a clock and a store of its own."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tracestore.alerts import brake_changes, breakers, halts
from tracestore.alerts.models import Breaker, Halt
from tracestore.detectors.standing import Against, Run, Standing, Subject
from tracestore.errors import Unavailable
from tracestore.models import Project
from tracestore.verdicts import board as boards
from tracestore.verdicts.board import Board
from tracestore.verdicts.decision import Brakes
from tracestore.verdicts.in_force import brakes_of
from tracestore.verdicts.service import Service

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
ONE = Subject("default", "trace_id", "1" * 32)


class World:
    """A store, a clock, and a board between them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.standings: dict[Subject, Standing] = {}
        self.reads: list[Mapping[Subject, int]] = []
        self.metadata_reads = 0
        self.fails = False
        self.board = Board(self.read, self.brakes, lambda: self.seconds, live=True)

    def read(self, wanted: Mapping[Subject, int], now_ns: int) -> dict[Subject, Standing]:
        self.reads.append(dict(wanted))
        if self.fails:
            raise Unavailable("The store does not answer.")
        return {subject: self.standings.get(subject, Standing()) for subject in wanted}

    def brakes(self, projects: Collection[str], now: datetime) -> dict[str, Brakes]:
        self.metadata_reads += 1
        return brakes_of(projects, now)

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def ask(self, subject: Subject = ONE, tool: str = "") -> boards.Verdict:
        return self.board.ask(subject, tool, self.now)

    def tick(self, seconds: float = 1.0) -> None:
        self.seconds += seconds
        self.board.refresh(self.now)

    def loops(self, subject: Subject = ONE) -> None:
        run = Run(
            subject.value, 0.5, 3, 100, int(NOW.timestamp() * 1e9), int(NOW.timestamp() * 1e9), agents=("planner",)
        )
        found = Against("loop", "critical", "loops", "planner", subject.value, int(NOW.timestamp() * 1e9))
        self.standings[subject] = Standing([run], [found])


@pytest.fixture
def world() -> Iterator[World]:
    Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    made = World()
    yield made
    assert made.board._pool is not None
    made.board._pool.shutdown()


def test_asked_once_it_is_read_once_and_then_answered_from_memory(world: World) -> None:
    world.loops()
    assert world.board.known(ONE) is None
    first = world.ask()
    assert (first.verdict, first.cost_usd, first.steps, first.tokens) == ("halt", 0.5, 3, 100)
    for _ in range(20):
        assert world.ask().verdict == "halt"
        found = world.board.known(ONE)
        assert found is not None
        assert found.fresh_s == 0.0
    assert (len(world.reads), world.metadata_reads) == (1, 1)


def test_all_that_was_asked_lately_is_refreshed_in_one_reading(world: World) -> None:
    subjects = [Subject("default", "trace_id", f"{number:032x}") for number in range(50)]
    for subject in subjects:
        world.ask(subject)
    world.reads.clear()
    world.tick()
    assert [set(wanted) for wanted in world.reads] == [set(subjects)]
    world.tick(59)
    world.ask(subjects[0])
    world.reads.clear()
    world.tick(2)
    assert [set(wanted) for wanted in world.reads] == [{subjects[0]}]
    world.tick(61)
    world.reads.clear()
    world.tick()
    assert world.reads == []


def test_it_knows_within_a_second(world: World) -> None:
    assert world.ask().verdict == "continue"
    world.loops()
    assert world.ask().verdict == "continue"
    world.tick()
    assert world.ask().verdict == "halt"


def test_a_store_that_is_away_lets_runs_go_on_and_says_so(world: World) -> None:
    world.fails = True
    found = world.ask()
    assert (found.verdict, found.reasons) == ("continue", ["No judgement: The store does not answer."])
    assert found.checked_at is None


def test_old_knowledge_halts_for_five_seconds_and_what_is_in_force_for_ever(world: World) -> None:
    world.loops()
    world.ask()
    world.fails = True
    world.tick(4)
    assert world.ask().verdict == "halt"
    world.tick(2)
    found = world.ask()
    assert (found.verdict, found.fresh_s) == ("continue", 6.0)
    assert found.reasons == ["No judgement: The store does not answer."]
    halts.halt("default", "agent", "planner", "enough", "ada", now=world.now)
    # Whose run it is was read before.
    assert world.ask().reasons[0] == "Halted by ada: enough"
    assert world.ask().verdict == "halt"
    world.fails = False
    world.tick()
    assert world.ask().reasons == ["Halted by ada: enough", "loop: loops"]


def test_while_the_store_is_known_to_be_away_nobody_waits_for_it(world: World) -> None:
    world.ask()
    world.fails = True
    world.tick()
    reads = len(world.reads)
    assert world.ask(Subject("default", "agent", "new")).verdict == "continue"
    assert len(world.reads) == reads


def test_a_first_question_does_not_wait_for_a_store_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "PATIENCE_SECONDS", 0.01)
    let_go = threading.Event()

    def hangs(wanted: Mapping[Subject, int], now_ns: int) -> dict[Subject, Standing]:
        let_go.wait(30)
        return {}

    made = Board(hangs, live=True)
    found = made.ask(ONE)
    let_go.set()
    assert (found.verdict, found.reasons) == ("continue", [boards.NOT_YET])
    assert made._pool is not None
    made._pool.shutdown()


def test_a_change_in_this_process_counts_at_once_and_one_elsewhere_within_a_second(world: World) -> None:
    assert world.ask().verdict == "continue"
    made = halts.halt("default", "trace_id", ONE.value, "stop", "ada", now=world.now)
    assert world.board.known(ONE) is None  # it must be read first
    found = world.ask()
    assert (found.verdict, found.halt_id) == ("halt", made.pk)
    Halt.objects.all().update(active_key=None)  # as another process would
    assert world.ask().verdict == "halt"
    world.tick()
    assert world.ask().verdict == "continue"


def test_what_somebody_says_of_a_finding_counts_at_once(world: World) -> None:
    world.loops()
    other = Subject("other", "trace_id", "2" * 32)
    assert (world.ask().verdict, world.ask(other).verdict) == ("halt", "continue")
    world.standings[ONE].against.clear()
    reads = len(world.reads)
    assert world.ask().verdict == "halt"
    world.board.forget("default")
    assert world.ask().verdict == "continue"
    world.ask(other)
    assert len(world.reads) == reads + 1


def test_halts_that_were_told_are_written_down_once_a_second(world: World) -> None:
    world.loops()
    for _ in range(5):
        world.ask()
    assert not Halt.objects.exists()
    world.tick()
    (row,) = Halt.objects.all()
    assert (row.source, row.reason, row.actor, row.told) == ("finding", "loop: loops", "tracestore", 5)
    assert (row.by, row.subject) == ("trace_id", ONE.value)
    assert world.ask().halt_id == row.pk
    world.ask()
    world.tick()
    world.tick()
    row.refresh_from_db()
    assert row.told == 7
    world.standings[ONE] = Standing(world.standings[ONE].runs)
    world.tick()
    row.refresh_from_db()
    assert (row.active_key, row.until) == (None, world.now)
    assert world.ask().halt_id is None


def test_who_only_looks_halts_nobody(world: World) -> None:
    world.loops()
    assert world.board.ask(ONE, now=world.now, looking=True).verdict == "halt"
    world.tick()
    assert not Halt.objects.exists()


def test_a_halt_by_hand_counts_how_often_it_was_told(world: World) -> None:
    made = halts.halt("default", "trace_id", ONE.value, "stop", "ada", now=world.now)
    world.ask()
    world.tick()
    made.refresh_from_db()
    assert (made.told, Halt.objects.count(), made.source) == (1, 1, "hand")


def test_a_run_halted_by_its_agents_halt_goes_on_when_that_is_lifted(world: World) -> None:
    world.loops()
    world.standings[ONE].against.clear()
    made = halts.halt("default", "agent", "planner", "stop", "ada", now=world.now)
    world.ask()
    world.tick()
    made.refresh_from_db()
    assert (made.told, Halt.objects.count(), world.ask().halt_id) == (1, 1, made.pk)
    halts.lift("default", made.pk, "ada", now=world.now)
    assert world.ask().verdict == "continue"
    world.tick()
    assert world.ask().verdict == "continue"


def test_lifting_lets_it_go_on_until_something_new_is_found(world: World) -> None:
    world.loops()
    world.ask()
    world.tick()
    row = Halt.objects.get()
    halts.lift("default", row.pk, "ada", "it polls", world.now)
    assert world.ask().verdict == "warn"
    world.tick()
    row.refresh_from_db()
    assert (row.lifted_by, row.lift_reason, row.active_key) == ("ada", "it polls", None)
    later = int((world.now + timedelta(seconds=1)).timestamp() * 1e9)
    world.standings[ONE].against.append(Against("loop", "critical", "again", "planner", ONE.value, later))
    world.tick()
    assert world.ask().verdict == "halt"
    world.tick()
    assert Halt.objects.count() == 2


def test_one_run_gets_the_trial_of_a_breaker(world: World) -> None:
    project = Project.objects.get(slug="default")
    opened = NOW - timedelta(minutes=5)
    Breaker.objects.create(project=project, agent="planner", state="half_open", opened_at=opened, trial_at=NOW)
    two = Subject("default", "trace_id", "2" * 32)
    for subject in (ONE, two):
        world.loops(subject)
        world.standings[subject].against.clear()
    assert world.board.ask(two, now=world.now, looking=True).verdict == "warn"
    assert Breaker.objects.get().trial_trace == ""
    assert world.ask(ONE).verdict == "warn"
    assert Breaker.objects.get().trial_trace == ONE.value
    assert world.ask(two).verdict == "halt"
    assert world.ask(ONE).verdict == "warn"
    assert not breakers.take_trial(Breaker.objects.get().pk, two.value, NOW)


def test_memory_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "MOST_SUBJECTS", 20)
    for number in range(100):
        world.seconds += 0.001
        world.ask(Subject("default", "trace_id", f"{number:032x}"))
    assert len(world.board._entries) <= 20
    assert Subject("default", "trace_id", f"{99:032x}") in world.board._entries


def test_the_service_starts_its_thread_only_where_it_was_enabled() -> None:
    made = Service()
    assert not made.board.live
    assert not any(thread.name == "verdicts" for thread in threading.enumerate())
    made.enable()
    board = made.board
    assert board.live
    assert made.board is board
    made._pid = -1  # as after a fork: nothing of the parent's is used
    before, other = made._stopping, made.board
    before.set()
    assert other is not board
    made.stop()


def test_the_counter_of_changes_moves() -> None:
    before = brake_changes.latest()
    brake_changes.tell()
    assert brake_changes.latest() != before
