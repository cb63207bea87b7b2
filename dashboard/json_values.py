"""JSON payloads as values and back, with the digits of their numbers as they were received.

Pure. A browser, and Python's floats, would round large numbers. Writing is iterative, since payloads may be nested
deeper than Python's stack.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

#: Longer texts are not parsed while a page waits: their beginning is shown, and a download has all.
PARSE_LIMIT = 2_000_000


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class NotJson(ValueError):
    """The text is not one JSON object or array, or too large or too deep to be parsed here."""


def parse(text: str) -> Any:
    """The value of a text that is one JSON object or array.

    Raises:
        NotJson: it is something else; show it as text.
    """
    head = text.lstrip()[:1]
    if head not in ("{", "[") or len(text) > PARSE_LIMIT:
        raise NotJson
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except (ValueError, RecursionError) as error:
        raise NotJson from error


def write(value: Any, *, ordered: bool = False) -> str:
    """The value as JSON, one entry a line; a text alone as it is. `ordered`: keys by name."""
    if isinstance(value, str):
        return str(value)
    out: list[str] = []
    levels: list[Iterator[tuple[str, Any]]] = [iter([("", value)])]
    closings: list[str] = []
    begun = [False]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
            begun.pop()
            if closings:
                out.append("\n" + "  " * (len(levels) - 1) + closings.pop())
            continue
        label, item = entry
        if len(levels) > 1:
            out.append((",\n" if begun[-1] else "\n") + "  " * (len(levels) - 1) + label)
        begun[-1] = True
        if isinstance(item, dict | list) and item:
            out.append("{" if isinstance(item, dict) else "[")
            closings.append("}" if isinstance(item, dict) else "]")
            levels.append(labelled(item, ordered))
            begun.append(False)
        else:
            out.append(scalar(item))
    return "".join(out)


def labelled(value: dict[str, Any] | list[Any], ordered: bool) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        return iter([("", item) for item in value])
    names = sorted(value) if ordered else list(value)
    return iter([(f"{json.dumps(str(name), ensure_ascii=False)}: ", value[name]) for name in names])


def scalar(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, bytes):
        return json.dumps(base64.b64encode(value).decode())
    return json.dumps(value, ensure_ascii=False, default=str)


def pointed(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) names inside a value.

    Raises:
        KeyError: there is nothing of that name.
    """
    if pointer and not pointer.startswith("/"):
        raise KeyError(pointer)
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise KeyError(pointer)
    return value


def pointer_of(path: list[object]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
