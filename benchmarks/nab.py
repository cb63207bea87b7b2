"""Scores anomaly scores of time series by the rules of the Numenta Anomaly Benchmark.

    python -m benchmarks.nab DIR               # our engine on every CSV below DIR/data, with DIR/combined_windows.json
    python -m benchmarks.nab DIR --results R   # what another detector wrote into R, in NAB's layout

The rules (Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms", 2015): rows of the first
15 % of a file (750 at most) do not count; the earliest alarm in a window earns by how early it is, every
alarm outside costs by how far it is from the window before; a window without an alarm costs a whole
point. 100 is an alarm at the start of every window and none elsewhere, 0 is no alarm at all.

The threshold is never chosen on the files that are judged: files are split at random in two halves, the
threshold of the one judges the other, both ways, `SPLITS` times; the interval is over files (bootstrap).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tracestore.detectors.evaluation.series import scored

#: Weights of the three profiles: an alarm outside a window, a window missed.
PROFILES: Final = {"standard": (0.11, 1.0), "low_fp": (0.22, 1.0), "low_fn": (0.11, 2.0)}
SPLITS: Final = 200


def worth(position: np.ndarray) -> np.ndarray:
    """From 1 far before the right edge of a window (-1) over 0 at the edge to -1 far behind it."""
    return np.where(position > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(position, 3.0))) - 1.0)


@dataclass
class File:
    """One series ready to be judged: for each row that counts its worth and its window (-1 outside)."""

    name: str
    worth: np.ndarray
    window: np.ndarray
    windows: int
    scores: np.ndarray

    def value(self, threshold: float, profile: tuple[float, float]) -> float:
        """The raw score of alarming wherever the anomaly score reaches the threshold."""
        outside_weight, missed_weight = profile
        alarm = self.scores >= threshold
        value = outside_weight * float(self.worth[alarm & (self.window < 0)].sum())
        for window in range(self.windows):
            inside = self.window == window
            if inside.any():
                earned = self.worth[alarm & inside]
                value += float(earned.max()) / float(worth(np.array(-1.0))) if earned.size else -missed_weight
        return value

    @property
    def counted_windows(self) -> int:
        return len(set(self.window[self.window >= 0].tolist()))


def read(path: Path, name: str, windows: Sequence[Sequence[str]], scores: Sequence[float]) -> File:
    with path.open(newline="") as file:
        times = [row["timestamp"] for row in csv.DictReader(file)]
    place = {time[:19]: index for index, time in reversed(list(enumerate(times)))}
    at = np.arange(len(times), dtype=float)
    value, window = np.full(len(times), -1.0), np.full(len(times), -1)
    before: tuple[int, int] | None = None
    edges = [(place[left[:19]], place[right[:19]]) for left, right in windows]
    for number, (left, right) in enumerate([*edges, (len(times), len(times))]):
        if before is not None:
            last, width = before
            between = slice(last + 1, left)
            value[between] = worth((at[between] - last) / max(width - 1, 1))
        if left < len(times):
            inside = slice(left, right + 1)
            width = right - left + 1
            value[inside] = worth(-(right - at[inside] + 1) / width)
            window[inside] = number
            before = (right, width)
    skipped = int(min(0.15 * len(times) // 1, 750))
    return File(name, value[skipped:], window[skipped:], len(edges), np.asarray(scores, dtype=float)[skipped:])


def normalised(files: Sequence[File], threshold: float, profile: str = "standard") -> float:
    """0 for the detector that never alarms, 100 for the perfect one."""
    weights = PROFILES[profile]
    windows = sum(file.counted_windows for file in files)
    nothing, perfect = -weights[1] * windows, float(windows)
    value = sum(file.value(threshold, weights) for file in files)
    return 100.0 * (value - nothing) / (perfect - nothing) if windows else 0.0


def thresholds(files: Sequence[File]) -> np.ndarray:
    found = np.unique(np.concatenate([file.scores for file in files]))
    found = found[found > 0]
    return np.unique(np.quantile(found, np.linspace(0, 1, 200))) if found.size > 200 else found


@dataclass
class Table:
    """Raw scores of every file at every threshold, so that halves are judged without scoring again."""

    candidates: np.ndarray
    values: np.ndarray
    windows: np.ndarray
    profile: tuple[float, float]

    @classmethod
    def of(cls, files: Sequence[File], candidates: np.ndarray, profile: str = "standard") -> Table:
        weights = PROFILES[profile]
        values = np.array([[file.value(t, weights) for t in candidates] for file in files])
        return cls(candidates, values, np.array([file.counted_windows for file in files]), weights)

    def score(self, rows: np.ndarray, column: int) -> float:
        windows = self.windows[rows].sum()
        nothing = -self.profile[1] * windows
        return 100.0 * (self.values[rows, column].sum() - nothing) / (windows - nothing) if windows else 0.0

    def best(self, rows: np.ndarray) -> int:
        return int(np.argmax(self.values[rows].sum(axis=0)))

    def halves(self, seed: int = 7) -> np.ndarray:
        """Scores of halves at the threshold that the other half chose."""
        draw = np.random.default_rng(seed)
        found = []
        for _ in range(SPLITS):
            order = draw.permutation(len(self.windows))
            one, two = order[: len(order) // 2], order[len(order) // 2 :]
            both = [self.score(two, self.best(one)), self.score(one, self.best(two))]
            found.append(float(np.mean(both)))
        return np.array(found)

    def interval(self, column: int, seed: int = 7) -> tuple[float, float]:
        """95 % percentile bootstrap over files at one threshold."""
        draw = np.random.default_rng(seed)
        n = len(self.windows)
        found = [self.score(draw.integers(0, n, n), column) for _ in range(2000)]
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)


def our_scores(path: Path) -> list[float]:
    return [score for _, _, score in scored(path)]


def their_scores(results: Path, name: str) -> list[float]:
    folder, file = name.split("/")
    path = next((results / folder).glob(f"*_{file}"))
    with path.open(newline="") as rows:
        return [float(row["anomaly_score"]) for row in csv.DictReader(rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--results", type=Path, help="a folder of results in NAB's layout instead of our engine")
    parser.add_argument("--threshold", type=float, default=0.5, help="the fixed threshold (default 0.5)")
    options = parser.parse_args()
    windows = json.loads((options.directory / "combined_windows.json").read_text())
    files = []
    for name, found in sorted(windows.items()):
        path = options.directory / "data" / name
        if path.is_file():
            scores = their_scores(options.results, name) if options.results else our_scores(path)
            files.append(read(path, name, found, scores))
    candidates = np.unique(np.append(thresholds(files), options.threshold))
    table = Table.of(files, candidates)
    every = np.arange(len(files))
    fixed, best = int(np.searchsorted(candidates, options.threshold)), table.best(every)
    halves = table.halves()
    low, high = table.interval(fixed)
    report = {
        "files": len(files),
        "windows": int(table.windows.sum()),
        "fixed_threshold": {"threshold": options.threshold, "standard": round(table.score(every, fixed), 1),
                            "interval": [round(low, 1), round(high, 1)],
                            "low_fp": round(normalised(files, options.threshold, "low_fp"), 1),
                            "low_fn": round(normalised(files, options.threshold, "low_fn"), 1)},
        "threshold_of_the_other_half": {"standard": round(float(halves.mean()), 1),
                                        "interval": [round(float(x), 1) for x in np.percentile(halves, [2.5, 97.5])]},
        "best_threshold": {"threshold": round(float(candidates[best]), 4), "standard": round(table.score(every, best), 1)},
    }  # fmt: skip
    print(json.dumps(report, indent=2))
    print(f"{'file':<55}{'windows':>8}{'standard':>9}")
    for row, file in enumerate(files):
        print(f"{file.name:<55}{file.counted_windows:>8}{table.values[row, fixed]:>9.2f}")


if __name__ == "__main__":
    main()
