"""Writes folders of labelled traces as the evaluation reads them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

SECOND = 1_000_000_000


def request(trace_id: str, steps: list[dict[str, str]]) -> bytes:
    """A run: an agent's span and below it one span for each step, of attributes; `name` is the span's."""
    made = ExportTraceServiceRequest()
    spans = made.resource_spans.add().scope_spans.add().spans
    for place, step in enumerate([{"name": "invoke_agent bot", "gen_ai.operation.name": "invoke_agent"}, *steps]):
        span = spans.add(
            trace_id=bytes.fromhex(trace_id),
            span_id=(place + 1).to_bytes(8, "big"),
            parent_span_id=(1).to_bytes(8, "big") if place else b"",
            name=step["name"],
            start_time_unix_nano=(1_700_000_000 + place) * SECOND,
            end_time_unix_nano=(1_700_000_000 + place) * SECOND + SECOND // 2,
        )
        for key, value in {"gen_ai.agent.name": "bot", **step}.items():
            span.attributes.append(KeyValue(key=key, value=AnyValue(string_value=value)))
    return made.SerializeToString()


def span_id(place: int) -> str:
    """Of a step, counted from 0."""
    return f"{place + 2:016x}"


def tool(name: str, arguments: Any, result: str) -> dict[str, str]:
    return {
        "name": f"execute_tool {name}",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.arguments": json.dumps(arguments),
        "gen_ai.tool.call.result": result,
    }


def says(text: str) -> dict[str, str]:
    message = [{"role": "assistant", "parts": [{"type": "text", "content": text}]}]
    return {
        "name": "chat m",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.output.messages": json.dumps(message),
    }


def dataset(folder: Path, runs: dict[str, list[dict[str, str]]], labels: list[dict[str, Any]]) -> Path:
    (folder / "traces").mkdir(parents=True)
    index = []
    for trace_id, steps in runs.items():
        file = f"traces/{trace_id}.binpb.gz"
        (folder / file).write_bytes(gzip.compress(request(trace_id, steps)))
        index.append({"trace_id": trace_id, "file": file})
    lines(folder / "index.jsonl", index)
    lines(folder / "labels.jsonl", labels)
    return folder


def capture(folder: Path, steps: list[dict[str, str]], scenario: str, loop: Any = None, **facts: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "0001.traces.binpb.gz").write_bytes(gzip.compress(request("c" * 32, steps)))
    names = [step["gen_ai.tool.name"] for step in steps if "gen_ai.tool.name" in step]
    expected = {
        "loop": loop or {"is_loop": False},
        "scenario_facts": facts,
        "tool_names": {name: names.count(name) for name in names},
    }
    (folder / "manifest.json").write_text(json.dumps({"scenario": scenario, "expected": expected}))
    return folder


def lines(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
