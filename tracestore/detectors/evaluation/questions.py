"""Which labels ask which detector, at which level, and what it answered to each.

A question turns a data set into items (see `metrics`). Labels that no question is about are reported as
such, so that nobody takes silence for a good result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tracestore.analysis.trajectory import TraceSpan, Trajectory
from tracestore.detectors.evaluation.cases import Case, Label
from tracestore.detectors.evaluation.metrics import Counts, Figures, Item, figures, of_counts, rounded
from tracestore.detectors.evaluation.said import Said
from tracestore.detectors.hidden_errors import hidden_error
from tracestore.detectors.look_here import before_first_error, carried, hint, steps
from tracestore.detectors.loop_turns import SUSPICIOUS, suspicion

#: The annotators, best first. Their labels are never mixed in one row.
ANNOTATORS: Final = ("human", "programmatic", "llm")


@dataclass(frozen=True, slots=True)
class Answer:
    """The items of a row, its figures, and baselines where those of the items say nothing."""

    items: list[Item]
    figures: Figures
    baselines: dict[str, dict[str, float | None] | None] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the table for each annotator whose labels are there."""

    detector: str
    level: str
    label: str
    families: frozenset[str]
    ask: Callable[[Question, Said, str], Answer]


def _runs(question: Question, said: Said, annotator: str) -> Answer:
    """Runs of which the annotator has said whether they have it; a run has it when any of its steps has."""
    items: list[Item] = []
    there = {label.family for case in said.cases for label in case.labels if label.annotator == annotator}
    for number, case in enumerate(said.cases if question.families <= there else ()):
        labels = case.of(question.families, "trace", annotator) or case.of(question.families, "span", annotator)
        if labels:
            alarm = bool(said.alarms(question.detector, case))
            truth = any(label.value for label in labels)
            items.append(Item(number, truth, alarm, said.score(question.detector, case), case.length))
    return Answer(items, figures(items))


def _executions(question: Question, said: Said, annotator: str) -> Answer:
    """Tool calls of the cases in which steps are labelled: does the evidence name the right ones?"""
    items = []
    for number, case in enumerate(said.cases):
        labels = case.of(question.families, "span", annotator)
        if not labels or any(not label.value for label in labels):
            continue
        true = {span_id for label in labels for span_id in label.span_ids}
        named = {span_id for finding in said.alarms(question.detector, case) for span_id in finding.span_ids}
        for place, span in _tools(case):
            items.append(Item(number, span.span_id in true, span.span_id in named, span.span_id in named, place))
    return Answer(items, figures(items))


def _turns(question: Question, said: Said, annotator: str) -> Answer:
    """Labelled turns, each judged by its own score."""
    items = [item for turns in _labelled_turns(question, said, annotator) for item in turns]
    return Answer(items, figures(items))


def _episodes(question: Question, said: Said, annotator: str) -> Answer:
    """The same, where an alarm is right and a positive is found within one turn of the other."""
    items, counts = [], []
    for turns in _labelled_turns(question, said, annotator):
        truths, alarms = [turn.truth for turn in turns], [turn.alarm for turn in turns]
        counts.append(
            Counts(
                sum(alarm and any(_near(truths, i)) for i, alarm in enumerate(alarms)), sum(alarms),
                sum(truth and any(_near(alarms, i)) for i, truth in enumerate(truths)), sum(truths),
            )
        )  # fmt: skip
        items += turns
    return Answer(items, of_counts(counts))


def _near(values: list[bool], place: int) -> list[bool]:
    return values[max(place - 1, 0) : place + 2]


def _labelled_turns(question: Question, said: Said, annotator: str) -> Iterator[list[Item]]:
    for number, case in enumerate(said.cases):
        labels = {label.span_ids[0]: label for label in case.of(question.families, "span", annotator) if label.span_ids}
        if not labels or all(label.value for label in labels.values()):
            continue
        scores = {span_id: score for one in case.trajectories for span_id, score in suspicion(one).items()}
        turns = []
        for place, span in _spans(case):
            label = labels.get(span.span_id)
            if label is not None:
                score = scores.get(span.span_id, 0.0)
                turns.append(Item(number, label.value, score >= SUSPICIOUS, score, place))
        yield turns


def _hidden_errors(question: Question, said: Said, annotator: str) -> Answer:
    """Tool calls of labelled runs: is the failure seen in the result alone?"""
    items = []
    for number, case in enumerate(said.cases):
        if not _reviewed(said, case, annotator):
            continue
        true = {span_id for label in case.of(question.families, "span", annotator) for span_id in label.span_ids}
        for place, span in _spans(case):
            if span.type == "tool" or span.span_id in true:
                error = span.type == "tool" and bool(hidden_error(span.output))
                items.append(Item(number, span.span_id in true, error, error, place))
    return _if_any(items)


def _if_any(items: list[Item]) -> Answer:
    """Nothing when no item is positive: the label is not of this data set."""
    return Answer(items, figures(items)) if any(item.truth for item in items) else Answer([], Figures())


#: The first line of AutoGen's code executors (autogen.coding), which would tell the answer.
_EXIT_CODE: Final = re.compile(r"\Aexitcode: (-?\d+)[^\n]*\n?")


