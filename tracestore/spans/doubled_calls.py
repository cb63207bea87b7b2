"""One model call reported by several spans.

It happens whenever two instrumentations watch the same program: a framework's, and the one of the
SDK below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tracestore.spans.forest import Forest
from tracestore.spans.model import Span
from tracestore.spans.normalise import price_call
from tracestore.spans.own_prices import Overrides
from tracestore.spans.semconv import llamaindex
from tracestore.spans.semconv.usage import drop_usage

#: Spans that vendors' SDKs make themselves: exact in numbers (they see the wire), poor in content.
SDK_SCOPES: Final = frozenset({"com.anthropic.sdk.python"})

#: How many spans without a role of their own may stand between the two spans of one thing.
_MAX_BETWEEN: Final = 8

#: How many calls at the same time below one parent are told apart.
_MAX_PARALLEL: Final = 32

#: How many spans at the same time may carry one response id.
_MAX_COPIES: Final = 8

_MAX_ROUNDS: Final = 16


def merge_calls(forest: Forest, overrides: Overrides | None = None) -> None:
    """Leave one `llm` span for each model call.

    Two spans are one call when they overlap in time and
    - have the same response id, in one trace; or in two when one is an SDK's own span, which
      lands in a trace of its own where the instrumentation does not pass the context on;
    - or one lacks the id, the models agree, the input tokens do not disagree, and one is an
      ancestor of the other without an agent or tool between them, or they are siblings of
      different instrumentations and one encloses the other in time.
    And two that do not overlap, where LlamaIndex tells of a stream that its client makes later.
    The instrumentation's span is kept because it has the messages; it gets the SDK's numbers.
    The others become `other` without tokens.

    A span without an id that reports more than the call inside it is a sum over several calls: it
    becomes `workflow`, and its children count.
    """
    # A merged span may know more (an id, a model) and so match another: again until none does.
    for _ in range(_MAX_ROUNDS):
        calls = [span for span in forest.spans if span.type == "llm"]
        if len(calls) < 2 or not _merge_round(forest, calls, overrides):
            return


def _merge_round(forest: Forest, calls: list[Span], overrides: Overrides | None) -> bool:
    groups = _Groups(calls)
    for one, two in _same_id(calls):
        groups.join(one, two)
    for one, two in _nested(forest, calls):
        groups.join(one, two)
    for one, two in _siblings(calls):
        groups.join(one, two)
    for one, two in _announced(calls):
        groups.join(one, two)
    merged = list(groups)
    for group in merged:
        _merge(group, overrides)
    sums = _sums(forest, calls)
    for sum_of_calls in sums:
        sum_of_calls.type = "workflow"
        drop_usage(sum_of_calls)
    return bool(merged or sums)


class _Groups:
    """Disjoint sets of spans."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = {id(span): span for span in spans}
        self._leader = {key: key for key in self._spans}

    def _find(self, key: int) -> int:
        while self._leader[key] != key:
            self._leader[key] = self._leader[self._leader[key]]
            key = self._leader[key]
        return key

    def join(self, one: Span, two: Span) -> None:
        self._leader[self._find(id(one))] = self._find(id(two))

    def __iter__(self) -> Iterator[list[Span]]:
        found: dict[int, list[Span]] = {}
        for key, span in self._spans.items():
            found.setdefault(self._find(key), []).append(span)
        return iter([group for group in found.values() if len(group) > 1])


def _key(span: Span) -> tuple[int, int, str]:
    record = span.record
    return record.start_ns, -record.end_ns, record.span_id


def _overlap(one: Span, two: Span) -> bool:
    a, b = one.record, two.record
    return a.start_ns <= b.end_ns and b.start_ns <= a.end_ns


def _same_id(calls: list[Span]) -> Iterator[tuple[Span, Span]]:
    by_id: dict[str, list[Span]] = {}
    for span in calls:
        if span.response_id:
            by_id.setdefault(span.response_id, []).append(span)
    for found in by_id.values():
        if len(found) < 2:
            continue
        # Overlapping spans are neighbours when sorted by start; ids that a mock server repeats
        # belong to calls one after the other and stay apart.
        found.sort(key=_key)
        for index, span in enumerate(found):
            near = found[max(0, index - _MAX_COPIES) : index]
            others = [o for o in near if _overlap(o, span)]
            here = [o for o in others if o.record.trace_id == span.record.trace_id]
            for other in here or [o for o in others if _across(o, span)]:
                yield other, span


def _across(one: Span, two: Span) -> bool:
    return (one.record.scope.name in SDK_SCOPES) != (two.record.scope.name in SDK_SCOPES)


def _models_agree(one: Span, two: Span) -> bool:
    names = {one.model, one.request_model} - {""}
    others = {two.model, two.request_model} - {""}
    return not names or not others or bool(names & others)


def _may_be_one(one: Span, two: Span) -> bool:
    """For spans of which one lacks the response id."""
    if one.response_id and two.response_id:
        return False
    if one.usage_rule and two.usage_rule and one.input_tokens != two.input_tokens:
        return False
    return _overlap(one, two) and _models_agree(one, two)


