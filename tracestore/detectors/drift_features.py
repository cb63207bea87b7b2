"""What a run is like, in numbers: its words, its path, the shape of its answers. For `semantic_drift`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tracestore.detectors.histories import RunText

Floats = np.ndarray[Any, np.dtype[np.float64]]

#: Tools that are counted one by one; the rest together.
MOST_TOOLS: Final = 14
MOST_TERMS: Final = 6_000
#: A feature that never varied in the past counts as this many deviations away when it does.
NEW: Final = 6.0

_REFUSAL: Final = re.compile(
    r"\b(?:sorry|unfortunately|apologi[sz]e|cannot|can't|can not|unable to|not able to|won't be able|"
    r"lo siento|leider|désolé|malheureusement)\b|抱歉|无法",
    re.IGNORECASE,
)
_PLAIN: Final = (
    ("length of all messages", "log"),
    ("messages", "log"),
    ("tool calls", "log"),
    ("different tools", ""),
    ("length of the last answer", "log"),
    ("bold text", "per 100 characters"),
    ("line breaks", "per 100 characters"),
    ("questions", "per 100 characters"),
    ("digits", "per 100 characters"),
    ("last answer is JSON", "share of runs"),
    ("last answer refuses", "share of runs"),
    ("length of words", ""),
    ("words in a sentence", ""),
    ("variety of words", ""),
    ("failed", "share of runs"),
    ("very short last answer", "share of runs"),
)


@dataclass(frozen=True, slots=True)
class Features:
    """Plain features of runs: `names`, one row a run in `values`."""

    names: list[str]
    values: Floats


def plain(runs: Sequence[RunText]) -> Features:
    """Length, style, format, refusals, and how often each tool was called (logarithmic where counts are)."""
    counted = Counter(tool for run in runs for tool in run.tools)
    tools = [name for name, _ in counted.most_common(MOST_TOOLS)]
    place = {name: index for index, name in enumerate(tools)}
    values = np.zeros((len(runs), len(_PLAIN) + len(tools) + 1))
    for row, run in enumerate(runs):
        values[row, : len(_PLAIN)] = _of(run)
        for name, count in Counter(run.tools).items():
            values[row, len(_PLAIN) + place.get(name, len(tools))] += count
    values[:, len(_PLAIN) :] = np.log1p(values[:, len(_PLAIN) :])
    names = [*(name for name, _ in _PLAIN), *(f"calls of {name}" for name in tools), "calls of other tools"]
    return Features(names, values)


def _of(run: RunText) -> list[float]:
    text, final = run.said, run.final.strip()
    words = text.split()
    length = len(text) + 1
    return [
        np.log1p(length),
        np.log1p(run.messages),
        np.log1p(len(run.tools)),
        len(set(run.tools)),
        np.log1p(len(final)),
        100 * text.count("**") / length,
        100 * text.count("\n") / length,
        100 * text.count("?") / length,
        100 * sum(map(str.isdigit, text)) / length,
        float(final[:1] in ("{", "[") and final[-1:] in ("}", "]")),
        float(bool(_REFUSAL.search(final[:300]))),
        sum(map(len, words)) / max(len(words), 1),
        len(words) / (1 + text.count(".")),
        len(set(words)) / (len(words) + 1),
        float(run.failed),
        float(len(final) < 60),
    ]


def standardised(values: Floats, reference: Floats) -> Floats:
    """In deviations of the reference, clipped to ±6; what never varied there counts as 6 when it does."""
    mean, deviation = reference.mean(axis=0), reference.std(axis=0)
    away = values - mean
    steady = deviation < 1e-9
    found = np.where(steady, NEW * np.sign(np.round(away, 9)), away / np.where(steady, 1.0, deviation))
    return np.asarray(np.clip(found, -NEW, NEW), dtype=np.float64)


def terms(texts: Sequence[str]) -> tuple[Any, list[str]]:
    """TF-IDF of words and pairs of words, rows of length 1, and the terms; no columns when no term is shared."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # half a second, and only this detector's

    vectors = TfidfVectorizer(ngram_range=(1, 2), max_features=MOST_TERMS, sublinear_tf=True, min_df=2)
    try:
        found = vectors.fit_transform(texts)
    except ValueError:  # nothing but stop characters, or no term in two runs
        return None, []
    return found, list(vectors.get_feature_names_out())
