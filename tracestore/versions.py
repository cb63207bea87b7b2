"""Which Tracestore this is."""

from __future__ import annotations

import platform
from importlib import metadata


def tracestore() -> str:
    try:
        return metadata.version("tracestore")
    except metadata.PackageNotFoundError:
        return "unreleased"


def own() -> dict[str, str]:
    """What `tracestore_build_info` of each process says."""
    return {"version": tracestore(), "python": platform.python_version()}
