"""Request bodies: kept as received, read back decompressed, bounded in size throughout."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import lz4.frame
import zstandard

from tracestore.engine.errors import (
    CANNOT_DECOMPRESS,
    QUERY_IS_TOO_LARGE,
    UNKNOWN_COMPRESSION_METHOD,
    EngineError,
)

CHUNK = 1 << 20
_DECODING_ERRORS = (OSError, EOFError, RuntimeError, ValueError, zlib.error, zstandard.ZstdError)


class Body:
    """A request body on its way in: in memory at first, in a private file when it grows.

    Nothing of it reaches the engine before its last byte has arrived, so a client that goes
    away in the middle of a body has written nothing.
    """

    def __init__(self, spool: Path, memory_bytes: int, max_bytes: int) -> None:
        self._file = cast(
            "IO[bytes]",
            tempfile.SpooledTemporaryFile(memory_bytes, dir=str(spool)),  # noqa: SIM115
        )
        self._max_bytes = max_bytes
        self.size = 0

    def begins_with(self, word: bytes) -> bool:
        """Whether the body, as received, starts with a word in either case."""
        self._file.seek(0)
        beginning = self._file.read(64)
        self._file.seek(0, os.SEEK_END)
        return beginning.lstrip().upper().startswith(word)

    def write(self, chunk: bytes) -> None:
        """Add received bytes. Raises, with status 413, beyond the size limit."""
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise too_large(self._max_bytes)
        self._file.write(chunk)

    def reader(self, encoding: str) -> BodyReader:
        """The content, decoded by this Content-Encoding."""
        self._file.seek(0)
        return BodyReader(_decoder(self._file, encoding), self._max_bytes)

    def close(self) -> None:
        """Drop the content."""
        self._file.close()


def too_large(limit: int) -> EngineError:
    """The error for a body over the limit, as sent or after decompression."""
    return EngineError(QUERY_IS_TOO_LARGE, f"Request body exceeds the limit of {limit} bytes.")


class BodyReader:
    """Reads decoded bytes. Every decoder reads all frames of a body, not just the first."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes
        self._max_bytes = max_bytes

    def read(self, size: int = CHUNK) -> bytes:
        """Up to `size` bytes, empty only at the end."""
        try:
            data = self._stream.read(size)
        except _DECODING_ERRORS as error:
            raise EngineError(CANNOT_DECOMPRESS, f"Cannot decompress the body: {error}.") from None
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._max_bytes)
        return data

    def read_all(self) -> bytes:
        """Everything that is left."""
        return b"".join(self.chunks())

    def chunks(self, first: bytes = b"") -> Iterator[bytes]:
        """`first`, then what is left, in pieces of bounded size."""
        if first:
            yield first
        while data := self.read():
            yield data


def _decoder(raw: IO[bytes], encoding: str) -> IO[bytes]:
    match encoding:
        case "" | "identity":
            return raw
        case "gzip" | "x-gzip":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
        case "deflate":
            return cast("IO[bytes]", io.BufferedReader(_Deflate(raw), CHUNK))
        case "lz4":
            return cast("IO[bytes]", lz4.frame.LZ4FrameFile(raw, mode="rb"))
        case "zstd":
            decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
            reader = decompressor.stream_reader(raw, read_across_frames=True, closefd=False)
            return cast("IO[bytes]", reader)
    raise EngineError(
        UNKNOWN_COMPRESSION_METHOD,
        f"Unknown compression method: {encoding}. Known: gzip, deflate, lz4, zstd.",
    )


class _Deflate(io.RawIOBase):
    """Zlib streams, one after another, decompressed in pieces so that a bomb stays small."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._decompressor = zlib.decompressobj()
        self._input = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while True:
            if not self._input:
                self._input = self._raw.read(os.sysconf("SC_PAGE_SIZE") * 16)
                if not self._input:
                    if not self._decompressor.eof:
                        raise EOFError("the stream ends early")
                    return 0
            if self._decompressor.eof:
                self._decompressor = zlib.decompressobj()
            data = self._decompressor.decompress(self._input, len(view))
            self._input = self._decompressor.unconsumed_tail or self._decompressor.unused_data
            if data:
                view[: len(data)] = data
                return len(data)
