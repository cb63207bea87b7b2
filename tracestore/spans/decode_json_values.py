"""OTLP attributes from JSON, and the reading of one JSON part that may be damaged.

Senders in JavaScript cut texts in the middle of a surrogate pair, and not every sender writes valid
UTF-8. Such a part is repaired with U+FFFD and read again; only when that fails it is unreadable.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec import Raw, Struct

from tracestore.spans.decode_budget import ValueBudget
from tracestore.spans.decode_limits import CUT, TRUNCATED, Outcome
from tracestore.spans.model import Attributes, Value

#: What a `Raw` member holds when the object does not have it.
ABSENT: Final = Raw(b"")

_T = TypeVar("_T")
_Number: TypeAlias = "int | float | str | None"


class Unreadable(ValueError):
    """A part is not the JSON that OTLP says it is."""


class _KeyValue(Struct):
    key: str | None = None
    value: Raw = ABSENT


class _Values(Struct):
    values: list[Raw] | None = None


class _AnyValue(Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: _Number = None
    double_value: _Number = None
    array_value: _Values | None = None
    kvlist_value: _Values | None = None
    bytes_value: str | None = None


_KEY_VALUE = msgspec.json.Decoder(_KeyValue)
_ANY_VALUE: msgspec.json.Decoder[_AnyValue | None] = msgspec.json.Decoder(_AnyValue | None)


def read_attributes(raws: Sequence[Raw], outcome: Outcome) -> Attributes:
    """Attributes by name; of a repeated name the last one counts."""
    attributes: Attributes = {}
    for raw in raws:
        reader = JsonValue(outcome)
        try:
            pair = decode(_KEY_VALUE, raw, outcome)
            value = reader.value(pair.value, 0)
        except Unreadable:
            outcome.warnings["attribute_malformed"] += 1
            continue
        key = outcome.key((pair.key or "").encode())
        attributes[key] = value
        if reader.cut:
            size = len(memoryview(pair.value))
            whole = size if isinstance(value, (list, dict)) else reader.text_bytes
            attributes[TRUNCATED + key] = whole or size
    return attributes


class JsonValue(ValueBudget):
    """Reads one AnyValue within the limits."""

    __slots__ = ()

    def value(self, raw: Raw, depth: int) -> Value:
        """The value of this AnyValue object; None for an empty one.

        Raises:
            Unreadable: it is not an AnyValue.
        """
        read = decode(_ANY_VALUE, raw, self.outcome) if raw != ABSENT else None
        if read is None:
            return None
        if read.string_value is not None:
            return self.string(read.string_value)
        if read.int_value is not None:
            return integer(read.int_value, -(1 << 63), 1 << 63)
        if read.bool_value is not None:
            return read.bool_value
        if read.double_value is not None:
            return number(read.double_value)
        if read.array_value is not None:
            return self.array(read.array_value.values or [], depth + 1)
        if read.kvlist_value is not None:
            return self.map(read.kvlist_value.values or [], depth + 1)
        if read.bytes_value is not None:
            return self.take(binary(read.bytes_value))
        return None

    def string(self, text: str) -> str:
        if len(text) * 4 <= self.bytes_left:
            self.bytes_left -= len(text)
            return text
        return self.text(text.encode())

    def array(self, raws: list[Raw], depth: int) -> Value:
        if not self.enter(depth):
            return CUT
        values: list[Value] = []
        for raw in raws:
            if not self.step():
                values.append(CUT)
                break
            values.append(self.value(raw, depth))
        return values

    def map(self, raws: list[Raw], depth: int) -> Value:
        if not self.enter(depth):
            return CUT
        values: dict[str, Value] = {}
        for raw in raws:
            pair = decode(_KEY_VALUE, raw, self.outcome)
            if not self.step():
                values[CUT] = CUT
                break
            name = self.string(pair.key or "")  # before the value, which may use up what is left
            values[name] = self.value(pair.value, depth)
        return values


def integer(value: _Number, low: int, high: int) -> int:
    """A 64-bit or smaller number given as a number or as decimal text; 0 when absent.

    Raises:
        Unreadable: it is not a whole number in low ≤ value < high.
    """
    if value is None:
        return 0
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise Unreadable("a number is expected")
        value = int(value)
    elif isinstance(value, float):
        if not value.is_integer():
            raise Unreadable("a whole number is expected")
        value = int(value)
    if not low <= value < high:
        raise Unreadable("a number is out of range")
    return value


def number(value: int | float | str) -> float:
    """A double; NaN and the infinities come as text (protobuf's JSON mapping)."""
    if isinstance(value, str) and value not in ("NaN", "Infinity", "-Infinity") and not _DOUBLE.fullmatch(value):
        raise Unreadable("a number is expected")
    try:
        return float(value)
    except OverflowError:
        raise Unreadable("a number is out of range") from None


def binary(text: str) -> bytes:
    """Base64 of either alphabet, padded or not (protobuf's JSON mapping)."""
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise Unreadable("bytesValue is not base64") from None


def decode(decoder: msgspec.json.Decoder[_T], raw: Raw, outcome: Outcome) -> _T:
    """Reads one part, repaired where its text is damaged.

    Raises:
        Unreadable: it is not what the decoder reads.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from None
    except (UnicodeDecodeError, msgspec.DecodeError):
        pass
    except RecursionError:
        raise Unreadable("nested too deep") from None
    try:
        read = decoder.decode(repaired(bytes(raw)))
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    outcome.warnings["invalid_utf8"] += 1
    return read


def repaired(raw: bytes) -> bytes:
    """JSON with U+FFFD in place of invalid UTF-8 and of escaped halves of surrogate pairs."""
    return _SURROGATES.sub(
        lambda match: match[0] if match[2] is None else match[1] + rb"\ufffd",
        raw.decode("utf-8", "replace").encode(),
    )


def flattened(body: bytes) -> bytes:
    """JSON with null in place of what is nested deeper than any value we keep, and NaN in quotes.

    The parser goes down recursively and gives up on the whole body; this is a flat scan. NaN and the
    infinities are no JSON, but Python's encoder writes them so; quoted they are OTLP's.
    """
    kept: list[bytes] = []
    depth = start = 0
    for token in _TOKEN.finditer(body):
        found = token[0]
        if found in (b"[", b"{"):
            depth += 1
            if depth == _BRACKETS + 1:
                kept += [body[start : token.start()], b"null"]
        elif found in (b"]", b"}"):
            depth -= 1
            if depth == _BRACKETS:
                start = token.end()
        elif not found.startswith(b'"') and depth <= _BRACKETS:
            kept += [body[start : token.start()], b'"', found, b'"']
            start = token.end()
    if depth <= _BRACKETS:
        kept.append(body[start:])
    return b"".join(kept)


#: A level of AnyValue takes four brackets; a span lies below eight.
_BRACKETS: Final = 200
_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}")
_DOUBLE: Final = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,4})?")
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]|-?Infinity|NaN', re.DOTALL)
#: Escaped surrogates, after an even number of backslashes; group 2 is half of a pair on its own.
_SURROGATES: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
