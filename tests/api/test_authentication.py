"""Who is let in, and as whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.api.conftest import FakeReader, with_key
from tests.api.rows import TRACE_ID
from tracestore import keys
from tracestore.models import ApiKey, Membership, Project

pytestmark = pytest.mark.django_db

TRACES = "/api/v1/traces/"
TRACE = f"{TRACES}{TRACE_ID}/"
WHO = "/api/v1/projects/current/"


def code(response: Any) -> str:
    return str(response.json()["error"]["code"])


def test_an_open_installation_needs_no_key_from_this_machine(client: Client, reader: FakeReader) -> None:
    assert client.get(TRACES).status_code == 200
    who = client.get(WHO).json()
    assert (who["project"], who["credentials"]) == ("default", "loopback")
    assert who["scopes"] == ["ingest", "read", "sql"]


@pytest.mark.parametrize(
    "sent",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"HTTP_FORWARDED": "for=192.0.2.7"},
        {"HTTP_AUTHORIZATION": "Basic YTpi"},
    ],
)
def test_an_open_installation_is_open_to_this_machine_only(sent: dict[str, str], reader: FakeReader) -> None:
    response = Client(**sent).get(TRACES)
    assert (response.status_code, code(response)) == (401, "unauthenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_without_a_key_where_one_is_required(client: Client, reader: FakeReader, key_required: None) -> None:
    for address in (TRACES, TRACE, f"{TRACE}columns/", f"{TRACE}spans/{'0' * 16}/", WHO, "/metrics"):
        response = client.get(address)
        assert (response.status_code, code(response)) == (401, "unauthenticated"), address
        assert response["WWW-Authenticate"].startswith("Bearer")
    assert reader.asked == []


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
@pytest.mark.parametrize("key", ["wrong", "", "ключ"])
def test_a_wrong_key_is_refused_even_where_none_is_needed(header: str, key: str, reader: FakeReader) -> None:
    value = f"Bearer {key}" if header == "authorization" else key
    response = Client(headers={header: value}).get(TRACES)
    assert (response.status_code, code(response)) == (401, "unauthenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_key_is_refused_beside_a_valid_login(user: User, reader: FakeReader) -> None:
    browser = Client(headers={"x-api-key": "wrong"})
    browser.force_login(user)
    assert browser.get(TRACES).status_code == 401


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_a_key_reads_its_project(header: str, default_project: Project, reader: FakeReader, key_required: None) -> None:
    key = keys.create(default_project, "reader", ("read",))
    value = f"Bearer {key}" if header == "authorization" else key
    browser = Client(headers={header: value})
    assert browser.get(TRACE).json()["trace_id"] == TRACE_ID
    who = browser.get(WHO).json()
    assert who["key_prefix"] == key[:8]
    assert (who["project"], who["scopes"], who["credentials"]) == ("default", ["read"], "key")


def test_a_key_of_another_project_sees_nothing(other_project: Project, reader: FakeReader) -> None:
    stranger = with_key(other_project, *keys.SCOPES)
    for address in (TRACE, f"{TRACE}columns/", f"{TRACE}spans/{1:016x}/"):
        response = stranger.get(address)
        assert (response.status_code, code(response)) == (404, "not_found"), address
    assert stranger.get(TRACES).json() == {"results": [], "next": None}
    assert stranger.get(f"{TRACE}?project=default").status_code == 404
    assert stranger.get(TRACES, headers={"x-tracestore-project": "default"}).status_code == 404


@pytest.mark.parametrize("change", ["revoked_at", "expires_at"])
def test_a_key_that_is_over_is_refused(change: str, default_project: Project, reader: FakeReader) -> None:
    caller = with_key(default_project)
    ApiKey.objects.update(**{change: timezone.now() - timedelta(seconds=1)})
    assert caller.get(TRACES).status_code == 401


def test_a_short_key_of_the_operator_is_not_shown_whole(default_project: Project) -> None:
    keys.create(default_project, "own", key="hunter22")
    assert ApiKey.objects.get().prefix == "hu"


def test_the_missing_scope_is_named(default_project: Project, reader: FakeReader) -> None:
    sender = with_key(default_project, "ingest")
    response = sender.get(TRACES)
    assert (response.status_code, code(response)) == (403, "forbidden")
    assert "'read'" in response.json()["error"]["message"]
    assert sender.get(WHO).json()["scopes"] == ["ingest"]


def test_a_login_reads_the_project_of_its_membership(
    user: User, other_project: Project, reader: FakeReader, key_required: None
) -> None:
    browser = Client()
    browser.force_login(user)
    assert browser.get(TRACE).status_code == 200
    who = browser.get(WHO).json()
    assert (who["user"], who["project"], who["scopes"]) == ("ada", "default", ["read", "respond", "sql"])
    assert browser.get(f"{TRACE}?project=other").status_code == 404

    Membership.objects.create(user=user, project=other_project, role=Membership.Role.OWNER)
    assert browser.get(f"{WHO}?project=other").json()["scopes"] == ["admin", "read", "sql"]
    assert browser.get(WHO, headers={"x-tracestore-project": "other"}).json()["project"] == "other"
    assert browser.get(f"{TRACE}?project=other").status_code == 404


def test_a_login_without_membership_does_not_become_the_open_project(user: User, reader: FakeReader) -> None:
    Membership.objects.all().delete()
    browser = Client()
    browser.force_login(user)
    assert browser.get(TRACES).status_code == 403


def post(address: str, browser: Client, **sent: Any) -> Any:
    return browser.post(f"/api/v1/test/{address}/", data={}, content_type="application/json", **sent)


def test_changes_need_admin_unless_the_view_says_otherwise(default_project: Project, client: Client) -> None:
    assert post("change", with_key(default_project, "read", "sql")).status_code == 403
    assert post("change", with_key(default_project, "admin")).status_code == 200
    assert post("question", with_key(default_project, "read")).status_code == 200
    assert post("change", client).status_code == 403, "the open installation never gives admin"


def test_changes_by_a_login_need_the_csrf_token(user: User, default_project: Project) -> None:
    Membership.objects.update(role=Membership.Role.ADMIN)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    response = post("change", browser)
    assert response.status_code == 403
    assert b"CSRF" in response.content

    token = "a" * 32
    browser.cookies["csrftoken"] = token
    assert post("change", browser, headers={"x-csrftoken": token}).status_code == 200


def test_a_key_needs_no_csrf_token(default_project: Project) -> None:
    browser = Client(
        enforce_csrf_checks=True,
        headers={"x-api-key": keys.create(default_project, "admin", ("admin",))},
    )
    assert post("change", browser).status_code == 200


@pytest.mark.parametrize(
    "sent", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}]
)
def test_a_page_of_another_site_cannot_use_the_open_installation(sent: dict[str, str], client: Client) -> None:
    assert post("question", client).status_code == 200
    assert post("question", client, headers=sent).status_code == 401
    own = {"sec-fetch-site": "same-origin", "origin": "http://testserver"}
    assert post("question", client, headers=own).status_code == 200


def test_an_unknown_host_is_refused(client: Client, reader: FakeReader) -> None:
    assert client.get(TRACES, headers={"host": "evil.example"}).status_code == 400
