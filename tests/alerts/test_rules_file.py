"""Rules as a file: read back as they were, with the line of each mistake; the plan; exit codes for CI."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracestore.alerts import builtin_rules, rules, rules_file, rules_plan
from tracestore.alerts.models import AlertRule
from tracestore.alerts.rule_conditions import SHARES, as_stored, condition_of
from tracestore.alerts.rule_fields import KNOWN_LABELS, MOST_SECONDS
from tracestore.alerts.rule_words import METRICS
from tracestore.errors import InvalidInput
from tracestore.models import Project, SavedView

pytestmark = pytest.mark.django_db

TEXT = """\
version: 1
rules:
  - name: Dear runs
    kind: metric
    enabled: true
    severity: critical
    condition:
      metric: cost_per_run
      compare: above
      threshold: 2
      by: [agent]
      window: 15m
    hold: 2m
    keep_firing: 4h
    labels:
      team: search
"""


@pytest.fixture(autouse=True)
def project() -> Project:
    made = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})[0]
    SavedView.objects.create(project=made, name="Dear", query="cost>1", shared=True)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(TEXT)
    return path


def exported() -> str:
    return rules_file.text("default", rules.listed("default"))


def run(*words: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("alert_rules", *words, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


line = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=40).filter(str.strip)
amount = st.floats(0.001, 1e12) | st.integers(1, 10**6).map(float)
window = st.integers(60, 30 * 86_400)


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(["findings", "metric", "search"]))
    if kind == "findings":
        return kind, {
            "detectors": draw(st.lists(st.sampled_from(["loop", "cost_anomaly", "retry_storm"]), max_size=3)),
            "agents": draw(st.lists(line, max_size=2)),
            "min_severity": draw(st.sampled_from(["info", "warning", "critical"])),
            "min_wasted_usd": draw(st.just(0.0) | amount), "min_count": draw(st.integers(1, 100_000)),
            "window_s": draw(window),
        }  # fmt: skip
    if kind == "search":
        followed = draw(st.booleans())
        return kind, {
            "view": SavedView.objects.get().pk if followed else None, "query": "" if followed else draw(
                st.sampled_from(["", "cost>1", 'agent:"a b" -tool:x', "errors>2 # : 'odd'"])
            ), "compare": draw(st.sampled_from(["above", "below"])), "threshold": draw(st.just(0.0) | amount),
            "by": draw(st.sampled_from([[], ["agent"]])), "window_s": draw(window),
        }  # fmt: skip
    metric = draw(st.sampled_from(sorted(METRICS)))
    possible = ["above", "below", "change_above", "change_below", "absent"] + ["burn_rate"] * (metric in SHARES)
    compare = draw(st.sampled_from(possible))
    is_share = metric in SHARES or compare == "change_below"
    threshold = draw(st.floats(0.001, 0.999) if is_share else amount)
    clear = None
    if compare not in ("absent", "burn_rate"):
        clear = draw(st.none() | st.just(threshold * 2 if compare == "below" else threshold / 2))
    return kind, {
        "metric": metric, "compare": compare, "threshold": threshold, "clear": clear,
        "by": draw(st.lists(st.sampled_from(["agent", "tool", "model", "user", "version"]), unique=True)),
        "only": draw(st.dictionaries(st.sampled_from(["agent", "tool", "model"]), line, max_size=2)),
        "min_volume": draw(st.integers(1, 10**9)), "window_s": draw(window),
    }  # fmt: skip


@st.composite
def any_rule(draw: st.DrawFn) -> dict[str, Any]:
    kind, condition = draw(conditions())
    return {
        "name": draw(line | st.sampled_from(["no", "1", "~", "2026-01-01", "- a", "a: b", "#x", "'", '"', "é ☃ 🙂"])),
        "enabled": draw(st.booleans()), "kind": kind, "condition": condition,
        "hold_s": draw(st.integers(0, MOST_SECONDS)), "keep_firing_s": draw(st.integers(0, MOST_SECONDS)),
        "severity": draw(st.sampled_from(["info", "warning", "critical"])), "halts": draw(st.booleans()),
        "owner": draw(st.just("") | line), "runbook_url": draw(st.sampled_from(["", "https://wiki.test/a?b=c#d"])),
        "labels": draw(st.dictionaries(st.from_regex(r"x[a-z0-9_]{0,8}", fullmatch=True), line, max_size=3)),
        "group_by": draw(st.lists(st.sampled_from(KNOWN_LABELS), unique=True, max_size=3)),
    }  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.data())
def test_what_is_written_is_read_as_it_was_and_written_the_same(sent: st.DataObject) -> None:
    AlertRule.objects.all().delete()
    wanted = sent.draw(st.lists(any_rule(), max_size=4, unique_by=lambda one: one["name"].strip()))
    made = [rules.create("default", one, "ada") for one in wanted]
    text = rules_file.text("default", made)
    before = {rule.name: rules.fields_of(rule) for rule in made}
    AlertRule.objects.all().delete()
    read = rules_file.read("default", text)
    assert {one.name: dict(one.fields) for one in read} == before
    for one in read:
        rules.create("default", one.fields, "ada")
    again = list(AlertRule.objects.all())
    assert rules_file.text("default", again) == text
    assert {rule.name: rules.fields_of(rule) for rule in again} == before


def test_shipped_rules_go_around_exactly_into_another_project() -> None:
    rule = rules.listed("default").get(builtin="agent_errors")
    rules.change("default", rule.pk, {"name": "Fails", "hold_s": 90, "enabled": False}, "ada")
    rules.delete("default", rules.listed("default").get(builtin="often").pk, "ada")
    text = exported()
    Project.objects.create(slug="other", name="Other")
    rules_plan.apply("other", rules_plan.plan("other", rules_file.read("other", text), prune=True), "ada")
    assert rules_file.text("other", rules.listed("other")) == text
    rules.ensure_all()
    assert rules_file.text("other", rules.listed("other")) == text
    steps = rules_plan.plan("default", rules_file.read("default", text), prune=True)
    assert not rules_plan.differs(steps)
    assert {step.action for step in steps} == {"unchanged"}


def test_a_view_is_named() -> None:
    view = SavedView.objects.get()
    made = rules.create("default", {"name": "v", "kind": "search", "condition": {"view": view.pk}}, "ada")
    assert "view: Dear\n" in rules_file.text("default", [made])
    twin = SavedView.objects.create(project=view.project, name="Dear", query="cost>2", shared=True)
    assert f"view: {view.pk}\n" in rules_file.text("default", [made])
    with pytest.raises(InvalidInput, match=r"line 9.*several"):
        rules_file.read("default", rules_file.text("default", [made]).replace(f"view: {view.pk}", "view: Dear"))
    assert twin.pk != view.pk


def test_the_plan_is_told_and_done(file: Path) -> None:
    out, _ = run("apply", str(file), "--dry-run")
    assert out.splitlines()[0] == "+ Dear runs"
    assert not AlertRule.objects.filter(name="Dear runs").exists()
    shipped = len(builtin_rules.shipped())
    assert out.splitlines()[-1] == f"1 added, 0 changed, 0 deleted, 0 unchanged; {shipped} not in the file stay"
    assert run("apply", str(file), "--check")[1] == 1
    assert run("apply", str(file))[1] == 0
    assert run("apply", str(file), "--check") == (
        f"0 added, 0 changed, 0 deleted, 1 unchanged; {shipped} not in the file stay\n", 0,
    )  # fmt: skip
    file.write_text(TEXT.replace("hold: 2m", "hold: 5m").replace("threshold: 2", "threshold: 3"))
    out, _ = run("apply", str(file), "--prune")
    assert "~ Dear runs: threshold 2 → 3, hold 2m → 5m\n" in out
    assert out.count("\n- ") == shipped
    assert [rule.name for rule in rules.listed("default")] == ["Dear runs"]
    assert run("apply", str(file), "--prune", "--check")[1] == 0


def test_a_deleted_shipped_rule_comes_back_when_the_file_has_it(file: Path) -> None:
    one = rules.listed("default").get(builtin="often")
    file.write_text(rules_file.text("default", [one]))
    rules.delete("default", one.pk, "ada")
    out, _ = run("apply", str(file))
    assert f"~ {one.name}: brought back" in out
    assert rules.listed("default").get(builtin="often").pk == one.pk


def test_all_or_nothing(file: Path) -> None:
    rules.create("default", {"name": "Taken", "kind": "findings"}, "ada")
    shipped = rules_file.text("default", [rules.listed("default").get(builtin="often")])
    body = shipped.split("rules:\n")[1].replace("The same small trouble five times in an hour", "Taken")
    file.write_text(TEXT + body)
    with pytest.raises(CommandError, match="Taken"):
        run("apply", str(file))
    assert not AlertRule.objects.filter(name="Dear runs").exists()


def test_export_into_a_file_and_from_another_project(tmp_path: Path) -> None:
    run("export", "--output", str(tmp_path / "out.yaml"))
    assert (tmp_path / "out.yaml").read_text() == exported() == run("export")[0]
    with pytest.raises(CommandError, match="Projects: default") as told:
        run("export", "--project", "nowhere")
    assert told.value.returncode == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hold: 2m", "hold: soon", r"line 13: rule 'Dear runs': hold='soon': expected a length of time such as 15m"),
        ("hold: 2m", "hold: 30d", "line 13: .* hold: expected 0 to"),
        ("hold: 2m", "hold_s: 120", "line 13: .*'hold_s' is no field.*hold"),
        ("window: 15m", "window: 5s", "line 12: .*window"),
        ("window: 15m", "window_s: 900", "line 12: .*window: 15m"),
        ("by: [agent]", "by: [agent, zone]", "line 11: .*'zone' is no dimension"),
        ("metric: cost_per_run", "metric: beauty", "line 8: .*'beauty': expected one of error_rate"),
        ("severity: critical", "severity: grave", "line 6: .*grave"),
        ("name: Dear runs", "name: no", "line 3: rule 'False': name: expected a text"),
        ("    kind: metric\n", "", "line 3: .*kind: expected one of"),
        ("kind: metric", "kind: metric\n    kind: search", "line 5: kind is there twice"),
        ("version: 1", "version: 2", "line 1: version: expected 1"),
        ("version: 1", "version: 1\ncolour: red", "line 2: colour"),
        ("rules:", "rule:", "line 1: expected `version: 1` and a list `rules:`"),
        ("kind: metric", "shipped: nothing\n    kind: metric", "line 4: .*shipped='nothing'"),
        ("team: search", "team: [", "line 1[67]: this is no YAML"),
        ("team: search", "team: !!python/name:os.system x", "line 16: this is no YAML"),
        ("team: search", "team: &a [x, *a]", "references"),
        ("version: 1", "? [a]\n: 1\nversion: 1", "line 1: expected a name"),
        (TEXT, "", "line 1: expected"),
        (TEXT, "[" * 2000, "no YAML"),
        (TEXT, "\x00", "no YAML"),
        (TEXT, "- a", "line 1: expected"),
        (TEXT, "version: 1\nrules: [7]", "line 2: rule 1: expected the fields"),
    ],
)
def test_mistakes_are_told_with_their_line(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidInput) as told:
        rules_file.read("default", TEXT.replace(old, new))
    assert re.search(said, told.value.message), told.value.message


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    file.write_text(TEXT.replace("2m", "soon") + TEXT.split("rules:\n")[1].replace("critical", "grave"))
    with pytest.raises(CommandError) as told:
        run("apply", str(file))
    assert [row.split(":")[0] for row in str(told.value).splitlines()] == ["line 13", "line 20"]
    assert told.value.returncode == 2


def test_names_are_there_once() -> None:
    with pytest.raises(InvalidInput, match=r"line 17: name 'Dear runs' is that of the rule in line 3 too"):
        rules_file.read("default", TEXT + TEXT.split("rules:\n")[1])


def test_a_stored_condition_is_as_it_comes_back() -> None:
    assert as_stored(condition_of("default", "metric", {"metric": "runs", "by": ["agent"]}))["by"] == ["agent"]
