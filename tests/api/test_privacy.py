"""How much is kept, by the API and as ingest hears of it; orders to delete, and who may give them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from tests.api.conftest import with_key
from tracestore import capture, deletion
from tracestore.capture import CutterBook
from tracestore.celery import app
from tracestore.clickhouse import deleting
from tracestore.clickhouse.deleting import Extent
from tracestore.deletion_orders import Turns
from tracestore.errors import InvalidInput, NotFound, Overloaded, Unavailable
from tracestore.models import AuditEntry, Deletion, Project, ProjectCapture

pytestmark = pytest.mark.django_db
CAPTURE, DELETIONS = "/api/v1/capture/", "/api/v1/deletions/"


@pytest.fixture
def admin(default_project: Project) -> Client:
    return with_key(default_project, "admin", "read")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the worker was asked for."""
    sent: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, **_: sent.append(name))
    return sent


def send(client: Client, method: str, address: str, body: Any = None) -> Any:
    return getattr(client, method)(address, body, content_type="application/json")


def test_the_mode_is_read_and_changed(admin: Client, default_project: Project) -> None:
    assert admin.get(CAPTURE).json() == {"mode": "full"}
    assert send(admin, "put", CAPTURE, {"mode": "off"}).json() == {"mode": "off"}
    assert capture.of("default") == "off"
    for body in ({"mode": "some"}, {"mode": 1}, {}, {"mode": "off", "more": 1}, []):
        assert send(admin, "put", CAPTURE, body).status_code == 400
    reader = with_key(default_project, "read")
    assert reader.get(CAPTURE).json() == {"mode": "off"}
    assert send(reader, "put", CAPTURE, {"mode": "full"}).status_code == 403
    with pytest.raises(NotFound):
        capture.change("nowhere", "off")
    with pytest.raises(InvalidInput):
        capture.change("default", "loud")


def test_ingest_hears_of_it_and_takes_nothing_before_it_knows(
    default_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = CutterBook()
    with pytest.raises(Unavailable):
        book.of("default")
    with monkeypatch.context() as patched:
        patched.setattr(ProjectCapture, "objects", None)
        book.refresh()
        with pytest.raises(Unavailable):
            book.of("default")
    book.refresh()
    assert book.of("default") is None
    capture.change("default", "off")
    book.refresh()
    off = book.of("default")
    assert off is not None
    assert off.mode == "off"
    book.refresh()
    assert book.of("default") is off
    capture.change("default", "preview")
    book.refresh()
    assert getattr(book.of("default"), "mode", "") == "preview"
    capture.change("default", "full")
    book.refresh()
    assert book.of("default") is None


def test_an_order_is_taken_and_told(admin: Client, asked: list[str]) -> None:
    made = send(admin, "post", DELETIONS, {"session_id": "s-1"})
    assert made.status_code == 202
    told = made.json()
    assert asked == ["tracestore.delete_data"]
    assert (told["kind"], told["value"], told["state"], told["tables"]) == ("session", "s-1", "waiting", [])
    assert told["requested_by"].startswith("key ts_")
    # Twice is once, while it waits.
    assert send(admin, "post", DELETIONS, {"session_id": "s-1"}).json()["id"] == told["id"]
    Deletion.objects.filter(pk=told["id"]).update(
        state="done", deleted={"stored_spans": 3}, left={"stored_spans": 0}, finished_at=timezone.now()
    )  # fmt: skip
    read = admin.get(f"{DELETIONS}{told['id']}/").json()
    assert read["tables"] == [{"table": "stored_spans", "deleted": 3, "left": 0}]
    assert admin.get(DELETIONS).json()["results"] == [read]
    assert admin.get(f"{DELETIONS}999/").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "trace_id"), ({"trace_id": "x"}, "trace_id"), ({"user_id": ""}, "user_id"), ({"user_id": 7}, "user_id"),
     ({"session_id": "a", "user_id": "b"}, "trace_id"), ({"everything": True}, "everything")],
)  # fmt: skip
def test_what_names_nobody_is_refused(admin: Client, body: Any, field: str) -> None:
    refused = send(admin, "post", DELETIONS, body)
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, field)
    assert not Deletion.objects.exists()


def test_who_may_delete(default_project: Project) -> None:
    for scopes in (("read",), ("sql", "read"), ("ingest",)):
        client = with_key(default_project, *scopes)
        assert send(client, "post", DELETIONS, {"session_id": "s"}).status_code == 403
        assert client.get(DELETIONS).status_code == 403
    assert not Deletion.objects.exists()


def test_a_queue_that_is_away_leaves_the_order_waiting(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(app, "send_task", away)
    assert send(admin, "post", DELETIONS, {"session_id": "s"}).status_code == 202
    assert Deletion.objects.get().state == "waiting"


def test_too_many_orders(default_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "MOST_WAITING", 1)
    deletion.order(deletion.subject_of("default", "session", "a"), "ada")
    with pytest.raises(Overloaded):
        deletion.order(deletion.subject_of("default", "session", "b"), "ada")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("delete_data", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_how_much_and_deletes_when_it_is_told_to(
    default_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleting, "extent", lambda subject: Extent(3, 412, 1, 2, more=False))
    assert run("--session", "s") == "3 traces, 412 spans. Add --yes to delete them.\n"
    assert json.loads(run("--user", "u", "--json"))["spans"] == 412
    assert not Deletion.objects.exists()

    def done(row: Deletion, left: int = 0) -> Deletion:
        row.state, row.deleted, row.left = "failed" if left else "done", {"stored_spans": 412}, {"stored_spans": left}
        row.save()
        return row

    monkeypatch.setattr(Turns, "perform", lambda _, row: done(row))
    assert "412 deleted" in run("--session", "s", "--yes")
    assert json.loads(run("--session", "s2", "--yes", "--json"))["left"] == {"stored_spans": 0}
    monkeypatch.setattr(Turns, "perform", lambda _, row: done(row, 1))
    with pytest.raises(SystemExit):
        run("--session", "s3", "--yes")
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.actor) == ("data.deletion_ordered", "delete_data")
    for wrong in (("--session", ""), ("--session", "s", "--project", "nowhere"), ("--trace", "x")):
        with pytest.raises(CommandError):
            run(*wrong, "--yes")
