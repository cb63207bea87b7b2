"""Scores of a folder of series, in the benchmark's layout."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from benchmarks.nab import Table, normalised, read


def write(path: Path, values: list[float]) -> list[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = [str(datetime(2024, 1, 1) + timedelta(minutes=5 * i)) for i in range(len(values))]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("timestamp", "value"))
        rows.writerows(zip(times, values, strict=True))
    return times


def series(spike: int) -> list[float]:
    values = [10 + (i % 7) * 0.1 for i in range(600)]
    values[spike] = 99.0
    return values


def test_every_series_is_scored_from_its_past_alone(tmp_path: Path) -> None:
    write(tmp_path / "in" / "group" / "a.csv", series(400))
    write(tmp_path / "in" / "group" / "b.csv", series(400)[:401])
    call_command("evaluate_detectors", series=tmp_path / "in", out=tmp_path / "out", stderr=StringIO())
    found = {}
    for name in "ab":
        with (tmp_path / "out" / "group" / f"tracestore_{name}.csv").open(newline="") as file:
            found[name] = list(csv.DictReader(file))
    assert len(found["a"]) == 600
    assert found["a"][:401] == found["b"]
    scores = [float(row["anomaly_score"]) for row in found["a"]]
    assert scores.index(max(scores)) == 400
    assert max(scores) >= 0.5


@pytest.mark.parametrize("row", ["2024-01-01 00:00:00,many", "yesterday,3", "2024-01-01 00:00:00"])
def test_a_bad_row_is_named(tmp_path: Path, row: str) -> None:
    (tmp_path / "bad.csv").write_text(f"timestamp,value\n2024-01-01 00:00:00,1\n{row}\n")
    with pytest.raises(CommandError, match=r"bad\.csv, line 3: expected columns timestamp"):
        call_command("evaluate_detectors", series=tmp_path, out=tmp_path / "out", stderr=StringIO())


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no CSV"):
        call_command("evaluate_detectors", series=tmp_path, out=tmp_path / "out", stderr=StringIO())
    with pytest.raises(CommandError, match="--out is missing"):
        call_command("evaluate_detectors", series=tmp_path, stderr=StringIO())


def test_the_benchmark_gives_100_for_windows_hit_at_once_and_0_for_silence(tmp_path: Path) -> None:
    times = write(tmp_path / "a.csv", series(400))
    window = [(times[390], times[420])]
    perfect = [1.0 if i == 390 else 0.0 for i in range(600)]
    assert normalised([read(tmp_path / "a.csv", "a", window, perfect)], 0.5) == pytest.approx(100.0)
    assert normalised([read(tmp_path / "a.csv", "a", window, [0.0] * 600)], 0.5) == 0.0
    late = [1.0 if i == 419 else 0.0 for i in range(600)]
    false = [1.0 if i in (390, 200) else 0.0 for i in range(600)]
    assert 50 < normalised([read(tmp_path / "a.csv", "a", window, late)], 0.5) < 60
    assert normalised([read(tmp_path / "a.csv", "a", window, false)], 0.5) == pytest.approx(100 - 0.11 * 100 / 2)


def test_the_table_agrees_with_the_plain_sum(tmp_path: Path) -> None:
    import numpy as np

    times = write(tmp_path / "a.csv", series(400))
    file = read(tmp_path / "a.csv", "a", [(times[390], times[420])], [i / 600 for i in range(600)])
    table = Table.of([file], np.array([0.3, 0.7]))
    assert table.score(np.array([0]), 1) == pytest.approx(normalised([file], 0.7))
