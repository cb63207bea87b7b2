"""The drawer's tab "Changes": a model call's prompt against that of the same agent's call before it."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.conversation_view import conversation_of
from dashboard.prompt_changes_view import PromptChangesView, prompt_changes_view
from tracestore.analysis.conversation import calls
from tracestore.analysis.tree import build
from tracestore.clickhouse import reader
from tracestore.clickhouse.rows import SpanDetail, SpanRow
from tracestore.errors import NotFound
from tracestore.spans.messages import Conversation

SPAN_LIMIT = 100_000


@dataclass(slots=True)
class Changes:
    """`previous` is None for an agent's first call; `view` also where that call recorded no messages."""

    step: int = 0
    since: int = 0
    previous: SpanRow | None = None
    view: PromptChangesView | None = None


def changes_of(project: str, detail: SpanDetail, talk: Conversation) -> Changes:
    row = detail.row
    store = reader.get_reader()
    spans = store.spans(project, row.trace_id, limit=SPAN_LIMIT)
    found = calls(spans, build(spans))
    own = next((call for call in found if spans[call.index].span_id == row.span_id), None)
    if own is None or own.previous < 0:
        return Changes(own.step if own else 0)
    before = found[own.previous]
    made = Changes(own.step, before.step, spans[before.index])
    try:
        earlier = conversation_of(store.span(project, row.trace_id, spans[before.index].span_id))
    except NotFound:  # deleted since the list was read
        earlier = None
    if earlier is not None:
        made.view = prompt_changes_view(earlier, talk)
    return made
