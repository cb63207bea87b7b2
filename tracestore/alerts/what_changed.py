"""What is different since before a problem began: the agent's version, its models. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from tracestore.clickhouse.alerting.problems import First
from tracestore.clickhouse.alerting.said import Said
from tracestore.moments import moment

#: How far back is looked.
BACK: Final = timedelta(hours=48)
#: Sentences at most.
MOST: Final = 4


def sentences(
    firsts: Mapping[tuple[str, str], Sequence[First]], project: str, found: Sequence[Said]
) -> tuple[str, ...]:
    """A sentence for each version and model of the findings' agents that came within two days, after another."""
    until = max(one.last_ns for one in found)
    agents = dict.fromkeys(one.agent for one in found if one.agent)
    return tuple(text for agent in agents for text in said(agent, firsts.get((project, agent), ()), until))[:MOST]


def said(agent: str, seen: Sequence[First], until_ns: int) -> list[str]:
    """Of each kind the newest that began before a moment, if something else was used before it. Pure."""
    told: list[str] = []
    for kind in ("version", "model"):
        of_kind = [one for one in seen if one.kind == kind and one.first_ns <= until_ns]
        of_kind.sort(key=lambda one: one.first_ns)
        if len(of_kind) < 2:
            continue
        new, old = of_kind[-1], max(of_kind[:-1], key=lambda one: one.last_ns)
        since = f"{moment(new.first_ns):%Y-%m-%d %H:%M} UTC"
        told.append(
            f"{agent} runs {'version' if kind == 'version' else 'with'} {new.value} since {since}, before {old.value}."
        )
    return told
