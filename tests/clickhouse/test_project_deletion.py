"""A deleted project is in no table any more, of store and metadata; its neighbour is, and the log proves it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.clickhouse.spans import llm
from tests.clickhouse.test_capture import tables
from tests.clickhouse.test_writer import write
from tests.security.things import MARK, make_world, owned
from tracestore import deletion, leases, project_deletion_work, project_rows, tasks
from tracestore.alerts.models import AlertWatermark
from tracestore.clickhouse import client, deleting, deleting_projects, settling
from tracestore.deletion_work import State as OrderState
from tracestore.errors import InvalidInput, Unavailable
from tracestore.models import AuditEntry, Organisation, Project, ProjectDeletion
from tracestore.organisations import leaving, organisations, projects

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "QUIET_MS", 1)
    monkeypatch.setattr(project_deletion_work, "LAST_SENDERS", timedelta())
    monkeypatch.setattr(leaving, "ask", lambda: None)


def closed(slug: str = "a") -> ProjectDeletion:
    world = make_world(slug)
    # What hangs on a project by something else.
    world.rows["Incident"].transitions.create(kind="noted", actor="ada", note=MARK)
    world.rows["Notification"].deliveries.create(outcome="sent")
    world.rows["Budget"].states.create(action="warn", spent=1.0, at=timezone.now())
    world.rows["Breaker"].changes.create(version=1, to_state="open", at=timezone.now(), actor="ada")
    world.rows["Route"].channels.add(world.rows["Channel"])
    return leaving.delete(Project.objects.get(slug=slug), None, "ada")


def due(row: ProjectDeletion) -> ProjectDeletion:
    leaving.hasten(row)
    tasks.delete_data()
    row.refresh_from_db()
    return row


def rows(slug: str) -> dict[str, int]:
    return deleting_projects.counts(slug)


def test_every_table_with_projects_is_known() -> None:
    found = client.run(
        "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'project'"
    ).result_rows
    assert {name for (name,) in found} & set(tables()) == set(deleting_projects.TABLES)


def test_every_model_of_a_project_is_counted() -> None:
    assert set(owned()) <= set(project_rows.paths())
    assert AlertWatermark not in project_rows.paths()


def test_all_of_it_goes_and_nothing_else() -> None:
    Project.objects.create(slug="b", name="B")
    write(llm(1, trace=7, parent=0), project="b")
    row = closed()
    number = Project.every.get(slug="a").pk
    neighbour, before = rows("b"), rows("a")
    assert before["stored_spans"] > 0
    assert before["stored_agent_health"] == before["stored_findings"] == 1
    metadata = project_rows.counts(number)
    assert min(metadata.values()) > 0, metadata
    # Not before its day.
    tasks.delete_data()
    assert rows("a") == before
    due(row)
    assert (row.state, row.message) == ("done", "")
    assert set(rows("a").values()) == set(project_rows.counts(number).values()) == {0}
    assert rows("b") == neighbour
    assert set(row.left.values()) == {0}
    assert row.before == before | metadata
    assert not Project.every.filter(slug="a").exists()
    entry = AuditEntry.objects.get(action="project.deleted")
    assert (entry.project, entry.organisation, entry.actor) == ("a", "organisation-a", "delete_data")
    assert (entry.detail["before"], entry.detail["left"]) == (row.before, row.left)
    assert MARK in str(list(AuditEntry.objects.filter(project="a").values()))  # the log stays
    # The slug rests for a day, then somebody else may have it.
    organisation = Organisation.objects.get(slug="organisation-a")
    with pytest.raises(InvalidInput, match="taken"):
        projects.create(organisation, None, "A", "a")
    ProjectDeletion.objects.update(finished_at=timezone.now() - timedelta(days=2))
    assert projects.create(organisation, None, "A", "a").slug == "a"
    with pytest.raises(InvalidInput, match=r"has projects: a\."):
        organisations.delete(organisation, None)


def test_the_slug_stays_taken_and_the_organisation_too_while_data_may_be_there() -> None:
    closed()
    organisation = Organisation.objects.get(slug="organisation-a")
    with pytest.raises(InvalidInput, match="taken"):
        projects.create(organisation, None, "A", "a")
    with pytest.raises(InvalidInput, match=r"a \(being deleted\)"):
        organisations.delete(organisation, None)


def test_one_that_was_killed_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    row = closed()
    delete = deleting_projects.delete

    def die(project: str, table: str, tell: object) -> None:
        if table == "stored_spans":
            raise SystemExit  # as the worker that is killed: nothing is put down
        delete(project, table, tell)  # type: ignore[arg-type]

    before = rows("a")
    monkeypatch.setattr(deleting_projects, "delete", die)
    with pytest.raises(SystemExit):
        due(row)
    monkeypatch.setattr(deleting_projects, "delete", delete)
    tasks.delete_data()
    row.refresh_from_db()
    assert row.state == "deleting"  # it may still be at it
    with pytest.raises(InvalidInput, match="expected scheduled"):
        leaving.restore(row, None)
    ProjectDeletion.objects.update(told_at=timezone.now() - deletion.SILENT - timedelta(seconds=1))
    tasks.delete_data()
    row.refresh_from_db()
    assert row.state == "done"
    assert {table: row.before[table] for table in before} == before  # counted before it was killed


def test_what_is_written_meanwhile_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    row = closed()
    late = iter([llm(9, trace=8, parent=0)])
    counts = deleting_projects.counts

    def then_late(project: str) -> dict[str, int]:
        for one in late:
            write(one, project="a")
            break
        return counts(project)

    monkeypatch.setattr(deleting_projects, "counts", then_late)
    assert due(row).state == "done"
    assert set(rows("a").values()) == {0}


def test_it_waits_for_the_store_for_other_jobs_and_for_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    row = closed()

    def away(*_: object) -> None:
        raise Unavailable("The store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(deleting_projects, "counts", away)
        assert (due(row).state, row.message) == ("deleting", "The store does not answer.")
    with monkeypatch.context() as patched:
        patched.setattr(deleting_projects, "counts", lambda project: 1 / 0)
        ProjectDeletion.objects.update(told_at=timezone.now() - deletion.SILENT * 2)
        with pytest.raises(ZeroDivisionError):
            tasks.delete_data()
    row.refresh_from_db()
    assert "internal error" in row.message
    assert deletion.claim() is None  # one at a time
    ProjectDeletion.objects.update(told_at=timezone.now() - deletion.SILENT * 2)
    monkeypatch.setattr("tracestore.deletion_orders.PATIENCE_SECONDS", 0.1)
    with leases.hold("settle_traces", seconds=60):
        tasks.delete_data()
    row.refresh_from_db()
    assert "did not pause" in row.message
    ProjectDeletion.objects.update(told_at=timezone.now() - deletion.SILENT * 2)
    other = Project.objects.create(slug="b", name="B")
    order = other.deletions.create(kind="user", value="u", state=OrderState.RUNNING)
    assert project_deletion_work.claim() is None
    order.delete()
    assert project_deletion_work.TURNS.perform(row).state == "done"


def test_senders_that_are_let_in_for_some_seconds_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    row = closed()
    monkeypatch.setattr(project_deletion_work, "LAST_SENDERS", timedelta(seconds=30))
    assert due(row).state == "scheduled"
    ProjectDeletion.objects.update(requested_at=timezone.now() - timedelta(seconds=31))
    tasks.delete_data()
    row.refresh_from_db()
    assert row.state == "done"


def test_what_holds_traces_is_a_part_of_what_holds_projects() -> None:
    assert set(deleting.TABLES) < set(deleting_projects.TABLES)
