"""Each role on each operation of the API and each form of each page: who is let through, and whose rows change.

Operations are read out of the OpenAPI document, forms out of the pages as an owner sees them. What a role may do is
declared by views (`required_scope`) and checked here against what happens; what is about people has its table here.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from tests.security.openapi import Operation, operations
from tests.security.pages import Forms, addresses, answer
from tests.security.things import World, rows_of
from tracestore.access import ROLE_SCOPES
from tracestore.models import Membership, OrganisationMembership

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

#: Who asks: (role in the organisation, role in the project). Those who may least come first.
WHO = {
    "nobody": ("", ""),
    "viewer of the project": ("", "viewer"),
    "viewer": ("viewer", ""),
    "member of the project": ("", "member"),
    "member": ("member", ""),
    "viewer and admin of the project": ("viewer", "admin"),
    "admin": ("admin", ""),
    "owner": ("owner", ""),
}
HERE = set(WHO) - {"nobody"}
INSIDE = {who for who, (whole, _) in WHO.items() if whole}
MANAGING = {"admin", "owner"}
SETTING_UP = MANAGING | {"viewer and admin of the project"}
#: Operations that the role in the organisation decides, and who may.
PEOPLE = {
    "organisations_list": set(WHO),
    "organisations_create": {"owner"},
    "organisations_read": HERE,
    "organisations_update": MANAGING,
    "organisations_delete": {"owner"},
    "members_list": INSIDE,
    "members_update": MANAGING,
    "members_remove": MANAGING,
    "invitations_list": MANAGING,
    "invitations_create": MANAGING,
    "invitations_revoke": MANAGING,
    "invitations_resend": MANAGING,
    "projects_list": set(WHO),
    "projects_create": MANAGING,
    "projects_update": SETTING_UP,
    "projects_current": HERE,
    "project_deletion_read": MANAGING,
    "project_deletion_order": MANAGING,
    "project_deletion_take_back": MANAGING,
}
#: What changes without the scope `admin`: searches of one's own, and answers to a call.
OF_VIEWERS = {"SavedView"}
OF_MEMBERS = OF_VIEWERS | {"Feedback", "Incident", "Silence", "Halt", "Breaker", "Notification", "Alert"}


def browser_of(world: World, who: str) -> Client:
    whole, single = WHO[who]
    user = User.objects.create(username=who.replace(" ", "-"))
    if whole:
        OrganisationMembership.objects.create(user=user, organisation=world.project.organisation, role=whole)
    if single:
        Membership.objects.create(user=user, project=world.project, role=single)
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


def allowed(operation: Operation, address: str, who: str) -> bool:
    if operation.id in PEOPLE:
        return who in PEOPLE[operation.id]
    view: Any = resolve(address.partition("?")[0]).func.cls  # type: ignore[attr-defined]
    scope = view.required_scope if operation.method == "get" else view.required_scope_unsafe
    held = {one for role in WHO[who] for one in ROLE_SCOPES.get(role, ())}
    return scope in held or (scope == "respond" and "admin" in held)


def test_each_role_on_each_operation(world: World) -> None:
    wrong: dict[tuple[str, str], int] = {}
    let_through = dict.fromkeys(WHO, 0)
    for who in WHO:
        browser = browser_of(world, who)
        for operation in operations():
            if operation.method == "get" and operation.id not in PEOPLE and who not in ("nobody", "viewer"):
                continue  # what a viewer may read, all above may
            address = operation.address(world.places(operation))
            body = world.plausible(operation)
            sent: dict[str, Any] = {} if operation.method == "get" else {"content_type": "application/json"}
            status = getattr(browser, operation.method)(address, {} if body is None else body, **sent).status_code
            may = allowed(operation, address, who)
            let_through[who] += may
            refused = status == 403 or (status == 404 and who == "nobody")
            # Of searches that others keep, whose they are decides too.
            if (refused == may and not (refused and operation.collection == "saved-views")) or status >= 500:
                wrong[who, operation.id] = status
    assert wrong == {}
    assert let_through["nobody"] == 2
    assert let_through["viewer"] > 40
    assert let_through["owner"] > let_through["member"] > 10


def test_viewers_change_by_the_api_what_is_theirs_alone() -> None:
    """A new operation that a viewer may use to change something is thought about, and then joins this list."""
    unsafe = [one for one in operations() if one.method != "get" and one.id not in PEOPLE]
    assert {one.id for one in unsafe if allowed(one, one.address(dict.fromkeys(names(one), "1")), "viewer")} == {
        "alert_rules_preview", "redaction_rules_preview", "routes_try",
        "saved_views_create", "saved_views_delete", "saved_views_restore", "saved_views_update", "silences_preview",
    }  # fmt: skip


def names(operation: Operation) -> list[str]:
    return [one.name for one in operation.places]


def forms_of(world: World, browser: Client) -> list[tuple[str, dict[str, str]]]:
    """Address and fields of each posted form on each page, as this person sees them."""
    found: dict[tuple[str, ...], tuple[str, dict[str, str]]] = {}
    for address in addresses(world).values():
        status, body = answer(browser, "get", address, {})
        parser = Forms()
        parser.feed(body.decode() if status == 200 else "")
        for form in parser.found:
            fields = {name: other(name, value) for name, value in form.fields.items() if name != "csrfmiddlewaretoken"}
            if form.method == "post" and form.action != "/logout/":
                found.setdefault((form.action, *sorted(fields)), (form.action.partition("#")[0] or address, fields))
    return list(found.values())


def other(name: str, value: str) -> str:
    """Something that changes what is there, where a form as it is would change nothing."""
    if name == "name":
        return f"{value} changed"
    return value or {"role": "member", "overlap": "1", "scopes": "read"}.get(name, "")


def test_forms_of_owners_sent_by_others_change_only_what_is_theirs_to_change(world: World) -> None:
    owner = browser_of(world, "owner")
    forms = forms_of(world, owner)
    assert len(forms) > 40
    others = {who: browser_of(world, who) for who in WHO if who not in SETTING_UP}
    changed: dict[str, set[str]] = {who: set() for who in WHO}
    wrong: dict[tuple[str, str], int] = {}
    before = rows_of(world.project)
    for who, browser in [*others.items(), ("owner", owner)]:
        for address, fields in forms:
            status = browser.post(address, fields).status_code
            if status >= 500:
                wrong[who, address] = status
        after = rows_of(world.project)
        changed[who] = {name for name in after if after[name] != before[name]}
        before = after
    assert wrong == {}
    assert changed["nobody"] == set()
    for who in ("viewer", "viewer of the project"):
        assert changed[who] <= OF_VIEWERS, who
    for who in ("member", "member of the project"):
        assert changed[who] <= OF_MEMBERS, who
    # Or the forms would have changed nothing by anybody.
    assert {"ApiKey", "Organisation", "OrganisationMembership", "Project", "Invitation"} <= changed["owner"]


def test_each_page_is_shown_to_each_role_or_refused_in_calm_words(world: World) -> None:
    """Pages explain to who may not change something; only what exists to change something is refused."""
    refused = {}
    for who in ("viewer of the project", "nobody"):
        browser = browser_of(world, who)
        refused[who] = {name for name, address in addresses(world).items() if browser.get(address).status_code == 403}
    # These exist to ask SQL, to halt, to read the audit log, to delete and to follow a deletion, and do nothing else.
    assert refused["viewer of the project"] == {
        "sql", "brake-halt", "incident-halt", "audit", "audit-export", "privacy-deletion", "project-delete",
    }  # fmt: skip
    assert len(refused["nobody"]) > 30
