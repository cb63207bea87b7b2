"""Python reprs of an SDK's objects, as some instrumentations write them into messages.

opentelemetry-instrumentation-openai-agents-v2 writes a requested tool call as the repr of the
OpenAI SDK's object. Parsed as an expression of constants, never evaluated.
"""

from __future__ import annotations

import ast
from typing import Any, Final

TOOL_CALL: Final = "ResponseFunctionToolCall("

_MAX_LENGTH: Final = 65_536


def read_fields(text: str) -> dict[str, Any]:
    """The constant keyword arguments of a call expression; empty when it is none."""
    if len(text) > _MAX_LENGTH:
        return {}
    try:
        expression = ast.parse(text, mode="eval").body
    except Exception:  # SyntaxError, ValueError, MemoryError, RecursionError
        return {}
    if not isinstance(expression, ast.Call):
        return {}
    return {
        keyword.arg: keyword.value.value
        for keyword in expression.keywords
        if keyword.arg and isinstance(keyword.value, ast.Constant)
    }
