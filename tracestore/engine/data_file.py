"""The data of one INSERT as a file that the engine can read: in memory, on disk when it is large."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Final

#: Our own inserts stay below this; a larger one is somebody loading a table.
MEMORY_BYTES: Final = 64 << 20


@contextmanager
def data_file(chunks: Iterable[bytes]) -> Iterator[str]:
    """The path of a file that holds these bytes while the block runs.

    Complete before it is given out, so that data which turn out to be damaged reach no table.

    Raises:
        OSError: there is no room for it.
    """
    file, size, in_memory = _memory_file(), 0, True
    try:
        for chunk in chunks:
            size += len(chunk)
            if in_memory and size > MEMORY_BYTES:
                file, in_memory = _on_disk(file), False
            file.write(chunk)
        file.flush()
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"
    finally:
        file.close()


def _memory_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("insert"), "w+b")
    return tempfile.TemporaryFile(dir=".")


def _on_disk(file: IO[bytes]) -> IO[bytes]:
    """The same content in a nameless file in the working directory, which is the engine's spool."""
    moved = tempfile.TemporaryFile(dir=".")  # noqa: SIM115 closed by the caller
    file.seek(0)
    shutil.copyfileobj(file, moved)
    file.close()
    return moved
