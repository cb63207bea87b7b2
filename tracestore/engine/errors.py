"""ClickHouse's error form, ``Code: N. DB::Exception: text. (NAME)``, and its HTTP statuses."""

from __future__ import annotations

import re

BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48
UNKNOWN_TABLE = 60
SYNTAX_ERROR = 62
UNKNOWN_FORMAT = 73
UNKNOWN_DATABASE = 81
UNKNOWN_COMPRESSION_METHOD = 89
READONLY = 164
TOO_MANY_SIMULTANEOUS_QUERIES = 202
QUERY_IS_TOO_LARGE = 229
NOT_ENOUGH_SPACE = 243
CANNOT_DECOMPRESS = 271
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
INVALID_SESSION_TIMEOUT = 374
QUERY_WAS_CANCELLED = 394
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
STD_EXCEPTION = 1001

_NAMES: dict[int, str] = {
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    UNKNOWN_TABLE: "UNKNOWN_TABLE",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_FORMAT: "UNKNOWN_FORMAT",
    UNKNOWN_DATABASE: "UNKNOWN_DATABASE",
    UNKNOWN_COMPRESSION_METHOD: "UNKNOWN_COMPRESSION_METHOD",
    READONLY: "READONLY",
    TOO_MANY_SIMULTANEOUS_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    NOT_ENOUGH_SPACE: "NOT_ENOUGH_SPACE",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    INVALID_SESSION_TIMEOUT: "INVALID_SESSION_TIMEOUT",
    QUERY_WAS_CANCELLED: "QUERY_WAS_CANCELLED",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    STD_EXCEPTION: "STD_EXCEPTION",
}

# The server's own mapping; any code not named here is a 500, as there.
_STATUS: dict[int, int] = {
    **dict.fromkeys((192, 193, 497, 512, 516), 403),
    **dict.fromkeys((6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123), 400),
    **dict.fromkeys((167, 168, 223, 321, 376, 427, 441, 675, 676), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    **dict.fromkeys((76, 209, 439, 202), 503),
    159: 408,
    194: 401,
    229: 413,
    48: 501,
}

_CODE = re.compile(r"Code:\s*(\d+)\.")
# chDB sometimes wraps an exception in itself, with code and name twice.
_WRAPPED = re.compile(
    r"^Code: (\d+)\. DB::Exception: (Code: \1\. DB::Exception: .*?)\.?\s*\([A-Z0-9_]+\)$",
    re.DOTALL,
)
_VERSION_AT_END = re.compile(r"\s*\(version [^)]*\)\.?\s*$")


class EngineError(Exception):
    """A failed request, as a client of ClickHouse expects to see it."""

    def __init__(self, code: int, message: str, status: int | None = None) -> None:
        self.code = code
        name = _NAMES.get(code)
        if not message.startswith("Code: "):
            message = f"Code: {code}. DB::Exception: {message}"
            if name:
                message += f" ({name})"
        self.text = message
        self.status = status if status is not None else _STATUS.get(code, 500)
        super().__init__(message)


def from_engine(message: str) -> EngineError:
    """Turn the text of an exception raised by chDB into an error with code and status."""
    message = message.strip()
    start = message.find("Code: ")
    if start > 0:
        message = message[start:]
    message = _VERSION_AT_END.sub("", message)
    while wrapped := _WRAPPED.match(message):
        message = _VERSION_AT_END.sub("", wrapped.group(2))
    found = _CODE.match(message)
    if not found:
        return EngineError(STD_EXCEPTION, message or "The engine failed without a message.")
    return EngineError(int(found.group(1)), message)
