"""Matchers of labels, as Alertmanager writes them: `agent="planner"`, `tool!="search"`, `user=~"t-.*"`.

Regular expressions are RE2's (Alertmanager's too): they take time linear in the value whatever they say, and always
match the whole value. A label that is not there counts as the empty text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tracestore.errors import InvalidInput

#: Of one list of matchers, of a label's name and of a value or pattern.
MOST: Final = 20
MOST_NAME: Final = 100
MOST_VALUE: Final = 500

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_TOKEN = re.compile(
    r"""\s*(?P<name>[A-Za-z_][A-Za-z0-9_.\-]*)\s*(?P<sign>=~|!~|!=|=)\s*
        (?: "(?P<quoted>(?:[^"\\]|\\.)*)" | (?P<bare>[^\s,"{}]*) )\s*""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = re.compile(r"[\w \-:/@]*")
EXPECTED: Final = 'expected matchers such as agent="planner", tool=~"search|fetch"'


class Matcher(msgspec.Struct, frozen=True):
    """One of a list; all must hold."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    @property
    def sign(self) -> str:
        return {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}[
            self.is_regex, self.is_equal
        ]

    def __str__(self) -> str:
        return f'{self.name}{self.sign}"{_quoted(self.value)}"'

    def holds(self, labels: Mapping[str, str]) -> bool:
        value = str(labels.get(self.name, ""))
        same = _whole(self.value, value) if self.is_regex else value == self.value
        return same == self.is_equal


def matches(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether all hold. None at all match everything."""
    return all(one.holds(labels) for one in matchers)


def parse(given: object, field: str = "matchers") -> tuple[Matcher, ...]:
    """Matchers from a text (`{agent="planner",tool=~"search|fetch"}`; braces and quotes may be left out) or from a
    list of such texts or of objects as Alertmanager's API has them (`name, value, isRegex, isEqual`, or with `_`).

    Raises:
        InvalidInput: names the field and what was expected.
    """
    if isinstance(given, str):
        found = _read(given, field)
    elif isinstance(given, Sequence) and not isinstance(given, bytes):
        found = []
        for one in given[: MOST + 1]:
            if isinstance(one, Matcher):
                found.append(one)
            elif isinstance(one, str):
                found.extend(_read(one, field))
            else:
                found.append(_from_object(one, field))
    else:
        raise InvalidInput(f"{field}: {EXPECTED}.", field=field)
    if len(found) > MOST:
        raise InvalidInput(f"{field}: expected at most {MOST} matchers.", field=field)
    return tuple(_checked(one, field) for one in found)


def as_json(matchers: Iterable[Matcher]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.to_builtins(list(matchers))
    return found


def as_text(matchers: Iterable[Matcher]) -> str:
    """What `parse` reads again."""
    return ", ".join(str(one) for one in matchers)


def stored(rows: object) -> tuple[Matcher, ...]:
    """Those of a row, which were checked when it was written."""
    return msgspec.convert(rows, tuple[Matcher, ...], strict=False)


def _read(text: str, field: str) -> list[Matcher]:
    rest = text.strip()
    if rest.startswith("{") and rest.endswith("}"):
        rest = rest[1:-1]
    found: list[Matcher] = []
    place = 0
    while rest[place:].strip(" \t\r\n,"):
        while rest[place] in " \t\r\n,":
            place += 1
        token = _TOKEN.match(rest, place)
        end = token.end() if token else place
        if token is None or (end < len(rest) and rest[end] not in ",\n" and "\n" not in rest[place:end]):
            raise InvalidInput(f"{field}: {rest[place : place + 60]!r}: {EXPECTED}.", field=field, offset=place)
        quoted = token["quoted"]
        value = _unquoted(quoted) if quoted is not None else token["bare"]
        found.append(Matcher(token["name"], value, token["sign"] in ("=~", "!~"), token["sign"] in ("=", "=~")))
        if len(found) > MOST:
            break
        place = end
    return found


def _from_object(given: object, field: str) -> Matcher:
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{field}: {EXPECTED}.", field=field)
    names = {"isRegex": "is_regex", "isEqual": "is_equal"}
    sent = {names.get(str(name), str(name)): value for name, value in given.items()}
    for name in sent:
        if name not in Matcher.__struct_fields__:
            raise InvalidInput(f"{field}: {name[:60]!r}: expected name, value, is_regex, is_equal.", field=field)
    try:
        return msgspec.convert(sent, Matcher)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{field}: {error}: expected name, value, is_regex, is_equal.", field=field) from error


def _checked(one: Matcher, field: str) -> Matcher:
    if len(one.name) > MOST_NAME or not _NAME.fullmatch(one.name):
        raise InvalidInput(f"{field}: {one.name[:60]!r} is no label: expected letters, digits, _ - .", field=field)
    if len(one.value) > MOST_VALUE:
        raise InvalidInput(f"{field}: {one.name}: expected at most {MOST_VALUE} characters.", field=field)
    if one.is_regex:
        try:
            # Alone too: `a)|(b` would only close the group that anchors it.
            for pattern in (one.value, _anchored(one.value)):
                _found(pattern, "")
        except (pa.ArrowInvalid, UnicodeError) as error:
            said = str(error).removeprefix("Invalid regular expression: ").splitlines()[0][:120]
            raise InvalidInput(
                f"{field}: {one.name}: {said}: expected a regular expression of RE2.", field=field
            ) from error
    return one


@lru_cache(maxsize=4096)
def _whole(pattern: str, value: str) -> bool:
    if _PLAIN.fullmatch(pattern):
        return pattern == value
    return _found(_anchored(pattern), value)


def _anchored(pattern: str) -> str:
    return rf"\A(?s:{pattern})\z"


def _found(pattern: str, value: str) -> bool:
    return bool(pc.match_substring_regex(pa.scalar(value, pa.string()), pattern).as_py())


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unquoted(text: str) -> str:
    """As Alertmanager's: `\\"`, `\\\\` and `\\n` are escapes, any other backslash is one (of a pattern: `\\d`)."""
    named = {"n": "\n", '"': '"', "\\": "\\"}
    return _ESCAPE.sub(lambda found: named.get(found[1], found[0]), text)
