"""What the JSON texts of a vendor's request and response tell besides the messages.

MLflow, Logfire and Langfuse keep the request and the response of a model's API as they were. Read
with typed decoders that skip the messages, so that a long conversation costs little.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from tracestore.spans.semconv.values import MAX_PARSED

_NAME_LENGTH: Final = 256


class Response(NamedTuple):
    response_id: str = ""
    model: str = ""
    finish_reason: str = ""
    usage: dict[str, Any] | None = None


class _Response(msgspec.Struct):
    id: Any = None
    model: Any = None
    model_version: Any = None
    choices: Any = None
    candidates: Any = None
    stop_reason: Any = None
    stopReason: Any = None  # noqa: N815 (Bedrock's spelling)
    finish_reason: Any = None
    usage: Any = None
    usage_metadata: Any = None


class _Request(msgspec.Struct):
    model: Any = None
    modelId: Any = None  # noqa: N815 (Bedrock's spelling)


_NOTHING: Final = Response()
_response = msgspec.json.Decoder(_Response).decode
_request = msgspec.json.Decoder(_Request).decode


def read_response(raw: str) -> Response:
    """The id, model, finish reason and usage of a response; empty for what is not one."""
    if raw[:1] != "{" or len(raw) > MAX_PARSED:
        return _NOTHING
    try:
        found = _response(raw)
    except Exception:  # not JSON, or too deep
        return _NOTHING
    reason = found.stop_reason or found.stopReason or found.finish_reason
    listed = found.choices or found.candidates
    if isinstance(listed, list) and listed and isinstance(listed[0], dict):
        reason = listed[0].get("finish_reason") or listed[0].get("finishReason") or reason
    usage = found.usage if isinstance(found.usage, dict) else found.usage_metadata
    return Response(
        _name(found.id),
        _name(found.model) or _name(found.model_version),
        _name(reason),
        usage if isinstance(usage, dict) else None,
    )


def requested_model(raw: str) -> str:
    """The model that a request asks for, '' when it names none."""
    if raw[:1] != "{" or '"model' not in raw or len(raw) > MAX_PARSED:
        return ""
    try:
        found = _request(raw)
    except Exception:  # not JSON, or too deep
        return ""
    return _name(found.model) or _name(found.modelId)


def _name(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= _NAME_LENGTH else ""
