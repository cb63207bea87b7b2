"""Small agent runs for the tests of steps and repetitions: one line a span."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Call:
    """A span in short; times are in milliseconds where they are given, nanoseconds where they are read."""

    span_id: str
    parent_span_id: str
    type: str
    start: int
    end: int
    agent: str = ""
    name: str = ""
    tool_name: str = ""
    model: str = ""
    status: str = "unset"
    input_tokens: int = 0
    cost_usd: float | None = None
    arguments: str = ""

    @property
    def start_ns(self) -> int:
        return self.start * 1_000_000

    @property
    def end_ns(self) -> int:
        return self.end * 1_000_000
