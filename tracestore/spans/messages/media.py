"""Images, audio and files in messages: what and how large, never the bytes."""

from __future__ import annotations

from typing import Any, Final, Literal

from tracestore.spans.messages.conversation import Part
from tracestore.spans.semconv.values import plain, to_json

Kind = Literal["image", "audio", "file"]

_MAX_URI: Final = 2048

#: In a block that is not understood, longer unbroken strings are taken for encoded content.
_MAX_UNBROKEN: Final = 1024


def media(kind: Kind, mime_type: object = "", source: object = "") -> Part:
    """A media part from a URL, a `data:` URL or base64 text."""
    mime = mime_type if isinstance(mime_type, str) else ""
    part: Part = {"type": kind, "mime_type": mime}
    if isinstance(source, bytes):
        part["size"] = len(source)
    elif isinstance(source, str) and source:
        if source.startswith("data:"):
            head, _, data = source[5:].partition(",")
            part["mime_type"] = mime or head.partition(";")[0]
            part["size"] = _decoded_size(data)
        elif "://" in source[:16] or source.startswith(("file-", "file_")):
            part["uri"] = source[:_MAX_URI]
        else:
            part["size"] = _decoded_size(source)
    return part


def kind_of(value: object) -> Kind:
    """The kind of media by modality or MIME type."""
    name = value if isinstance(value, str) else ""
    if name.startswith("image"):
        return "image"
    return "audio" if name.startswith("audio") else "file"


def _decoded_size(base64: str) -> int:
    return len(base64) * 3 // 4 - (base64[-2:].count("=") if base64 else 0)


def raw(value: Any) -> Part:
    """A part for what cannot be read: its text, with encoded content replaced by its length."""
    text = value if isinstance(value, str) else to_json(_without_content(plain(value), 0))
    return {"type": "raw", "text": text}


def _without_content(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        if len(value) > _MAX_UNBROKEN and not any(c in value[:_MAX_UNBROKEN] for c in " \n\t"):
            return f"<{len(value)} characters>"
        return value
    if depth > 32:
        return "…"
    if isinstance(value, dict):
        return {key: _without_content(found, depth + 1) for key, found in value.items()}
    if isinstance(value, list):
        return [_without_content(found, depth + 1) for found in value]
    return value
