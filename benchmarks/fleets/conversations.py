"""Runs of agents that talk, whose daily mix of tasks varies, and some of which change. Seeded; made before the detector.

An agent has 5 to 9 tasks, each with its own vocabulary, usual tools and length of answer, and a style that is
its own: markdown, questions, politeness, JSON as the last answer of some tasks. Every day has its own mix of
tasks (Dirichlet around the agent's), volume, and a small drift of its own in length. Words are pseudo-words
with Zipf frequencies, shared in part by all tasks, and a tenth of each day's content words are new that day
(names, numbers, products), since real content never repeats.

A change begins with the test week and touches a share of its runs:

- topic: a task that the agent never had; tools: one of its tools replaced by another, new or rarely used;
- format: the last answer becomes JSON, or stops being so; refusal: a refusing sentence instead of the answer;
- length: answers 1.7 times as long; wording: another model, which prefers other words for a seventh of all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tracestore.detectors.histories import DAY_NS, RunText

KINDS: Final = ("topic", "tools", "format", "refusal", "length", "wording")
START_NS: Final = 20_000 * DAY_NS
REFUSALS: Final = (
    "I'm sorry, but I can't help with that request.",
    "Unfortunately I am not able to assist with this.",
    "I cannot comply with that.",
)
_SYLLABLES: Final = (
    "ka", "lo", "mi", "ten", "sur", "vel", "or", "an", "dis", "pra", "qui", "bel", "fo", "nar", "ist", "um", "ek", "ro",
    "sha", "gi", "pel", "tor",
)  # fmt: skip


@dataclass
class Task:
    words: np.ndarray
    weights: np.ndarray
    tools: list[str]
    length: float
    as_json: bool


@dataclass
class Agent:
    """What an agent is like; `other` is a task that it does not have, `substitutes` the other model's words."""

    name: str
    tasks: list[Task]
    mix: np.ndarray
    other: Task
    common: np.ndarray
    substitutes: dict[str, str]
    markdown: float
    questions: float
    mood: float
    draw: np.random.Generator = field(repr=False, default_factory=np.random.default_rng)


def agent(seed: int) -> Agent:
    draw = np.random.default_rng([seed, 1])
    common = words(draw, 120)
    count = int(draw.integers(5, 10))
    toolbox = [f"tool_{word}" for word in words(draw, 8)]
    tasks = [task(draw, toolbox) for _ in range(count)]
    vocabulary = sorted({str(word) for one in tasks for word in one.words} | {str(word) for word in common})
    changed = draw.choice(vocabulary, len(vocabulary) // 7, replace=False)
    return Agent(
        f"agent {seed}", tasks, draw.dirichlet(np.full(count, 4.0)), task(draw, toolbox), common,
        dict(zip(map(str, changed), map(str, words(draw, len(changed))), strict=True)),
        float(draw.uniform(0, 0.5)), float(draw.uniform(0.05, 0.4)), float(draw.uniform(8, 40)), draw,
    )  # fmt: skip


def task(draw: np.random.Generator, toolbox: list[str]) -> Task:
    own = words(draw, 160)
    weights = 1 / np.arange(1, len(own) + 1)
    steps = int(draw.integers(1, 6))
    return Task(own, weights / weights.sum(), [str(tool) for tool in draw.choice(toolbox, steps)],
                float(np.exp(draw.uniform(np.log(25), np.log(110)))), bool(draw.random() < 0.2))  # fmt: skip


def words(draw: np.random.Generator, count: int) -> np.ndarray:
    return np.array(["".join(draw.choice(_SYLLABLES, int(draw.integers(2, 5)))) for _ in range(count)])


def runs(
    one: Agent, days: int, *, change: str = "", share: float = 0.0, week: int = 7, per_day: float = 20
) -> list[RunText]:
    """`days` days of runs; of the last `week` days a `share` of the runs is changed."""
    draw = one.draw
    found: list[RunText] = []
    for day in range(days):
        mix = draw.dirichlet(one.mix * one.mood)
        fresh, longer = words(draw, 60), float(np.exp(draw.normal(0, 0.06)))
        for number in range(int(draw.poisson(per_day))):
            is_changed = day >= days - week and draw.random() < share
            found.append(run(one, draw, mix, fresh, longer, change if is_changed else "",
                             START_NS + day * DAY_NS + number * 10**9))  # fmt: skip
    return found


def run(
    one: Agent, draw: np.random.Generator, mix: np.ndarray, fresh: np.ndarray, longer: float, change: str, at: int
) -> RunText:
    chosen = one.other if change == "topic" else one.tasks[int(draw.choice(len(one.tasks), p=mix))]
    length = chosen.length * longer * float(np.exp(draw.normal(0, 0.35))) * (1.7 if change == "length" else 1.0)
    tools = [tool for tool in chosen.tools if draw.random() < 0.9]
    if change == "tools" and tools:
        tools[int(draw.integers(len(tools)))] = "tool_replacement"
    said = [sentences(one, draw, chosen, fresh, length / 3) for _ in range(len(tools))]
    final = sentences(one, draw, chosen, fresh, length)
    if chosen.as_json != (change == "format"):
        final = json.dumps({"answer": final, "ok": True})
    if change == "refusal":
        final = str(draw.choice(REFUSALS))
    texts = [*said, final]
    if change == "wording":
        texts = [" ".join(one.substitutes.get(word, word) for word in text.split(" ")) for text in texts]
        final = texts[-1]
    return RunText(at, f"{at:032x}", one.name, "1", "\n".join(texts), final, tuple(tools), len(texts))


def sentences(one: Agent, draw: np.random.Generator, chosen: Task, fresh: np.ndarray, length: float) -> str:
    count = max(3, int(length))
    kinds = draw.random(count)
    text = np.where(kinds < 0.45, draw.choice(one.common, count), draw.choice(chosen.words, count, p=chosen.weights))
    text = np.where(kinds > 0.93, draw.choice(fresh, count), text)
    found = []
    for start in range(0, count, 12):
        sentence = " ".join(text[start : start + 12])
        if draw.random() < one.markdown:
            sentence = f"**{sentence}**"
        found.append(sentence + ("?" if draw.random() < one.questions else "."))
    return " ".join(found)
