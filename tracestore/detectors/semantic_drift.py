"""`semantic_drift`: what an agent says, asks and does is no longer what it was.

Once a day the runs of the last week are compared with the twenty active days before, of the same version,
or of the version before when a new one just began. See `drift_test` for the test; beside it the daily means
of plain features are compared (length, format, refusals, tools), which see at once what words hide. The
finding names the features and the words that changed most and shows runs from before and after.

A single run never drifts: how far its steps are from its task says nothing about failure (docs/detectors.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np

from tracestore.detectors.detector import setting
from tracestore.detectors.drift_features import Floats, plain, standardised, terms
from tracestore.detectors.drift_test import Compared, Flags, Kernel, compare, day_level
from tracestore.detectors.finding import Finding
from tracestore.detectors.histories import DAY_NS, RunText, RunTexts

#: Words that are named, and runs that are shown of before and after.
NAMED: Final = 8
SHOWN: Final = 3
WEEK: Final = 7
MOST_WEEKS: Final = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """When drift is told."""

    min_days: int = setting(10, "Active days before, to compare with.", minimum=6)
    min_runs: int = setting(200, "Runs before, to compare with.", minimum=50)
    min_tested: int = setting(60, "Runs of the days that are judged.", minimum=20)
    middle_z: float = setting(2.7, "Deviations beyond the usual week, of all runs together.", minimum=1)
    top_z: float = setting(3.5, "Deviations beyond the usual week, of the fifth of runs that differ most.", minimum=1)
    feature_p: float = setting(5e-4, "How unlikely the change of one plain feature must be.", minimum=0, maximum=0.05)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a comparison gave. `reference` says what with: the version before, or the agent's own past days."""

    runs: list[RunText]
    tested: Flags
    compared: Compared
    names: list[str]
    features: Floats
    t: Floats
    p: Floats
    words: Any
    vocabulary: list[str]
    reference: str
    version: str

    def drifted(self, settings: Settings) -> bool:
        z = self.compared.z
        return bool(
            z["middle"] >= settings.middle_z or z["top"] >= settings.top_z or self.p.min() <= settings.feature_p
        )


class SemanticDrift:
    id = "semantic_drift"
    version = "1"
    title = "Says or does other things than before"
    method = __doc__ or ""
    defaults = Settings()
    reads: type = RunTexts
    every = timedelta(days=1)

    def detect(self, history: RunTexts, settings: Settings) -> Iterable[Finding]:
        judged = judge(history, settings)
        if judged is not None and judged.drifted(settings):
            yield told(history, judged)

    def coverage(self, history: RunTexts, settings: Settings) -> dict[str, bool]:
        """Whether the agent had enough runs to be judged."""
        return {history.agent: split(history, settings) is not None}


def split(history: RunTexts, settings: Settings) -> tuple[list[RunText], Flags, str] | None:
    """The runs that are compared, which of them are tested, and with what; None without enough of either."""
    runs = [run for run in history.rows if run.start_ns < history.now_ns and (run.said or run.tools)]
    if not runs:
        return None
    newest = runs[-1].agent_version
    of_version = [run for run in runs if run.agent_version == newest]
    for weeks in range(1, MOST_WEEKS + 1):
        since = history.now_ns - weeks * WEEK * DAY_NS
        tested = [run for run in of_version if run.start_ns >= since]
        if len(tested) < settings.min_tested:
            continue
        own = [run for run in of_version if run.start_ns < since]
        before = [run for run in runs if run.agent_version != newest and run.start_ns < tested[0].start_ns]
        for earlier, reference in (
            (own, "its own past"),
            (before, f"version {before[-1].agent_version}" if before else ""),
        ):
            earlier = last_days(earlier, 20)
            if len(earlier) >= settings.min_runs and len(active(earlier)) >= settings.min_days:
                both = [*earlier, *tested]
                return both, np.array([False] * len(earlier) + [True] * len(tested)), reference
    return None


