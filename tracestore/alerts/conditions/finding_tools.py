"""Which tool a finding is about, where its detector names one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NUMBERED = re.compile(r" #\d+$")


def tool_of(detector: str, key: str, evidence: Mapping[str, Any]) -> str:
    """The tool, '' if none or several. What several findings of one problem share is asked first: the key."""
    key = _NUMBERED.sub("", key)
    if detector in ("retry_storm", "empty_retrieval") and key.startswith("share:"):
        return key.removeprefix("share:")
    match detector:
        case "loop":
            # "search+fetch" is a loop over two tools, "answer" one of answers, "hand-over a+b" one of agents.
            found = "" if key == "answer" or key.startswith("hand-over ") or "+" in key else key
        case "retry_storm":
            # A storm at a model provider is of no tool.
            found = "" if evidence.get("provider") is True else key
        case "tool_error_rate":
            found = key
        case "error_cascade":
            found = _outage(key) if key.startswith("outage:") else _only(evidence.get("tools"))
        case "empty_retrieval":
            found = "" if "+" in key else key
        case "latency_regression":
            found = key.removeprefix("tool ") if key.startswith("tool ") else ""
        case _:
            found = ""
    return found or _named(evidence.get("tool"))


def _outage(key: str) -> str:
    name = key.removeprefix("outage:")
    return "" if name == "*" else name


def _only(tools: object) -> str:
    return str(tools[0]) if isinstance(tools, list) and len(tools) == 1 else ""


def _named(tool: object) -> str:
    return tool if isinstance(tool, str) else ""
