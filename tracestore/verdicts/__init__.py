"""May this run go on? Asked by agents between two steps, so it answers quickly and fails open.

`decision` is pure; `board` keeps what is known of who asked lately; `in_force` reads what a project has in force;
`service` is the board of this process. What it all means: docs/brake.md.
"""

from __future__ import annotations

from tracestore.detectors.standing import Subject
from tracestore.verdicts.board import Verdict
from tracestore.verdicts.service import service

__all__ = ["Verdict", "ask", "forget", "known", "verdict"]


def verdict(project: str, by: str, value: str) -> Verdict:
    """The verdict on a trace, a session or an agent (`by`), for somebody who looks on: nobody is halted by that."""
    return service.board.ask(Subject(project, by, value), looking=True)


def ask(project: str, by: str, value: str, tool: str = "") -> Verdict:
    """The verdict for who asks in order to go on: a `halt` is counted, a trial run taken.

    A run of which nothing is known goes on, and so does every run while the store does not answer.
    """
    return service.board.ask(Subject(project, by, value), tool)


def known(project: str, by: str, value: str, tool: str = "") -> Verdict | None:
    """As `ask`, if it can be answered without waiting; else None."""
    return service.board.known(Subject(project, by, value), tool)


def forget(project: str) -> None:
    """Somebody said what counts and what does not: in this process at once, in others within a second."""
    service.board.forget(project)
