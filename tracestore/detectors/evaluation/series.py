"""Scores every series below a folder with the series engine, in the layout of the Numenta Anomaly Benchmark.

A series is a CSV with the columns `timestamp` and `value`, in order of time. Each is scored in one pass by
an engine of its own, so that a score sees only the values before it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tracestore.detectors.series.engine import Scorer
from tracestore.errors import InvalidInput

#: What the benchmark calls a detector; its name begins the name of every file of results.
NAME = "tracestore"


def score_folder(folder: Path, out: Path) -> Iterator[tuple[Path, int]]:
    """Writes `out/GROUP/tracestore_FILE.csv` for each `folder/GROUP/FILE.csv`; gives (file, values) as it goes.

    The columns are `timestamp`, `value` and `anomaly_score` (0 to 1, an alarm from 0.5).

    Raises:
        InvalidInput: there is no CSV, or a row lacks a column or holds what is no time or number.
    """
    files = sorted(path for path in folder.rglob("*.csv") if path.is_file())
    if not files:
        raise InvalidInput(f"{folder} has no CSV below it: expected files with the columns timestamp, value.")
    for path in files:
        there = out / path.parent.relative_to(folder) / f"{NAME}_{path.name}"
        there.parent.mkdir(parents=True, exist_ok=True)
        with there.open("w", newline="") as written:
            rows = csv.writer(written)
            rows.writerow(("timestamp", "value", "anomaly_score"))
            count = 0
            for row in scored(path):
                rows.writerow(row)
                count += 1
        yield path, count


def scored(path: Path) -> Iterator[tuple[str, str, float]]:
    """(timestamp, value, anomaly score) of each row, the first two as they stand in the file."""
    scorer = Scorer()
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        read = csv.DictReader(file)
        for number, row in enumerate(read, start=2):
            try:
                time, value = row["timestamp"], row["value"]
                at, amount = datetime.fromisoformat(time), float(value)
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInput(
                    f"{path.name}, line {number}: expected columns timestamp (a date and time) and value (a number)."
                ) from error
            yield (
                time,
                value,
                round(scorer.score(int(at.replace(tzinfo=at.tzinfo or UTC).timestamp()) * 10**9, amount), 6),
            )
