"""From a folder to rows: which label asks which detector, and what counts as right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.detectors.evaluation.folder import capture, dataset, lines, says, span_id, tool
from tracestore.detectors.evaluation.folders import datasets
from tracestore.detectors.evaluation.measure import measurable, measure
from tracestore.detectors.evaluation.table import markdown
from tracestore.detectors.registry import TRACE_DETECTORS
from tracestore.errors import InvalidInput

ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32
LOOP = [tool("search", {"q": "refund rules"}, "no such page in the help centre, sorry about that")] * 5
WORK = [tool("search", {"q": f"order {n}"}, f"order {n} was sent to town {n} by truck {n}") for n in (17, 23, 48)]


def label(trace_id: str, name: str, family: str | None, value: bool = True, **more: Any) -> dict[str, Any]:
    return {"trace_id": trace_id, "level": "trace", "label": name, "family": family, "value": value, **more}


def rows(folder: Path, only: str = "") -> list[dict[str, Any]]:
    return [row for found in datasets(folder) for row in measure(found, TRACE_DETECTORS, only)]


def the(found: list[dict[str, Any]], detector: str | None, name: str, level: str = "trace") -> dict[str, Any]:
    (row,) = (r for r in found if (r["detector"], r["label"], r["level"]) == (detector, name, level))
    return row


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return dataset(
        tmp_path / "mine",
        {ONE: LOOP, TWO: WORK, THREE: WORK},
        [
            label(ONE, "Step repetition", "loop"),
            label(TWO, "Step repetition", "loop", False),
            label(THREE, "Step repetition", "loop", False),
            label(ONE, "Trajectory restart", "loop_restart", False),
            label(THREE, "Trajectory restart", "loop_restart"),
            label(TWO, "Derailing", "drift", False),
            label(ONE, "Odd", None),
        ],
    )


def test_labels_of_runs_are_compared_with_alarms(labelled: Path) -> None:
    found = rows(labelled)
    loop = the(found, "loop", "loop")
    assert (loop["dataset"], loop["n"], loop["positives"], loop["annotator"]) == ("mine", 3, 1, "human")
    assert (loop["precision"], loop["recall"], loop["f1"], loop["auc"]) == (1, 1, 1, 1)
    assert loop["interval"] == loop["intervals"]["f1"]
    assert loop["baselines"]["always"]["f1"] == 0.5
    either = the(found, "loop", "loop or restart")
    assert (either["positives"], either["precision"], either["recall"]) == (2, 1, 0.5)


def test_what_nobody_labelled_or_claims_is_reported_as_such(labelled: Path) -> None:
    found = rows(labelled)
    storm = the(found, "retry_storm", "")
    assert (storm["n"], storm["positives"], storm["alarms"], storm["f1"]) == (3, None, 0, None)
    for name in ("Derailing", "Odd"):
        assert the(found, None, name)["note"] == "no detector claims this"
    assert {row["detector"] for row in rows(labelled, "loop")} == {"loop"}
    assert set(measurable(TRACE_DETECTORS)) >= {"loop", "retry_storm", "tool_error_rate", "look_here"}


def test_the_exit_code_is_the_truth_and_is_not_read(tmp_path: Path) -> None:
    traceback = "Traceback (most recent call last):\n  File x\nValueError: bad"
    steps = [
        tool("run", {"code": "a"}, f"exitcode: 1 (execution failed)\nCode output: {traceback}"),
        tool("run", {"code": "b"}, "exitcode: 0 (execution succeeded)\nCode output: 4"),
        tool("run", {"code": "c"}, "exitcode: 1 (execution failed)\nCode output: half of it"),
    ]
    found = rows(dataset(tmp_path / "code", {ONE: steps}, [label(ONE, "failed", "failure")]))
    row = the(found, "tool_error_rate", "exit code, hidden", "span")
    assert (row["n"], row["positives"], row["precision"], row["recall"]) == (3, 2, 1, 0.5)


def test_labels_of_steps_make_the_other_steps_of_reviewed_runs_negative(tmp_path: Path) -> None:
    steps = [tool("get", {"id": 1}, "Error: no such user"), tool("get", {"id": 2}, "fine")]
    said = {"level": "span", "span_ids": [span_id(0)]}
    labels = [
        label(ONE, "Invalid Invocation", "tool_error", **said),
        label(ONE, "annotated", "meta"),
        label(TWO, "tool_error_text", "tool_error", annotator="programmatic", **said),
    ]
    found = rows(dataset(tmp_path / "tools", {ONE: steps, TWO: steps}, labels), "tool_error_rate")
    by = {row["annotator"]: (row["n"], row["positives"]) for row in found}
    assert by == {"human": (2, 1), "programmatic": (4, 1)}


def test_a_hint_is_measured_against_plain_rules(tmp_path: Path) -> None:
    steps = [says("The task: add two towns"), says("Oslo has 702543 people, Bergen 286930."), says("So 989473.")]
    said = {"level": "span", "span_ids": [span_id(1)], "agent": "Bot"}
    found = rows(dataset(tmp_path / "hints", {ONE: steps}, [label(ONE, "decisive", "decisive_error", **said)]))
    exact = the(found, "look_here", "decisive mistake, exact", "span")
    assert (exact["n"], exact["precision"], exact["baselines"]["before_first_error"]["f1"]) == (1, 1, 0)
    assert exact["baselines"]["always"]["f1"] == pytest.approx(1 / 3, abs=1e-3)
    assert the(found, "look_here", "decisive mistake, agent", "span")["recall"] == 1


def test_turns_are_judged_alone_and_with_a_turn_of_tolerance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alarms = {span_id(3): 0.9, span_id(5): 0.9}
    monkeypatch.setattr("tracestore.detectors.evaluation.questions.suspicion", lambda trajectory: alarms)
    steps = [says(f"Look for the opening hours again, {n}") for n in range(6)]
    labels = [
        label(ONE, "in loop", "loop", place > 3, level="span", span_id=span_id(place), annotator="llm")
        for place in range(6)
    ]
    found = rows(dataset(tmp_path / "turns", {ONE: steps}, labels), "loop")
    turn, episode = (the(found, "loop", "loop", level) for level in ("turn", "episode"))
    assert (turn["n"], turn["positives"], turn["annotator"]) == (6, 2, "llm")
    assert (turn["precision"], turn["recall"]) == (0.5, 0.5)
    assert (episode["precision"], episode["recall"]) == (1, 1)


def test_captures_bring_their_own_truth(tmp_path: Path) -> None:
    here = tmp_path / "corpus"
    capture(here / "a.loop_exact.s0", LOOP, "loop_exact", {"is_loop": True, "tool_exec_ordinals": [1, 2, 3, 4, 5]})
    capture(here / "a.happy.s0", WORK, "happy")
    capture(here / "a.drift.s0", WORK, "drift", drift=True)
    found = rows(here)
    runs = the(found, "loop", "loop")
    assert (runs["dataset"], runs["n"], runs["positives"], runs["f1"]) == ("corpus", 3, 1, 1)
    spans = the(found, "loop", "loop", "span")
    assert (spans["n"], spans["positives"], spans["precision"]) == (5, 5, 1)
    assert the(found, None, "drift over time")["positives"] == 1


def test_a_folder_of_folders_is_read_one_by_one(labelled: Path, tmp_path: Path) -> None:
    dataset(tmp_path / "other", {ONE: WORK}, [])
    (tmp_path / "series").mkdir()
    assert [found.name for found in datasets(tmp_path)] == ["mine", "other"]


def test_the_table_has_a_line_for_each_row(labelled: Path) -> None:
    found = rows(labelled)
    text = markdown(found)
    assert "| mine | loop | trace, loop | 3 | 1 | 1.00 | 1.00 | 1.00 [" in text
    assert "No detector claims: mine: Derailing (0 of 1); mine: Odd (1 of 1)." in text
    columns = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(columns) == 1


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (lambda folder: (folder / "labels.jsonl").unlink(), "labels.jsonl is missing"),
        (lambda folder: (folder / "index.jsonl").unlink(), "index.jsonl is missing"),
        (lambda folder: lines(folder / "labels.jsonl", [{"trace_id": ONE}]), "line 1: expected a JSON object"),
        (lambda folder: (folder / "index.jsonl").write_text("{"), "index.jsonl, line 1"),
        (lambda folder: (folder / f"traces/{ONE}.binpb.gz").write_bytes(b"no"), "expected a gzipped Export"),
    ],
)  # fmt: skip
def test_a_broken_folder_is_named_with_what_was_expected(labelled: Path, break_it: Any, expected: str) -> None:
    break_it(labelled)
    with pytest.raises(InvalidInput, match=expected):
        rows(labelled)


def test_a_wrong_folder_is_told_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no labelled traces: expected index\.jsonl"):
        rows(tmp_path)
    with pytest.raises(InvalidInput, match="is no folder"):
        rows(tmp_path / "nowhere")
