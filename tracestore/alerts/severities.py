"""Severities and their order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RANKS: Final[Mapping[str, int]] = {"info": 0, "warning": 1, "critical": 2}


def rank(severity: str) -> int:
    """0 is the least; one that this version does not know counts as that."""
    return RANKS.get(severity, 0)


def worse(severity: str, than: str) -> bool:
    return rank(severity) > rank(than)


def worst(*severities: str) -> str:
    return max(severities, key=rank)
