"""The table: one row for each data set, detector, level and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tracestore.detectors.detector import TraceDetector
from tracestore.detectors.evaluation.cases import Dataset
from tracestore.detectors.evaluation.metrics import baselines, rounded
from tracestore.detectors.evaluation.questions import ANNOTATORS, QUESTIONS, Answer, Question
from tracestore.detectors.evaluation.said import Said

Row = dict[str, Any]
Progress = Callable[[str], None]


def measurable(detectors: tuple[TraceDetector, ...]) -> list[str]:
    """What `only` may be: detectors that read runs, and the readings that labels ask for."""
    return sorted({detector.id for detector in detectors} | {question.detector for question in QUESTIONS})


def measure(
    dataset: Dataset, detectors: tuple[TraceDetector, ...], only: str = "", progress: Progress = lambda _: None
) -> Iterator[Row]:
    """The rows of a data set, of one detector with `only`.

    Every row has `dataset, detector, level, label, annotator, n, positives, precision, recall, f1, auc,
    interval` (95 % of F1), `intervals` (of every figure) and `baselines`. Figures are None where undefined.
    A detector that no label asks about has one row with the number of runs in which it raises an alarm;
    labels that no detector claims have one with `detector` None.
    """
    said = Said(dataset.cases, {detector.id: detector for detector in detectors})
    asked = set()
    for question in QUESTIONS:
        if only not in ("", question.detector):
            continue
        progress(f"{dataset.name}: {question.detector}, {question.level}, {question.label}")
        for annotator in ANNOTATORS:
            answer = question.ask(question, said, annotator)
            if answer.items:
                asked.add(question.detector)
                yield _row(dataset, question, annotator, answer)
    for detector in detectors:
        if detector.id not in asked and only in ("", detector.id):
            progress(f"{dataset.name}: {detector.id}, not labelled")
            yield _unlabelled(dataset, detector.id, said)
    if not only:
        yield from _unclaimed(dataset)


def _row(dataset: Dataset, question: Question, annotator: str, answer: Answer) -> Row:
    items, found = answer.items, answer.figures
    false = Counter(dataset.cases[item.case].group for item in items if item.alarm and not item.truth)
    row = _base(dataset, question.detector, question.level, question.label, len(items))
    row |= {
        "annotator": annotator,
        "positives": sum(item.truth for item in items),
        "precision": rounded(found.precision),
        "recall": rounded(found.recall),
        "f1": rounded(found.f1),
        "auc": rounded(found.auc),
        "interval": found.intervals.get("f1"),
        "intervals": found.intervals,
        "baselines": answer.baselines or baselines(items),
        "alarms": sum(item.alarm for item in items),
        "false_alarms": dict(sorted(false.items())),
    }
    return row


def _unlabelled(dataset: Dataset, detector: str, said: Said) -> Row:
    row = _base(dataset, detector, "trace", "", len(dataset.cases))
    alarms = Counter(case.group for case in dataset.cases if said.alarms(detector, case))
    return row | {
        "positives": None,
        "alarms": sum(alarms.values()),
        "alarms_by_kind": dict(sorted(alarms.items())),
        "note": "not labelled here: alarms are counted, not judged",
    }


def _unclaimed(dataset: Dataset) -> Iterator[Row]:
    claimed = {family for question in QUESTIONS for family in question.families} | {"meta"}
    labels = [label for case in dataset.cases for label in case.labels if label.family not in claimed]
    for name, level, annotator in sorted({(label.name, label.level, label.annotator) for label in labels}):
        same = [one for one in labels if (one.name, one.level, one.annotator) == (name, level, annotator)]
        row = _base(dataset, None, level, name, len(same))
        yield row | {
            "annotator": annotator,
            "positives": sum(label.value for label in same),
            "note": "no detector claims this",
        }


def _base(dataset: Dataset, detector: str | None, level: str, label: str, n: int) -> Row:
    return {
        "dataset": dataset.name, "detector": detector, "level": level, "label": label, "annotator": "", "n": n,
        "positives": 0, "precision": None, "recall": None, "f1": None, "auc": None, "interval": None,
        "intervals": {}, "baselines": {"always": None, "trace_length": None},
    }  # fmt: skip
