"""`loop`: an agent does the same again and learns nothing new from it.

Pure. The rules are in `loop_rules.py` and `handoffs.py`; this module joins what they find to loops, and says it.
A loop begins at the third repeat (rules *again*, *cycle*, *answer*, hand-overs: critical) or as a suspicion (*often*,
*nearly*: warning), which becomes critical when it goes on for five more calls or the run costs more than 95 of 100
runs of its agent. What was found stays found while a run goes on, under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from tracestore.analysis.trajectory import Trajectory
from tracestore.detectors.actions import Action, actions
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Cause, Finding, Severity
from tracestore.detectors.handoffs import Activation, circles
from tracestore.detectors.loop_rules import CONFIRMED, Firing, Limits, Rules
from tracestore.detectors.waste import wasted

#: Most spans that one finding names.
_NAMED: Final = 500
#: Most loops that are told of one run: the first ones.
_LOOPS: Final = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are those that docs/detectors.md gives figures for."""

    again: int = setting(3, "Same call with the same result, so many times running, is a loop", minimum=2, maximum=50)
    often: int = setting(4, "Same call so often within the window is suspected", minimum=2, maximum=50)
    nearly: int = setting(4, "Near-identical calls so often within the window are suspected", minimum=3, maximum=50)
    window: int = setting(12, "How many calls of an agent are looked at together", minimum=6, maximum=100)
    novelty: float = setting(
        0.15, "Share of new words in a result up to which a repeat has taught nothing", minimum=0, maximum=1
    )
    polling: int = setting(
        10, "So many repeats are allowed while results say pending or running", minimum=3, maximum=1000
    )
    lasting: int = setting(5, "A suspicion becomes critical after so many further calls", minimum=1, maximum=1000)
    exempt: tuple[str, ...] = setting(
        ("sleep", "sleep_*", "wait", "wait_*", "*_wait", "poll", "poll_*", "*_poll", "heartbeat*"),
        "Tools that may repeat, as names or patterns with *",
    )

    @property
    def limits(self) -> Limits:
        return Limits(self.again, self.often, self.nearly, self.window, self.novelty, self.polling)


@dataclass(slots=True)
class Loop:
    """One loop as far as it has been seen: its actions by place in the run, and the rules that held."""

    agent: str
    tools: tuple[str, ...]
    rule: str
    level: int
    trace_id: str
    period: int
    first_alarm: int
    keys: set[tuple[str, int | None]]
    members: dict[int, Action] = field(default_factory=dict)

    def join(self, firing: Firing, keys: set[tuple[str, int | None]]) -> None:
        members = self.members
        for action in firing.members:
            members[action.place] = action
        self.keys |= keys
        if firing.level > self.level:
            self.level, self.rule, self.period = firing.level, firing.rule, firing.period

    @property
    def ordered(self) -> list[Action]:
        return [self.members[place] for place in sorted(self.members)]

    @property
    def further(self) -> int:
        return sum(place > self.first_alarm for place in self.members)


