"""Reads two traces, aligns them, and finds an agent's typical run. For the page and the API alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracestore.analysis.comparison import STEP_TYPES, Comparison, Step, compare, steps
from tracestore.analysis.tree import build
from tracestore.analysis.typical_run import Run, TypicalRun, typical_run
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import SpanRow, TraceFilter, TraceSummary
from tracestore.errors import NotFound

SPAN_LIMIT = 100_000
#: Runs of an agent among which the typical one is looked for: its latest.
RUNS = 200
#: Bytes of payloads of one trace whose digests are calculated for one comparison.
DIGESTED = 256 << 20


@dataclass(slots=True)
class Compared:
    """`is_exact`: whole arguments and answers were compared; else some only by their beginning and length.

    `cut`: one of the traces has more spans than were read.
    """

    a: TraceSummary
    b: TraceSummary
    spans_a: list[SpanRow]
    spans_b: list[SpanRow]
    comparison: Comparison
    is_exact: bool = True
    is_cut: bool = False


def compared(project: str, a: TraceSummary, b: TraceSummary) -> Compared:
    """Two traces of one project, aligned.

    Raises:
        Unavailable: the store does not answer.
    """
    (spans_a, steps_a, exact_a), (spans_b, steps_b, exact_b) = side(project, a), side(project, b)
    return Compared(
        a,
        b,
        spans_a,
        spans_b,
        compare(steps_a, steps_b),
        exact_a and exact_b,
        a.span_count > len(spans_a) or b.span_count > len(spans_b),
    )


def side(project: str, summary: TraceSummary) -> tuple[list[SpanRow], list[Step], bool]:
    store = reader.get_reader()
    spans = store.spans(project, summary.trace_id, limit=SPAN_LIMIT)
    wanted = [span for span in spans if span.type in STEP_TYPES and span.type != "agent" and is_longer(span)]
    digested, taken = [], 0
    for span in wanted:
        taken += span.input_bytes + span.output_bytes
        if taken > DIGESTED:
            break
        digested.append(span.span_id)
    digests = store.payload_digests(project, summary.trace_id, digested) if digested else {}
    return spans, steps(spans, build(spans), digests), len(digested) == len(wanted)


def is_longer(span: SpanRow) -> bool:
    """Whether a preview does not tell all that is compared."""
    asked = span.type != "llm" and span.input_bytes > len(span.input_preview.encode("utf-8", "replace"))
    return asked or span.output_bytes > len(span.output_preview.encode("utf-8", "replace"))


def typical_of(project: str, summary: TraceSummary) -> TypicalRun:
    """The typical run of a trace's agent among its latest finished ones, the trace itself left out.

    Runs that ended well, unless there are none.

    Raises:
        NotFound: there is no other finished run of the agent, or the trace names no agent.
    """
    if not summary.agent:
        raise NotFound("The trace names no agent, so it has no typical run. Name another trace to compare it with.")
    store = reader.get_reader()
    found = store.list_traces(project, TraceFilter(agent=summary.agent), limit=RUNS).results
    others = [one for one in found if one.trace_id != summary.trace_id]
    others = [one for one in others if one.status == "ok"] or others
    paths = store.run_paths(project, others, STEP_TYPES)
    typical = typical_run([run_of(one, paths.get(one.trace_id, ())) for one in others], paths)
    if typical is None:
        raise NotFound(f"There is no other finished run of {summary.agent[:200]} yet to compare this trace with.")
    return typical


def run_of(summary: TraceSummary, path: Sequence[str]) -> Run:
    return Run(summary.trace_id, summary.duration_ns, summary.cost_usd, len(path))
