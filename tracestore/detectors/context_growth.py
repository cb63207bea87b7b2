"""`context_growth`: what is sent to the model grows until it is dear, slow, or too much.

Pure. Two statements, each for one context (one invocation of an agent; sub-agents have their own):

- *jump*: a call sends at least 4 times and 20,000 tokens more than the one before; the result in between is named;
- *full*: a call fills 85 % of the model's window, or at the pace of the last 8 calls (the median of all slopes
  between two of them: Theil 1950, Sen 1968) the window is full within 5 more, or the provider refused the call
  as too long. Without a known window: twice the P99 of the agent's earlier calls.

When the context shrinks by two fifths it was compacted, and counting begins anew, as it does after a jump.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations
from statistics import median
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Finding, Severity
from tracestore.spans.pricing import context_window

#: What providers say of a call that does not fit.
_TOO_LONG: Final = re.compile(
    r"maximum context length|context[_ ]length[_ ]exceeded|prompt is too long|input is too long|"
    r"exceeds? the (?:model'?s? )?(?:maximum )?(?:context|token)|too many (?:input )?tokens|context window",
    re.IGNORECASE,
)
#: A context that shrinks to less than this share was compacted.
_COMPACTED: Final = 0.6
#: Forecasts begin when the window is half full; below that a slope says little.
_FORECAST_FROM: Final = 0.5
_SLOPE_CALLS: Final = 8
_LEAST_CALLS: Final = 4


@dataclass(frozen=True, slots=True)
class Settings:
    ratio: float = setting(4.0, "A jump is at least so many times the call before", minimum=1.5, maximum=100)
    tokens: int = setting(20_000, "and at least so many tokens more", minimum=100, maximum=10_000_000)
    fill: float = setting(0.85, "A window is nearly full from this share on", minimum=0.1, maximum=1)
    ahead: int = setting(5, "Tell when the window will be full within so many calls", minimum=0, maximum=100)
    windows: tuple[str, ...] = setting((), "Windows of models that no table knows: model or pattern=tokens")


@dataclass(frozen=True, slots=True)
class ContextGrowth:
    id: str = "context_growth"
    version: str = "1"
    title: str = "Context growth"
    method: str = (
        "Jumps of the tokens sent from one call to the next, and windows that are full or soon will be, for each "
        "agent's context"
    )
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        found = []
        for calls in contexts(trajectory):
            jumps = list(self._jumps(trajectory, calls, settings))
            explained = {span_id for jump in jumps for span_id in jump.span_ids}
            found += jumps
            # What a jump filled is not told twice; what a provider refused is.
            found += [
                one for one in self._full(trajectory, calls, settings, norms)
                if one.severity == "critical" or one.span_ids[-1] not in explained
            ]  # fmt: skip
        return _once(found)

    def _jumps(self, trajectory: Trajectory, calls: list[TraceSpan], settings: Settings) -> Iterator[Finding]:
        told = [span for span in calls if span.input_tokens]
        for place in range(1, len(told)):
            before, span = told[place - 1], told[place]
            more = span.input_tokens - before.input_tokens
            if more < settings.tokens or span.input_tokens < settings.ratio * before.input_tokens:
                continue
            carried = _until_compacted(told[place:])
            cost = sum((call.cost_usd or 0.0) * min(more / max(call.tokens, 1), 1) for call in carried)
            source = _largest_between(trajectory, before, span)
            name = (source.tool_name or source.name) if source else ""
            because = (
                f"In between, {name} returned {len(source.output):,} characters, which went into the context whole."
                if source
                else "What came in between was not captured."
            )
            again = f" {len(carried)} calls carried it." if len(carried) > 1 else ""
            price = f" It cost {cost:.4f} USD more." if cost else ""
            times = span.input_tokens / before.input_tokens
            fill = max(call.input_tokens for call in carried) / (_window(span, settings) or float("inf"))
            room = f" The model's window is {fill:.0%} full." if fill >= _FORECAST_FROM else ""
            yield Finding(
                self.id, self.version, "critical" if fill >= settings.fill else "warning",
                f"Context jumped from {before.input_tokens:,} to {span.input_tokens:,} tokens"
                + (f" after {name}" if name else ""),
                f"One call sent {span.input_tokens:,} tokens to the model, {times:.0f} times as many as the call "
                f"before it. {because}{again}{price}{room} Cut or summarise what the tool returns.",
                span.agent, f"jump {name}".strip(), before.start_ns, carried[-1].end_ns or carried[-1].start_ns,
                span.trace_id,
                tuple(one.span_id for one in (before, source, *carried) if one is not None)[:200],
                source.span_id if source else span.span_id, "data" if source else "unknown", cost,
                more * len(carried),
                evidence={
                    "before": before.input_tokens, "after": span.input_tokens, "times": round(times, 1),
                    "fill": round(fill, 3), "calls_after": len(carried), "source": name,
                    "characters": len(source.output) if source else None,
                },
            )  # fmt: skip

    def _full(
        self, trajectory: Trajectory, calls: list[TraceSpan], settings: Settings, norms: Norms
    ) -> Iterator[Finding]:
        refused = next((span for span in calls if span.failed and _TOO_LONG.search(span.status_message)), None)
        if refused is not None:
            yield self._say_full(trajectory, refused, calls, 0, "refused", "critical")
            return
        segment: list[TraceSpan] = []
        for span in calls:
            if not span.input_tokens:
                continue
            if segment and not _COMPACTED <= span.input_tokens / segment[-1].input_tokens < settings.ratio:
                segment = []
            segment.append(span)
            window = _window(span, settings)
            if window:
                kind = _fills(segment, window, settings)
            else:
                usual = norms.agent(span.agent).input_tokens_p99
                kind = "unusual" if usual and span.input_tokens > 2 * usual + settings.tokens else ""
            if kind:
                yield self._say_full(trajectory, span, calls, window, kind, "warning")
                return

    def _say_full(
        self, trajectory: Trajectory, span: TraceSpan, calls: Sequence[TraceSpan], window: int, kind: str,
        severity: Severity,
    ) -> Finding:  # fmt: skip
        fill = span.input_tokens / window if window else 0.0
        title, text = {
            "refused": (
                "Context exhausted: the provider refused the call",
                f"The provider refused the call because it was too long ({span.status_message[:200]}). The "
                "run cannot go on with this context.",
            ),
            "full": (
                f"Context window {fill:.0%} full",
                f"{span.input_tokens:,} of the {window:,} tokens that {span.model} can take were sent.",
            ),
            "filling": (
                "Context window will be full within a few calls",
                f"{span.input_tokens:,} of the {window:,} tokens that {span.model} can take were sent, and at the pace "
                "of the last calls the rest is gone in a few more.",
            ),
            "unusual": (
                f"Context of {span.input_tokens:,} tokens, more than this agent ever needs",
                "It is more than twice what 99 of 100 earlier calls of this agent sent. How much the model can take is "
                "not known; it can be set.",
            ),
        }[kind]
        largest = _largest_between(trajectory, calls[0], span) or span
        return Finding(
            self.id, self.version, severity, title,
            f"{text} What fills it most is marked: shorten results, or let the agent summarise what is behind it.",
            span.agent, f"full {span.model}".strip(), calls[0].start_ns, span.end_ns or span.start_ns, span.trace_id,
            tuple(dict.fromkeys((largest.span_id, span.span_id))), largest.span_id, "system",
            evidence={
                "kind": kind, "tokens": span.input_tokens, "window": window, "fill": round(fill, 3),
                "model": span.model, "tokens_by_call": [call.input_tokens for call in calls[-50:]],
            },
        )  # fmt: skip


def contexts(trajectory: Trajectory) -> list[list[TraceSpan]]:
    """The model calls of each context in order: by the agent's invocation, in a session by the agent's name."""
    found: dict[str, list[TraceSpan]] = {}
    for span in trajectory.of_type("llm"):
        key = span.agent if trajectory.whole_session else _invocation(trajectory, span)
        found.setdefault(key, []).append(span)
    return [calls for calls in found.values() if calls[-1].trace_id == trajectory.trace_id]


def _invocation(trajectory: Trajectory, span: TraceSpan) -> str:
    above = trajectory.span(span.parent_span_id)
    for _ in range(50):
        if above is None:
            break
        if above.type == "agent" and above.agent == span.agent:
            return above.span_id
        above = trajectory.span(above.parent_span_id)
    return f"{span.trace_id} {span.agent}"


def _until_compacted(calls: Sequence[TraceSpan]) -> list[TraceSpan]:
    """The calls that carry what came in with the first: until the context shrinks."""
    kept = [calls[0]]
    for span in calls[1:]:
        if span.input_tokens < _COMPACTED * kept[-1].input_tokens:
            break
        kept.append(span)
    return kept


def _fills(segment: Sequence[TraceSpan], window: int, settings: Settings) -> str:
    """`full`, `filling` or ''."""
    tokens = [span.input_tokens for span in segment]
    if tokens[-1] >= settings.fill * window:
        return "full"
    last = tokens[-_SLOPE_CALLS:]
    if len(last) < _LEAST_CALLS or tokens[-1] < _FORECAST_FROM * window:
        return ""
    slope = median((last[j] - last[i]) / (j - i) for i, j in combinations(range(len(last)), 2))
    return "filling" if slope > 0 and (window - tokens[-1]) / slope <= settings.ahead else ""


def _window(span: TraceSpan, settings: Settings) -> int:
    for entry in settings.windows:
        model, _, tokens = entry.rpartition("=")
        if fnmatchcase(span.model.lower(), model.strip().lower()) and tokens.strip().isdigit():
            return int(tokens)
    return context_window(span.provider, span.model)


def _largest_between(trajectory: Trajectory, before: TraceSpan, span: TraceSpan) -> TraceSpan | None:
    """The longest result that came after one call began and before the other did."""
    results = [
        one
        for one in trajectory.of_type("tool", "retrieval")
        if before.start_ns <= one.start_ns <= span.start_ns and one.output
    ]
    return max(results, key=lambda one: len(one.output), default=None)


def _once(findings: list[Finding]) -> list[Finding]:
    """One finding for each key of a trace: the one that wasted most stands for the others."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        known = kept.get((finding.agent, finding.key))
        if known is None or finding.wasted_tokens > known.wasted_tokens:
            kept[finding.agent, finding.key] = finding
    return list(kept.values())
