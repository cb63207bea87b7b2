"""A finding's evidence as people read it: facts in words, tables of figures, texts of before and after. Pure.

Evidence is JSON that each detector makes as it likes, plug-ins too: what is not known here is shown by the
name that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard import figures_as_text

#: Items of one list, rows of one table, and characters of one text that are shown.
MOST_ITEMS: Final = 20
MOST_TEXT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure or short text; `trace` and `span` are where it leads, if anywhere."""

    name: str
    text: str
    trace: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """Something that was said, word for word."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """A run as an example of how it was before, or is now."""

    trace: str
    text: str
    tools: list[str]


@dataclass(slots=True)
class Evidence:
    facts: list[Fact] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    before: list[Example] = field(default_factory=list)
    after: list[Example] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.facts or self.tables or self.texts or self.before or self.after)


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _share(value: Any) -> str:
    return f"{value:.1%}" if _is_figure(value) else _number(value)


def _seconds(value: Any) -> str:
    return figures_as_text.duration(round(value * 1e9)) if _is_figure(value) else _number(value)


def _usd(value: Any) -> str:
    return figures_as_text.cost(value) if _is_figure(value) else _number(value)


#: Name in the evidence → in words, and how its value is written.
WORDS: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "rule": ("Rule", _number),
    "count": ("How often", _number),
    "period": ("Calls of one round", _number),
    "distinct_arguments": ("Different arguments", _number),
    "results_known": ("Results were recorded", _number),
    "attempts": ("Attempts", _number),
    "failed": ("Failed", _number),
    "same_arguments": ("Same arguments each time", _number),
    "backs_off": ("Waits longer each time", _number),
    "recovered": ("Worked at last", _number),
    "provider": ("Calls of a model", _number),
    "before": ("Before", _number),
    "after": ("After", _number),
    "times": ("Times as much", _number),
    "fill": ("Of the model's window", _share),
    "calls_after": ("Calls that carried it", _number),
    "source": ("Brought in by", _number),
    "characters": ("Its length in characters", _number),
    "kind": ("Kind", _number),
    "tokens": ("Tokens", _number),
    "window": ("Window of the model", _number),
    "model": ("Model", _number),
    "name": ("Name", _number),
    "question": ("What is unusual", _number),
    "hours": ("Hours looked at", _number),
    "cost_usd": ("Cost", _usd),
    "runs": ("Runs", _number),
    "calls": ("Calls", _number),
    "factor": ("Times the usual", _number),
    "dearest_cost_usd": ("Cost of the dearest run", _usd),
    "dearest_before_usd": ("Dearest before", _usd),
    "spent_usd": ("Spent so far", _usd),
    "projected_cost_usd": ("Cost if it goes on for ten minutes", _usd),
    "rate": ("Share now", _share),
    "usual_calls": ("Calls before", _number),
    "usual_total": ("Calls before", _number),
    "hit": ("Of which so", _number),
    "total": ("Calls", _number),
    "p_value": ("Chance that it is chance", _number),
    "p": ("Chance that it is chance", _number),
    "error": ("Most frequent error", _number),
    "error_is_new": ("Not seen before", _number),
    "tool": ("Tool", _number),
    "agent_version": ("Version", _number),
    "version": ("Version", _number),
    "share_changed": ("Runs unlike the earlier ones", _share),
    "reference_runs": ("Runs before", _number),
    "reference": ("Compared with", _number),
    "auc": ("Told apart rightly", _share),
    "new_share": ("New among the last calls", _share),
    "against": ("Compared with", _number),
    "waiting_for": ("Waits for", _number),
    "state": ("State", _number),
    "silent_seconds": ("Silent for", _seconds),
    "limit_seconds": ("Usual up to", _seconds),
    "service": ("Service", _number),
    "finish_reason": ("Why the model stopped", _number),
    "max_tokens": ("Limit of output tokens", lambda value: _number(value) if value else "not told"),
    "unit": ("Measured in", _number),
    "median": ("Median now", _number),
    "usual_median": ("Median before", _number),
    "slow_share": ("Slow calls now", _share),
    "usual_p95": ("95 of 100 were faster than", _number),
    "mentions": ("Talks about attacks", _number),
    "read": ("Read of it", _number),
    "cut": ("Cut", _number),
}
#: Texts that were said by somebody: shown as they are, not among the facts.
TEXTS: Final = {
    "answer": "The answer", "passage": "The passage", "ends_with": "How it ends", "followed": "What the agent then did",
}  # fmt: skip
TRACES: Final = {"example_trace": "Example", "dearest_trace": "Dearest run"}
SPANS: Final = {"first_step": "First of them"}
#: What says nothing to a person that is not said elsewhere.
HIDDEN: Final = frozenset({"z", "agent"})
#: Lists that are told as one line of facts, and how each item is written.
LINES: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "novelty": ("New words of each result", _share),
    "gaps_seconds": ("Waits between attempts", _seconds),
    "tokens_by_call": ("Tokens of the calls", _number),
    "interval": ("95 % interval of it", _share),
    "more_words": ("Said more often", _number),
    "fewer_words": ("Said less often", _number),
    "tools": ("Tools", _number),
    "agents": ("Agents", _number),
    "retrievers": ("Retrievers", _number),
    "families": ("Asks", _number),
}


_ORDER: Final = {key: place for place, key in enumerate(dict.fromkeys(["call", *WORDS, *LINES, *TRACES, *SPANS]))}
#: Columns that come first, in this order.
_FIRST: Final = ("feature", "name", "family", "tool", "text", "value", "limit", "p95", "before", "after")


def evidence_view(evidence: Mapping[str, Any], *, money: bool = False) -> Evidence:
    """What a page shows of a finding's evidence. `money`: its figures without a unit are dollars."""
    made = Evidence()
    # Stored evidence is in the order of the alphabet; what is known here comes in the order of its words.
    for key, value in sorted(evidence.items(), key=lambda item: _ORDER.get(item[0], len(_ORDER))):
        if key in HIDDEN or value is None or value == "" or value == [] or value == {}:
            continue
        if key in TEXTS:
            made.texts.append(Text(TEXTS[key], _cut(str(value))))
        elif key in TRACES or key in SPANS:
            name = TRACES.get(key) or SPANS[key]
            made.facts.append(Fact(name, "open", **{"trace" if key in TRACES else "span": str(value)}))
        elif key in ("before", "after") and _examples(value):
            setattr(made, key, [_example(one) for one in value[:MOST_ITEMS]])
        elif key == "usual":
            made.facts.append(Fact("Usual", _usd(value) if money else _usual(value, evidence)))
        elif isinstance(value, Mapping):
            _mapping(made, key, value)
        elif isinstance(value, list):
            _sequence(made, key, value)
        else:
            words, written = WORDS.get(key, (named(key), _number))
            made.facts.append(Fact(words, _cut(written(value))))
    return made


