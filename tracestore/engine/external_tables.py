"""External data: tables that come with a query as parts of a multipart body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tracestore.engine.database import Connection
from tracestore.engine.errors import BAD_ARGUMENTS, EngineError

_PARAMETER = re.compile(r';\s*(?P<name>[\w*]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^;\s]+))')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class ExternalTable:
    """A temporary table for one query: its structure and its rows in some format."""

    name: str
    structure: str
    format: str
    data: bytes

    def create(self, connection: Connection) -> None:
        """Create and fill the table on the query's own connection."""
        connection.query(f"CREATE TEMPORARY TABLE `{self.name}` ({self.structure}) ENGINE = Memory")
        if self.data:
            connection.insert(f"INSERT INTO `{self.name}`", self.format, [self.data])


def read_multipart(
    content_type: str, body: bytes, params: Mapping[str, str]
) -> tuple[dict[str, str], list[ExternalTable]]:
    """Form fields and external tables of a multipart body."""
    fields: dict[str, str] = {}
    tables: list[ExternalTable] = []
    for name, is_file, data in _parts(content_type, body):
        if is_file:
            tables.append(_table(name, data, {**params, **fields}))
        else:
            fields[name] = data.decode("utf-8", "surrogateescape")
    return fields, tables


def _table(name: str, data: bytes, params: Mapping[str, str]) -> ExternalTable:
    if not _NAME.match(name):
        raise EngineError(BAD_ARGUMENTS, "An external table needs a plain name.")
    structure = params.get(f"{name}_structure", "")
    if not structure:
        types = _split_types(params.get(f"{name}_types", ""))
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types, start=1))
    if not structure:
        raise EngineError(BAD_ARGUMENTS, f"External table {name} needs {name}_structure or {name}_types.")
    return ExternalTable(name, structure, params.get(f"{name}_format") or "TabSeparated", data)


def _split_types(types: str) -> list[str]:
    """Split at the commas outside brackets: `Array(Map(String, Int8)), String` is two types."""
    result, depth, piece = [], 0, ""
    for character in types:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            result.append(piece.strip())
            piece = ""
        else:
            piece += character
    return [kind for kind in [*result, piece.strip()] if kind]


def _parts(content_type: str, body: bytes) -> Iterator[tuple[str, bool, bytes]]:
    boundary = _parameters(content_type).get("boundary", "")
    if not boundary:
        raise EngineError(BAD_ARGUMENTS, "The multipart body has no boundary.")
    delimiter = b"\r\n--" + boundary.encode("latin-1")
    for section in (b"\r\n" + body).split(delimiter)[1:]:
        if section.startswith(b"--"):
            return
        head, separator, data = section.partition(b"\r\n\r\n")
        if not separator:
            raise EngineError(BAD_ARGUMENTS, "A part of the multipart body has no headers.")
        for line in head.decode("utf-8", "replace").split("\r\n"):
            key, _, value = line.partition(":")
            if key.strip().lower() == "content-disposition":
                parameters = _parameters(value)
                yield parameters.get("name", ""), "filename" in parameters, data
    raise EngineError(BAD_ARGUMENTS, "The multipart body ends early.")


def _parameters(value: str) -> dict[str, str]:
    return {
        match["name"].lower(): re.sub(r"\\(.)", r"\1", match["quoted"])
        if match["quoted"] is not None
        else match["bare"]
        for match in _PARAMETER.finditer(value)
    }
