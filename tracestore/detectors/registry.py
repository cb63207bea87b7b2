"""All detectors, in the order in which pages show them: ours, then those of other packages.

Another package adds its own through the entry point group `tracestore.detectors`; see docs/detection.md.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Final

from tracestore.detectors.context_growth import ContextGrowth
from tracestore.detectors.cost_anomaly import CostAnomaly
from tracestore.detectors.detector import TraceDetector, WindowDetector
from tracestore.detectors.empty_retrieval import EmptyRetrieval
from tracestore.detectors.error_cascade import ErrorCascadeDetector
from tracestore.detectors.error_outage import ErrorOutage
from tracestore.detectors.event_shares import EMPTY_RETRIEVALS, RETRIES, TRUNCATED_OUTPUTS
from tracestore.detectors.latency_regression import LATENCY_REGRESSION
from tracestore.detectors.loop import LoopDetector
from tracestore.detectors.prompt_injection import PromptInjection
from tracestore.detectors.retry_storm import RetryStormDetector
from tracestore.detectors.runaway_run import RunawayRun
from tracestore.detectors.semantic_drift import SEMANTIC_DRIFT
from tracestore.detectors.stalled_run import StalledRun
from tracestore.detectors.tool_error_rate import ToolErrorRate
from tracestore.detectors.truncated_output import TruncatedOutput

#: The group of entry points through which another package adds detectors (instances).
GROUP: Final = "tracestore.detectors"

#: Read one run.
TRACE_DETECTORS: Final[tuple[TraceDetector, ...]] = (
    LoopDetector(),
    RetryStormDetector(),
    ErrorCascadeDetector(),
    RunawayRun(),
    StalledRun(),
    ContextGrowth(),
    PromptInjection(),
    EmptyRetrieval(),
    TruncatedOutput(),
)

#: Read a history.
WINDOW_DETECTORS: Final[tuple[WindowDetector, ...]] = (
    LATENCY_REGRESSION,
    SEMANTIC_DRIFT,
    ToolErrorRate(),
    ErrorOutage(),
    CostAnomaly(),
    RETRIES,
    EMPTY_RETRIEVALS,
    TRUNCATED_OUTPUTS,
)


@cache
def trace_detectors() -> tuple[TraceDetector, ...]:
    """Ours and those of plug-ins that read a run."""
    return TRACE_DETECTORS + tuple(found for found in _plugins() if not isinstance(found, WindowDetector))


@cache
def window_detectors() -> tuple[WindowDetector, ...]:
    """Ours and those of plug-ins that read a history."""
    return WINDOW_DETECTORS + tuple(found for found in _plugins() if isinstance(found, WindowDetector))


@cache
def _plugins() -> tuple[TraceDetector | WindowDetector, ...]:
    return tuple(entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name))
