"""What a project has, one of each, every text of it marked; and which of them a path of the API means.

Rows of the database are made of every model that belongs to a project, so a new model is there by itself. A path
parameter finds its thing by itself too when the collection is named as the model is (`alert-rules` → `AlertRule`);
what is named otherwise joins `NAMED`, and what must look a certain way joins `MADE_OF`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core import serializers
from django.db import models
from django.utils import timezone

from tests.clickhouse.spans import SECOND, llm, span
from tests.clickhouse.test_writer import write
from tests.security.openapi import Operation, example
from tracestore import audit
from tracestore.alerts.facts import Evidence, Facts, Run, as_json
from tracestore.clickhouse import client, settling
from tracestore.models import Organisation, OrganisationMembership, Project, ProjectDeletion, Role

#: In every text of project `a`. Answers to others must never hold it.
MARK = "zanzibar"
TRACE_ID = "a" * 32
OTHER_TRACE_ID = "c" * 32
SPAN_ID = f"{1:016x}"
FINDING_ID = "f" * 32
AGO = time.time_ns() - 600 * SECOND

#: (collection, parameter) → the thing, where names do not tell it.
NAMED: dict[tuple[str, str], Callable[[World], object]] = {
    ("keys", "key_id"): lambda world: world.rows["ApiKey"].pk,
    ("organisations", "slug"): lambda world: world.project.organisation.slug,
    ("organisations", "user_id"): lambda world: world.rows["Member"].pk,
    ("organisations", "invitation_id"): lambda world: world.rows["Invitation"].pk,
    ("projects", "slug"): lambda world: world.project.slug,
    ("prices", "price_id"): lambda world: world.rows["PriceOverride"].pk,
    ("prices", "repricing_id"): lambda world: world.rows["Repricing"].pk,
    ("detectors", "backtest_id"): lambda world: world.rows["Backtest"].pk,
    ("detectors", "detector_id"): lambda world: "loop",
    ("redaction-rules", "name"): lambda world: world.rows["RedactionRule"].name,
    ("tools", "name"): lambda world: f"{MARK}-tool",
    ("export", "table"): lambda world: "spans",
    ("export", "format"): lambda world: "csv",
    ("traces", "format"): lambda world: "otlp",
}
#: Parameters that mean the same everywhere, in paths, queries and bodies.
EVERYWHERE: dict[str, str] = {
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "finding_id": FINDING_ID,
    "session_id": f"{MARK}-session",
    "name": f"{MARK}-agent",
    "agent": f"{MARK}-agent",
    "tool": f"{MARK}-tool",
    "user_id": f"{MARK}-user",
    "a": TRACE_ID,
    "b": OTHER_TRACE_ID,
}
#: Path parameters that say which kind is meant, and not which thing of a project.
NO_THINGS = {"table", "format", "detector_id"}

#: Bodies of operations whose fields cannot all be sent at once.
BODIES: dict[str, dict[str, Any]] = {
    "incidents_snooze": {"for": "1h", "note": "text"},
    "deletions_order": {"session_id": f"{MARK}-session"},
    "invitations_create": {"role": "member", "email": ""},
    "members_update": {"role": "viewer"},
    "projects_create": {"name": "text"},
    "project_deletion_order": {"name": "text"},
}

#: Fields that a row of this model must have, for its endpoint to be able to show it.
MADE_OF: dict[str, dict[str, Any]] = {
    "AlertRule": {"kind": "findings", "condition": {}, "builtin": ""},
    "PriceOverride": {"valid_from": None, "valid_until": None, "currency": "USD"},
    "RedactionRule": {"kind": "pattern", "name": f"{MARK}-rule", "pattern": f"{MARK}-secret"},
    "SavedView": {"shared": True, "owner": None, "sort": "", "since": "1h"},
    "DetectorSettings": {"detector": "loop", "agent": "", "values": {}},
    "Feedback": {"finding": FINDING_ID, "detector": "loop"},
    "Backtest": {"detector": "loop", "values": {}, "state": "failed"},
    "Invitation": {"role": "member", "expires_at": timezone.now() + timedelta(days=1)},
    "ApiKey": {"scopes": ["read"], "expires_at": None, "revoked_at": None},
    "Channel": {"kind": "webhook", "config": {"url": f"https://{MARK}.example/", "secret": f"{MARK}-secret"}},
    "Incident": {"open_key": None, "key": "k", "snoozed_until": None, "acknowledged_at": None, "resolved_at": None},
    "Silence": {
        "starts_at": timezone.now(), "ends_at": timezone.now() + timedelta(days=1), "repeats": "", "time_zone": "UTC",
        "matchers": [{"name": "agent", "value": f"{MARK}-agent", "is_regex": False, "is_equal": True}],
    },
    "Budget": {"measure": "usd", "scope": "session"},
    "Halt": {"by": "agent", "subject": f"{MARK}-agent", "active_key": "k", "until": None, "lifted_at": None},
    "Breaker": {"agent": f"{MARK}-agent", "tool": ""},
    "Notification": {"event": "opened", "occasion": "o", "state": "sent"},
}  # fmt: skip


@dataclass
class World:
    """Project `a`, full of things, and how to name them."""

    project: Project
    rows: dict[str, Any] = field(default_factory=dict)

    def places(self, operation: Operation) -> dict[str, str]:
        """The path's parameters, each the id of a thing of this project."""
        return {one.name: self.thing(operation, one.name) for one in operation.places}

    def thing(self, operation: Operation, name: str) -> str:
        named = NAMED.get((operation.collection, name))
        if named is not None:
            return str(named(self))
        row = self.rows.get(model_of(operation.collection))
        if row is not None and name not in EVERYWHERE:
            return str(row.pk)
        return EVERYWHERE.get(name) or "1"

    def asks(self, operation: Operation) -> list[dict[str, str]]:
        """Queries that ask for things of this project: none, all that the operation knows, each alone."""
        every = {one.name: EVERYWHERE[one.name] for one in operation.queries if one.name in EVERYWHERE}
        return [{}, *([every] if every else []), *([{name: every[name]} for name in every] if len(every) > 1 else [])]

    def plausible(self, operation: Operation) -> Any:
        """A body that its operation takes; None if it takes none."""
        if operation.body is None:
            return None
        return BODIES.get(operation.id) or self.body(example(operation.body))

    def body(self, plausible: Any, name: str = "") -> Any:
        """A body whose fields name things of this project wherever they name things."""
        if isinstance(plausible, dict):
            return {key: self.body(value, key) for key, value in plausible.items()}
        if isinstance(plausible, list):
            return [self.body(value, name) for value in plausible]
        if name in EVERYWHERE and name not in ("name", "a", "b"):
            return EVERYWHERE[name]
        row = self.rows.get(model_of(name if name.endswith("s") else f"{name}s"))
        if row is not None and isinstance(plausible, int) and not isinstance(plausible, bool):
            return row.pk
        return plausible


