"""Reads a folder of captures: exports of real frameworks, with the truth of what they did in `manifest.json`.

A capture is one case, whatever number of traces it has. Everything is known of it, so that each capture
that is not meant to show a problem is a case without that problem.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tracestore.analysis.trajectory import Trajectory, from_spans
from tracestore.detectors.evaluation.cases import Case, Dataset, Label
from tracestore.errors import InvalidInput
from tracestore.spans import decode_logs
from tracestore.spans.decode import decode_protobuf
from tracestore.spans.model import Event, Span
from tracestore.spans.normalise import normalise
from tracestore.spans.resolve import resolve
from tracestore.spans.semconv.log_events import Told, event_of, told

MANIFEST: Final = "manifest.json"

#: What a capture's facts say of problems that some detector or none claims: family of the label → fact.
_FACTS: Final = {"prompt_injection": "prompt_injection", "drift_over_time": "drift"}


def read(folder: Path) -> Dataset:
    """The captures of a folder.

    Raises:
        InvalidInput: a manifest cannot be read.
    """
    return Dataset(folder.name, tuple(_case(file.parent) for file in sorted(folder.glob(f"*/{MANIFEST}"))))


def _case(capture: Path) -> Case:
    try:
        manifest = json.loads((capture / MANIFEST).read_text(encoding="utf-8"))
        expected, scenario = manifest["expected"], manifest["scenario"]
        loop, facts = expected["loop"], expected["scenario_facts"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{capture / MANIFEST}: expected a JSON object with scenario and expected.loop, expected.scenario_facts.",
            field=MANIFEST,
        ) from error
    spans = _spans(capture)
    by_trace = sorted({span.record.trace_id: span.record.start_ns for span in reversed(spans)}.items(), key=_second)
    trajectories = tuple(from_spans(capture.parent.name, spans, trace_id) for trace_id, _ in by_trace)
    labels = [
        Label("trace", "loop", "loop", bool(loop.get("is_loop")), "programmatic"),
        Label("trace", "retry storm", "retry_storm", bool(loop.get("retry_storm")), "programmatic"),
        *(
            Label("trace", family.replace("_", " "), family, bool(facts.get(fact)), "programmatic")
            for family, fact in _FACTS.items()
        ),
        Label("trace", "context jumped or full", "context", _too_much(facts), "programmatic"),
    ]
    if loop.get("is_loop"):
        labels += _looping(trajectories, loop, expected.get("tool_names", {}))
    return Case(capture.name, trajectories, tuple(labels), scenario)


def _too_much(facts: Mapping[str, Any]) -> bool:
    return bool(facts.get("cost_spike")) or "context length" in str(facts.get("error_contains", ""))


def _second(pair: tuple[str, int]) -> int:
    return pair[1]


def _looping(trajectories: tuple[Trajectory, ...], loop: Mapping[str, Any], tools: Mapping[str, int]) -> list[Label]:
    """The executions that are the loop; none where the spans do not show every execution."""
    executions = [span for trajectory in trajectories for span in trajectory.of_type("tool") if span.tool_name in tools]
    if len(executions) != sum(tools.values()):
        return []
    ids = tuple(executions[ordinal - 1].span_id for ordinal in loop["tool_exec_ordinals"])
    return [Label("span", "loop", "loop", True, "programmatic", ids)]


def _spans(capture: Path) -> list[Span]:
    spans = [
        normalise(record)
        for file in sorted(capture.glob("*.traces.binpb.gz"))
        for record in decode_protobuf(gzip.decompress(file.read_bytes())).records
    ]
    events: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for file in sorted(capture.glob("*.logs.binpb.gz")):
        for log in decode_logs.decode_protobuf(gzip.decompress(file.read_bytes())).records:
            event = event_of(log.time_ns, log.event_name, log.body, log.attributes)
            events[log.trace_id, log.span_id].append(event)
    for span in spans:
        said = told(events.get((span.record.trace_id, span.record.span_id), []), span.type)
        for name in Told.__slots__:
            setattr(span, name, getattr(span, name) or getattr(said, name))
    resolve(spans)
    return spans
