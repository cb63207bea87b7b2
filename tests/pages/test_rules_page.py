"""The pages of alert rules: what they say, who may change what, the form of each kind, the try on the past."""

from __future__ import annotations

import sys
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dashboard.pages import rule_form
from tracestore import alerts
from tracestore.alerts import rules
from tracestore.alerts.builtin_rules import shipped
from tracestore.alerts.models import Alert, AlertRule, Incident
from tracestore.errors import InvalidInput, Unavailable
from tracestore.models import Membership, Project, SavedView

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]

HOSTILE = "<script>alert(1)</script>\u202e"
METRIC = {
    "name": "Dear runs", "kind": "metric", "severity": "critical", "hold": "2m", "keep_firing": "5m", "enabled": "on",
    "metric.metric": "cost_per_run", "metric.compare": "above", "metric.threshold": "2.5",
    "metric.by": ["agent", "model"],
    "metric.window": "1h", "metric.min_volume": "1,000", "metric.only": "agent=planner", "labels": "team=search\n",
    "group_by": "agent, team", "findings.window": "nonsense of another kind",
}  # fmt: skip


@pytest.fixture
def admin(browser_client: Client, member: User) -> Client:
    Membership.objects.filter(user=member).update(role="admin")
    return browser_client


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The reader of the past; answers one stretch that ended and one that goes on."""
    fake = SimpleNamespace(asked=[], raises=None)

    def firings(project: str, condition: Any, hold_s: int, keep_s: int, since: Any, until: Any) -> Any:
        fake.asked.append((project, condition, hold_s, keep_s, round((until - since).total_seconds())))
        if fake.raises:
            raise fake.raises
        hour = timedelta(hours=1)
        stretches = [
            SimpleNamespace(labels={"agent": "a"}, start=until - 5 * hour, end=until - 4 * hour, peak=3.0, examples=()),
            SimpleNamespace(labels={"agent": HOSTILE}, start=until - hour, end=None, peak=4.5, examples=("a" * 32,)),
        ]
        points = [SimpleNamespace(at=until - k * hour, value=k / 2) for k in range(6, 0, -1)]
        return SimpleNamespace(firings=stretches, since=since, until=until, points=points, complete=True)

    monkeypatch.setitem(sys.modules, "tracestore.alerts.past", SimpleNamespace(firings=firings))  # type: ignore[misc]
    monkeypatch.setattr(alerts, "past", SimpleNamespace(firings=firings), raising=False)
    return fake


def text(response: Any) -> str:
    return unescape(response.content.decode())


def made(**fields: Any) -> AlertRule:
    return rules.create(
        "default", {"name": "Dear runs", "kind": "metric", "condition": {"metric": "cost_per_run"}} | fields, "ada"
    )


def test_a_new_project_has_the_shipped_rules_in_sentences(browser_client: Client) -> None:
    page = text(browser_client.get("/rules/"))
    assert page.count('role="switch"') == len(shipped())
    assert "The share of failed runs of each agent over 15 min is above 30 %" in page
    assert "8 of 11 rules on; nothing fires." in " ".join(page.split())
    assert "not evaluated yet" in page


def test_the_list_says_how_each_stands_and_leads_to_the_incident(browser_client: Client) -> None:
    one, other = made(owner=HOSTILE[:20]), made(name=HOSTILE)
    incident = Incident.objects.create(project=one.project, key="k", severity="warning", title="t")
    Alert.objects.create(
        project=one.project, rule=one, fingerprint="f", state="firing", severity="warning", incident=incident,
        fired_at=timezone.now(),
    )  # fmt: skip
    AlertRule.objects.filter(pk=other.pk).update(failure=f"no view {HOSTILE}", evaluated_at=timezone.now())
    response = browser_client.get("/rules/")
    raw, page = response.content.decode(), text(response)
    assert f'href="/incidents/{incident.pk}/"' in raw
    assert "1 firing" in page
    assert "cannot be evaluated" in page
    assert "<script>alert" not in raw
    assert "\u202e" not in raw


@pytest.mark.parametrize(("name", "status"), [("owner", 302), ("admin", 302), ("member", 403), ("viewer", 403)])
def test_who_may_change_rules(browser_client: Client, member: User, name: str, status: int) -> None:
    Membership.objects.filter(user=member).update(role=name)
    one = made()
    may = status == 302
    assert ("New rule" in text(browser_client.get("/rules/"))) == may
    page = text(browser_client.get(f"/rules/{one.pk}/"))
    assert ('name="metric.threshold" value="0" autocomplete="off" inputmode="decimal"' in page) is True
    assert ("Try it first" in page.split("<form")[-1] or 'class="primary"' in page) == may
    assert browser_client.post("/rules/new/", METRIC | {"name": "x"}).status_code == status
    assert browser_client.post(f"/rules/{one.pk}/", METRIC).status_code == status
    for what in ("disable", "duplicate", "delete"):
        assert browser_client.post(f"/rules/{one.pk}/do/", {"do": what}).status_code == status
    assert browser_client.post("/rules/try/", METRIC | {"kind": "x"}).status_code == (400 if may else 403)
    assert AlertRule.objects.filter(name="Dear runs", deleted_at=None).exists() != may


def test_a_form_makes_a_rule(admin: Client) -> None:
    response = admin.post("/rules/new/", METRIC)
    rule = AlertRule.objects.get(name="Dear runs")
    assert response["Location"] == f"/rules/{rule.pk}/?saved=1"
    assert rule.condition == {
        "metric": "cost_per_run", "compare": "above", "threshold": 2.5, "clear": None, "by": ["agent", "model"],
        "only": {"agent": "planner"}, "min_volume": 1000, "window_s": 3600,
    }  # fmt: skip
    assert (rule.hold_s, rule.keep_firing_s, rule.labels, rule.group_by) == (
        120,
        300,
        {"team": "search"},
        ["agent", "team"],
    )
    assert (rule.enabled, rule.halts) == (True, False)
    page = text(admin.get(response["Location"]))
    assert "Saved." in page
    assert "of each agent and model over 1 h is above $2.50, only agent planner" in page


@pytest.mark.parametrize("name", sorted(shipped()))
def test_what_the_form_shows_is_what_it_saves(admin: Client, name: str) -> None:
    rule = rules.listed("default").get(builtin=name)
    before = rules.fields_of(rule)
    sent = {key: list(values) for key, values in rule_form.typed(before).items()}
    assert admin.post(f"/rules/{rule.pk}/", sent).status_code == 302
    rule.refresh_from_db()
    assert rules.fields_of(rule) == before


def test_other_kinds(admin: Client, member: User) -> None:
    general = {name: value for name, value in METRIC.items() if "." not in name}
    found = general | {
        "name": "f", "kind": "findings", "findings.detectors": ["loop"], "findings.agents": "a, b\nc",
        "findings.min_severity": "critical", "findings.min_count": "3", "findings.min_wasted_usd": "0.5",
        "findings.window": "1h",
    }  # fmt: skip
    admin.post("/rules/new/", found)
    assert AlertRule.objects.get(name="f").condition == {
        "detectors": ["loop"], "agents": ["a, b", "c"], "min_severity": "critical", "min_wasted_usd": 0.5,
        "min_count": 3, "window_s": 3600,
    }  # fmt: skip
    view = SavedView.objects.create(project=Project.objects.get(), name="Dear", query="cost>1", shared=True)
    followed = general | {
        "name": "s", "kind": "search", "search.query": "cost>2", "search.view": str(view.pk), "search.compare": "above",
        "search.threshold": "4", "search.clear": "", "search.by": ["agent"], "search.window": "15m",
    }  # fmt: skip
    admin.post("/rules/new/", followed)
    rule = AlertRule.objects.get(name="s")
    assert (rule.condition["view"], rule.condition["query"], rule.condition["by"]) == (view.pk, "", ["agent"])
    assert "The saved view “Dear” finds more than 4 traces" in text(admin.get(f"/rules/{rule.pk}/"))


@pytest.mark.parametrize(
    ("sent", "said", "marked"),
    [
        ({"metric.threshold": "much"}, "expected a number such as 0.3", "metric.threshold"),
        ({"metric.threshold": "9" * 50}, "expected a number", "metric.threshold"),
        ({"metric.min_volume": "1.5"}, "a whole number", "metric.min_volume"),
        ({"metric.window": "soon"}, "expected a length of time", "metric.window"),
        ({"metric.window": "1s"}, "window", "metric.window"),
        ({"metric.clear": "9"}, "at most the threshold", "metric.clear"),
        ({"hold": "soon"}, "hold='soon'", "hold"),
        ({"hold": "30d"}, "hold", "hold"),
        ({"name": ""}, "name: expected", "name"),
        ({"labels": "team"}, "name=value", "labels"),
        ({"runbook_url": "javascript:alert(1)"}, "http://", "runbook_url"),
        ({"owner": HOSTILE * 9}, "owner: expected", "owner"),
    ],
)
def test_what_cannot_be_is_told_beside_the_form_and_keeps_what_was_typed(
    admin: Client, sent: dict[str, str], said: str, marked: str
) -> None:
    response = admin.post("/rules/new/", METRIC | sent)
    page = text(response)
    assert response.status_code == 400
    assert said in page
    start = page.index(f'name="{marked}"')
    assert 'aria-invalid="true"' in page[start : page.index(">", page.index("aria-describedby", start))]
    assert page.count('aria-invalid="true"') == 1
    assert "<script>alert" not in response.content.decode()
    assert not AlertRule.objects.filter(builtin="").exists()
    assert "planner" in page


def test_a_switch_answers_with_its_row(admin: Client) -> None:
    one = made()
    response = admin.post(f"/rules/{one.pk}/do/", {"do": "disable"}, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert page.startswith("<tr")
    assert 'aria-checked="false"' in page
    assert 'value="enable"' in page
    assert admin.post(f"/rules/{one.pk}/do/", {"do": "enable"})["Location"] == "/rules/"
    one.refresh_from_db()
    assert one.enabled


def test_deleting_is_undone(admin: Client) -> None:
    one = made()
    admin.post(f"/rules/{one.pk}/do/", {"do": "delete"})
    page = text(admin.get("/rules/"))
    assert "Deleted Dear runs." in page
    assert f'action="/rules/{one.pk}/do/"' in page
    assert "Deleted Dear runs." not in text(admin.get("/rules/"))
    admin.post(f"/rules/{one.pk}/do/", {"do": "restore"})
    assert "Dear runs" in text(admin.get("/rules/"))


def test_a_shipped_rule_is_changed_reset_deleted_and_brought_back(admin: Client) -> None:
    one = rules.listed("default").get(builtin="agent_errors")
    rules.change("default", one.pk, {"hold_s": 99}, "ada")
    assert "Reset to shipped" in text(admin.get(f"/rules/{one.pk}/"))
    admin.post(f"/rules/{one.pk}/do/", {"do": "reset"})
    page = text(admin.get(f"/rules/{one.pk}/"))
    assert "as it comes" in page
    assert "Reset to shipped" not in page
    admin.post(f"/rules/{one.pk}/do/", {"do": "delete"})
    admin.get("/rules/")
    page = text(admin.get("/rules/"))
    assert "1 shipped rule deleted" in page
    assert "Bring back" in page


def test_no_rules_at_all_say_what_that_means(admin: Client) -> None:
    for one in rules.listed("default"):
        rules.delete("default", one.pk, "ada")
    assert "No rules: nobody is told of anything" in text(admin.get("/rules/"))


def test_a_try_by_htmx_tells_what_would_have_been(admin: Client, past: Any) -> None:
    response = admin.post("/rules/try/", METRIC | {"name": "", "past": "24h"}, headers={"HX-Request": "true"})
    raw, page = response.content.decode(), text(response)
    assert raw.startswith('<div class="backtest" id="preview"')
    assert "Would have fired twice in 1 day, firing 2 h in all; the last on" in page
    assert "and still would" in page
    assert 'id="tried-figure"' in raw
    assert "As a table" in page
    assert f'href="/traces/{"a" * 32}/"' in raw
    assert "$4.50" in page
    assert "fewer than 1,000 runs are drawn, but do not fire" in page
    assert "<script>alert" not in raw
    (asked,) = past.asked
    assert (asked[0], asked[1].threshold, asked[2:]) == ("default", 2.5, (120, 300, 86_400))
    assert not AlertRule.objects.filter(builtin="").exists()


def test_a_try_without_script_is_the_whole_page_with_what_was_typed(admin: Client, past: Any) -> None:
    one = made()
    page = text(admin.post("/rules/try/", METRIC | {"rule": str(one.pk), "past": "30d"}))
    assert "Would have fired twice in 30 days" in page
    assert f'action="/rules/{one.pk}/"' in page
    assert 'name="metric.threshold" value="2.5"' in page
    assert '<option value="30d" selected>' in page


def test_a_try_of_findings_shows_how_many_fired_at_once(admin: Client, past: Any) -> None:
    sent = METRIC | {"kind": "findings", "findings.window": "1h"}
    page = text(admin.post("/rules/try/", sent, headers={"HX-Request": "true"}))
    assert "Firing at once" in page
    assert "3 findings" in page


@pytest.mark.parametrize(
    ("sent", "said"), [({"metric.threshold": "much"}, "a number such as"), ({"past": "90d"}, "expected one of 24h")]
)
def test_a_try_that_cannot_be_says_why(admin: Client, past: Any, sent: dict[str, str], said: str) -> None:
    assert said in text(admin.post("/rules/try/", METRIC | sent, headers={"HX-Request": "true"}))
    assert past.asked == []


def test_a_store_that_does_not_answer_is_told_in_place(admin: Client, past: Any) -> None:
    past.raises = Unavailable("The store does not answer.")
    response = admin.post("/rules/try/", METRIC, headers={"HX-Request": "true"})
    assert (response.status_code, "The store does not answer." in text(response)) == (200, True)


def test_what_fired_is_listed(browser_client: Client) -> None:
    one = made()
    now = timezone.now()
    Alert.objects.create(
        project=one.project, rule=one, fingerprint="f", state="resolved", severity="warning", fired_at=now,
        resolved_at=now + timedelta(minutes=90),
        labels={"detector": "loop", "agent": "planner", "rule": "Dear runs", "cause": "model"},
        facts={"title": f"Dear {HOSTILE}"},
    )  # fmt: skip
    Alert.objects.create(project=one.project, rule=one, fingerprint="g", state="pending", severity="warning")
    response = browser_client.get(f"/rules/{one.pk}/")
    page = text(response)
    assert "agent planner, detector loop<" in page
    assert "1 h 30 min" in page
    assert page.count('class="when"><time') == 1
    assert "<script>alert" not in response.content.decode()


def test_another_project_is_out_of_reach(admin: Client) -> None:
    other = Project.objects.create(slug="other", name="Other")
    one = rules.create("other", {"name": "x", "kind": "findings"}, "eve")
    assert admin.get(f"/rules/{one.pk}/").status_code == 404
    assert admin.post(f"/rules/{one.pk}/", METRIC).status_code == 404
    assert admin.post(f"/rules/{one.pk}/do/", {"do": "delete"}).status_code == 404
    assert admin.post("/rules/try/", METRIC | {"rule": str(one.pk)}).status_code == 404
    assert AlertRule.objects.get(project=other, name="x").deleted_at is None


def test_a_form_without_its_token_changes_nothing(member: User) -> None:
    Membership.objects.filter(user=member).update(role="owner")
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    assert client.post("/rules/new/", METRIC).status_code == 403
    assert not AlertRule.objects.filter(builtin="").exists()


def test_lines_without_an_equals_sign_are_named() -> None:
    with pytest.raises(InvalidInput) as told:
        rule_form.fields_of({"kind": ["metric"], "metric.only": ["agent"]})
    assert told.value.field == "metric.only"
