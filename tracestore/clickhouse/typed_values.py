"""Gives stored attributes back with the types they were received with (the letters are those of `columns`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from typing import Final

import msgspec

from tracestore.spans.model import Attributes, Value

#: The attribute of a resource or scope that holds, as a JSON object, those that are not stored under their own names.
OVERFLOW: Final = "tracestore.other_attributes"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def overflowed(attributes: Attributes, over: Mapping[str, Value]) -> Attributes:
    """The attributes with those of `over` put together under `OVERFLOW`, beside what is there already."""
    before = attributes.get(OVERFLOW)
    held = unfolded({OVERFLOW: before}) if isinstance(before, str) else {}
    kept = {name: value for name, value in attributes.items() if name not in over and name != OVERFLOW}
    return {**kept, OVERFLOW: _encode({**held, **over}).decode()}


def unfolded(attributes: Attributes) -> Attributes:
    """Attributes of a resource or scope with those under `OVERFLOW` back in their places."""
    text = attributes.get(OVERFLOW)
    if not isinstance(text, str):
        return attributes
    try:
        held = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.DecodeError:
        return attributes  # the sender's own
    return {**{name: value for name, value in attributes.items() if name != OVERFLOW}, **held}  # type: ignore[dict-item]


def typed(texts: dict[str, str], types: str) -> Attributes:
    """Attributes by the small JSON object of their types."""
    return with_types(texts, msgspec.json.decode(types) if types else {})


def with_types(texts: Mapping[str, str], letters: Mapping[str, str]) -> Attributes:
    """Attributes by the letters of those that were no strings."""
    attributes: Attributes = dict(texts)
    for key, letter in letters.items():
        if key in attributes:
            attributes[key] = parse(texts[key], letter)
    return attributes


class OtherTypes(msgspec.Struct, frozen=True):
    """The column `other_types`: letters of the resource's, the scope's, each event's and each link's attributes."""

    resource: dict[str, str] = {}
    scope: dict[str, str] = {}
    events: list[dict[str, str]] = []
    links: list[dict[str, str]] = []


def each_with_types(maps: Iterable[Mapping[str, str]], letters: Iterable[Mapping[str, str]]) -> list[Attributes]:
    """The attributes of several events or links; where there are no letters all are texts."""
    return [with_types(texts, types) for texts, types in zip(maps, chain(letters, repeat({})), strict=False)]


_other_types = msgspec.json.Decoder(OtherTypes).decode


def other_types(types: str) -> OtherTypes:
    """The column `other_types` of a row."""
    return _other_types(types) if types else OtherTypes()


def parse(text: str, letter: str) -> Value:
    """One value by its letter; what cannot be read stays a text."""
    try:
        if letter == "i":
            return int(text)
        if letter == "d":
            return float(text)
        if letter == "b":
            return text == "true"
        if letter in ("a", "o"):
            value: Value = msgspec.json.decode(text)
            return value
        if letter == "n":
            return None
    except (ValueError, msgspec.DecodeError):
        pass
    return text
