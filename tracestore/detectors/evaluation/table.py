"""The measured rows as a table in Markdown, for the documentation.

The baselines are, in this order: everything is positive, the longest are; of a hint any step at random, and the
step before the first error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_HEAD: Final = (
    "| on | detector | level, label | n | positives | precision | recall | F1 [95 %] | AUC | baselines' F1 |",
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
)


def markdown(rows: Iterable[dict[str, Any]]) -> str:
    """Rows with a detector; what no detector claims is listed in one line below."""
    lines, unclaimed = list(_HEAD), []
    for row in rows:
        if row["detector"] is None:
            unclaimed.append(f"{row['dataset']}: {row['label']} ({row['positives']} of {row['n']})")
        else:
            lines.append(_line(row))
    if unclaimed:
        lines += ["", f"No detector claims: {'; '.join(unclaimed)}."]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    if row["positives"] is None:
        what = f"{row['level']}, not labelled: {row['alarms']} alarms"
        cells = [row["dataset"], row["detector"], what, row["n"], "", "", "", "", "", ""]
    else:
        silver = " (silver)" if row["annotator"] == "llm" else ""
        base = row["baselines"]
        cells = [
            row["dataset"], row["detector"], f"{row['level']}, {row['label']}{silver}", row["n"], row["positives"],
            _figure(row["precision"]), _figure(row["recall"]), _with_interval(row["f1"], row["interval"]),
            _figure(row["auc"]), ", ".join(_figure(one["f1"]) for one in base.values() if one is not None),
        ]  # fmt: skip
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    return _figure(value) + (f" [{interval[0]:.2f}–{interval[1]:.2f}]" if value is not None and interval else "")