def _exit_codes(question: Question, said: Said, annotator: str) -> Answer:
    """Executions of code: the exit code is the truth and is taken out of what is read."""
    items = []
    for number, case in enumerate(said.cases if annotator == "programmatic" else ()):
        for place, span in _tools(case):
            code = _EXIT_CODE.match(span.output)
            if code:
                error = bool(hidden_error(span.output[code.end() :]))
                items.append(Item(number, code[1] != "0", error, error, place))
    return Answer(items, figures(items))


def _hints(question: Question, said: Said, annotator: str) -> Answer:
    """Failed runs of which the decisive mistake is known: is it the step that is pointed at?

    Baselines: any step at random, and the step before the first error, else the first.
    """
    items, counts, plain, chance = [], [], [], []
    for number, case in enumerate(said.cases):
        for label in case.of(question.families, "span", annotator):
            trajectory = case.trajectories[0]
            pointed = hint(trajectory)
            hit = pointed is not None and _hit(question.label, trajectory, label, pointed.span_id)
            counts.append(Counts(hit, 1, hit, 1))
            items.append(Item(number, True, hit, hit))
            all_steps = [span.span_id for span in steps(trajectory)]
            hits = sum(_hit(question.label, trajectory, label, one) for one in all_steps)
            chance.append(hits / max(len(all_steps), 1))
            plain.append(_hit(question.label, trajectory, label, before_first_error(trajectory)))
    if not items:
        return Answer([], Figures())
    baselines = {
        "always": _share(sum(chance) / len(items)),
        "trace_length": None,
        "before_first_error": _share(sum(plain) / len(items)),
    }
    return Answer(items, of_counts(counts), baselines)


def _share(value: float) -> dict[str, float | None]:
    """One guess for one truth: precision, recall and F1 are the same."""
    return {"precision": rounded(value), "recall": rounded(value), "f1": rounded(value), "auc": None}


def _hit(measure: str, trajectory: Trajectory, label: Label, span_id: str) -> bool:
    if measure.endswith("exact"):
        return span_id in label.span_ids
    if measure.endswith("agent"):
        pointed = trajectory.span(span_id)
        return pointed is not None and pointed.agent.lower() == label.agent.lower()
    order = [span.span_id for span in trajectory.spans]
    return span_id in order and any(
        abs(order.index(span_id) - order.index(true)) <= 1 for true in label.span_ids if true in order
    )


def _carried(question: Question, said: Said, annotator: str) -> Answer:
    """Tool calls of reviewed runs, ranked by the share of the instruction's words that they leave out. No alarm."""
    items = []
    for number, case in enumerate(said.cases):
        if not _reviewed(said, case, annotator):
            continue
        true = {span_id for label in case.of(question.families, "span", annotator) for span_id in label.span_ids}
        left = {call.span_id: call.left_out for trajectory in case.trajectories for call in carried(trajectory)}
        for place, span in _tools(case):
            if span.span_id in left:
                items.append(Item(number, span.span_id in true, False, left[span.span_id], place))
    found = _if_any(items)
    only_auc = {name: value for name, value in found.figures.intervals.items() if name == "auc"}
    return Answer(found.items, Figures(auc=found.figures.auc, intervals=only_auc))


def _tools(case: Case) -> Iterator[tuple[int, TraceSpan]]:
    return ((place, span) for place, span in _spans(case) if span.type == "tool")


def _spans(case: Case) -> Iterator[tuple[int, TraceSpan]]:
    return enumerate(span for trajectory in case.trajectories for span in trajectory.spans)


def _reviewed(said: Said, case: Case, annotator: str) -> bool:
    """Whether what is not labelled in a run is known to be fine: people mark the runs that they read."""
    marked = any(one.of(("meta",), "trace") for one in said.cases)
    return annotator != "human" or not marked or bool(case.of(("meta",), "trace"))


def _question(
    detector: str, level: str, label: str, families: str, ask: Callable[[Question, Said, str], Answer]
) -> Question:  # fmt: skip
    return Question(detector, level, label, frozenset(families.split()), ask)


#: Words of the rows about the decisive mistake.
_MISTAKE: Final = "decisive mistake, "

QUESTIONS: Final = (
    _question("loop", "trace", "loop", "loop", _runs),
    _question("loop", "trace", "loop or restart", "loop loop_restart", _runs),
    _question("loop", "span", "loop", "loop", _executions),
    _question("loop", "episode", "loop", "loop", _episodes),
    _question("loop", "turn", "loop", "loop", _turns),
    _question("retry_storm", "trace", "retry storm", "retry_storm", _runs),
    _question("context_growth", "trace", "context jumped or full", "context", _runs),
    _question("prompt_injection", "trace", "prompt injection", "prompt_injection", _runs),
    _question("tool_error_rate", "span", "error in result", "tool_error", _hidden_errors),
    _question("tool_error_rate", "span", "exit code, hidden", "", _exit_codes),
    _question("look_here", "span", _MISTAKE + "exact", "decisive_error", _hints),
    _question("look_here", "span", _MISTAKE + "within 1", "decisive_error", _hints),
    _question("look_here", "span", _MISTAKE + "agent", "decisive_error", _hints),
    _question("look_here", "span", "instruction not carried into the call", "instruction_adherence", _carried),
)
