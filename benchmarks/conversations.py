"""Payload rows of long agent runs, which send their whole conversation again at every step.

From captures of real frameworks (a folder as `/…/corpus`, one folder a capture) or generated. Rows have
the columns of `stored_payloads` that matter for its size. No two generated runs share a text but the
system prompt and the tool schemas of their agent, as in life: copies of one run would compress into
nothing as soon as a window is large enough to see two of them.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tracestore.spans.decode import decode_protobuf
from tracestore.spans.normalise import normalise

TEXTS = ("input", "output", "attributes", "events")
AGENTS = 8


@dataclass(frozen=True)
class Row:
    trace_id: str
    span_id: str
    start_ns: int
    input: str
    output: str
    attributes: str
    events: str = ""

    @property
    def size(self) -> int:
        """Characters of payload; the generator and nearly all of the captures are ASCII."""
        return sum(len(getattr(self, name)) for name in TEXTS)


@dataclass(frozen=True)
class Run:
    """The payload rows of one process in the order in which they were exported, and how many spans it had in all."""

    name: str
    rows: Sequence[Row]
    spans: int


def captured(folder: Path, order: str) -> Run:
    """A capture through the product's decoder and normaliser.

    `order`: of the keys in the attributes' JSON: `set` (arbitrary, as a set gives them) or `received`.
    """
    spans = []
    for file in sorted(folder.glob("*.traces.binpb.gz")):
        spans += [normalise(record) for record in decode_protobuf(gzip.decompress(file.read_bytes())).records]
    rows = []
    for span in spans:
        kept, seen = {}, {span.input, span.output} - {""}
        payload = set(span.payload_attributes)
        for key in span.record.attributes if order == "received" else payload:
            value = span.record.attributes.get(key)
            if key in payload and value is not None:
                if isinstance(value, str) and value in seen:
                    seen.remove(value)  # the text of the input or output column; once is enough
                else:
                    kept[key] = value
        attributes = json.dumps(kept, separators=(",", ":"), default=str, ensure_ascii=False) if kept else ""
        events = [{"name": event.name, "attributes": dict(event.attributes)} for event in span.record.events]
        full = json.dumps(events, default=str, ensure_ascii=False)
        record = span.record
        row = Row(
            record.trace_id,
            record.span_id,
            record.start_ns,
            span.input,
            span.output,
            attributes,
            full if len(full) > 1024 else "",
        )
        if row.size:
            rows.append(row)
    return Run(folder.name, rows, len(spans))


class Words:
    """Text with the statistics of prose: few frequent words, many rare ones, none of them real."""

    def __init__(self, seed: int, size: int = 8000) -> None:
        chance = random.Random(seed)
        syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "in", "or", "st")]
        self.words = ["".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3, 3, 4)))) for _ in range(size)]
        total, self.weights = 0.0, []
        for rank in range(1, size + 1):
            total += 1 / rank
            self.weights.append(total)

    def text(self, chance: random.Random, characters: int) -> str:
        return " ".join(chance.choices(self.words, cum_weights=self.weights, k=max(1, characters // 7)))


def generated(seed: int, turns: int, start_ns: int, words: Words) -> Run:
    """A run of `turns` steps, each one model call with the conversation so far and one tool call."""
    agent, chance = random.Random(seed % AGENTS), random.Random(seed)
    instructions = json.dumps([{"type": "text", "content": words.text(agent, 3000)}])
    tools = json.dumps(
        [
            {
                "type": "function",
                "name": f"tool_{number}",
                "description": words.text(agent, 300),
                "parameters": {
                    "type": "object",
                    "properties": {
                        words.text(agent, 7): {"type": "string", "description": words.text(agent, 60)} for _ in range(4)
                    },
                },
            }
            for number in range(8)
        ]
    )
    attributes = json.dumps({"gen_ai.system_instructions": instructions, "gen_ai.tool.definitions": tools})
    trace = f"{seed:08x}{chance.getrandbits(96):024x}"
    conversation = [{"role": "user", "parts": [{"type": "text", "content": words.text(chance, 300)}]}]
    rows: list[Row] = []

    def add(given: str, got: str, more: str = "") -> None:
        now = start_ns + len(rows) * 700_000_000 + seed
        rows.append(Row(trace, f"{chance.getrandbits(64):016x}", now, given, got, more))

    for _ in range(turns):
        call = f"call_{chance.getrandbits(96):024x}"
        arguments = {"query": words.text(chance, 60), "top_k": chance.randrange(1, 20)}
        answer = {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": words.text(chance, chance.randrange(60, 500))},
                {"type": "tool_call", "id": call, "name": f"tool_{chance.randrange(8)}", "arguments": arguments},
            ],
        }
        add(json.dumps(conversation), json.dumps([answer]), attributes)
        hits = [
            {
                "id": f"doc-{chance.randrange(10_000)}",
                "score": round(chance.random(), 4),
                "text": words.text(chance, size),
            }
            for size in chance.choices((150, 300, 800), k=4)
        ]
        result = json.dumps(hits)
        add(json.dumps(arguments), result)
        conversation.append(answer)
        conversation.append({"role": "tool", "parts": [{"type": "tool_call_response", "id": call, "response": result}]})
    return Run(f"generated {seed}", rows, len(rows))


def one_after_another(runs: Sequence[Run], batch: int) -> list[list[Row]]:
    """Batches as if each run were exported by itself."""
    rows = [row for run in runs for row in run.rows]
    return [rows[place : place + batch] for place in range(0, len(rows), batch)]


def interleaved(runs: Sequence[Run], batches: int) -> list[list[Row]]:
    """Batches that each hold a little of every run, as when all of them go on at the same time."""
    found: list[list[Row]] = []
    for number in range(batches):
        batch: list[Row] = []
        for run in runs:
            size = len(run.rows)
            batch += run.rows[size * number // batches : size * (number + 1) // batches]
        found.append(batch)
    return [batch for batch in found if batch]


def table(rows: Sequence[Row]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "project": pa.array(["default"] * len(rows)),
        "trace_id": pa.array([row.trace_id for row in rows]),
        "span_id": pa.array([row.span_id for row in rows]),
        "start_time": pa.array([row.start_ns for row in rows], pa.int64()).cast(pa.timestamp("ns", "UTC")),
    }
    for name in TEXTS:
        columns[name] = pa.array([getattr(row, name) for row in rows], pa.string())
    columns["version"] = pa.array([1] * len(rows), pa.uint64())
    return pa.table(columns)
