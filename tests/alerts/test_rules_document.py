"""docs/alert-rules.md: its tables are those of the program, and its example can be applied."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tracestore.alerts import builtin_rules, durations, rule_words, rules, rules_file, rules_plan
from tracestore.alerts.conditions.condition import KINDS
from tracestore.alerts.rule_conditions import CHOICES, condition_of
from tracestore.alerts.rule_fields import FIELDS, KNOWN_LABELS
from tracestore.models import Project

TEXT = (Path(__file__).parents[2] / "docs" / "alert-rules.md").read_text()


def table(begins: str) -> list[list[str]]:
    """The rows of the table whose head begins so."""
    head = next(place for place, line in enumerate(TEXT.splitlines()) if line.startswith(begins))
    rows = []
    for line in TEXT.splitlines()[head + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def test_the_shipped_rules_are_those() -> None:
    assert table("| name | key |") == [
        [
            one["name"], f"`{key}`", one["severity"], "on" if one["enabled"] else "off",
            rule_words.said_of(one["kind"], one["condition"]), durations.words(one["hold_s"]),
            durations.words(one["keep_firing_s"]),
        ]
        for key, one in builtin_rules.shipped().items()
    ]  # fmt: skip


def test_the_metrics_and_comparisons_are_those() -> None:
    assert table("| metric |") == [[f"`{name}`", one[0], one[2]] for name, one in rule_words.METRICS.items()]
    assert set(rule_words.METRICS) == set(CHOICES["metric"]["metric"])
    named = {name for row in table("| compare |") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == set(CHOICES["metric"]["compare"])


def test_the_fields_are_those() -> None:
    named = {name for row in table("| field | in a file |") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == set(FIELDS)
    assert all(f"`{label}`" in TEXT for label in KNOWN_LABELS)
    parts = re.split(r"\n### ", TEXT)[1:4]
    for kind, part in zip(("findings", "metric", "search"), parts, strict=True):
        listed = part.split("| field | meaning |")[1].split("\n\n")[0]
        rows = [line.split(" | ")[0] for line in listed.splitlines() if line.startswith("| `")]
        named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        assert named == {name.removesuffix("_s") for name in KINDS[kind].__struct_fields__}


@pytest.mark.django_db
def test_the_example_can_be_applied_and_is_what_export_writes() -> None:
    Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    example = TEXT.split("```yaml\n")[1].split("```")[0]
    rules_plan.apply("default", rules_plan.plan("default", rules_file.read("default", example), prune=True), "ada")
    assert rules_file.text("default", rules.listed("default")) == rules_file.HEAD + example


@pytest.mark.django_db
def test_the_call_is_one() -> None:
    sent = json.loads(re.findall(r"-d '(.*?)'", TEXT)[0])
    assert condition_of("default", sent["kind"], sent["condition"])
