"""What a search says, as a tree. Positions are not part of it: two texts that say the same are equal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

Comparison: TypeAlias = Literal["=", ">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with gaps where anything may stand: the literal parts between the `*`. One part is the exact text."""

    parts: tuple[str, ...]

    @property
    def exact(self) -> bool:
        return len(self.parts) == 1


@dataclass(frozen=True, slots=True)
class Text:
    """Words or a phrase, looked for as they stand in names, ids, prompts and answers, whatever their case."""

    text: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """The id of a trace (32 hexadecimal digits) or of a span (16), in lower case."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A named field of `fields`, or an attribute: `space` is then attr or resource and `name` its key."""

    name: str
    space: Literal["", "attr", "resource"] = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A field compared with a text or a number. Times are nanoseconds, money is US dollars."""

    field: Field
    comparison: Comparison
    value: Pattern | Decimal


@dataclass(frozen=True, slots=True)
class Has:
    """A field that is there: not empty, not unknown, for counts not zero."""

    field: Field


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two parts, none of them an And."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two parts, none of them an Or."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class HasSpan:
    """A trace with a span for which all of `part` holds."""

    part: Node


@dataclass(frozen=True, slots=True)
class Sequence:
    """Spans one after the other. `links[i]` stands between `steps[i]` and `steps[i + 1]`.

    `->`: the next span of its type; `~>`: any later one. A step is a Match or what a HasSpan holds.
    """

    steps: tuple[Node, ...]
    links: tuple[Literal["->", "~>"], ...]


Node: TypeAlias = Text | Identifier | Match | Has | Not | And | Or | HasSpan | Sequence


def all_of(*parts: Node | None) -> Node | None:
    """The And of what is there, flat; None for nothing."""
    flat: list[Node] = []
    for part in parts:
        if isinstance(part, And):
            flat += part.parts
        elif part is not None:
            flat.append(part)
    if len(flat) < 2:
        return flat[0] if flat else None
    return And(tuple(flat))


def exactly(name: str, value: str) -> Match:
    """The field has this text, in which `*` stands for itself."""
    return Match(Field(name), "=", Pattern((value,)))
