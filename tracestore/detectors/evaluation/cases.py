"""What a detector is measured on: runs, and what is known to be wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tracestore.analysis.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Label:
    """One statement about a run (`level` trace) or about a step of it (`level` span; `span_ids` are the step's).

    `family` groups labels of one kind across data sets, '' for those that have none. `annotator` is `human`,
    `programmatic`, or `llm`, whose labels are worth less.
    """

    level: str
    name: str
    family: str
    value: bool
    annotator: str = "human"
    span_ids: tuple[str, ...] = ()
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that labels speak of: a trace, or a capture with the traces of one session.

    `group` is a kind of case, by which false alarms are counted.
    """

    name: str
    trajectories: tuple[Trajectory, ...]
    labels: tuple[Label, ...]
    group: str = ""

    @property
    def length(self) -> int:
        return sum(len(trajectory.spans) for trajectory in self.trajectories)

    def of(self, families: Iterable[str], level: str, annotator: str = "") -> list[Label]:
        """The labels of some families at a level."""
        return [
            label
            for label in self.labels
            if label.family in families and label.level == level and annotator in ("", label.annotator)
        ]


@dataclass(frozen=True, slots=True)
class Dataset:
    name: str
    cases: tuple[Case, ...]
