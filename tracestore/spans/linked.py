"""One run in many traces: traces that are joined by span links and by nothing else.

AutoGen's runtime starts a trace for each message and links it to the one that sent it. Such traces
are one session. A link means this only when it is a hand-over: a span whose links all lead to one
other trace. A consumer of a batch links to many producers, whose work has nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tracestore.spans.model import Span

#: Before a session id that was made from the id of the first trace of a run.
PREFIX: Final = "linked:"

#: Larger groups are not joined: no run is that large, and a session of all traces tells nothing.
MAX_TRACES: Final = 2_000

_AGENTS: Final = frozenset({"agent", "llm", "tool"})


def edges(spans: Iterable[Span]) -> set[tuple[str, str]]:
    """(trace, the trace that handed over to it), for spans whose links lead to one other trace."""
    found = set()
    for span in spans:
        record = span.record
        told = {link.trace_id for link in record.links} - {record.trace_id, ""}
        if len(told) == 1:
            found.add((record.trace_id, told.pop()))
    return found


def groups(pairs: Iterable[tuple[str, str]]) -> list[set[str]]:
    """The traces that hang together, as sets of at most MAX_TRACES."""
    leader: dict[str, str] = {}

    def find(trace_id: str) -> str:
        leader.setdefault(trace_id, trace_id)
        while leader[trace_id] != trace_id:
            leader[trace_id] = leader[leader[trace_id]]
            trace_id = leader[trace_id]
        return trace_id

    for one, two in pairs:
        leader[find(one)] = find(two)
    found: dict[str, set[str]] = {}
    for trace_id in list(leader):
        found.setdefault(find(trace_id), set()).add(trace_id)
    return [group for group in found.values() if 1 < len(group) <= MAX_TRACES]


def join_sessions(spans: Sequence[Span], pairs: Iterable[tuple[str, str]]) -> list[Span]:
    """Give the traces of one run one session, in place; the spans that changed.

    `pairs` are those of `edges`, also from traces that are not among the spans. A trace that names
    a session keeps it. The others get the one that the run names, if it names only one, else an id
    made from the earliest trace known. Needs all spans of a run at once; does not depend on their
    order, and a session made from links gives way to a better one when more of the run is known.
    Users are spread likewise, but never made up.
    """
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.record.trace_id, []).append(span)
    changed: list[Span] = []
    for group in groups(pairs):
        known = {trace_id: traces[trace_id] for trace_id in sorted(group) if trace_id in traces}
        if any(span.type in _AGENTS for found in known.values() for span in found):
            changed += _join(known)
    return changed


def _join(traces: dict[str, list[Span]]) -> list[Span]:
    everything = [span for found in traces.values() for span in found]
    sessions = {span.session_id for span in everything if _named(span.session_id)}
    users = {span.user_id for span in everything} - {""}
    first = min(everything, key=lambda span: (span.record.start_ns, span.record.trace_id)).record.trace_id
    session = sessions.pop() if len(sessions) == 1 else PREFIX + first
    user = users.pop() if len(users) == 1 else ""
    changed = []
    for found in traces.values():
        own = _earliest(found)
        for span in found:
            before = span.session_id, span.user_id
            if not _named(span.session_id):
                span.session_id = own or session
            span.user_id = span.user_id or user
            if (span.session_id, span.user_id) != before:
                changed.append(span)
    return changed


def _earliest(spans: list[Span]) -> str:
    """The session that a trace names itself, '' for none."""
    named = [span for span in spans if _named(span.session_id)]
    return min(named, key=lambda span: (span.record.start_ns, span.record.span_id)).session_id if named else ""


def _named(session: str) -> bool:
    return session != "" and not session.startswith(PREFIX)
