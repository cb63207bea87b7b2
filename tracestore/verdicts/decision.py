"""continue, warn or halt: from how a subject stands and what its project has in force. Pure.

The order of the reasons is that of the sources: halts by hand, breakers, budgets, findings; what halts before what
warns. docs/brake.md has it as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tracestore.detectors import budget as budgets
from tracestore.detectors.budget import Spent
from tracestore.detectors.standing import Against, Run, Standing, Subject

#: Reasons that one answer gives.
MOST_REASONS: Final = 10
SECOND_NS: Final = 10**9
#: How long a lift holds against budgets and breakers, whose reason goes on.
LIFT_NS: Final = 3_600 * SECOND_NS
#: A run that was silent for so long is timed by its last span, not by the clock.
SILENT_NS: Final = 1_800 * SECOND_NS
#: A run that is over counts for its agent so long: who starts the same again at once is still told to stop, who
#: starts it repaired a little later may.
COOLING_NS: Final = 60 * SECOND_NS
#: A trial that was given to who asked for an agent, not yet to a trace.
ANY_TRACE: Final = "?"


@dataclass(frozen=True, slots=True)
class HaltSaid:
    """A halt ordered by hand."""

    id: int
    by: str
    subject: str
    reason: str
    actor: str
    until_ns: int = 0
    incident: int | None = None


@dataclass(frozen=True, slots=True)
class BreakerSaid:
    """A breaker that is not closed. '' of `agent` or `tool` means any."""

    id: int
    agent: str
    tool: str
    state: str
    reason: str
    opened_ns: int
    trial_ns: int = 0
    trial_trace: str = ""
    incident: int | None = None

    @property
    def name(self) -> str:
        """As reasons say it."""
        if not self.tool:
            return f"agent {self.agent}"
        return f"tool {self.tool} of {self.agent}" if self.agent else f"tool {self.tool}"


@dataclass(frozen=True, slots=True)
class BudgetSaid:
    """A budget in force."""

    id: int
    name: str
    of: budgets.Budget
    halts: bool = True
    agent: str = ""


@dataclass(frozen=True, slots=True)
class StateSaid:
    """How a budget stood when it was last judged. `until_ns`: when that is void (0: not by time)."""

    budget: int
    subject: str
    action: str
    reason: str
    until_ns: int = 0


def nothing_halts(detector: str, agent: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Brakes:
    """What a project has in force. `lifts`: (by, subject) → when it was last lifted (ns); `states`: by budget and
    subject.
    """

    halts: Sequence[HaltSaid] = ()
    lifts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    breakers: Sequence[BreakerSaid] = ()
    budgets: Sequence[BudgetSaid] = ()
    states: Mapping[tuple[int, str], StateSaid] = field(default_factory=dict)
    detector_halts: Callable[[str, str], bool] = nothing_halts


@dataclass(frozen=True, slots=True)
class Cause:
    """One source of a verdict. `source` is one of `alerts.models.Halt.Source`; `until_ns` 0 when not known."""

    halts: bool
    source: str
    reason: str
    halt: int | None = None
    incident: int | None = None
    until_ns: int = 0


#: A breaker, and the trace that is to be its trial run.
Trial = tuple[BreakerSaid, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """`trial`: the breaker whose trial this run is if it gets it (compare-and-swap), and the trace to note."""

    word: str
    causes: tuple[Cause, ...] = ()
    trial: Trial | None = None

    @property
    def reasons(self) -> list[str]:
        return list(dict.fromkeys(cause.reason for cause in self.causes))[:MOST_REASONS]

    @property
    def first(self) -> Cause | None:
        """What halts, in the first place."""
        return next((cause for cause in self.causes if cause.halts), None)


def decide(subject: Subject, standing: Standing | None, brakes: Brakes, now_ns: int, tool: str = "") -> Decision:
    """The verdict. `standing` None: nothing fresh is known of it, so that only what the project has in force counts.

    Sessions halt with any of their runs. An agent halts only when all of its runs of late do (those that go on, and
    those that ended within a minute): one that loops must not end its neighbours. Halts, breakers and budgets of
    the agent itself halt it at once.
    """
    known = standing or Standing()
    scope = _scope(subject, known)
    lifted_ns = brakes.lifts.get((subject.by, subject.value), 0)
    eased = lifted_ns > 0 and now_ns < lifted_ns + LIFT_NS
    causes = [*_by_hand(scope, brakes, now_ns)]
    found, trial = _by_breakers(subject, known, scope, brakes, now_ns, tool)
    causes += [_eased(cause) for cause in found] if eased else found
    own, of_runs = _by_budgets(subject, known, scope, brakes, now_ns)
    causes += [_eased(cause) for cause in own] if eased else own
    halted = {run for run, cause in of_runs if cause.halts} if not eased else set()
    findings = [(one, _finding_halts(one, subject, brakes, lifted_ns)) for one in known.against]
    halted |= {one.trace_id for one, halts in findings if halts}
    of_late = {run.trace_id for run in known.runs if not run.over or now_ns - run.end_ns < COOLING_NS}
    all_halt = subject.by != "agent" or (bool(of_late) and halted >= of_late)
    causes += [cause if all_halt and not eased else _eased(cause) for _, cause in of_runs]
    causes += [
        Cause(halts and all_halt, "finding", f"{one.detector}: {one.title}")
        for one, halts in sorted(findings, key=lambda pair: not pair[1])
    ]
    causes.sort(key=lambda cause: not cause.halts)  # stable: the order of sources stays
    if any(cause.halts for cause in causes):
        return Decision("halt", tuple(causes))
    return Decision("warn" if causes else "continue", tuple(causes), trial)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names that a subject goes by."""

    traces: frozenset[str]
    sessions: frozenset[str]
    agents: frozenset[str]
    users: frozenset[str]


