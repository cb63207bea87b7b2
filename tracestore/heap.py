"""Gives free memory back to the operating system.

Texts of a few hundred bytes and more come from the C library's heap. glibc gives memory back only from its end, and
a text that is kept for a while holds all that was freed before it: a process that reads much and remembers some grows
for hours while what it uses stays the same.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def give_back() -> bool:
    """Gives whole free pages back, wherever they are; whether there were any. Elsewhere than with glibc nothing."""
    trim = _malloc_trim()
    return trim is not None and bool(trim(0))


@cache
def _malloc_trim() -> Any:
    """malloc_trim(3)."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
