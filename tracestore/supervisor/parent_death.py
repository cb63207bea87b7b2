"""No orphans: a child dies with its supervisor, even when that one is ended by `kill -9`.

SIGKILL and not SIGTERM, because the next `up` must find ports and locks free at once; what was
acknowledged is on disk by then. On Linux the kernel does it. Elsewhere the child runs inside
`watched`, whose thread waits for the end of a pipe that only the supervisor holds open.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def kernel_kills_orphans() -> bool:
    """Whether `die_with_parent` works on this system."""
    return sys.platform.startswith("linux")


def die_with_parent() -> Callable[[], None]:
    """What a child has to call between fork and exec. Make it in the parent, before the fork."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def set_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above could help
            os._exit(1)

    return set_signal