def _scope(subject: Subject, standing: Standing) -> _Scope:
    def names(by: str, of_runs: Iterator[str]) -> frozenset[str]:
        # Of an agent, only what is about the agent itself: its runs' other names are not its own.
        own = {subject.value} if subject.by == by else set()
        return frozenset(own if subject.by == "agent" else own | set(of_runs))

    runs = standing.runs
    return _Scope(
        names("trace_id", (run.trace_id for run in runs)),
        names("session_id", (one for run in runs for one in run.sessions)),
        names("agent", (one for run in runs for one in run.agents)),
        names("", (one for run in runs for one in run.users)),
    )


def _by_hand(scope: _Scope, brakes: Brakes, now_ns: int) -> Iterator[Cause]:
    of = {"trace_id": scope.traces, "session_id": scope.sessions, "agent": scope.agents}
    for one in brakes.halts:
        if one.subject in of.get(one.by, ()) and not 0 < one.until_ns <= now_ns:
            reason = f"Halted by {one.actor}: {one.reason}" if one.reason else f"Halted by {one.actor}"
            yield Cause(True, "hand", reason, one.id, one.incident, one.until_ns)


def _by_breakers(
    subject: Subject, standing: Standing, scope: _Scope, brakes: Brakes, now_ns: int, tool: str
) -> tuple[list[Cause], Trial | None]:
    """The breakers that concern it. One of a tool halts who asks for that tool, and warns the agents that have it."""
    causes, trial = [], None
    for one in brakes.breakers:
        if one.agent and one.agent not in scope.agents:
            continue
        reason = f"The breaker of {one.name} is {one.state.replace('_', ' ')}"
        reason += f": {one.reason}" if one.reason else ""
        if one.tool and one.tool != tool:
            # Without a tool it cannot be told whether that one is meant.
            if not tool:
                causes.append(Cause(False, "breaker", reason, incident=one.incident))
            continue
        if one.state == "half_open" and (mine := _trial_of(subject, standing, one)) is not None:
            causes.append(Cause(False, "breaker", f"Trial run: {reason[0].lower()}{reason[1:]}", incident=one.incident))
            if mine != one.trial_trace:
                trial = one, mine
            continue
        until = one.trial_ns if one.state == "open" and one.trial_ns > now_ns else 0
        causes.append(Cause(True, "breaker", reason, incident=one.incident, until_ns=until))
    return causes, trial


