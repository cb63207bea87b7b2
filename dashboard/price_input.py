"""A price as somebody writes it (JSON or a form) → checked values, or an error that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from dashboard.api.times import parse_time
from tracestore.errors import InvalidInput

#: More dollars for a million tokens than anybody asks; larger is a slip of the keyboard.
MOST_DOLLARS: Final = 1_000_000
PLACES: Final = 9

REQUIRED: Final = ("input_per_million", "output_per_million")
OPTIONAL: Final = ("cache_read_per_million", "cache_write_per_million", "reasoning_per_million")
TEXTS: Final = {"model": 200, "provider": 100, "note": 500}
TIMES: Final = ("valid_from", "valid_until")
FIELDS: Final = (*TEXTS, *REQUIRED, *OPTIONAL, *TIMES, "currency")


def read_price(sent: object, present: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The values of a price's fields. With `present` (those of a stored price) only what is sent changes.

    Raises:
        InvalidInput: a field is unknown, missing or has a bad value; names it and says what is expected.
    """
    if not isinstance(sent, Mapping):
        raise InvalidInput("Expected an object with the fields of a price.")
    for name in sent:
        if name not in FIELDS:
            raise InvalidInput(f"There is no such field; expected some of {', '.join(FIELDS)}.", field=str(name)[:100])
    if sent.get("currency", "USD") != "USD":
        raise InvalidInput("Expected USD: prices are in US dollars.", field="currency")
    values = dict(present or {})
    for name, most in TEXTS.items():
        if name in sent or name not in values:
            values[name] = read_text(name, sent.get(name, ""), most)
    for name in (*REQUIRED, *OPTIONAL):
        if name in sent or name not in values:
            values[name] = read_dollars(name, sent.get(name))
    for name in TIMES:
        if name in sent or name not in values:
            values[name] = read_moment(name, sent.get(name))
    if not values["model"]:
        raise InvalidInput("Expected a model's name, or a pattern with * and ?.", field="model")
    for name in REQUIRED:
        if values[name] is None:
            raise InvalidInput("Expected US dollars for a million tokens; 0 if it is free.", field=name)
    if values["valid_from"] and values["valid_until"] and values["valid_from"] >= values["valid_until"]:
        raise InvalidInput("Expected a time after valid_from.", field="valid_until")
    return values


def read_text(name: str, value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most or any(ord(c) < 32 for c in value):
        raise InvalidInput(f"Expected a text of at most {most} characters, on one line.", field=name)
    return value.strip()


def read_dollars(name: str, value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    expected = f"Expected US dollars for a million tokens: 0 to {MOST_DOLLARS}, at most {PLACES} decimal places."
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidInput(expected, field=name)
    try:
        number = Decimal(str(value).strip()[:40])
    except InvalidOperation:
        raise InvalidInput(expected, field=name) from None
    if not number.is_finite() or not 0 <= number <= MOST_DOLLARS or number != round(number, PLACES):
        raise InvalidInput(expected, field=name)
    return round(number, PLACES)


def read_moment(name: str, value: object) -> datetime | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidInput("Expected a time as text, such as 2026-01-31T12:00:00Z.", field=name)
    return parse_time(value, name)
