"""`retry_storm`: a tool or a provider fails, and is asked again and again at once.

Pure. Four failed executions of one tool running, whatever the arguments; or the same call failed four times
within eight and mostly; or four failed attempts of one model call. Three failures and then giving up is what an
agent should do. Where the calls that failed are part of a loop (they cycle with calls that work), the loop is told.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors import canonical
from tracestore.detectors.actions import Action, actions
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Cause, Finding
from tracestore.detectors.hidden_errors import hidden_error
from tracestore.detectors.loop import LoopDetector
from tracestore.detectors.waste import wasted

#: Gaps that grow by this factor from one attempt to the next are back-off.
_BACKING_OFF: Final = 1.5
_NAMED: Final = 500
_SYSTEM: Final = (
    "timeout",
    "timed out",
    "rate limit",
    "ratelimit",
    "429",
    "502",
    "503",
    "504",
    "connection",
    "unavailable",
    "overloaded",
    "quota",
)
_ASKED_WRONGLY: Final = ("validation", "invalid", "argument", "schema", "parameter", "missing", "typeerror", "keyerror")


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults are those that docs/detectors.md gives figures for."""

    failures: int = setting(4, "Failed attempts running from which on it is a storm", minimum=2, maximum=100)
    within: int = setting(
        8, "The same call may fail that often within so many calls of the tool", minimum=4, maximum=100
    )


@dataclass(slots=True)
class Storm:
    """Attempts of one tool, or of one model call, of which `failed` failed."""

    agent: str
    name: str
    model: bool
    attempts: list[TraceSpan]
    failed: list[TraceSpan]
    asked: set[int | None] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    errors: set[int | None] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class RetryStormDetector:
    id: str = "retry_storm"
    version: str = "1"
    title: str = "Retry storms"
    method: str = "Four failed attempts running of one tool or of one model call"
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        executed = trajectory.of_type("tool")
        calls = Counter((span.agent, span.tool_name) for span in executed)
        often = [span for span in executed if calls[span.agent, span.tool_name] >= settings.failures]
        failed = sum(span.failed or bool(hidden_error(span.output)) for span in often)
        done = actions(trajectory) if failed >= settings.failures or not executed else []
        storms = [*_of_tools(done, settings), *_of_models(trajectory, settings)]
        if not storms:
            return []
        loops = LoopDetector()
        looping = {
            span_id for finding in loops.detect(trajectory, loops.defaults, norms) for span_id in finding.span_ids
        }
        said = [
            self._say(storm, trajectory)
            for storm in storms
            if 2 * sum(span.span_id in looping for span in storm.failed) <= len(storm.failed)
        ]
        counts: Counter[tuple[str, str, str]] = Counter()
        for place, finding in enumerate(said):
            counts[identity := (finding.trace_id, finding.agent, finding.key)] += 1
            if counts[identity] > 1:
                said[place] = replace(finding, key=f"{finding.key} #{counts[identity]}")
        return said

    def _say(self, storm: Storm, trajectory: Trajectory) -> Finding:
        failed, again = storm.failed, storm.attempts[1:]
        gaps = [late.start_ns - (early.end_ns or early.start_ns) for early, late in pairwise(storm.attempts)]
        growth = [late / early for early, late in pairwise(gaps) if early > 0 and late > 0]
        backs_off = bool(growth) and median(growth) >= _BACKING_OFF
        same = len(storm.asked) == 1 and None not in storm.asked
        cost, tokens, calls = wasted(trajectory, again, {storm.agent})
        severe = (same and len(storm.errors) == 1 and not backs_off) or len(failed) >= 8
        kind = storm.kinds.most_common(1)[0][0]
        how = "with the same arguments" if same else f"with {len(storm.asked)} different arguments"
        pace = "waiting longer each time" if backs_off else "without waiting longer between attempts"
        price = f", {cost:.4f} USD" if cost else ""
        return Finding(
            self.id, self.version, "critical" if severe else "warning",
            f"{storm.name} failed {len(failed)} times in {len(storm.attempts)} attempts",
            f"{storm.name} was called {len(storm.attempts)} times {how}, {pace}, and failed {len(failed)} times "
            f"({kind}). The attempts after the first took {calls} model calls ({tokens:,} tokens{price}). "
            "Look first at the first failure: every later attempt met the same cause or hid it.",
            storm.agent, storm.name, failed[0].start_ns,
            max(s.end_ns or s.start_ns for s in storm.attempts), failed[0].trace_id,
            tuple(span.span_id for span in storm.attempts[:_NAMED]), failed[0].span_id, _cause(storm), cost, tokens,
            evidence={
                "attempts": len(storm.attempts), "failed": len(failed), "same_arguments": same, "backs_off": backs_off,
                "gaps_seconds": [round(gap / 1e9, 3) for gap in gaps[:50]], "errors": dict(storm.kinds.most_common(5)),
                "provider": storm.model, "recovered": storm.attempts[-1] is not failed[-1],
            },
        )  # fmt: skip


