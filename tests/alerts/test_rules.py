"""Alert rules: what may be set, what is refused and how that is said, deleting and bringing back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tracestore.alerts import builtin_rules, rules
from tracestore.alerts.models import Alert, AlertRule
from tracestore.errors import InvalidInput, NotFound
from tracestore.models import Project, SavedView

pytestmark = pytest.mark.django_db

DEAR: dict[str, Any] = {
    "name": "Dear runs", "kind": "metric",
    "condition": {"metric": "cost_per_run", "threshold": 2, "by": ["agent"]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def project() -> Project:
    return Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]


@pytest.fixture
def view(project: Project) -> SavedView:
    return SavedView.objects.create(project=project, name="Dear", query="cost>1", shared=True)


def test_a_rule_is_stored_with_all_fields_of_its_condition() -> None:
    made = rules.create("default", DEAR | {"name": "  Dear runs "}, "ada")
    made.refresh_from_db()
    assert (made.name, made.severity, made.hold_s, made.keep_firing_s, made.enabled) == (
        "Dear runs", "warning", 0, 300, True,
    )  # fmt: skip
    assert made.condition == {
        "metric": "cost_per_run", "compare": "above", "threshold": 2.0, "clear": None, "by": ["agent"], "only": {},
        "min_volume": 1, "window_s": 900,
    }  # fmt: skip


def test_only_what_is_sent_changes_and_a_condition_is_replaced_whole() -> None:
    made = rules.create("default", DEAR | {"owner": "search team", "labels": {"team": "search"}}, "ada")
    made.failure = "no such view"
    made.save()
    changed = rules.change("default", made.pk, {"condition": {"metric": "runs", "compare": "absent"}}, "ada")
    assert changed.owner == "search team"
    assert changed.condition["by"] == []
    assert changed.failure == ""
    assert changed.changed_at > changed.created_at


def test_a_change_that_changes_nothing_writes_nothing() -> None:
    made = rules.create("default", DEAR, "ada")
    assert rules.change("default", made.pk, rules.fields_of(made), "ada").changed_at == made.created_at


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"name": ""}, "name", "1 to 120 characters"),
        ({"name": "a\nb"}, "name", "on one line"),
        ({"name": 7}, "name", "a text"),
        ({"colour": "red"}, "colour", "no field of a rule"),
        ({"kind": "weather"}, "kind", "findings, metric, search"),
        ({"kind": ["metric"]}, "kind", "findings, metric, search"),
        ({"severity": "grave"}, "severity", "info, warning, critical"),
        ({"hold_s": -1}, "hold_s", "0 to 604800"),
        ({"hold_s": 604_801}, "hold_s", "a week"),
        ({"hold_s": True}, "hold_s", "whole seconds"),
        ({"keep_firing_s": 1.5}, "keep_firing_s", "whole seconds"),
        ({"enabled": "yes"}, "enabled", "true or false"),
        ({"halts": 1}, "halts", "true or false"),
        ({"owner": "x" * 121}, "owner", "120"),
        ({"runbook_url": "javascript:alert(1)"}, "runbook_url", "http"),
        ({"runbook_url": "https://"}, "runbook_url", "http"),
        ({"runbook_url": "https://[x"}, "runbook_url", "http"),
        ({"labels": {"a-b": "x"}}, "labels", "no label name"),
        ({"labels": {"__x": "x"}}, "labels", "no label name"),
        ({"labels": {"team": ""}}, "labels", "team"),
        ({"labels": {"severity": "x"}}, "labels", "Tracestore itself"),
        ({"labels": {f"n{k}": "x" for k in range(21)}}, "labels", "at most 20"),
        ({"group_by": ["zone"]}, "group_by", "zone"),
        ({"group_by": "agent"}, "group_by", "a list"),
        ({"condition": []}, "condition", "an object"),
        ({"condition": {"metric": "beauty"}}, "condition.metric", "error_rate"),
        ({"condition": {"metric": "runs", "by": ["zone"]}},
         "condition.by", "'zone' is no dimension: expected some of agent"),
        ({"condition": {"metric": "runs", "by": ["agent", "agent"]}}, "condition.by", "twice"),
        ({"condition": {"metric": "runs", "only": {"zone": "x"}}}, "condition.only", "zone"),
        ({"condition": {"metric": "runs", "only": {"agent": " "}}}, "condition.only", "a value"),
        ({"condition": {"metric": "runs", "window_s": 10}}, "condition.window_s", "60"),
        ({"condition": {"metric": "runs", "zone": 1}}, "condition.zone", "window_s"),
        ({"condition": {"metric": "runs", "threshold": float("nan")}}, "condition.threshold", "a number"),
        ({"condition": {"metric": "error_rate", "threshold": 30}}, "condition.threshold", "share"),
        ({"condition": {"metric": "error_rate", "threshold": 0.3, "clear": 0.4}}, "condition.clear", "at most"),
        ({"condition": {"metric": "runs", "compare": "below", "threshold": 3, "clear": 1}},
         "condition.clear", "at least"),
        ({"condition": {"metric": "runs", "compare": "absent", "clear": 1}}, "condition.clear", "none"),
        ({"condition": {"metric": "cost_usd", "compare": "change_above"}}, "condition.threshold", "above 0"),
        ({"condition": {"metric": "runs", "compare": "change_below", "threshold": 2}}, "condition.threshold", "all"),
        ({"condition": {"metric": "runs", "compare": "change_below", "threshold": 0.5, "clear": 0.6}},
         "condition.clear", "at most"),
        ({"condition": {"metric": "cost_usd", "compare": "burn_rate", "threshold": 0.1}}, "condition.metric", "errors"),
        ({"condition": {"metric": "error_rate", "compare": "burn_rate", "threshold": 1}},
         "condition.threshold", "below 1"),
        ({"kind": "findings", "condition": {"detectors": ["loop", "lop"]}},
         "condition.detectors", "'lop' is no detector"),
        ({"kind": "findings", "condition": {"agents": [""]}}, "condition.agents", "none empty"),
        ({"kind": "findings", "condition": {"agents": ["a\x00b"]}}, "condition.agents", "on one line"),
        ({"kind": "search", "condition": {"query": "cost>much"}}, "condition.query", "US dollars"),
        ({"kind": "search", "condition": {"view": 4711}}, "condition.view", "no saved view"),
        ({"kind": "search", "condition": {"by": ["tool"]}}, "condition.by", "tool"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(sent: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(InvalidInput) as told:
        rules.create("default", DEAR | sent, "ada")
    assert told.value.field == field
    assert said in told.value.message
    assert not AlertRule.objects.filter(builtin="").exists()


@pytest.mark.parametrize("missing", ["name", "kind"])
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(InvalidInput) as told:
        rules.create("default", {name: value for name, value in DEAR.items() if name != missing}, "ada")
    assert told.value.field == missing


def test_a_rule_follows_a_view_that_the_project_shares(view: SavedView) -> None:
    searching = {"name": "Dear", "kind": "search", "condition": {"view": view.pk}}
    assert rules.create("default", searching, "ada").condition["view"] == view.pk
    with pytest.raises(InvalidInput, match="not both"):
        rules.create("default", searching | {"condition": {"view": view.pk, "query": "cost>2"}}, "ada")
    SavedView.objects.update(shared=False)
    with pytest.raises(InvalidInput, match="no saved view"):
        rules.create("default", searching, "ada")


def test_a_kind_changes_only_with_its_condition() -> None:
    made = rules.create("default", DEAR, "ada")
    with pytest.raises(InvalidInput) as told:
        rules.change("default", made.pk, {"kind": "findings"}, "ada")
    assert told.value.field == "condition"
    assert rules.change("default", made.pk, {"kind": "findings", "condition": {}}, "ada").kind == "findings"


def test_a_label_that_it_groups_by_stays() -> None:
    made = rules.create("default", DEAR | {"labels": {"team": "a"}, "group_by": ["team", "agent"]}, "ada")
    with pytest.raises(InvalidInput, match="team"):
        rules.change("default", made.pk, {"labels": {}}, "ada")
    assert rules.change("default", made.pk, {"labels": {}, "group_by": []}, "ada").labels == {}


def test_names_are_unique_among_what_is_there() -> None:
    made = rules.create("default", DEAR, "ada")
    with pytest.raises(InvalidInput) as told:
        rules.create("default", DEAR, "ada")
    assert told.value.field == "name"
    rules.delete("default", made.pk, "ada")
    again = rules.create("default", DEAR, "ada")
    with pytest.raises(InvalidInput, match="already"):
        rules.restore("default", made.pk, "ada")
    rules.change("default", again.pk, {"name": "Dearer"}, "ada")
    assert rules.restore("default", made.pk, "ada").deleted_at is None


def test_deleting_is_undone_within_a_day_and_forgotten_after() -> None:
    made, other = rules.create("default", DEAR, "ada"), rules.create("default", DEAR | {"name": "b"}, "ada")
    for one in (made, other):
        rules.delete("default", one.pk, "ada")
    late = timezone.now() + timedelta(hours=25)
    with pytest.raises(NotFound):
        rules.restore("default", made.pk, "ada", now=late)
    Alert.objects.create(project=made.project, rule=other, fingerprint="f", state="firing", severity="warning")
    rules.forget("default", now=late)
    # Its alert still fires, so it waits for the evaluation that ends it.
    assert list(AlertRule.objects.filter(builtin="")) == [other]
    Alert.objects.update(state="resolved")
    rules.forget("default", now=late)
    assert not AlertRule.objects.filter(builtin="").exists()


def test_a_copy_is_off_and_has_a_name_of_its_own() -> None:
    made = rules.create("default", DEAR | {"name": "n" * 120}, "ada")
    first, second = rules.duplicate("default", made.pk, "ada"), rules.duplicate("default", made.pk, "ada")
    assert not first.enabled
    assert first.name.endswith(" (copy)")
    assert second.name.endswith(" (copy 2)")
    assert first.condition == made.condition


def test_another_project_is_out_of_reach() -> None:
    made = rules.create("default", DEAR, "ada")
    Project.objects.create(slug="other", name="Other")
    for ask in (
        rules.find,
        lambda p, n: rules.change(p, n, {"name": "x"}, "eve"),
        lambda p, n: rules.delete(p, n, "e"),
    ):
        with pytest.raises(NotFound):
            ask("other", made.pk)
    with pytest.raises(NotFound):
        rules.create("nowhere", DEAR, "ada")


def test_there_is_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST", 1)
    rules.create("default", DEAR, "ada")
    with pytest.raises(InvalidInput, match="There are 1 rules"):
        rules.create("default", DEAR | {"name": "b"}, "ada")


class TestShipped:
    def test_they_are_made_once_and_are_what_may_be_set(self, project: Project) -> None:
        assert rules.ensure_builtin(project) == len(builtin_rules.shipped())
        assert rules.ensure_builtin("default") == 0
        for rule in rules.listed("default"):
            fields = rules.fields_of(rule)
            # Each passes the same check as a rule that a person makes.
            assert rules.change("default", rule.pk, fields, "ada").changed_at == rule.created_at
            assert not builtin_rules.is_changed(rule)

    def test_every_project_gets_them(self) -> None:
        Project.objects.create(slug="other", name="Other")
        rules.ensure_all()
        count = len(builtin_rules.shipped())
        assert {slug: rules.listed(slug).count() for slug in ("default", "other")} == {"default": count, "other": count}

    def test_criticals_of_every_detector_are_told_and_nothing_halts(self) -> None:
        from tracestore import detector_settings

        told = {
            name
            for fields in builtin_rules.shipped().values()
            if fields["enabled"] and fields["severity"] == "critical" and fields["kind"] == "findings"
            for name in fields["condition"]["detectors"]
        }
        assert told == set(detector_settings.by_id())
        assert not any(fields["halts"] for fields in builtin_rules.shipped().values())

    def test_an_alert_outlives_the_pace_of_what_judges_it(self) -> None:
        """Else each judgement would open an incident that is over before the next."""
        from tracestore.detectors.registry import window_detectors

        pace = {one.id: one.every.total_seconds() for one in window_detectors()}
        kept_by_evaluation = 2 * 3600
        for fields in builtin_rules.shipped().values():
            for name in fields["condition"].get("detectors", ()):
                kept = max(fields["keep_firing_s"], kept_by_evaluation)
                assert kept > pace.get(name, 0), (fields["name"], name)

    def test_what_somebody_changed_stays_and_the_others_follow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        mine, other = (rules.listed("default").get(builtin=key) for key in ("agent_errors", "tool_errors"))
        rules.change("default", mine.pk, {"hold_s": 600}, "ada")
        gone = rules.listed("default").get(builtin="often")
        rules.delete("default", gone.pk, "ada")
        newer = {key: dict(fields) | {"keep_firing_s": 900} for key, fields in builtin_rules.shipped().items()}
        monkeypatch.setattr(builtin_rules, "shipped", lambda: newer)
        rules.ensure_builtin("default")
        found = {rule.builtin: rule for rule in rules.listed("default")}
        assert (found["agent_errors"].hold_s, found["agent_errors"].keep_firing_s) == (600, 300)
        assert found["tool_errors"].keep_firing_s == 900
        assert found["tool_errors"].pk == other.pk
        assert "often" not in found
        assert rules.ensure_builtin("default") == 0

    def test_deleted_ones_stay_deleted_but_can_be_brought_back_at_any_time(self) -> None:
        one = rules.listed("default").get(builtin="often")
        rules.delete("default", one.pk, "ada")
        AlertRule.objects.filter(pk=one.pk).update(deleted_at=timezone.now() - timedelta(days=90))
        rules.create("default", DEAR, "ada")  # forgets what may be forgotten
        rules.ensure_builtin("default")
        assert [rule.pk for rule in rules.deleted_builtin("default")] == [one.pk]
        assert rules.restore("default", one.pk, "ada").pk == one.pk

    def test_back_to_as_it_is_shipped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = rules.listed("default").get(builtin="no_runs")
        rules.change("default", one.pk, {"enabled": True, "name": "Silence", "severity": "critical"}, "ada")
        assert builtin_rules.is_changed(AlertRule.objects.get(pk=one.pk))
        back = rules.reset("default", one.pk, "ada")
        assert not builtin_rules.is_changed(AlertRule.objects.get(pk=one.pk))
        # And from then on it follows again.
        newer = {key: dict(fields) | {"owner": "x"} for key, fields in builtin_rules.shipped().items()}
        monkeypatch.setattr(builtin_rules, "shipped", lambda: newer)
        rules.ensure_builtin("default")
        assert AlertRule.objects.get(pk=back.pk).owner == "x"
        own = rules.create("default", DEAR, "ada")
        with pytest.raises(InvalidInput, match="none of the shipped"):
            rules.reset("default", own.pk, "ada")

    def test_one_that_is_shipped_no_more_is_the_projects_own(self) -> None:
        from tracestore.alerts import rules_file, rules_plan

        one = rules.listed("default").get(builtin="often")
        AlertRule.objects.filter(pk=one.pk).update(builtin="of_an_earlier_version", name="Old")
        rules.ensure_builtin("default")
        text = rules_file.text("default", rules.listed("default"))
        assert "of_an_earlier_version" not in text
        assert not rules_plan.differs(rules_plan.plan("default", rules_file.read("default", text), prune=True))
        rules.delete("default", one.pk, "ada")
        assert not rules.deleted_builtin("default")
        rules.forget("default", now=timezone.now() + timedelta(days=2))
        assert not AlertRule.objects.filter(pk=one.pk).exists()

    def test_a_name_of_the_projects_own_is_not_taken_away(self, project: Project) -> None:
        rules.create("default", DEAR | {"name": "Runs of an agent fail"}, "ada")
        rules.ensure_builtin(project)
        assert rules.listed("default").get(builtin="agent_errors").name == "Runs of an agent fail (shipped)"
        assert rules.ensure_builtin(project) == 0

    def test_a_first_start_has_them(self) -> None:
        from django.conf import settings

        from tracestore import first_start

        first_start.prepare(settings.ENVIRONMENT)
        assert AlertRule.objects.filter(project__slug="default", enabled=True).exists()
