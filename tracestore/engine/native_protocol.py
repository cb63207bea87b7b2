"""The Native format as newer clients ask for it with client_protocol_version.

chDB writes Native as for a client of revision 0. Three things were added to it since, and
clients that named a revision rely on them: eight bytes of block information before each block,
the time zone in the type of a DateTime column, and one byte before each column's data that says
whether its serialization is unusual (here: never). Adding the latter two means finding where the
columns of a block begin, so the module knows how long every type's data are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from tracestore.engine.errors import NOT_IMPLEMENTED, EngineError

TIME_ZONE_IN_TYPE = 54337
BLOCK_INFO = 1
CUSTOM_SERIALIZATION = 54454

# is_overflows = 0, bucket_number = -1, end
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_WIDTHS = {
    **dict.fromkeys(("Int8", "UInt8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("Int16", "UInt16", "Date", "Enum16", "BFloat16"), 2),
    **dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "Time", "IPv4"), 4),
    **dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64", "Time64", "Decimal64"), 8),
    **dict.fromkeys(("Int128", "UInt128", "UUID", "IPv6", "Decimal128"), 16),
    **dict.fromkeys(("Int256", "UInt256", "Decimal256"), 32),
    "Decimal32": 4,
}
_GEOMETRY = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "MultiLineString": "Array(LineString)",
    "Polygon": "Array(Ring)",
    "MultiPolygon": "Array(Polygon)",
}
_NAMED = re.compile(r"(?:`(?:[^`\\]|\\.)*`|\w+)\s+(?P<type>.+)\Z", re.DOTALL)
_INDEX_WIDTHS = (1, 2, 4, 8)


class UnknownLength(Exception):
    """The length of this type's data cannot be told without decoding them."""


class _Type(NamedTuple):
    name: str
    arguments: tuple[str, ...]


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Type:
    text = _GEOMETRY.get(text, text)
    name, bracket, rest = text.partition("(")
    if not bracket:
        return _Type(text, ())
    arguments, depth, quote, piece = [], 0, "", ""
    characters = iter(rest[:-1])
    for character in characters:
        if quote:
            piece += character
            if character == "\\":
                piece += next(characters, "")
            elif character == quote:
                quote = ""
            continue
        if character in "'`":
            quote = character
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            arguments.append(piece.strip())
            piece = ""
        else:
            piece += character
    arguments.append(piece.strip())
    return _Type(name, tuple(arguments))


def _elements(kind: _Type) -> list[str]:
    """The element types of a Tuple, Nested or Map, without their names."""
    named = (_NAMED.match(argument) for argument in kind.arguments)
    return [found["type"] if found else argument for found, argument in zip(named, kind.arguments, strict=True)]