@dataclass(frozen=True, slots=True)
class LoopDetector:
    id: str = "loop"
    version: str = "1"
    title: str = "Loops"
    method: str = (
        "The same or nearly the same call, cycle of calls, answer or hand-over again and again, with results that "
        "tell nothing new"
    )
    defaults: Settings = Settings()
    reads_sessions: bool = True

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        done = actions(trajectory)
        rules = Rules(settings.limits)
        loops = find(done, rules, settings)
        said = [self._say(loop, rules, trajectory, settings, norms) for loop in loops]
        in_loops = {span_id for finding in said for span_id in finding.span_ids}
        for circle in circles(trajectory, done, settings.novelty):
            finding = self._say_circle(circle, trajectory)
            if not in_loops.intersection(span.span_id for activation in circle for span in activation.spans):
                said.append(finding)
        return _numbered(said)

    def _say(self, loop: Loop, rules: Rules, trajectory: Trajectory, settings: Settings, norms: Norms) -> Finding:
        members = loop.ordered
        useful, repeats = members[: loop.period], members[loop.period :]
        cost, tokens, calls = wasted(trajectory, [a.span for a in repeats], {a.agent for a in members})
        evidence = _evidence(loop, members, rules)
        return Finding(
            self.id, self.version, _severity(loop, trajectory, settings, norms), _title(loop, members),
            _explain(loop, members, evidence, cost, tokens, calls), loop.agent, _key(loop),
            members[0].span.start_ns, max(a.span.end_ns or a.span.start_ns for a in members), loop.trace_id,
            tuple(dict.fromkeys(a.span.span_id for a in (members if len(members) <= _NAMED else members[:_NAMED]))),
            repeats[0].span.span_id, _cause(members), cost, tokens,
            evidence={**evidence, "first_step": useful[0].span.span_id},
        )  # fmt: skip

    def _say_circle(self, circle: list[Activation], trajectory: Trajectory) -> Finding:
        agents = sorted({activation.agent for activation in circle})
        rounds = len(circle) // len(agents)
        ends = [activation.spans[-1] for activation in circle[:-1]]
        repeats = [span for activation in circle[len(agents) :] for span in activation.spans]
        cost, tokens, calls = wasted(trajectory, repeats, agents)
        names = _listed(agents)
        return Finding(
            self.id, self.version, "critical", f"{names} hand over to each other, {rounds} rounds",
            f"{names} passed the conversation to each other {len(circle) - 1} times, and in the last rounds nobody "
            "called a tool in a new way or said anything new. Each seems to hold the other responsible. "
            f"{_waste(len(circle) - len(agents), 'turns', cost, tokens, calls)} "
            "Look first at the second time the first agent got the conversation: what it was told then.",
            circle[0].agent, f"hand-over {'+'.join(agents)}", ends[0].start_ns, circle[-1].spans[-1].start_ns,
            circle[3 * len(agents) - 1].spans[0].trace_id, tuple(span.span_id for span in ends[:_NAMED]),
            circle[len(agents)].spans[0].span_id, "system", cost, tokens,
            evidence={"rule": "hand-over", "agents": agents, "count": len(circle), "period": len(agents)},
        )  # fmt: skip


def find(done: list[Action], rules: Rules, settings: Settings) -> list[Loop]:
    """All loops of a run, in the order in which they were first alarmed about."""
    loops: list[Loop] = []
    exempt: dict[str, bool] = {}
    for action in done:
        if action.tool and action.tool not in exempt:
            exempt[action.tool] = any(fnmatchcase(action.tool.lower(), form.lower()) for form in settings.exempt)
        if action.tool and exempt[action.tool]:
            rules.waited(action.agent)
            continue
        for firing in rules.feed(action):
            keys = {(member.agent, member.key) for member in firing.members}
            places = {member.place for member in firing.members}
            known = next((loop for loop in reversed(loops) if _same(loop, places, keys)), None)
            if known is None and len(loops) >= _LOOPS:
                continue
            if known is None:
                tools = tuple(sorted({member.tool for member in firing.members}))
                known = Loop(
                    action.agent, tools, firing.rule, firing.level, action.span.trace_id, firing.period,
                    action.place, set(keys),
                )  # fmt: skip
                loops.append(known)
            known.join(firing, keys)
    return loops


def _same(loop: Loop, places: set[int], keys: set[tuple[str, int | None]]) -> bool:
    """The same actions, or the same call begun again: one loop, not two."""
    return not places.isdisjoint(loop.members) or keys <= loop.keys


def _severity(loop: Loop, trajectory: Trajectory, settings: Settings, norms: Norms) -> Severity:
    if loop.level >= CONFIRMED or loop.further >= settings.lasting:
        return "critical"
    dear = norms.agent(loop.agent).cost_p95
    if dear and sum(span.cost_usd or 0.0 for span in trajectory.spans if span.trace_id == loop.trace_id) > dear:
        return "critical"
    return "warning"