def named(key: str) -> str:
    """A name of the evidence that has no words here."""
    return key.replace("_", " ").replace(".", " ").strip().capitalize()


def _usual(value: Any, evidence: Mapping[str, Any]) -> str:
    # A rate's usual is a rate; what else is usual is a number.
    return _share(value) if "rate" in evidence or "failed" in evidence else _number(value)


def _mapping(made: Evidence, key: str, value: Mapping[str, Any]) -> None:
    if key == "call":
        made.facts.append(Fact("Call", str(value.get("tool", ""))))
        if value.get("arguments"):
            made.texts.append(Text("Its arguments", _cut(str(value["arguments"]))))
    elif all(isinstance(one, Mapping) for one in value.values()):
        columns = _columns(value.values())
        rows = [[named(str(name)), *(_number(one.get(part, "–")) for part in columns)] for name, one in value.items()]
        made.tables.append(Table(named(key), ["", *map(named, columns)], rows[:MOST_ITEMS]))
    else:
        rows = [[_cut(str(name)), _number(one)] for name, one in value.items()]
        made.tables.append(Table(named(key), ["", "Number"], rows[:MOST_ITEMS]))


def _sequence(made: Evidence, key: str, value: Sequence[Any]) -> None:
    if all(isinstance(one, Mapping) for one in value):
        columns = [name for name in _columns(value) if name != "t"]
        rows = [[_cut(_number(one.get(part, "–"))) for part in columns] for one in value]
        made.tables.append(Table(named(key), [named(part) for part in columns], rows[:MOST_ITEMS]))
    elif key in LINES:
        words, written = LINES[key]
        more = f" and {len(value) - MOST_ITEMS} more" if len(value) > MOST_ITEMS else ""
        made.facts.append(Fact(words, _cut(", ".join(written(one) for one in value[:MOST_ITEMS])) + more))
    else:
        rows = [
            [_cut(" · ".join(map(_number, one)) if isinstance(one, list) else _number(one))]
            for one in value[:MOST_ITEMS]
        ]
        made.tables.append(Table(named(key), [""], rows))


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for one in rows for name in one)
    return sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))


def _examples(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "trace_id" in one for one in value)


def _example(one: Mapping[str, Any]) -> Example:
    return Example(
        str(one["trace_id"]), str(one.get("final", ""))[:MOST_TEXT], [str(tool) for tool in one.get("tools", [])]
    )


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " …"