def _of_tools(done: list[Action], settings: Settings) -> Iterator[Storm]:
    series: dict[tuple[str, str], list[Action]] = defaultdict(list)
    for action in done:
        if action.tool:
            series[action.agent, action.tool].append(action)
    for (agent, tool), calls in series.items():
        for attempts in _stretches(calls, settings):
            failed = [call for call in attempts if call.failed]
            storm = Storm(agent, tool, False, [c.span for c in attempts], [c.span for c in failed])
            for call in failed:
                storm.asked.add(call.key if call.arguments else None)
                storm.kinds[_kind(call.span)] += 1
                storm.errors.add(canonical.masked(_error(call.span)))
            yield storm


def _stretches(calls: list[Action], settings: Settings) -> Iterator[list[Action]]:
    """The stretches of one tool's calls that are storms: begun by a rule, and going on until a call succeeds."""
    running: list[Action] = []
    recent: deque[Action] = deque(maxlen=settings.within)
    for call in calls:
        recent.append(call)
        if call.failed:
            running.append(call)
        alike = (
            [c for c in recent if c.key == call.key and c.key is not None] if len(running) < settings.failures else []
        )
        failed = sum(c.failed for c in alike)
        if call.failed and failed >= settings.failures and 2 * failed > len(alike):
            first = next(c for c in alike if c.failed)
            running = [c for c in alike if c.place >= first.place]
        if not call.failed:
            if _is_storm(running, settings):
                # The attempt that worked at last is the storm's end.
                yield [*running, call] if call.key == running[-1].key else running
                recent.clear()
            running = []
    if _is_storm(running, settings):
        yield running


def _is_storm(running: list[Action], settings: Settings) -> bool:
    return sum(call.failed for call in running) >= settings.failures


def _of_models(trajectory: Trajectory, settings: Settings) -> Iterator[Storm]:
    """Failed model calls running of one agent that were sent the same message."""
    running: dict[str, list[TraceSpan]] = defaultdict(list)
    over: list[list[TraceSpan]] = []
    for span in trajectory.spans:
        if span.type != "llm":
            continue
        attempts = running[span.agent]
        if attempts and (attempts[-1].input != span.input or not span.failed):
            over.append(attempts)
            attempts = running[span.agent] = []
        if span.failed:
            attempts.append(span)
    for attempts in [*over, *running.values()]:
        if len(attempts) >= settings.failures:
            name = attempts[0].model or "the model"
            storm = Storm(attempts[0].agent, name, True, attempts, attempts, {canonical.digest(attempts[0].input)})
            for span in attempts:
                storm.kinds[_kind(span)] += 1
                storm.errors.add(canonical.masked(_error(span)))
            yield storm


def _error(span: TraceSpan) -> str:
    return f"{span.error_type}: {span.status_message or span.output}"


def _kind(span: TraceSpan) -> str:
    status = span.attributes.get("http.response.status_code")
    if span.error_type and span.error_type != "tool_error":
        return span.error_type
    if isinstance(status, int) and status >= 400:
        return str(status)
    first = (span.status_message or span.output).strip().splitlines()[:1]
    return first[0][:100] if first else hidden_error(span.output) or "error"


def _cause(storm: Storm) -> Cause:
    words = " ".join(_error(span)[:300] for span in storm.failed[:5]).lower()
    if storm.model or any(word in words for word in _SYSTEM):
        return "system"
    return "model" if any(word in words for word in _ASKED_WRONGLY) else "tool"
