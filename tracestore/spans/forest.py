"""The spans of one or more traces with their parents, whatever is missing or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracestore.spans.model import Span


class Forest:
    """Parents and order of spans that differ in their ids.

    A parent that is not among the spans is absent (None), as is one that would close a cycle.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self._by_id: dict[tuple[str, str], Span] = {}
        for span in spans:
            record = span.record
            self._by_id[record.trace_id, record.span_id] = span
        self._order = self._sort()

    def parent(self, span: Span) -> Span | None:
        """The parent if it is known."""
        record = span.record
        if not record.parent_span_id:
            return None
        found = self._by_id.get((record.trace_id, record.parent_span_id))
        if found is None or id(span) in self._cut:
            return None
        return found

    def top_down(self) -> Iterator[Span]:
        """All spans, parents before their children."""
        return iter(self._order)

    def _sort(self) -> list[Span]:
        """Parents first. Where parents form a cycle it is cut at its earliest span."""
        self._cut: set[int] = set()
        children: dict[int, list[Span]] = {}
        order: list[Span] = []
        for span in self.spans:
            above = self.parent(span)
            if above is None:
                order.append(span)
            else:
                children.setdefault(id(above), []).append(span)
        self._append_below(order, 0, children)
        if len(order) < len(self.spans):
            placed = {id(span) for span in order}
            left = [span for span in self.spans if id(span) not in placed]
            left.sort(key=lambda s: (s.record.start_ns, s.record.span_id))
            for span in left:
                if id(span) not in placed and self._on_cycle(span):
                    self._cut.add(id(span))
                    start = len(order)
                    order.append(span)
                    placed.add(id(span))
                    self._append_below(order, start, children, placed)
                    placed.update(id(found) for found in order[start:])
        return order

    @staticmethod
    def _append_below(
        order: list[Span],
        start: int,
        children: dict[int, list[Span]],
        placed: set[int] | None = None,
    ) -> None:
        index = start
        while index < len(order):
            for child in children.get(id(order[index]), ()):
                if placed is None or id(child) not in placed:
                    order.append(child)
            index += 1

    def _on_cycle(self, span: Span) -> bool:
        """Whether the way up from this span returns to it. Each span is left at most once."""
        record = span.record
        key = (record.trace_id, record.span_id)
        seen = {key}
        above = self.parent(span)
        while above is not None:
            above_key = (above.record.trace_id, above.record.span_id)
            if above_key == key:
                return True
            if above_key in seen:
                return False
            seen.add(above_key)
            above = self.parent(above)
        return False
