"""Content encodings of OTLP/HTTP: none, gzip, zstd; decompressed in steps, never beyond a limit."""

from __future__ import annotations

import zlib
from typing import Any, Final

import zstandard

from tracestore.errors import InvalidInput

#: Output of one step of gzip.
_STEP: Final = 1 << 20
#: Input of one step of zstd: its blocks of 128 KiB may shrink to four bytes, so this much can become
#: 32 MiB before we look again.
_ZSTD_STEP: Final = 1 << 10
#: RFC 8878 lets a decoder refuse windows above 8 MiB; encoders at high levels use some more.
_WINDOW: Final = 1 << 25

ENCODINGS: Final = ("", "identity", "gzip", "x-gzip", "zstd")


def decompress(body: bytes, encoding: str, limit: int) -> bytes | None:
    """The body decoded, or None when it would be larger than `limit`. The encoding is of `ENCODINGS`.

    Takes memory for the limit and a step beyond it at most, whatever the body claims.

    Raises:
        InvalidInput: the body is damaged or cut short.
    """
    if encoding in ("", "identity"):
        return body if len(body) <= limit else None
    try:
        parts = _gunzip(body, limit) if encoding != "zstd" else _unzstd(body, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise InvalidInput(f"the body is not valid {encoding}: {error}", field="body") from None
    return None if parts is None else b"".join(parts)


def _gunzip(body: bytes, limit: int) -> list[bytes] | None:
    parts: list[bytes] = []
    size = 0
    rest = body
    while True:
        # A gzip body may be several members one after another.
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            part = member.decompress(rest, _STEP)
            rest = member.unconsumed_tail
            size += len(part)
            if size > limit:
                return None
            parts.append(part)
            if not part and not rest and not member.eof:
                raise InvalidInput("the gzip body is cut short", field="body")
        rest = member.unused_data
        if not rest:
            return parts


def _unzstd(body: bytes, limit: int) -> list[bytes] | None:
    parts: list[bytes] = []
    size = at = 0
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    frame: Any = decompressor.decompressobj()
    while at < len(body) or not frame.eof:
        if at >= len(body):
            raise InvalidInput("the zstd body is cut short", field="body")
        if frame.eof:
            # Frames may follow each other as well.
            frame = decompressor.decompressobj()
        part = frame.decompress(body[at : at + _ZSTD_STEP])
        at = min(at + _ZSTD_STEP, len(body)) - len(frame.unused_data)
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return parts
