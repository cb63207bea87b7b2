"""Requests made from the OpenAPI document: plausible ones, and ones with something hostile in one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from dashboard.api import docs

#: Methods that change something.
UNSAFE = ("post", "put", "patch", "delete")

#: What a stranger may put into any place that takes a text. Sent as they are in JSON, and as bytes of UTF-8 in
#: addresses, where half a surrogate pair is three bytes that are no UTF-8.
HOSTILE = {
    "empty": "",
    "NUL": "a\0b",
    "half a surrogate pair": "a\ud800b",
    "direction": "a\u202egnp.exe\u2066",
    "controls": "a\x1b[31m\r\nset-cookie: x=1",
    "SQL": "' OR 1=1 --\\'); DROP TABLE tracestore.stored_spans; {x:String} `",
    "HTML": '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}{% load x %}',
    "path": "../../../etc/passwd%00/%2e%2e/",
    "long": "x" * 20_000,
    "a number past every column": "9" * 30,
    "a number of many digits": "9" * 5_000,
    "a negative number": "-1",
    "not a number": "NaN",
    "a regular expression that explodes": "(a+)+$" * 20,
}
#: The same for places of a body that take something else.
HOSTILE_VALUES: dict[str, Any] = HOSTILE | {
    "null": None,
    "true": True,
    "a whole number past every column": 10**30,
    "a float past every column": 1e308,
    "below nothing": -1,
    "a list": [],
    "a list of lists": [[[[]]]],
    "an object": {},
    "an object with a hostile name": {"a\0\ud800": {"$ne": 1}},
}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path of the document."""

    id: str
    method: str
    path: str
    places: tuple[Parameter, ...]
    queries: tuple[Parameter, ...]
    #: What its body is, without references; None if it takes none.
    body: dict[str, Any] | None

    @property
    def collection(self) -> str:
        """The first word after the version."""
        return self.path.removeprefix("/api/v1/").partition("/")[0]

    def address(self, places: dict[str, str], queries: dict[str, str] | None = None) -> str:
        """The path and query with these values; slashes of a value stay, as senders of names with slashes do it."""
        path = self.path
        for name, value in places.items():
            path = path.replace("{" + name + "}", encoded(value))
        query = "&".join(f"{name}={encoded(value, safe='')}" for name, value in (queries or {}).items())
        return f"{path}?{query}" if query else path


def encoded(value: str, safe: str = "/") -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe=safe)


@lru_cache
def operations() -> tuple[Operation, ...]:
    document = docs.schema()
    return tuple(
        operation(document, path, method, described)
        for path, methods in sorted(document["paths"].items())
        for method, described in methods.items()
        if method in docs.METHODS
    )


def operation(document: dict[str, Any], path: str, method: str, described: dict[str, Any]) -> Operation:
    asked: dict[str, list[Parameter]] = {"path": [], "query": [], "header": [], "cookie": []}
    for one in described.get("parameters", []):
        asked[one["in"]].append(Parameter(one["name"], whole(document, one.get("schema", {}))))
    content = described.get("requestBody", {}).get("content", {}).get("application/json")
    body = None if content is None else whole(document, content["schema"])
    return Operation(described["operationId"], method, path, tuple(asked["path"]), tuple(asked["query"]), body)


def whole(document: dict[str, Any], schema: Any, depth: int = 0) -> Any:
    """A schema with its references put in; one that contains itself ends as an object."""
    if depth > 12:
        return {"type": "object"}
    if isinstance(schema, list):
        return [whole(document, one, depth) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return whole(document, document["components"]["schemas"][name], depth + 1)
    return {key: whole(document, value, depth + 1) for key, value in schema.items()}


def example(schema: dict[str, Any], name: str = "") -> Any:
    """A value that fits a schema, the simplest one."""
    for choice in ("allOf", "oneOf", "anyOf"):
        if choice in schema:
            return example(schema[choice][0], name)
    for said in ("example", "default", "const"):
        if schema.get(said) is not None:
            return schema[said]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return {key: example(one, key) for key, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items", {}), name)]
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    texts = {"date-time": "2100-01-01T00:00:00Z", "uri": "https://receiver.example/", "decimal": "1.5"}
    text = texts.get(schema.get("format", ""), "") or name or "text"
    return text[: schema.get("maxLength", 100)]


def fields(body: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all values in a body, the whole first."""
    yield place
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inner:
        yield from fields(value, (*place, key))


def with_value(body: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """The body with another value in one place."""
    if not place:
        return value
    copied = dict(body) if isinstance(body, dict) else list(body)
    copied[place[0]] = with_value(body[place[0]], place[1:], value)
    return copied
