"""Which alerts are one incident, and which incident is the cause of another. Pure.

The key is made of labels, never of the severity, so that a warning that becomes critical stays one incident. What a
tool itself causes is one incident of the tool, whichever agents meet it ("the search tool is down").
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Detectors that say of a tool that it fails, unless the cause lies with who calls it.
OF_TOOLS: Final = frozenset({"tool_error_rate", "error_cascade"})
#: Detectors that say it if they name the tool (or what is below it) as the cause.
IF_CAUSED: Final = frozenset({"retry_storm", "stalled_run", "latency_regression"})
#: Causes that lie with the agent: the tool is as it should be.
OF_CALLER: Final = frozenset({"model", "data"})
TOOL_CAUSES: Final = frozenset({"tool", "system"})
#: Metrics by which a tool or a model is out of order.
TOOL_METRICS: Final = frozenset({"tool_error_rate", "tool_latency_p95"})
MODEL_METRICS: Final = frozenset({"llm_error_rate", "llm_latency_p95"})
DIMENSIONS: Final = ("agent", "tool", "model", "user", "version")
#: All that is beyond the most incidents of a project is one.
OVERFLOW: Final = "more"


def key(labels: Mapping[str, str], group_by: Sequence[str], kind: str, metric: str = "", rule: str = "") -> str:
    """The key of the incident of an alert: 32 hex digits.

    `group_by` (of the rule) wins; `kind` and `metric` are those of its condition, `rule` its identity.
    """
    return digest(*subject(labels, group_by, kind, metric, rule))


def subject(labels: Mapping[str, str], group_by: Sequence[str], kind: str, metric: str, rule: str) -> tuple[str, ...]:
    """What the key says, before it is a digest."""
    by = [name for name in group_by if name != "severity"]
    if by:
        # Without the rule: two rules that group alike share incidents, if they ask for it by grouping by labels.
        return ("by", *(f"{name}={labels.get(name, '')}" for name in sorted(set(by))))
    tool = blamed_tool(labels, kind, metric)
    if tool:
        return ("tool", tool)
    if kind == "findings":
        return ("agent", labels.get("agent", ""), labels.get("detector", ""))
    return ("rule", rule, *(f"{name}={labels[name]}" for name in DIMENSIONS if labels.get(name)))


def blamed_tool(labels: Mapping[str, str], kind: str, metric: str = "") -> str:
    """The tool that is itself out of order by this alert, '' if none is."""
    tool = labels.get("tool", "")
    if not tool:
        return ""
    cause = labels.get("cause", "unknown")
    if kind == "findings":
        detector = labels.get("detector", "")
        if (detector in OF_TOOLS and cause not in OF_CALLER) or (detector in IF_CAUSED and cause in TOOL_CAUSES):
            return tool
        return ""
    others = [name for name in DIMENSIONS if name != "tool" and labels.get(name)]
    return tool if metric in TOOL_METRICS and not others else ""


def blamed_model(labels: Mapping[str, str], metric: str) -> str:
    """The model that is itself out of order by this alert of a metric, '' if none is."""
    others = [name for name in DIMENSIONS if name != "model" and labels.get(name)]
    return labels.get("model", "") if metric in MODEL_METRICS and not others else ""


def causes_of(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """What an incident of an agent may be an effect of: ("tool", name), ("model", name)."""
    if not labels.get("agent"):
        return []
    found = []
    if labels.get("tool"):
        found.append(("tool", labels["tool"]))
    # Which model is used says little; that it failed says it is the model's.
    if labels.get("model") and labels.get("cause") in ("system", "model"):
        found.append(("model", labels["model"]))
    return found


def tool_key(tool: str) -> str:
    """The key of the incident of a tool."""
    return digest("tool", tool)


def overflow_key() -> str:
    return digest(OVERFLOW)


def metric_of(condition: Mapping[str, Any]) -> str:
    return str(condition.get("metric", ""))


def digest(*parts: str) -> str:
    # Lengths, so that no two lists of parts are the same text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