def model_of(collection: str) -> str:
    """`alert-rules` → `AlertRule`."""
    return "".join(word.title() for word in collection.replace("_", "-").split("-")).removesuffix("s")


def owned() -> list[type[models.Model]]:
    """Every model with a project."""
    return [
        model for model in apps.get_models()
        if any(one.name == "project" and one.related_model is Project for one in model._meta.fields)
    ]  # fmt: skip


def make_world(slug: str = "a") -> World:
    """Project `a` with one of everything, in the database and in ClickHouse."""
    organisation = Organisation.objects.create(slug=f"organisation-{slug}", name=f"{MARK} organisation")
    project = Project.objects.create(slug=slug, name=f"{MARK} project", organisation=organisation)
    world = World(project)
    world.rows["Member"] = User.objects.create(username=f"{MARK}-member")
    OrganisationMembership.objects.create(user=world.rows["Member"], organisation=organisation, role=Role.MEMBER)
    for model in owned():
        if model.__name__ == "Membership":
            model._default_manager.create(user=world.rows["Member"], project=project, role=Role.MEMBER)
        else:
            world.rows[model.__name__] = make(model, world)
    # Taken back: what hangs on a closed project nobody could read.
    world.rows["ProjectDeletion"] = ProjectDeletion.objects.create(
        slug=slug, name=f"{MARK} project", organisation=organisation, state="restored", due_at=timezone.now(),
        requested_by=f"{MARK}-member", message=f"{MARK} message",
    )  # fmt: skip
    facts = Facts(
        f"{MARK} title", f"{MARK} summary", runs=(Run(TRACE_ID, f"{MARK} run", f"{MARK}-agent"),),
        evidence=(Evidence(f"{MARK} evidence", TRACE_ID, SPAN_ID, FINDING_ID),), changed=(f"{MARK} change",),
    )  # fmt: skip
    for name in ("Incident", "Alert"):
        type(world.rows[name]).objects.filter(pk=world.rows[name].pk).update(facts=as_json(facts))
    audit.record("key.created", project=slug, subject=f"{MARK}-subject", actor=audit.Actor(f"{MARK}-actor", "user"))
    fill(slug)
    return world


