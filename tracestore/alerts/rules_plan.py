"""What a rules file would change in a project, and the change itself: all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from django.db import transaction

from tracestore.alerts import builtin_rules, durations, rules
from tracestore.alerts.models import AlertRule
from tracestore.alerts.rule_fields import FIELDS
from tracestore.alerts.rules_file import KEYS, Written
from tracestore.errors import InvalidInput
from tracestore.models import Project

#: `kept`: only the project has it, and nothing is pruned.
Action = Literal["added", "changed", "deleted", "unchanged", "kept"]
SIGNS: Final[dict[Action, str]] = {"added": "+", "changed": "~", "deleted": "-", "unchanged": " ", "kept": " "}


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one rule. `changes`: field → before and after."""

    action: Action
    name: str
    rule: AlertRule | None = None
    written: Written | None = None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def line(self) -> str:
        said = [
            f"{KEYS.get(name, name)} {_value(name, old)} → {_value(name, new)}" for name, (old, new) in self._parts()
        ]
        if self.action == "changed" and self.rule and self.rule.deleted_at:
            said.insert(0, "brought back")
        return f"{SIGNS[self.action]} {self.name}" + (f": {', '.join(said)}" if said else "")

    def _parts(self) -> list[tuple[str, tuple[Any, Any]]]:
        """Changes, those of a condition of the same kind part by part."""
        found = []
        for name, (old, new) in self.changes.items():
            if name == "condition" and "kind" not in self.changes:
                parts = sorted(old.keys() | new.keys())
                found += [(one, (old.get(one), new.get(one))) for one in parts if old.get(one) != new.get(one)]
            elif name != "condition":
                found.append((name, (old, new)))
        return found


def plan(project: str, file: Sequence[Written], *, prune: bool = False) -> list[Step]:
    """What has to be done for the project to have the file's rules; with `prune` no others.

    A rule is known by the shipped rule that it says it is, else by its name.

    Raises:
        NotFound: there is no such project.
        InvalidInput: two of the file are one rule of the project.
    """
    live = {rule.name: rule for rule in rules.listed(project)}
    shipped = {rule.builtin: rule for rule in rules.deleted_builtin(project)}
    shipped |= {rule.builtin: rule for rule in live.values() if builtin_rules.is_shipped(rule)}
    steps: list[Step] = []
    met: dict[int, Written] = {}
    for one in file:
        rule = shipped.get(one.shipped) if one.shipped else live.get(one.name)
        if rule is None:
            steps.append(Step("added", one.name, written=one))
            continue
        if rule.pk in met:
            raise InvalidInput(f"line {one.line}: this is the rule of line {met[rule.pk].line} too.")
        met[rule.pk] = one
        changes = {
            name: (getattr(rule, name), one.fields[name]) for name in FIELDS if getattr(rule, name) != one.fields[name]
        }
        is_same = not changes and rule.deleted_at is None
        steps.append(Step("unchanged" if is_same else "changed", one.name, rule, one, changes))
    left = [rule for rule in live.values() if rule.pk not in met]
    steps += [Step("deleted" if prune else "kept", rule.name, rule) for rule in left]
    return steps


def differs(steps: Sequence[Step]) -> bool:
    return any(step.action in ("added", "changed", "deleted") for step in steps)


def apply(project: str, steps: Sequence[Step], actor: str) -> None:
    """Does it, in one transaction.

    Raises:
        InvalidInput: a name is taken by a rule that is not in the file, or by one that gets another name.
        NotFound: there is no such project, or a rule is gone since.
    """
    if not Project.objects.filter(slug=project).exists():
        rules.create(project, {}, actor)  # raises NotFound
    with transaction.atomic():
        for step in steps:
            if step.action == "deleted" and step.rule:
                rules.delete(project, step.rule.pk, actor)
        for step in steps:
            if step.action == "changed" and step.rule and step.written:
                if step.rule.deleted_at:
                    rules.restore(project, step.rule.pk, actor)
                rules.change(project, step.rule.pk, step.written.fields, actor)
        for step in steps:
            if step.action == "added" and step.written:
                rules.create(project, step.written.fields, actor)


def _value(name: str, value: Any) -> str:
    if name in KEYS or name == "window_s":
        return durations.written(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}={one}" for key, one in value.items()) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
