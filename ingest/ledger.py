"""The ledger of one signal: what became of each span, or each log record, that was decoded.

Every one ends in exactly one outcome, so `received = stored + deduplicated + rejected + refused` whenever
no export is under way. Deduplicated: written, in place of a row that said the same (`repeats.py`; spans
only). Rejected: this one, for its own fault, told by partial success. Refused: the export it came in,
which the sender should repeat.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter


class Ledger:
    """Counts into a counter with the labels `outcome` and `reason`."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        # Bound once: a look-up by label for every export is wasted work.
        self._received = counter.labels("received", "")
        self._stored = counter.labels("stored", "")
        self._deduplicated = counter.labels("deduplicated", "")

    def received(self, number: int) -> None:
        self._received.inc(number)

    def stored(self, number: int) -> None:
        self._stored.inc(number)

    def deduplicated(self, number: int) -> None:
        self._deduplicated.inc(number)

    def rejected(self, reasons: Mapping[str, int]) -> None:
        for reason, number in reasons.items():
            self._counter.labels("rejected", reason).inc(number)

    def refused(self, reason: str, number: int) -> None:
        self._counter.labels("refused", reason).inc(number)

    def sums(self) -> dict[str, int]:
        """The number of each outcome, reasons summed up."""
        sums = dict.fromkeys(("received", "stored", "deduplicated", "rejected", "refused"), 0)
        for metric in self._counter.collect():
            for sample in metric.samples:
                if sample.name.endswith("_total"):
                    sums[sample.labels["outcome"]] += int(sample.value)
        return sums
