"""OTLP attributes from the wire: `KeyValue` and `AnyValue` (opentelemetry-proto, common.proto).

An attribute arrives as the undecoded bytes of a `KeyValue`. Most are a short key with a string, so
that shape is read in place; everything else goes through the general reader. Attributes repeat from
span to span (model, operation, provider…), so small ones are remembered by their bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import unpack
from typing import Final

from tracestore.spans.decode_budget import ValueBudget
from tracestore.spans.decode_limits import CUT, TRUNCATED, Outcome
from tracestore.spans.decode_wire import Broken, fields
from tracestore.spans.model import Attributes, Value

#: Attributes longer than this are unlikely to come again as they are.
_REMEMBERED_BYTES: Final = 72
#: Enough for the fixed vocabulary of one request; bounds what hostile senders can make us keep.
_REMEMBERED: Final = 4_096

#: Fields in a message that is meant to have one or two; more are made to waste our time.
_MEMBERS: Final = 100

#: Entries of one array or map; `Limits.nodes` stops sooner.
_ENTRIES: Final = 1 << 30

#: The bytes of a small attribute → its key and value. Values are shared, lists too: never change one.
Known = dict[bytes, tuple[str, Value]]


def read_attributes(raws: Sequence[bytes], known: Known, outcome: Outcome) -> Attributes:
    """Attributes by name; of a repeated name the last one counts."""
    attributes: Attributes = {}
    recall = known.get
    keys = _KEYS
    for raw in raws:
        size = len(raw)
        if size <= _REMEMBERED_BYTES:
            pair = recall(raw)
            if pair is not None:
                attributes[pair[0]] = pair[1]
                continue
        try:
            # KeyValue{key, value: AnyValue{string_value}}. Names come again and again, so a name with
            # the two bytes before it is looked up instead of decoded, and the lengths between the name
            # and the text are compared with what they must be, all at once.
            at = raw[1] + 2
            key = keys.get(raw[:at])
            if key is None:
                key = _new_key(raw, at)
            rest = size - at
            if rest < 130:
                if raw[at : at + 4] == _SHORT[rest]:
                    attributes[key] = text = str(raw[at + 4 :], "utf-8")
                    if size <= _REMEMBERED_BYTES and len(known) < _REMEMBERED:
                        known[raw] = (key, text)
                    continue
            elif rest < _LONGEST and raw[at : at + 6] == _LONG[rest]:
                attributes[key] = str(raw[at + 6 :], "utf-8")
                continue
        except (IndexError, UnicodeDecodeError, _NotPlain):
            pass  # The general reader says what is wrong.
        _read_other(raw, attributes, known, outcome)
    return attributes


class _NotPlain(Exception):
    """Not the shape that nearly all attributes have."""


def _new_key(raw: bytes, at: int) -> str:
    """The name at the start of a KeyValue; remembered for all requests, while there is room.

    Raises:
        _NotPlain, UnicodeDecodeError: no short name stands there.
    """
    if raw[0] != 10 or at > 129 or at > len(raw):
        raise _NotPlain
    key = str(raw[2:at], "utf-8")
    if len(_KEYS) < _REMEMBERED:
        _KEYS[raw[:at]] = key
    return key


def _headers() -> tuple[list[bytes], list[bytes]]:
    """What stands between a name and a text, by the number of bytes after the name: tags and lengths."""
    short = [b"none"] * 4 + [bytes((18, rest - 2, 10, rest - 4)) for rest in range(4, 130)]
    # From 130 to 133 the outer length takes two bytes and the inner one: left to the general reader.
    long = [b"none"] * 134 + [
        bytes((18, (rest - 3) & 0x7F | 0x80, (rest - 3) >> 7, 10, (rest - 6) & 0x7F | 0x80, (rest - 6) >> 7))
        for rest in range(134, _LONGEST)
    ]
    return short, long


#: Texts longer than this may be over the limit of a value, and are few.
_LONGEST: Final = 16_000
_SHORT, _LONG = _headers()
_KEYS: dict[bytes, str] = {}


def _read_other(raw: bytes, attributes: Attributes, known: Known, outcome: Outcome) -> None:
    """Any attribute at all, into `attributes`."""
    outcome.work += 1
    reader = WireValue(outcome)
    try:
        key, value_raw = key_and_value(raw)
        value = reader.value(value_raw, 0)
    except Broken:
        outcome.warnings["attribute_malformed"] += 1
        return
    name = outcome.key(key)
    attributes[name] = value
    if reader.cut:
        # Of a structure there is no other length than that of its encoding.
        whole = len(value_raw) if isinstance(value, (list, dict)) else reader.text_bytes
        attributes[TRUNCATED + name] = whole or len(value_raw)
    elif len(raw) <= _REMEMBERED_BYTES and len(known) < _REMEMBERED:
        known[raw] = (name, value)


class WireValue(ValueBudget):
    """Reads one AnyValue within the limits."""

    __slots__ = ()

    def value(self, raw: bytes, depth: int) -> Value:
        """The value of these AnyValue bytes; None for an empty one. Of several members the last.

        Raises:
            Broken: the bytes are not an AnyValue.
        """
        found: Value = None
        for number, payload in fields(raw, most=_MEMBERS):
            if isinstance(payload, bytes):
                if number == 1:
                    found = self.text(payload)
                elif number == 5:
                    found = self.array(payload, depth + 1)
                elif number == 6:
                    found = self.map(payload, depth + 1)
                elif number == 7:
                    found = self.take(payload)
            elif number == 3:
                found = payload - (1 << 64) if payload >> 63 else payload
            elif number == 2:
                found = payload != 0
            elif number == 4:
                found = unpack("<d", payload.to_bytes(8, "little"))[0]
        return found

    def array(self, raw: bytes, depth: int) -> Value:
        if not self.enter(depth):
            return CUT
        values: list[Value] = []
        for number, payload in fields(raw, most=_ENTRIES):
            if not self.step():
                values.append(CUT)
                break
            if number == 1 and isinstance(payload, bytes):
                values.append(self.value(payload, depth))
        return values

    def map(self, raw: bytes, depth: int) -> Value:
        if not self.enter(depth):
            return CUT
        values: dict[str, Value] = {}
        for number, payload in fields(raw, most=_ENTRIES):
            if not self.step():
                values[CUT] = CUT
                break
            if number == 1 and isinstance(payload, bytes):
                key, value = key_and_value(payload)
                name = self.text(key)  # before the value, which may use up what is left
                values[name] = self.value(value, depth)
        return values


def key_and_value(raw: bytes) -> tuple[bytes, bytes]:
    """The two parts of a KeyValue, undecoded."""
    key = value = b""
    for number, payload in fields(raw, most=_MEMBERS):
        if isinstance(payload, bytes):
            if number == 1:
                key = payload
            elif number == 2:
                value = payload
    return key, value