def make(model: type[models.Model], world: World) -> models.Model:
    """A row with something in every field."""
    values: dict[str, Any] = {}
    for one in model._meta.concrete_fields:
        if one.primary_key:
            continue
        if isinstance(one, models.ForeignKey):
            if one.related_model is Project:
                values[one.name] = world.project
            elif one.related_model is Organisation:
                values[one.name] = world.project.organisation
            elif one.related_model.__name__ in world.rows and not one.null:
                values[one.name] = world.rows[one.related_model.__name__]
        elif one.choices:
            values[one.name] = one.choices[0][0]
        elif isinstance(one, models.BooleanField):
            values[one.name] = one.default if one.has_default() else True
        elif isinstance(one, models.CharField | models.TextField):
            values[one.name] = f"{MARK} {one.name}"[: one.max_length or 100]
        elif isinstance(one, models.JSONField):
            values[one.name] = one.get_default()
        elif isinstance(one, models.DateTimeField):
            if one.null:
                continue  # deleted, over, lifted: not yet
            values[one.name] = timezone.now()
        elif not one.has_default():
            values[one.name] = 1
    return model._default_manager.create(**values | MADE_OF.get(model.__name__, {}))


def fill(slug: str) -> None:
    """A settled run and one that goes on, with a finding, a log and a health of the agent."""
    who = {"agent": f"{MARK}-agent", "agent_version": MARK, "session_id": f"{MARK}-session", "user_id": f"{MARK}-user"}
    marked = {
        "attributes": {MARK: MARK},
        "input": f"{MARK} question",
        "output": f"{MARK} answer",
        "name": f"{MARK} step",
    }
    for trace in (int(TRACE_ID, 16), int(OTHER_TRACE_ID, 16)):
        write(
            span(1, trace=trace, type="agent", start=AGO, **who, **marked),
            llm(2, trace=trace, parent=1, start=AGO + 1, model=f"{MARK}-model", **who, **marked),
            span(3, trace=trace, parent=1, start=AGO + 2, type="tool", tool_name=f"{MARK}-tool", status="error",
                 status_message=f"{MARK} failed", **who, **marked),
            project=slug,
        )  # fmt: skip
    settling.settle()
    client.run(
        "INSERT INTO stored_findings (project, id, detector, severity, cause, title, agent, trace_id, fingerprint,"
        " first_seen, last_seen, version) VALUES ({project:String}, {id:String}, 'loop', 'critical', 'tool',"
        " {mark:String}, {agent:String}, {trace_id:String}, {mark:String}, now64(9), now64(9), 1)",
        {"project": slug, "id": FINDING_ID, "mark": MARK, "agent": f"{MARK}-agent", "trace_id": TRACE_ID},
    )
    client.run(
        "INSERT INTO stored_agent_health (project, agent, at, state, reasons, version)"
        " VALUES ({project:String}, {agent:String}, now64(3), 'critical', [{mark:String}], 1)",
        {"project": slug, "agent": f"{MARK}-agent", "mark": MARK},
    )


def rows_of(project: Project) -> dict[str, list[str]]:
    """Every row of a project and of its organisation, as text. When a key was last used changes by asking."""
    found = {
        "Project": [serializers.serialize("json", project.organisation.projects.order_by("pk"))],
        "Organisation": [serializers.serialize("json", Organisation.objects.filter(pk=project.organisation_id))],
        "OrganisationMembership": [
            serializers.serialize("json", project.organisation.memberships.order_by("pk")),
            serializers.serialize("json", project.organisation.invitations.order_by("pk")),
            serializers.serialize("json", project.organisation.project_deletions.order_by("pk")),
        ],
    }
    for model in owned():
        rows = model._default_manager.filter(project=project).order_by("pk")
        fields = [field.name for field in model._meta.get_fields() if field.name != "last_used_at"]
        found[model.__name__] = [serializers.serialize("json", [row], fields=fields) for row in rows]
    return found
