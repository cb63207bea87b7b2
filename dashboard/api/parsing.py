"""JSON in. Whatever is sent becomes plain values that everything behind can store, or a 400 that says why not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from tracestore.errors import InvalidInput, TooLarge

#: No body of this API is near to it.
MOST_BYTES: Final = 2 << 20


class JsonBody(BaseParser):
    """UTF-8 JSON (RFC 8259) of bounded size and depth.

    NUL and halves of surrogate pairs are refused: PostgreSQL stores neither in a text, and UTF-8 has no form for the
    second, so that no answer and no log could name it. So are whole numbers that no column holds.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The body's value.

        Raises:
            TooLarge: more than MOST_BYTES.
            ParseError: it is no JSON, or nested too deep.
            InvalidInput: a text in it cannot be stored; `field` says where.
        """
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge(f"The body is too large: expected at most {MOST_BYTES:,} bytes.")
        try:
            value = json.loads(body.decode(), parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
            raise ParseError(f"The body is no JSON: {reason}.") from error
        check(value)
        return value


def refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def check(value: Any) -> None:
    """Looks at every text and whole number, names of fields too.

    Raises:
        InvalidInput: one of them cannot be stored.
    """
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            if not storable(one):
                raise InvalidInput("A text has NUL or half a surrogate pair: expected other characters.", field=place)
        elif isinstance(one, int):
            if not -(2**63) <= one < 2**63:
                raise InvalidInput("A number is too large: expected one of at most 64 bits.", field=place)
        elif isinstance(one, dict):
            if not all(map(storable, one)):
                raise InvalidInput("The name of a field has NUL or half a surrogate pair.", field=place)
            waiting += [(f"{place}.{name}" if place else name, inner) for name, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(f"{place}.{number}" if place else str(number), inner) for number, inner in enumerate(one)]


def storable(text: str) -> bool:
    if "\0" in text:
        return False
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)
