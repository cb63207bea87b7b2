"""Many objects made at once, without the garbage collector looking through the whole process again and again.

Python looks for rings of dead objects when many new ones are alive, and goes through all that lives: in the web process
some 45 ms, which reading 10,000 spans sets off once or twice. None of those spans is garbage; in the worker neither is
what it remembers of the runs that go on.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_ONE: Final = threading.Lock()


@contextmanager
def put_off() -> Iterator[None]:
    """No collection in this process until the end of the block; what is due then comes with the next new object.

    Where blocks overlap, the first one's end counts for all, so that a busy process collects between them.
    """
    if not gc.isenabled() or not _ONE.acquire(blocking=False):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        _ONE.release()
