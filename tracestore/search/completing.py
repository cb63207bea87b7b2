"""What may stand where somebody is typing: the fields, operators and values that continue a search. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from tracestore.search.fields import BY_NAME, FIELDS, HAS, SPACES
from tracestore.search.lexer import unescaped

_FIELD: Final = re.compile(
    r"(?P<name>[A-Za-z_][\w.\-/]*)(?P<sign>!=|>=|<=|:(?:>=|<=|>|<)?|=|>|<)(?P<value>.*)", re.DOTALL
)
_PLAIN: Final = re.compile(r"[\w.][\w.\-/@]*", re.ASCII)
#: What is no field but may begin a term.
WORDS: Final = {
    "span(": "a span for which all of it holds",
    "has:": "a field that is there",
    "NOT": "what follows does not hold",
    "OR": "one side or the other",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What is being typed: text[start:end] is to be replaced. `field` is set where its value is typed."""

    kind: Literal["field", "attribute", "value"]
    start: int
    end: int
    prefix: str
    field: str = ""
    in_span: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """`insert` replaces the place, `about` says what it is; `count` of traces, if that is known."""

    insert: str
    label: str
    about: str = ""
    count: int | None = None


def place_of(text: str, at: int) -> Place | None:
    """What stands before the caret; None inside of a phrase."""
    begin, quote, spans = 0, -1, [False]
    escaped = False
    for i, character in enumerate(text[:at]):
        if quote >= 0:
            if character == '"' and not escaped:
                quote = -1
            escaped = character == "\\" and not escaped
        elif character == '"':
            quote, escaped = i, False
        elif character.isspace():
            begin = i + 1
        elif character == "(":
            spans.append(spans[-1] or text[begin:i].lstrip("-").endswith("span"))
            begin = i + 1
        elif character == ")":
            begin = i + 1
            if len(spans) > 1:
                spans.pop()
    if text.startswith("-", begin) and begin < at:
        begin += 1
    if quote == begin:
        return None
    end = at
    while end < len(text) and not text[end].isspace() and text[end] not in '()"':
        end += 1
    typed, in_span = text[begin:at], spans[-1]
    if match := _FIELD.fullmatch(typed):
        known = BY_NAME.get(match["name"])
        start = begin + match.start("value")
        if match["name"] == HAS:
            return Place("field", start, end, match["value"], HAS, in_span)
        field = known.name if known else match["name"]
        return Place("value", start, end, unescaped(match["value"].removeprefix('"')), field, in_span)
    if any(typed.startswith(f"{space}.") for space in SPACES):
        space, _, prefix = typed.partition(".")
        return Place("attribute", begin, end, prefix, space, in_span)
    return Place("field", begin, end, typed, "", in_span)


def fields(place: Place) -> list[Option]:
    """Fields and words that begin as typed, then those that hold what is typed."""
    wanted = place.prefix.lower()
    found = [
        (name, known)
        for known in FIELDS
        for name in (known.name, *(alias for alias in known.aliases if wanted and alias.startswith(wanted)))
        if wanted in name and (known.span or not place.in_span)
    ]
    found.sort(key=lambda pair: not pair[0].startswith(wanted))
    if place.field == HAS:
        return [Option(name, name, known.about) for name, known in found]
    options = [
        Option(name + (":" if known.holds in ("text", "texts") else ">"), name, known.about) for name, known in found
    ]
    options += [
        Option(f"{space}.", f"{space}.…", f"an attribute of a {'span' if space == 'attr' else 'resource'}")
        for space in SPACES
        if space.startswith(wanted)
    ]
    return options + [
        Option(word, word, about)
        for word, about in WORDS.items()
        if wanted and word.lower().startswith(wanted) and not (word == "span(" and place.in_span)
    ]


def values(place: Place, counted: list[tuple[str, int]]) -> list[Option]:
    """Values that hold what is typed: those that were counted, then those that the field may have at all."""
    known = BY_NAME.get(place.field)
    wanted = place.prefix.lower()
    counts = dict(counted)
    if known is not None:
        allowed = known.span_values if place.in_span and known.span_values else known.values
        counts |= {value: 0 for value in allowed if value not in counts}
    found = [(value, count) for value, count in counts.items() if wanted in value.lower()]
    found.sort(key=lambda pair: (not pair[0].lower().startswith(wanted), -pair[1]))
    return [Option(written(value), value, "", count or None) for value, count in found]


def attributes(place: Place, names: list[str]) -> list[Option]:
    wanted = place.prefix.lower()
    found = [name for name in names if wanted in name.lower()]
    return [Option(f"{place.field}.{written(name)}:", name) for name in found]


def written(text: str) -> str:
    """A value or the name of an attribute as it stands in a search."""
    return text if _PLAIN.fullmatch(text) else '"' + re.sub(r'([\\"*])', r"\\\1", text) + '"'
