"""How much of one attribute value may be kept: bytes, depth, entries. The same for every encoding."""

from __future__ import annotations

from tracestore.spans.decode_limits import CUT, Outcome, clipped


class ValueBudget:
    """What is left of the limits while one value is read. `cut` tells whether anything was left out.

    `text_bytes` is the true length of the last text or binary seen, which is the value's own when it
    is not a structure.
    """

    __slots__ = ("bytes_left", "cut", "outcome", "text_bytes")

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.bytes_left = outcome.limits.value_bytes
        self.text_bytes = 0
        self.cut = False

    def take(self, raw: bytes) -> bytes:
        """As much of these bytes as the value may still hold, cut between characters."""
        self.text_bytes = len(raw)
        if len(raw) <= self.bytes_left:
            self.bytes_left -= len(raw)
            return raw
        kept = clipped(raw, self.bytes_left)
        self.bytes_left = 0
        self.over_limit()
        return kept

    def text(self, raw: bytes) -> str:
        """UTF-8 as text, within the limit; what was cut ends in a mark."""
        kept = self.take(raw)
        text = self.outcome.text(kept)
        return text if len(kept) == len(raw) else text + CUT

    def enter(self, depth: int) -> bool:
        """Whether a structure at this depth may be read."""
        if depth <= self.outcome.limits.depth:
            return True
        self.cut = True
        self.outcome.warnings["value_too_deep"] += 1
        return False

    def step(self) -> bool:
        """Whether one more entry may be read, of this value and of its span."""
        if self.outcome.node() and self.bytes_left > 0:
            return True
        self.over_limit()
        return False

    def over_limit(self) -> None:
        if not self.cut:
            self.outcome.warnings["value_over_limit"] += 1
        self.cut = True
