"""The engine process, but for how long it waits before it gives memory back: `python -m tests.engine.impatient`."""

from __future__ import annotations

import sys

from tracestore.engine import memory
from tracestore.engine.__main__ import main

if __name__ == "__main__":
    memory.LOOK_SECONDS = 0.5  # type: ignore[misc]
    sys.exit(main())
