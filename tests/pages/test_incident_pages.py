"""The pages of on-call: the list, one incident and what is done to it, silences, routing."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.pages.incident import snoozed_until
from tests.pages.sample_incidents import SCRIPT, make, make_hostile
from tracestore.alerts import responding, silences
from tracestore.alerts.models import Channel, Incident, Route, Silence
from tracestore.models import Membership

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def found(member: User) -> dict[str, Incident]:
    return make()


def role(user: User, name: str) -> None:
    Membership.objects.filter(user=user).update(role=name)


def text(client: Client, path: str, **query: Any) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, path
    return answer.content.decode()


def act(client: Client, one: Incident, do: str, **more: str) -> Any:
    return client.post(f"/incidents/{one.pk}/act/", {"do": do, **more}, headers=HTMX)


def test_the_list_has_open_ones_first_and_critical_on_top(browser_client: Client, found: dict[str, Incident]) -> None:
    page = text(browser_client, "/incidents/")
    places = [
        page.index(f'id="i-{found[name].pk}"') for name in ("tool", "loop", "info", "snoozed", "acknowledged", "drift")
    ]
    assert places == sorted(places)
    assert f'id="i-{found["past"].pk}"' not in page
    assert f'id="i-{found["past"].pk}"' in text(browser_client, "/incidents/", since="7d")
    assert "4 open" in page
    assert "$38.20" in page


def test_the_list_answers_its_poll_only_when_it_says_something_else(
    browser_client: Client, found: dict[str, Incident]
) -> None:
    page = browser_client.get("/incidents/", headers=HTMX)
    seen = page.content.decode().split('"seen": "')[1].split('"')[0]
    assert "<html" not in page.content.decode()
    assert browser_client.get("/incidents/", {"seen": seen}, headers=HTMX).status_code == 204
    responding.acknowledge("default", found["loop"].pk, "grace")
    assert browser_client.get("/incidents/", {"seen": seen}, headers=HTMX).status_code == 200


def test_acknowledging_from_the_list_keeps_the_filters_and_can_be_undone(
    browser_client: Client, found: dict[str, Incident]
) -> None:
    one = found["loop"]
    path = "/incidents/acknowledge/?severity=critical&since=24h"
    page = browser_client.post(path, {"acknowledge": one.pk}, headers=HTMX).content.decode()
    assert "Acknowledged <a" in page
    assert f'id="i-{found["info"].pk}"' not in page
    one.refresh_from_db()
    assert (one.state, one.acknowledged_by) == ("acknowledged", "ada")
    browser_client.post(path, {"unacknowledge": one.pk}, headers=HTMX)
    one.refresh_from_db()
    assert one.state == "open"
    responding.resolve("default", one.pk, "grace")
    page = browser_client.post(path, {"acknowledge": one.pk}, headers=HTMX).content.decode()
    assert "was already resolved by grace" in page


def test_without_script_the_buttons_lead_back(browser_client: Client, found: dict[str, Incident]) -> None:
    answer = browser_client.post("/incidents/acknowledge/?agent=x", {"acknowledge": found["loop"].pk})
    assert (answer.status_code, answer["Location"]) == (302, "/incidents/?agent=x")
    answer = browser_client.post(f"/incidents/{found['loop'].pk}/act/", {"do": "resolve"})
    assert answer["Location"] == f"/incidents/{found['loop'].pk}/?done=resolve"
    page = text(browser_client, answer["Location"])
    assert "Resolved." in page
    assert 'value="reopen"' in page


def test_an_empty_list_teaches(browser_client: Client) -> None:
    page = text(browser_client, "/incidents/")
    assert "No rule watches" in page
    assert "Nobody is told yet" in page


def test_one_screen_answers(browser_client: Client, found: dict[str, Incident]) -> None:
    page = text(browser_client, f"/incidents/{found['loop'].pk}/")
    for said in (
        "38 times with the same input", "$12.48", "$38.20", "1.40 M", "Version 2.4.1", "3 still running",
        "Rolled the prompt back", "Same as two days ago?", "channel_not_found", "Open the evidence",
        'href="https://runbooks.example.org/agents/loops" rel="noopener noreferrer"', "/halt/",
    ):  # fmt: skip
        assert said in page, said
    silence = page.split('href="/silences/?')[1].split('"')[0]
    assert "detector%3D%22loop%22%0Aagent%3D%22support-planner%22" in silence


def test_acts_show_the_incident_as_it_then_is(browser_client: Client, found: dict[str, Incident]) -> None:
    one = found["loop"]
    answer = act(browser_client, one, "acknowledge")
    assert answer["HX-Trigger"] == "responded"
    page = answer.content.decode()
    assert "Acknowledged." in page
    assert 'name="do" value="unacknowledge" class="link">Undo' in page
    assert 'id="incident-timeline"' in page
    assert "Reopened" not in page
    act(browser_client, one, "snooze-1h")
    one.refresh_from_db()
    assert one.snoozed_until is not None
    assert "Awake" in act(browser_client, one, "wake").content.decode()
    assert "what I see" in act(browser_client, one, "note", note="what I see").content.decode()
    assert act(browser_client, one, "note", note=" ").status_code == 400
    assert act(browser_client, one, "dance").status_code == 400


def test_of_two_at_once_the_second_sees_what_happened(browser_client: Client, found: dict[str, Incident]) -> None:
    one = found["loop"]
    responding.acknowledge("default", one.pk, "grace")
    answer = act(browser_client, one, "acknowledge")
    assert (answer.status_code, "by grace" in answer.content.decode()) == (200, True)
    assert "Somebody was quicker" in answer.content.decode()
    responding.resolve("default", one.pk, "grace")
    answer = act(browser_client, one, "unacknowledge")
    assert answer.status_code == 200
    assert "Nothing was changed" in answer.content.decode()
    plain = browser_client.post(f"/incidents/{one.pk}/act/", {"do": "snooze-1h"})
    assert (plain.status_code, "Nothing was changed" in plain.content.decode()) == (200, True)


def test_the_page_is_read_again_only_when_it_says_something_else(
    browser_client: Client, found: dict[str, Incident]
) -> None:
    path = f"/incidents/{found['loop'].pk}/"
    seen = text(browser_client, path).split('"seen": "')[1].split('"')[0]
    assert browser_client.get(path, {"seen": seen}, headers=HTMX).status_code == 204
    responding.note("default", found["loop"].pk, "new", "grace")
    page = browser_client.get(path, {"seen": seen}, headers=HTMX).content.decode()
    assert 'hx-swap-oob="true"' in page
    assert "<textarea" not in page, "what somebody is writing would be lost"


def test_who_only_looks_gets_no_buttons(browser_client: Client, member: User, found: dict[str, Incident]) -> None:
    role(member, "viewer")
    path = f"/incidents/{found['loop'].pk}/"
    assert "/act/" not in text(browser_client, path)
    assert act(browser_client, found["loop"], "resolve").status_code == 403
    assert browser_client.post("/incidents/acknowledge/", {"acknowledge": found["loop"].pk}).status_code == 403
    assert browser_client.get(f"{path}halt/").status_code == 403
    assert browser_client.post("/silences/", {"matchers": 'a="b"'}).status_code == 403


def test_tomorrow_at_nine_is_the_readers() -> None:
    now = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    assert snoozed_until("morning", "Asia/Tokyo", now) == datetime(2026, 11, 28, 0, 0, tzinfo=UTC)
    assert snoozed_until("morning", "America/New_York", now) == datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
    for zone in ("", "../../etc/passwd", "Nowhere/At_All", "UTC"):
        assert snoozed_until("morning", zone, now) == datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    assert snoozed_until("15m", "", now) == now + timedelta(minutes=15)


def test_halting_asks_for_a_reason_and_says_who(
    browser_client: Client, found: dict[str, Incident], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    halts, breakers = ModuleType("tracestore.alerts.halts"), ModuleType("tracestore.alerts.breakers")
    halts.halt = lambda *given, **more: asked.append((given, more))  # type: ignore[attr-defined]
    breakers.open_by_hand = lambda *given, **more: asked.append((given, more))  # type: ignore[attr-defined]
    import tracestore.alerts as package

    for name, module in (("halts", halts), ("breakers", breakers)):
        monkeypatch.setitem(sys.modules, f"tracestore.alerts.{name}", module)
        monkeypatch.setattr(package, name, module, raising=False)
    path = f"/incidents/{found['loop'].pk}/halt/"
    assert "support-planner" in text(browser_client, path)
    refused = browser_client.post(path, {"target": "agent", "reason": " ", "for": "1h"})
    assert (refused.status_code, asked) == (400, [])
    assert browser_client.post(path, {"target": "nobody", "reason": "r", "for": "1h"}).status_code == 400
    done = browser_client.post(path, {"target": "agent", "reason": "it burns", "for": "lifted"})
    assert done.status_code == 302
    given, more = asked[0]
    assert given == ("default", "agent", "support-planner", "it burns", "ada")
    assert (more["until"], more["incident"].pk) == (None, found["loop"].pk)
    browser_client.post(f"/incidents/{found['tool'].pk}/halt/", {"target": "tool", "reason": "r", "for": "lifted"})
    assert asked[1][0] == ("default", "", "search_trains", "r", "ada")


def test_hostile_texts_stay_text(browser_client: Client, member: User) -> None:
    role(member, "admin")
    one = make_hostile()
    for path in (
        "/incidents/", f"/incidents/{one.pk}/", f"/incidents/{one.pk}/halt/", "/silences/", "/settings/routing/",
        "/incidents/?q=%22%3E%3Cscript%3E", "/silences/?matchers=%22%3E%3C/textarea%3E%3Cscript%3E",
    ):  # fmt: skip
        page = text(browser_client, path)
        main = page.split("<main")[1]
        assert SCRIPT not in page
        assert "<script" not in main
        assert "<img" not in main
        assert 'href="javascript' not in page
        # What a form sends back is the value as it is; what is read is not.
        assert "\u202e" not in re.sub('value="[^"]*"', "", main), path


def test_a_silence_is_previewed_made_ended_and_that_undone(browser_client: Client, found: dict[str, Incident]) -> None:
    sent = {"matchers": 'agent="support-planner"', "length": "3600", "kind": "silence", "time_zone": "Europe/Berlin"}
    page = browser_client.post("/silences/", sent | {"do": "preview"}, headers=HTMX).content.decode()
    assert "cover 1 incident" in page
    assert not Silence.objects.exists()
    assert browser_client.post("/silences/", sent | {"comment": "known"}).status_code == 302
    one = Silence.objects.get()
    assert (one.created_by, one.comment) == ("ada", "known")
    assert "silenced until" in text(browser_client, f"/incidents/{found['loop'].pk}/")
    answer = browser_client.post(f"/silences/{one.pk}/end/")
    assert "Undo" in text(browser_client, answer["Location"])
    now = datetime.now(UTC)
    assert silences.covering("default", {"agent": "support-planner"}, now) == []
    browser_client.post("/silences/undo/")
    (again,) = silences.covering("default", {"agent": "support-planner"}, now)
    assert again.ends_at == one.ends_at
    assert browser_client.post("/silences/undo/").status_code == 400


def test_a_maintenance_window_is_by_the_clock_of_its_zone(browser_client: Client, member: User) -> None:
    sent = {
        "matchers": 'agent="a"', "length": "", "kind": "maintenance", "repeats": "weekly", "time_zone": "Europe/Berlin",
        "starts_at": "2027-01-04T22:00", "ends_at": "2027-01-05T02:00",
    }  # fmt: skip
    assert browser_client.post("/silences/", sent).status_code == 302
    one = Silence.objects.get()
    assert (one.repeats, one.starts_at) == ("weekly", datetime(2027, 1, 4, 21, tzinfo=UTC))
    bad = browser_client.post("/silences/", sent | {"time_zone": "Mars/Olympus"})
    assert (bad.status_code, "Mars/Olympus" in bad.content.decode()) == (400, True)


def test_routes_are_made_moved_tried_deleted_and_brought_back(
    browser_client: Client, member: User, found: dict[str, Incident]
) -> None:
    pager, chat = Channel.objects.order_by("pk")
    sent = {"name": "critical", "matchers": 'severity="critical"', "channels": [str(pager.pk)], "repeat_s": "3600",
            "after": ["15"], "step-0": [str(chat.pk)]}  # fmt: skip
    assert browser_client.post("/settings/routing/", sent).status_code == 403
    role(member, "admin")
    assert browser_client.post("/settings/routing/", sent).status_code == 302
    one = Route.objects.get()
    assert one.escalation == [{"after_s": 900, "channels": [chat.pk]}]
    assert 'value="15"' in text(browser_client, "/settings/routing/", edit=str(one.pk))
    browser_client.post("/settings/routing/", {"name": "rest", "channels": [str(chat.pk)], "repeat_s": "0"})
    rest = Route.objects.get(name="rest")
    browser_client.post(f"/settings/routing/{rest.pk}/", {"do": "up"})
    assert [row.name for row in Route.objects.order_by("position")] == ["rest", "critical"]
    browser_client.post(f"/settings/routing/{rest.pk}/", {"do": "down"})
    page = text(browser_client, "/settings/routing/try/", severity="critical", labels='agent="x"')
    assert "on-call pager" in page.split('id="tried"')[1].split("</div>")[0]
    page = browser_client.get("/settings/routing/try/", {"labels": "nonsense"}, headers=HTMX).content.decode()
    assert 'role="alert"' in page
    answer = browser_client.post(f"/settings/routing/{one.pk}/", {"do": "delete"})
    assert "Undo" in text(browser_client, answer["Location"])
    browser_client.post("/settings/routing/undo/")
    assert [row.name for row in Route.objects.order_by("position")] == ["critical", "rest"]
    assert browser_client.post("/settings/routing/", sent | {"after": ["soon"]}).status_code == 400


def test_the_badge_counts_open_ones(browser_client: Client, found: dict[str, Incident]) -> None:
    page = text(browser_client, "/incidents/open/")
    assert ">4<" in page.replace("</span>4", "</span>>4")
    assert "is-critical" in page
