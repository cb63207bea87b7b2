"""JSON out. One encoder for all answers: a trace of 10,000 spans must not wait for the standard library's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


def to_plain(value: object) -> Any:
    """Strings and numbers of a library's own subclass (`ErrorDetail`), and what else has no JSON form."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


ENCODER = msgspec.json.Encoder(enc_hook=to_plain)


def encode_list(items: Iterable[object]) -> msgspec.Raw:
    """A JSON array, written item by item, to stand as a value in an answer.

    10,000 spans that live at once as dicts make the garbage collector walk them again and again,
    which costs more than all the rest; like this each is gone before the next is made.
    """
    return msgspec.Raw(b"[" + b",".join(map(ENCODER.encode, items)) + b"]")


class JsonRenderer(BaseRenderer):
    """Compact UTF-8 JSON. Bytes become base64; NaN and infinity, which JSON lacks, become null."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return ENCODER.encode(data)


class AlwaysJson(DefaultContentNegotiation):
    """Answers in the view's one form whatever `accept` says: an error in JSON beats a 406 without one."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
