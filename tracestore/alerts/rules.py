"""Alert rules of a project: listed, made, changed, deleted and brought back.

A change of a rule leaves its alerts as they are: the next evaluation says what it makes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tracestore import audit
from tracestore.alerts import builtin_rules
from tracestore.alerts.models import Alert, AlertRule
from tracestore.alerts.rule_fields import FIELDS, MOST_NAME, checked
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project

log = structlog.get_logger(__name__)

MOST: Final = 500
#: How long a deleted rule can be brought back. Shipped ones stay, so that an upgrade does not bring them back.
KEPT: Final = timedelta(days=1)

ensure_builtin = builtin_rules.ensure_builtin
ensure_all = builtin_rules.ensure_all


def listed(project_slug: str) -> QuerySet[AlertRule]:
    """The project's rules by name; shipped ones that are missing are made first."""
    builtin_rules.ensure_builtin(project_slug)
    return AlertRule.objects.filter(project__slug=project_slug, deleted_at=None).order_by("name", "pk")


def find(project_slug: str, number: int, *, deleted: bool = False) -> AlertRule:
    """Raises: NotFound."""
    found = AlertRule.objects.filter(project__slug=project_slug, pk=number, deleted_at__isnull=not deleted)
    row = found.select_related("project").first()
    if row is None:
        raise NotFound("There is no such alert rule in this project.")
    return row


def fields_of(rule: AlertRule) -> dict[str, Any]:
    """What a person may set of it, as `create` takes it."""
    return {name: getattr(rule, name) for name in FIELDS}


def create(project_slug: str, fields: Mapping[str, Any], actor: str) -> AlertRule:
    """Makes a rule; what is not given is as it usually is.

    Raises:
        InvalidInput: names the field; also when there are too many rules.
        NotFound: there is no such project.
    """
    project = Project.objects.filter(slug=project_slug).first()
    if project is None:
        raise NotFound("There is no such project.")
    values = checked(project_slug, fields)
    forget(project_slug)
    if AlertRule.objects.filter(project=project, deleted_at=None).count() >= MOST:
        raise InvalidInput(f"There are {MOST} rules: expected one of them to be deleted first.")
    now = timezone.now()
    rule = AlertRule(project=project, created_at=now, changed_at=now, **values)
    _save(rule)
    audit.concerns(rule.pk)
    log.info("alert rule made", project=project_slug, rule=rule.pk, name=rule.name, by=actor)
    return rule


def change(project_slug: str, number: int, fields: Mapping[str, Any], actor: str) -> AlertRule:
    """Changes the fields that are given; a condition is replaced whole.

    Raises:
        NotFound, InvalidInput: as `create`.
    """
    rule = find(project_slug, number)
    before = fields_of(rule)
    values = checked(project_slug, fields, before)
    if all(before[name] == value for name, value in values.items()):
        return rule
    for name, value in values.items():
        setattr(rule, name, value)
    rule.changed_at = timezone.now()
    # What an earlier condition could not do says nothing of this one.
    rule.failure = "" if "condition" in values else rule.failure
    _save(rule, [*values, "changed_at", "failure"])
    log.info("alert rule changed", project=project_slug, rule=rule.pk, fields=sorted(values), by=actor)
    return rule


def enable(project_slug: str, number: int, on: bool, actor: str) -> AlertRule:
    """Raises: NotFound."""
    return change(project_slug, number, {"enabled": on}, actor)


def duplicate(project_slug: str, number: int, actor: str) -> AlertRule:
    """A copy under another name, switched off until somebody has looked at it. Raises: NotFound, InvalidInput."""
    rule = find(project_slug, number)
    return create(project_slug, fields_of(rule) | {"name": free_name(rule), "enabled": False}, actor)


def free_name(rule: AlertRule) -> str:
    """A name for a copy that no rule of the project has."""
    taken = set(AlertRule.objects.filter(project=rule.project, deleted_at=None).values_list("name", flat=True))
    endings = (" (copy)", *(f" (copy {k})" for k in range(2, MOST + 2)))
    return next(name for end in endings if (name := rule.name[: MOST_NAME - len(end)] + end) not in taken)


def delete(project_slug: str, number: int, actor: str) -> AlertRule:
    """Deletes a rule; for a day it can be brought back, a shipped one for ever. Raises: NotFound."""
    rule = find(project_slug, number)
    rule.deleted_at = timezone.now()
    rule.save(update_fields=["deleted_at"])
    log.info("alert rule deleted", project=project_slug, rule=rule.pk, name=rule.name, by=actor)
    return rule


def deleted_builtin(project_slug: str) -> QuerySet[AlertRule]:
    """Shipped rules that somebody deleted."""
    gone = AlertRule.objects.filter(project__slug=project_slug, deleted_at__isnull=False)
    return gone.filter(builtin__in=builtin_rules.shipped()).order_by("name", "pk")


def restore(project_slug: str, number: int, actor: str, now: datetime | None = None) -> AlertRule:
    """Brings a deleted rule back as it was.

    Raises:
        NotFound: it was not deleted, or longer ago than a day.
        InvalidInput: another rule has its name now.
    """
    rule = find(project_slug, number, deleted=True)
    if not builtin_rules.is_shipped(rule) and rule.deleted_at and rule.deleted_at < (now or timezone.now()) - KEPT:
        raise NotFound("This rule was deleted more than a day ago.")
    rule.deleted_at = None
    _save(rule, ["deleted_at"])
    log.info("alert rule brought back", project=project_slug, rule=rule.pk, name=rule.name, by=actor)
    return rule


def reset(project_slug: str, number: int, actor: str) -> AlertRule:
    """A shipped rule as it is shipped, whatever was changed of it.

    Raises:
        NotFound: there is no such rule.
        InvalidInput: it is none of the shipped ones, or another rule has its name now.
    """
    rule = find(project_slug, number)
    shipped = builtin_rules.shipped().get(rule.builtin)
    if shipped is None:
        raise InvalidInput("This is none of the shipped rules: there is nothing to set it back to.")
    for name, value in shipped.items():
        setattr(rule, name, value)
    rule.changed_at, rule.failure = rule.created_at, ""
    _save(rule, [*shipped, "changed_at", "failure"])
    log.info("alert rule reset", project=project_slug, rule=rule.pk, name=rule.name, by=actor)
    return rule


def forget(project_slug: str, now: datetime | None = None) -> None:
    """Removes rules that were deleted more than a day ago. One whose alerts still fire waits: they end first."""
    before = (now or timezone.now()) - KEPT
    gone = AlertRule.objects.filter(project__slug=project_slug, deleted_at__lt=before)
    gone = gone.exclude(builtin__in=builtin_rules.shipped())
    live = Alert.objects.filter(rule__in=gone).exclude(state=Alert.State.RESOLVED).values("rule")
    gone.exclude(pk__in=live).delete()


def _save(rule: AlertRule, fields: list[str] | None = None) -> None:
    """Raises: InvalidInput, when another rule has the name."""
    try:
        with transaction.atomic():
            rule.save(update_fields=fields)
    except IntegrityError as error:
        raise InvalidInput(
            f"name: there is a rule {rule.name!r} already: expected another name.", field="name"
        ) from error
