"""Things of a project by a piece of their name: what "go to" offers.

Two questions of bounded work: the newest traces and the newest findings are looked through, however
many are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tracestore.clickhouse import client, queries
from tracestore.clickhouse.concurrently import both

Kind = Literal["agent", "tool", "model", "session", "trace"]

#: Traces and findings looked through.
NEWEST_TRACES: Final = 20_000
NEWEST_FINDINGS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Named:
    """A thing with a page of its own; of a session or a name, in how many of the newest traces it is."""

    kind: Kind
    name: str
    traces: int


@dataclass(frozen=True, slots=True)
class NamedFinding:
    """`trace_id` and `span_id` are empty for a finding about many runs of the agent."""

    title: str
    detector: str
    agent: str
    trace_id: str
    span_id: str


def named(project: str, text: str, limit: int = 5) -> tuple[list[Named], list[NamedFinding]]:
    """At most `limit` of each kind whose name contains the text, whatever the case; those that begin with it first.

    A trace is found by the beginning of its id, six digits or more.

    Raises:
        Unavailable: the store does not answer.
    """
    asked = {"project": project, "text": text, "limit": limit}
    things, findings = both(
        lambda: client.run(queries.load("named_things"), {**asked, "newest": NEWEST_TRACES}).result_rows,
        lambda: client.run(queries.load("named_findings"), {**asked, "newest": NEWEST_FINDINGS}).result_rows,
    )
    return [Named(*row) for row in things], [NamedFinding(*row) for row in findings]