def _trial_of(subject: Subject, standing: Standing, one: BreakerSaid) -> str | None:
    """The trace by which this subject is or may become the trial; None when another is, or none may."""
    if subject.by == "agent":
        return ANY_TRACE if not one.trial_trace else None
    traces = {subject.value} if subject.by == "trace_id" else {run.trace_id for run in standing.runs}
    if one.trial_trace and one.trial_trace != ANY_TRACE:
        return one.trial_trace if one.trial_trace in traces else None
    # Only a run that began since: those that were halted stay so.
    return next((run.trace_id for run in standing.runs if run.start_ns >= one.opened_ns), None)


def _by_budgets(
    subject: Subject, standing: Standing, scope: _Scope, brakes: Brakes, now_ns: int
) -> tuple[list[Cause], list[tuple[str, Cause]]]:
    """Causes of the subject itself, and those of single runs with their traces."""
    own: list[Cause] = []
    of_runs: list[tuple[str, Cause]] = []
    for one in brakes.budgets:
        scoped = one.of.scope
        if scoped == "run":
            for run in standing.runs:
                if not one.agent or one.agent in run.agents:
                    of_runs += [(run.trace_id, cause) for cause in _judged(one, [run], now_ns)]
        elif scoped == "session" and subject.by == "session_id":
            own += _judged(one, [run for run in standing.runs if not one.agent or one.agent in run.agents], now_ns)
        # The agents of a run may not be known yet: its budgets are judged when they are.
        if scoped == "run" or (one.agent and one.agent not in scope.agents):
            continue
        of = {"session": scope.sessions, "user": scope.users, "agent": scope.agents, "day": frozenset({""})}[scoped]
        for name in sorted(of):
            state = brakes.states.get((one.id, name))
            if state is None or 0 < state.until_ns <= now_ns or (scoped, subject.by) == ("session", "session_id"):
                continue
            own.append(_budget_cause(one, state.action, state.reason, state.until_ns if scoped != "session" else 0))
    return own, of_runs


def _judged(one: BudgetSaid, runs: Sequence[Run], now_ns: int) -> Iterator[Cause]:
    if runs:
        state = budgets.judge(one.of, [Spent(now_ns, used(one.of.measure, run, now_ns)) for run in runs], 0, now_ns)
        if state.action != "continue":
            yield _budget_cause(one, state.action, state.reason)


def used(measure: str, run: Run, now_ns: int) -> float:
    """What a run has used of a measure. Minutes count until now while it goes on, and to its last span after."""
    match measure:
        case "usd":
            return run.cost_usd or 0.0
        case "tokens":
            return float(run.tokens)
        case "steps":
            return float(run.steps)
        case _:
            ended = run.over or now_ns - run.end_ns > SILENT_NS
            return max((run.end_ns if ended else now_ns) - run.start_ns, 0) / (60 * SECOND_NS)


def _budget_cause(one: BudgetSaid, action: str, reason: str, until_ns: int = 0) -> Cause:
    return Cause(action == "halt" and one.halts, "budget", f"Budget {one.name}: {reason}", until_ns=until_ns)


def _finding_halts(one: Against, subject: Subject, brakes: Brakes, lifted_ns: int) -> bool:
    if one.severity != "critical" or not brakes.detector_halts(one.detector, one.agent):
        return False
    return one.first_seen_ns >= max(lifted_ns, brakes.lifts.get(("trace_id", one.trace_id), 0))


def _eased(cause: Cause) -> Cause:
    """The same, as a warning."""
    return Cause(False, cause.source, cause.reason, cause.halt, cause.incident)