class _Cursor:
    """A position in a block, moved over the data of one column at a time."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.position = 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.block[self.position]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self) -> str:
        size = self.varint()
        start = self.position
        self.position += size
        return self.block[start : self.position].decode("utf-8", "surrogateescape")

    def number(self) -> int:
        self.position += 8
        return int.from_bytes(self.block[self.position - 8 : self.position], "little")

    def skip_prefix(self, type_name: str) -> None:
        """Move over what is written once per column, before any of its rows."""
        kind = _parse(type_name)
        if kind.name == "LowCardinality":
            self.position += 8
        elif kind.name in ("Array", "Nullable"):
            self.skip_prefix(kind.arguments[0])
        elif kind.name in ("Tuple", "Nested", "Map"):
            for element in _elements(kind):
                self.skip_prefix(element)
        elif kind.name == "SimpleAggregateFunction":
            self.skip_prefix(kind.arguments[-1])

    def skip_rows(self, type_name: str, rows: int) -> None:
        """Move over the data of so many rows."""
        kind = _parse(type_name)
        width = _width(kind)
        if width:
            self.position += width * rows
            return
        skip = _SKIPS.get(kind.name)
        if skip is None:
            raise UnknownLength(type_name)
        skip(self, kind, rows)

    def skip_strings(self, kind: _Type, rows: int) -> None:
        block, position = self.block, self.position
        for _ in range(rows):
            size = block[position]
            position += 1
            if size >= 0x80:
                self.position = position - 1
                size = self.varint()
                position = self.position
            position += size
        self.position = position

    def skip_nullable(self, kind: _Type, rows: int) -> None:
        self.position += rows
        self.skip_rows(kind.arguments[0], rows)

    def _array_total(self, rows: int) -> int:
        if not rows:
            return 0
        self.position += 8 * (rows - 1)
        return self.number()

    def skip_array(self, kind: _Type, rows: int) -> None:
        self.skip_rows(kind.arguments[0], self._array_total(rows))

    def skip_nested(self, kind: _Type, rows: int) -> None:
        self.skip_tuple(kind, self._array_total(rows))

    def skip_tuple(self, kind: _Type, rows: int) -> None:
        elements = _elements(kind)
        if elements == [""]:
            self.position += rows
            return
        for element in elements:
            self.skip_rows(element, rows)

    def skip_low_cardinality(self, kind: _Type, rows: int) -> None:
        if not rows:
            return
        flags = self.number()
        inner = _parse(kind.arguments[0])
        keys = inner.arguments[0] if inner.name == "Nullable" else kind.arguments[0]
        self.skip_rows(keys, self.number())
        indexes = self.number()
        self.position += indexes * _INDEX_WIDTHS[flags & 0xFF]

    def skip_aggregate(self, kind: _Type, rows: int) -> None:
        self.skip_rows(kind.arguments[-1], rows)


_SKIPS: dict[str, Callable[[_Cursor, _Type, int], None]] = {
    "String": _Cursor.skip_strings,
    "Nullable": _Cursor.skip_nullable,
    "Array": _Cursor.skip_array,
    "Map": _Cursor.skip_nested,
    "Nested": _Cursor.skip_nested,
    "Tuple": _Cursor.skip_tuple,
    "LowCardinality": _Cursor.skip_low_cardinality,
    "SimpleAggregateFunction": _Cursor.skip_aggregate,
}


def _width(kind: _Type) -> int:
    if kind.name == "FixedString":
        return int(kind.arguments[0])
    if kind.name == "Decimal":
        precision = int(kind.arguments[0])
        return 4 if precision <= 9 else 8 if precision <= 18 else 16 if precision <= 38 else 32
    if kind.name.startswith("Interval"):
        return 8
    return _WIDTHS.get(kind.name, 0)


class NativeReframer:
    """Rewrites the blocks of one result for a client of some revision.

    `column_types` is asked, at most once, for the result's full column types; it is only needed
    for DateTime columns, whose time zone chDB leaves out.
    """

    def __init__(self, revision: int, column_types: Callable[[], list[str]]) -> None:
        self._revision = revision
        self._column_types = column_types
        self._full_types: list[str] | None = None

    def reframe(self, block: bytes) -> bytes:
        """One block as the client expects it."""
        flagged = self._revision >= CUSTOM_SERIALIZATION
        zoned = self._revision >= TIME_ZONE_IN_TYPE and b"\x08DateTime" in block
        if not flagged and not zoned:
            return _BLOCK_INFO + block
        try:
            return _BLOCK_INFO + self._rewritten(block, flagged)
        except (UnknownLength, IndexError) as error:
            if not flagged:
                return _BLOCK_INFO + block
            raise EngineError(
                NOT_IMPLEMENTED,
                f"Type {error} cannot be sent with client_protocol_version {self._revision} "
                "unless its column is the last one.",
            ) from None

    def reframe_all(self, result: bytes) -> bytes:
        """Every block of a complete result of simple types, such as that of SHOW."""
        blocks, start = [], 0
        while start < len(result):
            cursor = _Cursor(result)
            cursor.position = start
            columns, rows = cursor.varint(), cursor.varint()
            for _ in range(columns):
                cursor.text()
                type_name = cursor.text()
                if rows:
                    cursor.skip_prefix(type_name)
                    cursor.skip_rows(type_name, rows)
            blocks.append(self.reframe(result[start : cursor.position]))
            start = cursor.position
        return b"".join(blocks)

    def _rewritten(self, block: bytes, flagged: bool) -> bytes:
        cursor = _Cursor(block)
        columns, rows = cursor.varint(), cursor.varint()
        pieces = [block[: cursor.position]]
        for column in range(columns):
            start = cursor.position
            cursor.text()
            name = block[start : cursor.position]
            type_name = cursor.text()
            data_start = cursor.position
            shown = self._full_type(column) if type_name == "DateTime" else type_name
            if column == columns - 1:
                data = block[data_start:]
            else:
                if rows:
                    cursor.skip_prefix(type_name)
                    cursor.skip_rows(type_name, rows)
                data = block[data_start : cursor.position]
            flag = b"\x00" if flagged else b""
            pieces += [name, _string(shown), flag, data]
        return b"".join(pieces)

    def _full_type(self, column: int) -> str:
        if self._full_types is None:
            self._full_types = self._column_types()
        if column < len(self._full_types) and self._full_types[column].startswith("DateTime("):
            return self._full_types[column]
        return "DateTime"


def _string(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    size, head = len(data), bytearray()
    while size >= 0x80:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + data
