"""The columns of the trace list: which there are, which are usual, and which orders they stand for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracestore.saved_views import COLUMNS, columns


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str
    sort: str = ""
    about: str = ""

    @property
    def css(self) -> str:
        return f"c-{self.name}" + (" n" if self.name in FIGURES else "")


FIGURES: Final = frozenset({"duration", "spans", "llm", "tools", "errors", "input", "output", "cost"})
USUAL: Final = ("time", "name", "agent", "session", "duration", "spans", "errors", "input", "output", "cost", "status")

_ALL: Final = (
    Column("time", "Time", "time"),
    Column("name", "Name"),
    Column("agent", "Agent"),
    Column("service", "Service"),
    Column("session", "Session"),
    Column("user", "User"),
    Column("duration", "Duration", "duration"),
    Column("spans", "Spans"),
    Column("llm", "LLM", "", "Model calls"),
    Column("tools", "Tools", "", "Tool calls"),
    Column("errors", "Errors", "errors"),
    Column("input", "Tokens in", "tokens", "Input tokens; sorts by input and output together"),
    Column("output", "out", "", "Output tokens"),
    Column("cost", "Cost", "cost"),
    Column("status", "Status"),
)
BY_NAME: Final = {column.name: column for column in _ALL}
ALL: Final = [BY_NAME[name] for name in COLUMNS]


def chosen(text: str) -> list[Column]:
    """The columns of an address (`time,name,cost`), or the usual ones. The name is always there: it is the link.

    Raises:
        InvalidInput: one of them is not a column.
    """
    names = columns([name for name in text.split(",") if name]) if text else list(USUAL)
    return [column for column in ALL if column.name in names or column.name == "name"]
