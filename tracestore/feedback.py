"""What people say of findings: right, or none. A dismissed problem is remembered for its fingerprint."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q

from tracestore import verdicts
from tracestore.clickhouse.detecting import findings
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Feedback, Project

CONFIRMED: Final = Feedback.Judgement.CONFIRMED
DISMISSED: Final = Feedback.Judgement.DISMISSED
MOST_REASON: Final = 1_000


def say(project: str, finding_id: str, judgement: Feedback.Judgement, reason: str = "", by: Any = None) -> Feedback:
    """Confirms or dismisses a finding, in place of what was said of it before.

    Dismissing makes all findings of the fingerprint count no more, also those to come; confirming one of a
    dismissed fingerprint makes them count again.

    Raises:
        NotFound: there is no such finding or project.
        InvalidInput: the reason is too long.
        Unavailable: the store does not answer; nothing was changed.
    """
    if len(reason) > MOST_REASON:
        raise InvalidInput(f"reason: expected at most {MOST_REASON} characters.", field="reason")
    finding = findings.one(project, finding_id)
    with transaction.atomic():
        row, _ = Feedback.objects.update_or_create(
            project=owner(project), finding=finding.id,
            defaults={"detector": finding.detector, "fingerprint": finding.fingerprint, "judgement": judgement,
                      "reason": reason, "by": by},
        )  # fmt: skip
        _remember(project, finding.fingerprint, confirmed=judgement == CONFIRMED)
    return row


def take_back(project: str, finding_id: str) -> None:
    """Undoes what was said of a finding.

    Raises:
        NotFound: nothing was said of it.
        Unavailable: the store does not answer; nothing was changed.
    """
    with transaction.atomic():
        row = Feedback.objects.filter(project__slug=project, finding=finding_id).first()
        if row is None:
            raise NotFound("Nothing was said of this finding.")
        row.delete()
        _remember(project, row.fingerprint)


def _remember(project: str, fingerprint: str, *, confirmed: bool = False) -> None:
    """A fingerprint is dismissed while somebody dismisses a finding of it and nobody has confirmed one since."""
    said = Feedback.objects.filter(project__slug=project, fingerprint=fingerprint)
    if confirmed:
        said.filter(judgement=DISMISSED).delete()
    findings.dismiss(project, fingerprint, active=said.filter(judgement=DISMISSED).exists())
    verdicts.forget(project)


def of(project: str, finding_ids: list[str]) -> dict[str, Feedback]:
    """What was said of some findings, by their ids."""
    rows = Feedback.objects.filter(project__slug=project, finding__in=finding_ids).select_related("by")
    return {row.finding: row for row in rows}


def precision(project: str) -> dict[str, dict[str, Any]]:
    """Detector → `confirmed`, `dismissed`, `precision` (None before anybody said anything)."""
    rows = (
        Feedback.objects.filter(project__slug=project)
        .values("detector")
        .annotate(confirmed=Count("pk", Q(judgement=CONFIRMED)), dismissed=Count("pk", Q(judgement=DISMISSED)))
    )
    return {
        row["detector"]: {
            "confirmed": row["confirmed"],
            "dismissed": row["dismissed"],
            "precision": row["confirmed"] / (row["confirmed"] + row["dismissed"]),
        }
        for row in rows
    }


def owner(project: str) -> Project:
    found = Project.objects.filter(slug=project).first()
    if found is None:
        raise NotFound("There is no such project.")
    return found
