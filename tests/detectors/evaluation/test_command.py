"""`manage.py evaluate_detectors`."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.detectors.evaluation.folder import dataset, tool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    loop = [tool("search", {"q": "refund rules"}, "nothing in the help centre")] * 5
    label = {"trace_id": "1" * 32, "level": "trace", "label": "Step repetition", "family": "loop", "value": True}
    return dataset(tmp_path / "mine", {"1" * 32: loop}, [label])


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("evaluate_detectors", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_rows_are_json_and_progress_is_elsewhere(folder: Path) -> None:
    out, err = run(str(folder), "--detector", "loop")
    (row,) = json.loads(out)
    assert {"dataset", "detector", "level", "n", "positives", "precision", "recall", "f1", "auc", "interval"} <= set(
        row
    )
    assert set(row["baselines"]) == {"always", "trace_length"}
    assert "mine: loop" in err


def test_a_table(folder: Path) -> None:
    out, _ = run(str(folder), "--markdown")
    assert out.startswith("| on | detector |")


def test_errors_say_what_was_expected(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="expected one of context_growth"):
        run(str(folder), "--detector", "nonsense")
    with pytest.raises(CommandError, match="DIR is missing"):
        run()
    with pytest.raises(CommandError, match=r"expected index\.jsonl"):
        run(str(tmp_path / "mine" / "traces"))
