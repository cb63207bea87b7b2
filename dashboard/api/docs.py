"""The API's documentation as one plain page, made from its OpenAPI schema.

Nothing from elsewhere: the usual viewers load themselves from a CDN, which the
content security policy forbids and an installation without internet could not show.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

Schema = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    description: str
    required: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address, as the template shows it. `example` is its path, filled in."""

    id: str
    method: str
    path: str
    example: str
    summary: str
    description: str
    parameters: list[Field] = field(default_factory=list)
    body: list[Field] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def curl(self, root: str) -> str:
        """A command that calls it, to be pasted into a shell."""
        words = ["curl"]
        if self.method != "GET":
            words += ["-X", self.method]
        words += ["-H", "authorization: Bearer KEY"]
        if self.body:
            words += ["-H", "content-type: application/json", "-d", "{…}"]
        return shlex.join([*words, root + self.example])


@lru_cache(maxsize=1)
def schema() -> Schema:
    """The schema as drf-spectacular makes it; the same for every caller, so made once."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    made: Schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


def operations(made: Schema) -> list[Operation]:
    return [
        operation(made, path, method, item[method])
        for path, item in made["paths"].items()
        for method in METHODS
        if method in item
    ]


def operation(made: Schema, path: str, method: str, described: Schema) -> Operation:
    responses = described.get("responses", {})
    success: Schema = next((responses[status] for status in sorted(responses) if status[0] == "2"), {})
    return Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        example=path.replace("{trace_id}", "0af7651916cd43dd8448eb211c80319c").replace("{span_id}", "b7ad6b7169203331"),
        summary=described.get("summary", ""),
        description=described.get("description", ""),
        parameters=[
            Field(
                parameter["name"],
                type_name(made, parameter["schema"]),
                parameter.get("description", ""),
                parameter.get("required", False),
            )
            for parameter in described.get("parameters", [])
        ],
        body=list(content(made, described.get("requestBody", {}))),
        fields=list(content(made, success)),
        answers=[Answer(status, item.get("description", "")) for status, item in responses.items()],
    )


def content(made: Schema, holder: Schema) -> Iterator[Field]:
    for media in holder.get("content", {}).values():
        yield from fields(made, media.get("schema", {}))
        return


def fields(made: Schema, shape: Schema, depth: int = 0) -> Iterator[Field]:
    """The fields of an object, those of nested objects after their own, one level deeper."""
    shape = resolved(made, shape)
    required = shape.get("required", [])
    for name, inner in shape.get("properties", {}).items():
        yield Field(name, type_name(made, inner), inner.get("description", ""), name in required, depth)
        element = resolved(made, inner)
        if element.get("type") == "array":
            element = element.get("items", {})
        if depth < 3:
            yield from fields(made, element, depth + 1)


def resolved(made: Schema, shape: Schema) -> Schema:
    """A schema without its references: what `$ref`, or an `allOf` or `oneOf` of one, stands for."""
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return resolved(made, made["components"]["schemas"][name])
    for wrapper in ("allOf", "oneOf"):
        if len(shape.get(wrapper, [])) == 1:
            own = {key: value for key, value in shape.items() if key != wrapper}
            return {**resolved(made, shape[wrapper][0]), **own}
    return shape


def type_name(made: Schema, shape: Schema) -> str:
    shape = resolved(made, shape)
    if "enum" in shape:
        return " | ".join(str(value) for value in shape["enum"])
    name = str(shape.get("type", "any"))
    if name == "array":
        name = f"list of {type_name(made, shape.get('items', {}))}"
    elif shape.get("format") == "date-time":
        name = "time"
    return f"{name} or null" if shape.get("nullable") else name


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    root = f"{request.scheme}://{request.get_host()}"
    listed = operations(schema())
    context = {
        "info": schema()["info"],
        "operations": [(item, item.curl(root)) for item in listed],
    }
    return TemplateResponse(request, "api/docs.html", context)