def active(runs: Sequence[RunText]) -> list[int]:
    return sorted({run.start_ns // DAY_NS for run in runs})


def last_days(runs: Sequence[RunText], count: int) -> list[RunText]:
    days = set(active(runs)[-count:])
    return [run for run in runs if run.start_ns // DAY_NS in days]


def judge(history: RunTexts, settings: Settings) -> Judged | None:
    found = split(history, settings)
    if found is None:
        return None
    runs, tested, reference = found
    days = np.array([run.start_ns // DAY_NS for run in runs])
    if len(np.unique(days[tested])) < 2:
        return None
    raw = plain(runs)
    features = standardised(raw.values, raw.values[~tested])
    words, vocabulary = terms([run.said for run in runs])
    compared = compare(Kernel(words, features), days, tested)
    if compared is None:
        return None
    t, p = day_level(features, days, tested)
    return Judged(runs, tested, compared, raw.names, raw.values, t, p, words, vocabulary, reference,
                  runs[-1].agent_version)  # fmt: skip


def told(history: RunTexts, judged: Judged) -> Finding:
    tested, z = judged.tested, judged.compared.z
    changed = [int(index) for index in np.argsort(-np.abs(judged.t))[:NAMED] if judged.p[index] < 0.05]
    features = [
        {"feature": judged.names[index], "before": float(judged.features[~tested, index].mean()),
         "after": float(judged.features[tested, index].mean()), "t": float(judged.t[index])}
        for index in changed
    ]  # fmt: skip
    more, fewer = words_that_changed(judged)
    order = np.argsort(-judged.compared.scores)
    after = [judged.runs[index] for index in order if tested[index]][:SHOWN]
    before = [judged.runs[index] for index in order[::-1] if not tested[index]][:SHOWN]
    limit = float(np.quantile(judged.compared.scores[~tested], 0.95))
    share = float((judged.compared.scores[tested] > limit).mean())
    said = [f"{judged.names[index]} {'rose' if judged.t[index] > 0 else 'fell'}" for index in changed[:3]]
    if more:
        said.append("more of " + ", ".join(f"“{word}”" for word in more[:3]))
    runs = int(tested.sum())
    first = next(run for run, is_tested in zip(judged.runs, tested, strict=True) if is_tested)
    strong = max(z["middle"] / 2, z["top"] / 2) >= 5 or share >= 0.4
    return Finding(
        detector=SemanticDrift.id, version=SemanticDrift.version, severity="critical" if strong else "warning",
        title=f"{history.agent or 'The agent'} is not as before: {said[0] if said else 'other words and paths'}",
        explanation=(
            f"{runs} runs of the last days were compared with {len(judged.runs) - runs} of {judged.reference}. "
            f"About {share:.0%} of them lie where only 5 % of the earlier ones do. "
            + (f"What changed most: {'; '.join(said)}. " if said else "")
            + "The evidence names runs from before and after."
        ),
        agent=history.agent, key="drift", first_seen_ns=first.start_ns, last_seen_ns=judged.runs[-1].start_ns,
        trace_id=after[0].trace_id if after else "", window=history.now_ns // (WEEK * DAY_NS),
        cause="model",
        evidence={
            "runs": runs, "reference_runs": len(judged.runs) - runs, "reference": judged.reference,
            "version": judged.version, "share_changed": share, "z": z, "auc": judged.compared.order,
            "features": features, "more_words": more, "fewer_words": fewer,
            "after": [example(run) for run in after], "before": [example(run) for run in before],
        },
    )  # fmt: skip


def words_that_changed(judged: Judged) -> tuple[list[str], list[str]]:
    """Terms whose share of runs rose and fell most, in deviations of a share (two-proportion z)."""
    if judged.words is None:
        return [], []
    has = judged.words.astype(bool)
    after, before = has[judged.tested], has[~judged.tested]
    n, m = after.shape[0], before.shape[0]
    a, b = np.asarray(after.sum(axis=0)).ravel() / n, np.asarray(before.sum(axis=0)).ravel() / m
    pooled = (a * n + b * m) / (n + m)
    z = (a - b) / np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) * (1 / n + 1 / m))
    order = np.argsort(z)
    more = [judged.vocabulary[index] for index in order[::-1][:NAMED] if z[index] > 4]
    fewer = [judged.vocabulary[index] for index in order[:NAMED] if z[index] < -4]
    return more, fewer


def example(run: RunText) -> dict[str, Any]:
    return {"trace_id": run.trace_id, "final": run.final[:300], "tools": list(run.tools[:10])}


SEMANTIC_DRIFT: Final = SemanticDrift()
