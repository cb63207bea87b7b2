"""`/brake/`: what it shows, who may do what, hostile names, and the question before an agent is halted."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tracestore.alerts import breakers, budgets, halts
from tracestore.alerts.models import Budget, BudgetState, Halt
from tracestore.models import Membership

pytestmark = [pytest.mark.urls("dashboard.pages.urls"), pytest.mark.django_db]


def role(user: User, name: str) -> None:
    Membership.objects.filter(user=user).update(role=name)


def text(client: Client, path: str = "/brake/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_one_teaches(browser_client: Client) -> None:
    page = text(browser_client)
    assert "Nobody is halted" in page
    assert "No breaker was ever open" in page
    assert "No budget is set" in page


def test_it_shows_what_brakes_and_escapes_it(browser_client: Client, member: User) -> None:
    role(member, "admin")
    halts.halt("default", "agent", "<script>alert(1)</script>", "<b>costly</b>", "ada")
    halts.halt("default", "session_id", "a/b?c", "", "ada")
    breakers.open_by_hand("default", "planner", "<i>search", "down", "ada")
    made = budgets.create("default", {"name": "each run", "measure": "usd", "scope": "run", "limit": 4})
    BudgetState.objects.create(budget=made, subject="a" * 32, action="halt", spent=6, reason="r", at=made.created_at)
    page = text(browser_client)
    assert "<script>alert" not in page
    assert "<b>costly" not in page
    assert "<i>search" not in page
    assert "&lt;script&gt;" in page
    assert "150 %" in page
    assert "<meter" in page
    assert 'style="' not in page


def test_halting_asks_first_and_needs_a_reason(browser_client: Client, member: User) -> None:
    role(member, "member")
    page = text(browser_client, "/brake/halt/?by=agent&subject=planner")
    assert "Halt agent planner?" in page
    assert not Halt.objects.exists()
    sent = {"by": "agent", "subject": "planner", "reason": "", "for": "1h"}
    assert browser_client.post("/brake/halt/", sent).status_code == 400
    assert browser_client.post("/brake/halt/", {**sent, "reason": "costly", "for": "x"}).status_code == 400
    assert browser_client.post("/brake/halt/", {**sent, "reason": "costly"}).status_code == 302
    made = Halt.objects.get()
    assert (made.subject, made.actor, made.until is not None) == ("planner", member.get_username(), True)
    assert browser_client.post(f"/brake/halts/{made.pk}/lift/", {"reason": "ok"}).status_code == 302
    made.refresh_from_db()
    assert made.lifted_by == member.get_username()


def test_viewers_look_on_and_members_set_no_budgets(browser_client: Client, member: User) -> None:
    role(member, "viewer")
    text(browser_client)
    assert browser_client.get("/brake/halt/?by=agent&subject=x").status_code == 403
    assert browser_client.post("/brake/breakers/", {"agent": "x", "reason": "y"}).status_code == 403
    role(member, "member")
    assert browser_client.post("/brake/breakers/", {"agent": "x", "reason": "y"}).status_code == 302
    assert browser_client.post("/brake/budgets/", {"name": "x"}).status_code == 403


def test_a_budget_is_made_changed_deleted_and_brought_back(browser_client: Client, member: User) -> None:
    role(member, "admin")
    sent = {"name": "b", "measure": "usd", "scope": "run", "limit": "2.5", "warn": "70", "agent": "", "halts": "on"}
    assert browser_client.post("/brake/budgets/", sent).status_code == 302
    made = Budget.objects.get()
    assert (made.limit, made.warn_share, made.halts, made.halt_on_burn) == (2.5, 0.7, True, False)
    wrong = browser_client.post("/brake/budgets/", {**sent, "name": "c", "limit": "<much>"})
    assert wrong.status_code == 400
    assert "&lt;much&gt;" in wrong.content.decode()
    assert 'value="2.5"' in text(browser_client, f"/brake/?budget={made.pk}")
    browser_client.post("/brake/budgets/", {**sent, "id": str(made.pk), "limit": "3"})
    browser_client.post(f"/brake/budgets/{made.pk}/", {"do": "off"})
    made.refresh_from_db()
    assert (made.limit, made.enabled) == (3.0, False)
    answer = browser_client.post(f"/brake/budgets/{made.pk}/", {"do": "delete"})
    assert "Undo" in text(browser_client, answer["Location"].split("#")[0])
    browser_client.post(f"/brake/budgets/{made.pk}/", {"do": "restore"})
    assert budgets.listed("default").exists()
