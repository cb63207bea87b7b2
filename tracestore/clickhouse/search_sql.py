"""Builds the condition of a search. Only fixed texts are put together; every value travels as a bound parameter.

Two scopes: a condition on a trace's summary (columns that stored and live summaries share), and one
on a row of `stored_spans`. What only spans know becomes, for a trace, a set of trace ids: those that
might match by any version of a row, then confirmed on the latest versions of those alone (FINAL over
all of them would read far more).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tracestore.search.fields import BY_NAME
from tracestore.search.tree import (
    And,
    Field,
    Has,
    HasSpan,
    Identifier,
    Match,
    Node,
    Not,
    Or,
    Pattern,
    Sequence,
    Text,
    all_of,
    exactly,
)  # fmt: skip

#: Field → the expression over a trace's summary, where it is not the column of that name.
_OF_TRACE: Final = {
    "agent": "agents", "tool": "tools", "model": "models", "session": "session_id", "user": "user_id",
    "trace": "trace_id", "cost": "cost_usd", "duration": "duration_ns", "tokens": "(input_tokens + output_tokens)",
    "steps": "llm_calls",
}  # fmt: skip
#: The same over a span.
_OF_SPAN: Final = {
    "tool": "tool_name", "session": "session_id", "user": "user_id", "cost": "cost_usd", "duration": "duration_ns",
    "tokens": "(input_tokens + output_tokens)", "span": "span_id", "error": "error_type", "message": "status_message",
    "finish": "finish_reason", "version": "agent_version", "event": "`events.name`", "scope": "scope_name",
}  # fmt: skip
_ARRAYS: Final = frozenset({"agents", "tools", "models", "`events.name`"})
_MAPS: Final = {"attr": "attributes", "resource": "resource_attributes"}

_SPANS: Final = """trace_id IN (
    SELECT trace_id FROM stored_spans FINAL
    PREWHERE trace_id IN (SELECT trace_id FROM stored_spans WHERE project = {project:String} AND $range AND ($perhaps))
    WHERE project = {project:String} AND $range AND ($condition)
)"""
_ALL_SPANS: Final = """trace_id IN (
    SELECT trace_id FROM stored_spans FINAL WHERE project = {project:String} AND $range AND ($condition)
)"""
_PAYLOADS: Final = "SELECT $key FROM stored_payloads WHERE project = {project:String} AND $range AND ($condition)"
#: The spans of the traces that have all steps: `place` in the trace, `same` the place of the one before of
#: the same type, `m0`… which steps a span is, `r0` where a sequence may begin.
_STEPS: Final = """
    SELECT *, m0 AS r0, max(place) OVER (
        PARTITION BY trace_id, type ORDER BY start_time, span_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS same
    FROM (
        SELECT *, count() OVER (
            PARTITION BY trace_id ORDER BY start_time, span_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS place
        FROM (
            SELECT trace_id, type, start_time, span_id, $marks
            FROM stored_spans FINAL
            PREWHERE trace_id IN (
                SELECT trace_id FROM stored_spans WHERE project = {project:String} AND $range
                GROUP BY trace_id HAVING $some
            )
            WHERE project = {project:String} AND $range
        )
    )"""
_LINK: Final = """
    SELECT * EXCEPT (last), ($reached) AS $after
    FROM (
        SELECT *, max(if($before, place, 0)) OVER (
            PARTITION BY trace_id ORDER BY start_time, span_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS last
        FROM ($inner)
    )"""
_REACHED: Final = "trace_id IN (SELECT trace_id FROM ($inner) WHERE $end)"
_FINDINGS: Final = (
    "trace_id IN (SELECT trace_id FROM findings WHERE project = {project:String} AND NOT dismissed AND trace_id != ''"
)
_SOME_FINDINGS: Final = f"{_FINDINGS})"
_COUNTED_FINDINGS: Final = f"{_FINDINGS} GROUP BY trace_id HAVING count() $sign $value)"


@dataclass(slots=True)
class Conditions:
    """A boolean expression and the values of its parameters."""

    text: str = "1"
    parameters: dict[str, Any] = field(default_factory=dict)


def condition(tree: Node, *, span_range: str = "1") -> Conditions:
    """The expression over a trace's summary that holds for the traces that are looked for.

    `span_range` bounds the spans that are looked at: fixed text over `start_time` and `trace_id`.
    Needs the parameter `project` beside its own.
    """
    builder = _Builder(span_range)
    return Conditions(builder.of_trace(tree), builder.parameters)


class _Builder:
    def __init__(self, span_range: str) -> None:
        self.range = span_range
        self.parameters: dict[str, Any] = {}
        self.known: dict[tuple[object, str], str] = {}

    def bound(self, value: object, kind: str = "String") -> str:
        """The place of a value. Equal values share one."""
        if (value, kind) not in self.known:
            name = f"s{len(self.known)}"
            self.parameters[name] = value
            self.known[value, kind] = f"{{{name}:{kind}}}"
        return self.known[value, kind]

    # Conditions on a trace.

    def of_trace(self, node: Node) -> str:
        match node:
            case And() | Or() | Not():
                return _joined(node, self.of_trace)
            case HasSpan(part):
                return self.with_span(part)
            case Sequence():
                return self.sequence(node)
            case Identifier(text):
                return self.identifier(text)
            case Text(text):
                return self.text(text)
            case Match(place, comparison, value):
                if _only_spans_have(place):
                    return self.with_span(node)
                if place.name in ("finding", "severity") and isinstance(value, Pattern):
                    column = "detector" if place.name == "finding" else "severity"
                    return f"{_FINDINGS} AND {self.like(column, value)})"
                if place.name == "findings" and isinstance(value, Decimal):
                    return self.findings(comparison, value)
                return self.compared(_OF_TRACE.get(place.name, place.name), place, comparison, value)
            case Has(place):
                if _only_spans_have(place):
                    return self.with_span(node)
                if place.name in ("finding", "severity", "findings"):
                    return _SOME_FINDINGS
                return _there(_OF_TRACE.get(place.name, place.name), place)
        raise AssertionError(node)

    def with_span(self, node: Node) -> str:
        """The traces with a span of which this is true. The prompts and answers are read once only."""
        perhaps = without_text(node)
        condition = self.of_span(node)
        if perhaps is None:
            return self.filled(_ALL_SPANS, condition)
        return self.filled(_SPANS.replace("$perhaps", self.of_span(perhaps)), condition)

    def filled(self, template: str, condition: str) -> str:
        return template.replace("$condition", condition).replace("$range", self.range)

    def findings(self, comparison: str, value: Decimal) -> str:
        """Traces without a finding are in no row, so what holds for none is asked the other way round."""
        place = self.bound(int(value), "UInt64")
        counted = _COUNTED_FINDINGS.replace("$sign", comparison).replace("$value", place)
        return f"({counted} OR (0 {comparison} {place} AND NOT {_SOME_FINDINGS}))"

    def identifier(self, text: str) -> str:
        value = self.bound(text)
        if len(text) == 32:
            return f"(trace_id = {value} OR session_id = {value} OR user_id = {value})"
        return f"({self.with_span(exactly('span', text))} OR session_id = {value} OR user_id = {value})"

    def text(self, text: str) -> str:
        """Ids as they are, names and previews in part, then every prompt and answer in the range."""
        value = self.bound(text)
        columns = ("name", "agent", "input_preview", "output_preview")
        payloads = self.filled(_PAYLOADS, self.contains(text, "input", "output")).replace("$key", "trace_id")
        spans = self.filled(_ALL_SPANS, self.text_of_span(text))
        ids = f"trace_id = lower({value}) OR session_id = {value} OR user_id = {value}"
        return f"({ids} OR {self.contains(text, *columns)} OR {spans} OR trace_id IN ({payloads}))"

    def sequence(self, node: Sequence) -> str:
        """Window by window: `last` is the last place so far at which a beginning of the sequence ends."""
        steps = [self.of_span(step) for step in node.steps]
        marks = ", ".join(f"({step}) AS m{i}" for i, step in enumerate(steps))
        some = " AND ".join(f"countIf({step}) > 0" for step in steps)
        text = _STEPS.replace("$marks", marks).replace("$some", some).replace("$range", self.range)
        for i, link in enumerate(node.links):
            reached = f"m{i + 1} AND last > 0" + (" AND last >= same" if link == "->" else "")
            text = _LINK.replace("$inner", text).replace("$reached", reached)
            text = text.replace("$before", f"r{i}").replace("$after", f"r{i + 1}")
        return _REACHED.replace("$inner", text).replace("$end", f"r{len(node.links)}")

    # Conditions on a span.

    def of_span(self, node: Node) -> str:
        match node:
            case And() | Or() | Not():
                return _joined(node, self.of_span)
            case Identifier(text):
                value = self.bound(text)
                return f"(span_id = {value} OR trace_id = {value})"
            case Text(text):
                key = "(trace_id, span_id)"
                payloads = self.filled(_PAYLOADS, self.contains(text, "input", "output")).replace("$key", key[1:-1])
                previews = self.contains(text, "input_preview", "output_preview")
                return f"({self.text_of_span(text)} OR {previews} OR {key} IN ({payloads}))"
            case Match(place, comparison, value):
                if place.space:
                    return self.attribute(_MAPS[place.space], self.bound(place.name), comparison, value)
                return self.compared(_OF_SPAN.get(place.name, place.name), place, comparison, value)
            case Has(place):
                if place.space:
                    return f"has({_MAPS[place.space]}.keys, {self.bound(place.name)})"
                return _there(_OF_SPAN.get(place.name, place.name), place)
        raise AssertionError(node)

    def text_of_span(self, text: str) -> str:
        value = self.bound(text)
        return f"(span_id = lower({value}) OR {self.contains(text, 'name', 'tool_name', 'status_message')})"

    def contains(self, text: str, *columns: str) -> str:
        value = self.bound(text)
        return "(" + " OR ".join(f"positionCaseInsensitiveUTF8({one}, {value}) > 0" for one in columns) + ")"

    def attribute(self, column: str, key: str, comparison: str, value: Pattern | Decimal) -> str:
        there = f"has({column}.keys, {key})"
        if isinstance(value, Decimal):
            return f"({there} AND toFloat64OrNull({column}[{key}]) {comparison} {self.bound(float(value), 'Float64')})"
        return f"({there} AND {self.like(f'{column}[{key}]', value)})"

    def compared(self, column: str, place: Field, comparison: str, value: Pattern | Decimal) -> str:
        if isinstance(value, Pattern):
            return self.like(column, value)
        if BY_NAME[place.name].holds == "money":
            return f"ifNull({column} {comparison} {self.bound(float(value), 'Float64')}, 0)"
        return f"{column} {comparison} {self.bound(int(value), 'UInt64')}"

    def like(self, column: str, value: Pattern) -> str:
        if value.parts == ("",):
            return f"empty({column})"
        if value.exact:
            text = self.bound(value.parts[0])
            return f"has({column}, {text})" if column in _ARRAYS else f"{column} = {text}"
        pattern = self.bound("%".join(map(_escaped, value.parts)))
        if column in _ARRAYS:
            return f"arrayExists(one -> one LIKE {pattern}, {column})"
        return f"{column} LIKE {pattern}"


def _only_spans_have(place: Field) -> bool:
    return bool(place.space) or not BY_NAME[place.name].trace


def without_text(node: Node) -> Node | None:
    """What holds wherever the whole does, without words to look for in payloads; None if nothing is left."""
    match node:
        case And(parts):
            return all_of(*map(without_text, parts))
        case HasSpan(part):
            loose = without_text(part)
            return loose and HasSpan(loose)
        case Or(parts) | Sequence(parts):
            return node if all(without_text(part) == part for part in parts) else None
        case Not(part):
            return node if without_text(part) == part else None
        case Text():
            return None
        case _:
            return node


def _joined(node: And | Or | Not, each: Callable[[Node], str]) -> str:
    if isinstance(node, Not):
        return f"NOT ({each(node.part)})"
    return "(" + (" AND " if isinstance(node, And) else " OR ").join(map(each, node.parts)) + ")"


def _there(column: str, place: Field) -> str:
    holds = BY_NAME[place.name].holds
    if holds == "money":
        return f"{column} IS NOT NULL"
    return f"notEmpty({column})" if holds in ("text", "texts") else f"{column} > 0"


def _escaped(part: str) -> str:
    """A literal part of a LIKE pattern."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
