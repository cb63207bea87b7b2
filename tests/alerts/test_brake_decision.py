"""continue, warn or halt: each source, their order, agents, lifts, trials."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracestore.detectors.budget import Budget
from tracestore.detectors.standing import Against, Run, Standing, Subject
from tracestore.verdicts.decision import (
    LIFT_NS,
    Brakes,
    BreakerSaid,
    BudgetSaid,
    Decision,
    HaltSaid,
    StateSaid,
    decide,
)

SECOND = 10**9
NOW = 10_000 * SECOND
TRACE = Subject("p", "trace_id", "t1")
SESSION = Subject("p", "session_id", "s1")
AGENT = Subject("p", "agent", "planner")
RUN = Run("t1", 1.0, 10, 5_000, NOW - 600 * SECOND, NOW - SECOND, False, ("planner",), ("s1",), ("ada",))
LOOP = Against("loop", "critical", "it loops", "planner", "t1", NOW - 60 * SECOND)


def halting(detector: str, agent: str) -> bool:
    return detector == "loop"


def standing(*against: Against, runs: tuple[Run, ...] = (RUN,)) -> Standing:
    return Standing(list(runs), list(against))


def of(subject: Subject = TRACE, known: Standing | None = None, tool: str = "", **brakes: object) -> Decision:
    in_force = Brakes(**{"detector_halts": halting, **brakes})  # type: ignore[arg-type]
    return decide(subject, known if known is not None else standing(), in_force, NOW, tool)


def test_nothing_continues_and_findings_warn_or_halt() -> None:
    assert of() == Decision("continue")
    warned = of(known=standing(Against("context_growth", "critical", "grows", "planner", "t1")))
    assert (warned.word, warned.reasons) == ("warn", ["context_growth: grows"])
    grows = Against("context_growth", "warning", "grows", "planner", "t1")
    halted = of(known=standing(grows, LOOP))
    assert (halted.word, halted.reasons) == ("halt", ["loop: it loops", "context_growth: grows"])
    assert halted.first is not None
    assert halted.first.source == "finding"


def test_an_agent_halts_when_all_its_runs_do_a_session_with_any() -> None:
    other = replace(RUN, trace_id="t2")
    assert of(AGENT, standing(LOOP, runs=(RUN, other))).word == "warn"
    assert of(AGENT, standing(LOOP)).word == "halt"
    assert of(SESSION, standing(LOOP, runs=(RUN, other))).word == "halt"
    assert of(AGENT, Standing()).word == "continue"


def test_a_run_that_is_over_halts_its_agent_for_a_minute_more() -> None:
    just_over = replace(RUN, over=True)
    assert of(AGENT, standing(LOOP, runs=(just_over,))).word == "halt"
    over = replace(RUN, over=True, end_ns=NOW - 61 * SECOND)
    repaired = replace(RUN, trace_id="t2")
    assert of(AGENT, standing(LOOP, runs=(over,))).word == "warn"
    assert of(AGENT, standing(LOOP, runs=(over, repaired))).word == "warn"
    loops_too = replace(LOOP, trace_id="t2")
    assert of(AGENT, standing(LOOP, loops_too, runs=(over, repaired))).word == "halt"
    assert of(TRACE, standing(LOOP, runs=(over,))).word == "halt"


@pytest.mark.parametrize(
    ("by", "subject", "asked", "word"),
    [
        ("agent", "planner", TRACE, "halt"), ("agent", "planner", SESSION, "halt"), ("agent", "planner", AGENT, "halt"),
        ("agent", "other", TRACE, "continue"), ("session_id", "s1", TRACE, "halt"), ("trace_id", "t1", SESSION, "halt"),
        # One run of an agent that is halted does not end its neighbours.
        ("trace_id", "t1", AGENT, "continue"), ("session_id", "s1", AGENT, "continue"),
    ],
)  # fmt: skip
def test_a_halt_by_hand_reaches_what_it_names(by: str, subject: str, asked: Subject, word: str) -> None:
    assert of(asked, halts=[HaltSaid(7, by, subject, "costly", "ada")]).word == word


def test_a_halt_by_hand_says_who_and_ends_with_its_time() -> None:
    held = HaltSaid(7, "agent", "planner", "costly", "ada", NOW + SECOND)
    found = of(halts=[held], known=standing(LOOP))
    assert found.reasons == ["Halted by ada: costly", "loop: it loops"]
    assert found.first is not None
    assert (found.first.halt, found.first.until_ns) == (7, NOW + SECOND)
    assert of(halts=[replace(held, until_ns=NOW)]).word == "continue"


def test_without_fresh_knowledge_what_is_in_force_still_counts() -> None:
    in_force = Brakes(halts=[HaltSaid(1, "trace_id", "t1", "", "ada")], detector_halts=halting)
    assert decide(TRACE, None, in_force, NOW).word == "halt"
    assert decide(Subject("p", "trace_id", "t2"), None, in_force, NOW).word == "continue"


OPEN = BreakerSaid(3, "planner", "", "open", "loops everywhere", NOW - 30 * SECOND, NOW + 30 * SECOND)
HALF = replace(OPEN, state="half_open", trial_ns=NOW)
NEW = replace(RUN, trace_id="t9", start_ns=NOW - 10 * SECOND)
NEW_TRACE = Subject("p", "trace_id", "t9")


def test_an_open_breaker_halts_the_agent_and_says_until_when() -> None:
    for subject in (TRACE, SESSION, AGENT):
        found = of(subject, breakers=[OPEN])
        assert (found.word, found.reasons) == ("halt", ["The breaker of agent planner is open: loops everywhere"])
        assert found.first is not None
        assert found.first.until_ns == NOW + 30 * SECOND
    assert of(breakers=[replace(OPEN, agent="other")]).word == "continue"


def test_a_breaker_of_a_tool_halts_who_asks_for_that_tool() -> None:
    broken = replace(OPEN, agent="", tool="search")
    assert of(breakers=[broken], tool="search").word == "halt"
    assert of(breakers=[broken], tool="read").word == "continue"
    assert of(breakers=[broken]).word == "warn"
    of_agent = replace(OPEN, tool="search")
    assert of(breakers=[of_agent], tool="search").reasons[0].startswith("The breaker of tool search of planner is open")
    assert of(breakers=[replace(of_agent, agent="other")], tool="search").word == "continue"


def test_half_open_lets_one_new_run_try() -> None:
    assert of(breakers=[HALF]).word == "halt"  # it began before the breaker opened
    found = of(NEW_TRACE, standing(runs=(NEW,)), breakers=[HALF])
    assert (found.word, found.trial) == ("warn", (HALF, "t9"))
    taken = replace(HALF, trial_trace="t9")
    again = of(NEW_TRACE, standing(runs=(NEW,)), breakers=[taken])
    assert (again.word, again.trial) == ("warn", None)
    other = replace(NEW, trace_id="t8")
    assert of(Subject("p", "trace_id", "t8"), standing(runs=(other,)), breakers=[taken]).word == "halt"
    assert of(AGENT, breakers=[taken]).word == "halt"


def test_who_asks_for_the_agent_may_begin_the_trial_whose_trace_then_takes_it() -> None:
    found = of(AGENT, breakers=[HALF])
    assert (found.word, found.trial) == ("warn", (HALF, "?"))
    given = replace(HALF, trial_trace="?")
    assert of(AGENT, breakers=[given]).word == "halt"
    assert of(NEW_TRACE, standing(runs=(NEW,)), breakers=[given]).trial == (given, "t9")


def test_budgets_of_runs_are_judged_by_what_is_known_now() -> None:
    steps = BudgetSaid(1, "steps", Budget("steps", "run", 10))
    assert of(budgets=[steps]).reasons == ["Budget steps: 10 steps of 10 steps are spent."]
    assert of(budgets=[steps]).word == "halt"
    assert of(budgets=[replace(steps, halts=False)]).word == "warn"
    assert of(budgets=[replace(steps, agent="other")]).word == "continue"
    assert of(budgets=[BudgetSaid(1, "steps", Budget("steps", "run", 12))]).word == "warn"
    assert of(budgets=[BudgetSaid(1, "time", Budget("minutes", "run", 10))]).word == "halt"
    # It is over: its time stands still.
    over = standing(runs=(replace(RUN, over=True, end_ns=RUN.start_ns + 60 * SECOND),))
    assert of(known=over, budgets=[BudgetSaid(1, "time", Budget("minutes", "run", 10))]).word == "continue"
    two = standing(runs=(RUN, replace(RUN, trace_id="t2", steps=1)))
    assert of(AGENT, two, budgets=[steps]).word == "warn"
    assert of(SESSION, two, budgets=[steps]).word == "halt"
    assert of(SESSION, two, budgets=[BudgetSaid(2, "talk", Budget("steps", "session", 11))]).word == "halt"


@pytest.mark.parametrize(
    ("scope", "subject", "asked", "word"),
    [
        ("day", "", TRACE, "halt"), ("day", "", AGENT, "halt"), ("agent", "planner", TRACE, "halt"),
        ("agent", "planner", AGENT, "halt"), ("agent", "other", AGENT, "continue"), ("user", "ada", TRACE, "halt"),
        ("user", "ada", AGENT, "continue"), ("user", "eve", TRACE, "continue"), ("session", "s1", TRACE, "halt"),
    ],
)  # fmt: skip
def test_states_of_other_budgets_reach_whom_they_are_about(scope: str, subject: str, asked: Subject, word: str) -> None:
    budget = BudgetSaid(4, "b", Budget("usd", scope, 5.0))  # type: ignore[arg-type]
    state = StateSaid(4, subject, "halt", "all spent", NOW + SECOND)
    assert of(asked, budgets=[budget], states={(4, subject): state}).word == word
    yesterday = replace(state, until_ns=NOW)
    assert of(asked, budgets=[budget], states={(4, subject): yesterday}).word == "continue"


def test_a_lift_forgives_findings_of_before_and_budgets_and_breakers_for_an_hour() -> None:
    lifted = {("trace_id", "t1"): NOW - 30 * SECOND}
    assert of(known=standing(LOOP), lifts=lifted).word == "warn"
    assert of(SESSION, standing(LOOP), lifts=lifted).word == "warn"
    later = replace(LOOP, first_seen_ns=NOW - 10 * SECOND)
    assert of(known=standing(later), lifts=lifted).word == "halt"
    steps = BudgetSaid(1, "steps", Budget("steps", "run", 10))
    for brakes in ({"budgets": [steps]}, {"breakers": [OPEN]}):
        assert of(lifts=lifted, **brakes).word == "warn"
        assert of(lifts={("trace_id", "t1"): NOW - LIFT_NS}, **brakes).word == "halt"
    # Halts by hand are lifted by themselves, not by another lift.
    assert of(lifts=lifted, halts=[HaltSaid(1, "trace_id", "t1", "", "ada")]).word == "halt"


def test_reasons_are_ordered_by_source_and_bounded() -> None:
    steps = BudgetSaid(1, "steps", Budget("steps", "run", 10))
    many = [replace(LOOP, title=f"loop {number}") for number in range(20)]
    hand = HaltSaid(1, "trace_id", "t1", "", "ada")
    found = of(known=standing(*many), halts=[hand], breakers=[OPEN], budgets=[steps])
    assert [cause.source for cause in found.causes[:4]] == ["hand", "breaker", "budget", "finding"]
    assert len(found.reasons) == 10
