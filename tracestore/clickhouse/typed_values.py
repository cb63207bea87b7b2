"""Gives stored attributes back with the types they were received with (the letters are those of `columns`)."""

from __future__ import annotations

import msgspec

from tracestore.spans.model import Attributes, Value


def typed(texts: dict[str, str], types: str) -> Attributes:
    """Attributes by the small JSON object of their types."""
    attributes: Attributes = dict(texts)
    if types:
        for key, letter in msgspec.json.decode(types).items():
            if key in attributes:
                attributes[key] = parse(texts[key], letter)
    return attributes


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
