"""`truncated_output`: a model stopped because it reached a limit of tokens, not because it was done.

Pure. Judged by what became of it: a tool call whose arguments broke off and a final answer that ends in the
middle are told at once; a text on the way only when it happens again in the same run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.detector import Norms, setting
from tracestore.detectors.finding import Finding

#: What providers say when the limit ended the answer (OpenAI, Anthropic, Gemini, Cohere, Bedrock, Ollama, Vercel).
REASONS: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "token_limit", "max_length", "model_length", "incomplete"}
    | {"model_context_window_exceeded", "max_tokens_reached", "maxtokens"}
)
_WORD: Final = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Settings:
    again: int = setting(2, "So many truncated answers on the way in one run are a finding", minimum=1, maximum=1000)
    probe_tokens: int = setting(
        16,
        "Calls that were allowed no more output tokens are classifications and are left out",
        minimum=0,
        maximum=4096,
    )


@dataclass(frozen=True, slots=True)
class TruncatedOutput:
    id: str = "truncated_output"
    version: str = "1"
    title: str = "Truncated output"
    method: str = (
        "Model calls that ended at the limit of output tokens: at once when a tool call or the final answer broke off, "
        "else from the second in a run"
    )
    defaults: Settings = Settings()

    def detect(self, trajectory: Trajectory, settings: Settings, norms: Norms) -> list[Finding]:
        calls = [span for span in trajectory.of_type("llm") if span.trace_id == trajectory.trace_id]
        cut = [span for span in calls if truncated(span) and not _is_probe(span, settings)]
        broken = [span for span in cut if _broken_call(span)]
        final = [span for span in cut if trajectory.complete and span is calls[-1] and not span.requested]
        others = [span for span in cut if span not in broken and span not in final]
        found = []
        for kind, spans in (("tool call", broken), ("final answer", final), ("answer on the way", others)):
            if spans and (kind != "answer on the way" or len(spans) >= settings.again):
                found.append(self._say(kind, spans))
        return found

    def _say(self, kind: str, spans: list[TraceSpan]) -> Finding:
        first, last = spans[0], spans[-1]
        limit = _limit(first)
        told = f"the limit was {limit} tokens" if limit else f"after {first.output_tokens:,} tokens"
        what = {
            "tool call": "The arguments of the call that it asked for are not whole, so the tool cannot run as meant.",
            "final answer": "It was the last answer of the run: the reader got the beginning only.",
            "answer on the way": "What the agent did next rests on half an answer.",
        }[kind]
        times = "" if len(spans) == 1 else f", {len(spans)} times"
        lost = 0 if kind == "answer on the way" else 1
        return Finding(
            self.id, self.version, "warning", f"{first.model or 'The model'} was cut off in a {kind}{times}",
            f"The model stopped because it reached its limit of output tokens ({told}), not because it was done. "
            f"{what} Raise the limit, or ask for less in one answer.",
            first.agent, f"{first.model} {kind}", first.start_ns, last.end_ns or last.start_ns, first.trace_id,
            tuple(span.span_id for span in spans), first.span_id, "model",
            lost * sum(span.cost_usd or 0.0 for span in spans), lost * sum(span.tokens for span in spans),
            evidence={
                "kind": kind, "count": len(spans), "finish_reason": first.finish_reason, "max_tokens": limit,
                "ends_with": first.output[-80:],
            },
        )  # fmt: skip


def truncated(span: TraceSpan) -> bool:
    """Whether a model call says that a limit of tokens ended it."""
    return not REASONS.isdisjoint(_WORD.findall(span.finish_reason.lower()))


def _is_probe(span: TraceSpan, settings: Settings) -> bool:
    return 0 < _limit(span) <= settings.probe_tokens


def _limit(span: TraceSpan) -> int:
    """The most output tokens that the call allowed, 0 when it does not say."""
    limit = span.attributes.get("gen_ai.request.max_tokens")
    return limit if isinstance(limit, int) else 0


def _broken_call(span: TraceSpan) -> bool:
    return any(not _whole(call.arguments) for call in span.requested)


def _whole(arguments: str) -> bool:
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True
