"""Compression of answers, as asked for by Accept-Encoding."""

from __future__ import annotations

import zlib
from typing import Protocol

import lz4.frame
import zstandard

# In the order of preference when a client accepts several: cheapest for both sides first.
_KNOWN = ("zstd", "lz4", "gzip", "deflate")


class Encoder(Protocol):
    """Compresses a stream piece by piece."""

    def compress(self, data: bytes) -> bytes:
        """Take a piece; return what can already be sent, perhaps nothing."""

    def flush(self) -> bytes:
        """End the stream and return the rest."""


class _Lz4Encoder:
    def __init__(self) -> None:
        self._compressor = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        return self._begin() + bytes(self._compressor.compress(data))

    def flush(self) -> bytes:
        return self._begin() + bytes(self._compressor.flush())

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return bytes(self._compressor.begin())


def choose_encoding(accept_encoding: str) -> str:
    """The encoding to answer in, empty for none."""
    accepted = set()
    for item in accept_encoding.lower().split(","):
        name, _, parameters = item.partition(";")
        if parameters.replace(" ", "") not in ("q=0", "q=0.0"):
            accepted.add(name.strip())
    return next((name for name in _KNOWN if name in accepted), "")


def encoder(encoding: str) -> Encoder:
    """A fresh encoder; `encoding` is an answer of `choose_encoding`."""
    match encoding:
        case "gzip":
            return zlib.compressobj(3, zlib.DEFLATED, 31)
        case "deflate":
            return zlib.compressobj(3)
        case "lz4":
            return _Lz4Encoder()
        case "zstd":
            return zstandard.ZstdCompressor(level=1).compressobj()
    raise ValueError(f"not an encoding: {encoding!r}")
