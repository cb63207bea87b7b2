"""Which redaction rules a project has: stored, changed, and ready to run for ingest.

What the rules do is `tracestore.spans.redaction`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, Self

from django.db import transaction

from tracestore.books import Book
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project, ProjectRedaction, RedactionRule
from tracestore.spans.redaction.apply import Redactor
from tracestore.spans.redaction.rules import DEFAULT_RULES, MOST_RULES, OPTIONAL_RULES, OwnRule, RuleSet, check

#: Fields of an own rule that may be set.
TEXTS: Final = ("name", "kind", "pattern", "replacement")
FIELDS: Final = (*TEXTS, "enabled")
#: The API has something else at the address of a rule of this name.
PREVIEW: Final = "preview"
#: Characters of a text that a preview takes.
MOST_PREVIEWED: Final = 100_000


def rules_of(project: str) -> RuleSet:
    """The rules of a project as they are now, straight from the database."""
    return all_rules(project__slug=project).get(project, RuleSet())


def all_rules(**of: Any) -> dict[str, RuleSet]:
    """Project → its rules, of those that have changed something."""
    own: defaultdict[str, list[OwnRule]] = defaultdict(list)
    for row in RedactionRule.objects.filter(enabled=True, **of).select_related("project").order_by("pk"):
        own[row.project.slug].append(as_own_rule(row))
    switched = {row.project.slug: row for row in ProjectRedaction.objects.filter(**of).select_related("project")}
    return {
        project: RuleSet(enabled(switched.get(project)), tuple(own.get(project, ())))
        for project in own.keys() | switched.keys()
    }


def enabled(row: ProjectRedaction | None) -> frozenset[str]:
    """The names of the built-in rules that are on."""
    if row is None:
        return frozenset(DEFAULT_RULES)
    return frozenset(DEFAULT_RULES) - set(row.off) | OPTIONAL_RULES.keys() & set(row.on)


def as_own_rule(row: RedactionRule) -> OwnRule:
    kind = "key" if row.kind == RedactionRule.Kind.KEY else "pattern"
    return OwnRule(row.name, kind, row.pattern, row.replacement)  # type: ignore[arg-type]  # one of two


class RedactorBook:
    """The redactors of all projects, a few seconds old at most; `of` never waits and never raises.

    As long as nothing could be read, and for projects that have changed nothing, the default rules count.
    """

    def __init__(self) -> None:
        self._book: Book[tuple[RuleSet, Redactor]] = Book("redaction rules", self._made)
        self._default = Redactor()

    def of(self, project: str) -> Redactor:
        known = self._book.of(project)
        return known[1] if known else self._default

    def start(self) -> Self:
        """Reads the rules, and again every few seconds until the process ends or `stop`."""
        self._book.start()
        return self

    def stop(self) -> None:
        self._book.stop()

    def refresh(self) -> None:
        self._book.refresh()

    def _made(self) -> dict[str, tuple[RuleSet, Redactor]]:
        # A redactor remembers what it has seen of names; one whose rules are the same stays.
        made = {}
        for project, rules in all_rules().items():
            before = self._book.of(project)
            made[project] = before if before and before[0] == rules else (rules, Redactor(rules))
        return made


def owner(project: str) -> Project:
    """Raises: NotFound, there is no such project."""
    found = Project.objects.filter(slug=project).first()
    if found is None:
        raise NotFound("There is no such project.")
    return found


def find(project: str, name: str) -> RedactionRule:
    """Raises: NotFound, the project has no rule of its own of this name."""
    found = RedactionRule.objects.filter(project__slug=project, name=name).first()
    if found is None:
        raise NotFound("There is no such rule of its own in this project.")
    return found


def save(project: str, values: Mapping[str, Any], row: RedactionRule | None = None) -> RedactionRule:
    """Makes a rule, or changes the fields that are given of one. It counts within seconds.

    Raises:
        InvalidInput: a field is unknown, missing, or cannot be what it is; there are too many rules.
        NotFound: there is no such project.
    """
    for name, value in values.items():
        if name not in FIELDS:
            raise InvalidInput(f"There is no such field: expected some of {', '.join(FIELDS)}.", field=str(name)[:100])
        if not isinstance(value, bool if name == "enabled" else str):
            raise InvalidInput(f"{name}: expected {'true or false' if name == 'enabled' else 'a text'}.", field=name)
    project_row = owner(project)
    kept = row or RedactionRule(project=project_row)
    for name, value in values.items():
        setattr(kept, name, value)
    check(OwnRule(kept.name, kept.kind, kept.pattern, kept.replacement))  # type: ignore[arg-type]  # it is checked
    if kept.name == PREVIEW:
        raise InvalidInput(f"name: {PREVIEW!r} is taken by the API; choose another name.", field="name")
    others = RedactionRule.objects.filter(project=project_row).exclude(pk=kept.pk)
    if others.filter(name=kept.name).exists():
        raise InvalidInput(f"name: there is a rule {kept.name!r} already; choose another name.", field="name")
    if others.count() >= MOST_RULES:
        raise InvalidInput(f"A project may have {MOST_RULES} rules of its own: put some together.", field="name")
    kept.save()
    return kept


def switch(project: str, rule: str, on: bool) -> None:
    """Switches a built-in rule on or off. It counts within seconds.

    Raises:
        NotFound: there is no such rule or project.
    """
    if rule not in DEFAULT_RULES and rule not in OPTIONAL_RULES:
        raise NotFound("There is no such built-in rule.")
    with transaction.atomic():
        row, _ = ProjectRedaction.objects.select_for_update().get_or_create(project=owner(project))
        if rule in DEFAULT_RULES:
            row.off = sorted(set(row.off) - {rule} | (set() if on else {rule}))
        else:
            row.on = sorted(set(row.on) - {rule} | ({rule} if on else set()))
        row.save()


def preview(project: str, text: str) -> tuple[str, dict[str, int]]:
    """A text as the project's rules leave it, and how much each rule took out.

    Raises:
        InvalidInput: the text is too long.
    """
    if len(text) > MOST_PREVIEWED:
        raise InvalidInput(f"text: expected at most {MOST_PREVIEWED} characters.", field="text")
    left, counts = Redactor(rules_of(project)).redact_text(text)
    return left, dict(counts)


def listed(project: str) -> list[dict[str, Any]]:
    """All rules, the built-in ones first: name, kind (`built-in`, `optional`, `key`, `pattern`),
    what it finds, and whether it is on.
    """
    on = enabled(ProjectRedaction.objects.filter(project__slug=project).first())
    built_in = [
        {
            "name": name,
            "kind": kind,
            "finds": finds,
            "pattern": "",
            "replacement": f"[redacted:{name}]",
            "enabled": name in on,
        }
        for kind, rules in (("built-in", DEFAULT_RULES), ("optional", OPTIONAL_RULES))
        for name, finds in rules.items()
    ]
    return built_in + [as_listed(row) for row in RedactionRule.objects.filter(project__slug=project).order_by("name")]


def as_listed(row: RedactionRule) -> dict[str, Any]:
    """One own rule in the same form."""
    finds = "values under this name" if row.kind == RedactionRule.Kind.KEY else "what this pattern matches"
    return {
        "name": row.name,
        "kind": row.kind,
        "finds": finds,
        "pattern": row.pattern,
        "replacement": as_own_rule(row).marker,
        "enabled": row.enabled,
    }
