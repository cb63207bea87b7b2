"""How what an agent asks about stands: its runs, what they have used so far, and what was found of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

#: What a verdict may be asked about.
KINDS: Final = ("trace_id", "session_id", "agent")


class Subject(NamedTuple):
    """`by` is one of KINDS, `value` the id or name."""

    project: str
    by: str
    value: str


@dataclass(frozen=True, slots=True)
class Against:
    """A finding that speaks against going on."""

    detector: str
    severity: str
    title: str
    agent: str
    trace_id: str
    first_seen_ns: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What a trace has used so far: dollars (None: no price known), model calls, tokens; ns since 1970.

    `over`: its root has arrived, which SDKs send last.
    """

    trace_id: str
    cost_usd: float | None = None
    steps: int = 0
    tokens: int = 0
    start_ns: int = 0
    end_ns: int = 0
    over: bool = False
    agents: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(slots=True)
class Standing:
    """The runs asked about, the newest first, and what was found of them, the worst first."""

    runs: list[Run] = field(default_factory=list)
    against: list[Against] = field(default_factory=list)

    @property
    def cost_usd(self) -> float | None:
        costs = [run.cost_usd for run in self.runs if run.cost_usd is not None]
        return sum(costs) if costs else None

    @property
    def steps(self) -> int:
        return sum(run.steps for run in self.runs)

    @property
    def tokens(self) -> int:
        return sum(run.tokens for run in self.runs)