def _call_above(forest: Forest, span: Span) -> Span | None:
    """The nearest model call above, with nothing but plumbing between."""
    above = forest.parent(span)
    for _ in range(_MAX_BETWEEN):
        if above is None or above.type in ("agent", "tool"):
            return None
        if above.type == "llm":
            return above
        above = forest.parent(above)
    return None


def _nested(forest: Forest, calls: list[Span]) -> Iterator[tuple[Span, Span]]:
    for span in calls:
        above = _call_above(forest, span)
        if above is not None and _may_be_one(above, span):
            yield above, span


def _sums(forest: Forest, calls: list[Span]) -> list[Span]:
    found: dict[int, Span] = {}
    for span in calls:
        above = _call_above(forest, span) if span.type == "llm" and span.usage_rule else None
        if (
            above is not None
            and not above.response_id
            and above.input_tokens > span.input_tokens
            and _models_agree(above, span)
        ):
            found[id(above)] = above
    return list(found.values())


def _siblings(calls: list[Span]) -> Iterator[tuple[Span, Span]]:
    families: dict[tuple[str, str], list[Span]] = {}
    for span in calls:
        if span.record.parent_span_id:
            family = (span.record.trace_id, span.record.parent_span_id)
            families.setdefault(family, []).append(span)
    for family_calls in families.values():
        if len({span.record.scope.name for span in family_calls}) > 1:
            yield from _enclosed(sorted(family_calls, key=_key))


def _announced(calls: list[Span]) -> Iterator[tuple[Span, Span]]:
    """LlamaIndex's span of a stream ends before the request is made, which its client's own span beside it tells."""
    streams = [span for span in calls if span.convention == llamaindex.CONVENTION and _tells_nothing(span)]
    if not streams:
        return
    parents = {span.record.parent_span_id for span in calls}
    waiting = {id(span) for span in streams if span.record.span_id not in parents}
    open_streams: dict[tuple[str, str], list[Span]] = {}
    for span in sorted(calls, key=_key):
        record = span.record
        before = open_streams.setdefault((record.trace_id, record.parent_span_id), [])
        if id(span) in waiting:
            before.append(span)
        elif before and record.scope.name != llamaindex.SCOPE and _models_agree(before[0], span):
            yield before.pop(0), span


def _tells_nothing(span: Span) -> bool:
    return not (span.usage_rule or span.response_id or span.finish_reason or span.record.status == "error")


def _enclosed(calls: list[Span]) -> Iterator[tuple[Span, Span]]:
    """Each span with the one that encloses it most tightly; each encloses one at most."""
    candidates: list[Span] = []
    for inner in calls:
        end = inner.record.end_ns
        candidates = [c for c in candidates if c.record.end_ns >= inner.record.start_ns]
        fitting = [
            outer
            for outer in candidates[-_MAX_PARALLEL:]
            if outer.record.end_ns >= end
            and outer.record.scope.name != inner.record.scope.name
            and _may_be_one(outer, inner)
        ]
        if fitting:
            outer = min(
                fitting,
                key=lambda o: (o.record.end_ns - end - o.record.start_ns, o.record.span_id),
            )
            candidates = [c for c in candidates if c is not outer]
            yield outer, inner
        else:
            candidates = [*candidates[-_MAX_PARALLEL:], inner]


def _merge(group: list[Span], overrides: Overrides | None) -> None:
    group.sort(key=_preference)
    kept = group[0]
    exact = min(group, key=lambda s: (not s.usage_rule, s.record.scope.name not in SDK_SCOPES))
    priced = (kept.model, _numbers(kept))
    if exact is not kept and exact.usage_rule:
        kept.input_tokens = exact.input_tokens
        kept.output_tokens = exact.output_tokens
        kept.cache_read_tokens = exact.cache_read_tokens or kept.cache_read_tokens
        kept.cache_write_tokens = exact.cache_write_tokens or kept.cache_write_tokens
        kept.reasoning_tokens = exact.reasoning_tokens or kept.reasoning_tokens
        kept.usage_rule = exact.usage_rule
    for span in group[1:]:
        for column in _IDENTITY:
            if not getattr(kept, column):
                setattr(kept, column, getattr(span, column))
    for span in group[1:]:
        span.type = "other"
        drop_usage(span)
    if kept.cost_usd is None or priced != (kept.model, _numbers(kept)):
        price_call(kept, overrides)


def _numbers(span: Span) -> tuple[int, ...]:
    return (
        span.input_tokens,
        span.output_tokens,
        span.cache_read_tokens,
        span.cache_write_tokens,
    )


_IDENTITY: Final = (
    "response_id",
    "model",
    "request_model",
    "provider",
    "finish_reason",
    "error_type",
    "input",
    "output",
)


def _preference(span: Span) -> tuple[bool, bool, bool, int, int, str]:
    """The one to keep first: not an SDK's own, with messages, with usage, then the outermost."""
    return (
        span.record.scope.name in SDK_SCOPES,
        not (span.input or span.output),
        not span.usage_rule,
        *_key(span),
    )