def _key(loop: Loop) -> str:
    return "+".join(name or "answer" for name in loop.tools)


def _numbered(findings: list[Finding]) -> list[Finding]:
    """A second loop of the same tools in one trace is a finding of its own."""
    counts: dict[tuple[str, str, str], int] = {}
    numbered = []
    for finding in findings:
        identity = finding.trace_id, finding.agent, finding.key
        counts[identity] = count = counts.get(identity, 0) + 1
        numbered.append(finding if count == 1 else replace(finding, key=f"{finding.key} #{count}"))
    return numbered


def _evidence(loop: Loop, members: list[Action], rules: Rules) -> dict[str, Any]:
    shares = [rules.novelty.get(action.place) for action in members[:50]]
    return {
        "rule": loop.rule,
        "call": {"tool": members[-1].tool, "arguments": members[-1].span.input[:500] if members[-1].tool else ""},
        "count": len(members),
        "period": loop.period,
        "distinct_arguments": len({action.key for action in members}),
        "novelty": [None if share is None else round(share, 3) for share in shares],
        "results_known": all(action.result is not None for action in members),
    }


def _title(loop: Loop, members: list[Action]) -> str:
    count = len(members)
    if loop.rule == "answer":
        return f"The same answer {count} times"
    if loop.rule == "cycle" and not any(loop.tools):
        speakers = sorted({action.agent or "The agent" for action in members})
        return f"{_listed(speakers)} said the same, {count // loop.period} rounds"
    if loop.rule == "cycle":
        return f"{_listed([name or 'an answer' for name in loop.tools])} in turn, {count // loop.period} rounds"
    how = "nearly the same arguments" if len(loop.keys) > 1 else "the same arguments"
    return f"{loop.tools[0]} called {count} times with {how}"


def _explain(loop: Loop, members: list[Action], evidence: dict[str, Any], cost: float, tokens: int, calls: int) -> str:
    count, repeats = len(members), len(members) - loop.period
    known = [share for share in evidence["novelty"][loop.period :] if share is not None]
    if loop.rule == "answer":
        what = f"The model gave the same answer {count} times to the same input, without calling a tool."
    elif loop.rule == "cycle":
        names = _listed([name or "an answer" for name in loop.tools])
        what = f"The same {loop.period} steps ({names}) came again and again, {count} steps in all."
    elif len(loop.keys) > 1:
        what = f"{loop.tools[0]} was called {count} times with arguments that differ only in wording."
    else:
        what = f"{loop.tools[0]} was called {count} times with the same arguments."
    if not known:
        learnt = "What the calls returned was not captured, so progress cannot be ruled out." if loop.tools[0] else ""
    elif len({action.result for action in members}) == loop.period:
        learnt = "Every repeat returned the same as before."
    else:
        learnt = f"On average {sum(known) / len(known):.0%} of the words in a repeat's result were new."
    parts = what, learnt, _waste(repeats, "repeats", cost, tokens, calls)
    look = "Look first at the first repeat: what the model had been told when it asked again."
    return " ".join(part for part in (*parts, look) if part)


def _waste(count: int, what: str, cost: float, tokens: int, calls: int) -> str:
    price = f", {cost:.4f} USD" if cost else ""
    return f"The {count} {what} took {calls} model calls ({tokens:,} tokens{price})."


def _cause(members: list[Action]) -> Cause:
    """Empty or missing data if the tool returned nothing to work with, else the model, which asked again."""
    if not members[0].tool:
        return "model"
    known = [action for action in members if action.result is not None]
    if not known:
        return "unknown"
    empty = sum(_empty(action.raw) for action in known)
    return "data" if 2 * empty > len(known) else "model"


def _empty(result: str) -> bool:
    short = result.strip().lower()
    return short in ("", "[]", "{}", "null", "none", '""') or (
        len(short) < 200 and any(words in short for words in ("no result", "not found", "no match", "nothing found"))
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
