"""Overview, agents, tools and sessions as pages over a real store."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from tests.clickhouse.spans import START
from tests.clickhouse.test_aggregates import AT, failing, finding, run
from tests.clickhouse.test_writer import write
from tracestore.clickhouse import client as store_client
from tracestore.models import Membership, Project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("dashboard.pages.urls")]

#: The hour of the samples, as an address says it.
HOUR = "since=2026-09-21T13:50:00Z&until=2026-09-21T14:50:00Z"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def browser(db: None, settings: LazySettings) -> Client:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = User.objects.create_user("ada", password="engine-of-1843")
    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
    Membership.objects.create(user=user, project=project, role=Membership.Role.MEMBER)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def filled() -> None:
    for trace in range(1, 7):
        write(*run(trace, tools_called=("search", "book"), cost=0.1))
    write(
        *run(7, cost=2.0),
        failing(7, "no table 42"),
        *run(8, agent=HOSTILE, session_id=HOSTILE, tools_called=(HOSTILE,)),
    )


def text(browser: Client, path: str, status: int = 200) -> str:
    response = browser.get(path)
    assert response.status_code == status
    page = response.content.decode()
    assert "<img src=x" not in page
    assert " style=" not in page, "inline styles need a policy that allows them"
    return page


def figures(page: str) -> dict[str, dict[str, object]]:
    found = re.findall(r'<script id="([\w-]+)-figure" type="application/json">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(body) for name, body in found}


def test_the_overview_leads_from_every_figure_to_its_list(browser: Client, filled: None) -> None:
    finding("1", "loop", "critical", AT)
    page = text(browser, f"/?{HOUR}")
    query = html.escape("since=2026-09-21T13%3A50%3A00Z&until=2026-09-21T14%3A50%3A00Z")
    assert f'href="/traces/?status=error&amp;{query}"' in page
    assert f'href="/agents/planner/?{query}"' in page
    assert f'href="/traces/?agent=planner&amp;{query}"' in page
    assert set(figures(page)) == {"runs", "spend-agent", "latency", "errors", "steps"}
    assert "no table &lt;n&gt;" in page
    assert "loop" in page
    # The dearest run is first, and it is told why it is.
    dear = page[page.index('id="dear-title"') :]
    assert dear.index(f"/traces/{7:032x}/") < dear.index(f"/traces/{1:032x}/")
    assert "<b>20 ×</b> the agent&#x27;s median cost" in dear or "<b>20 ×</b> the agent's median cost" in dear
    assert "too few to compare with" in page or "no traces to compare with" in page


def test_what_changed_is_told_against_the_time_before(browser: Client) -> None:
    for trace in range(1, 13):
        write(*run(trace, cost=0.1, later_s=-3600))
        write(*run(100 + trace, cost=0.4))
    write(failing(101, "quota of 5 exceeded"))
    page = text(browser, f"/?{HOUR}")
    assert "costs × 4.0 a trace" in page
    assert "New error, once: quota of &lt;n&gt; exceeded" in page


def test_an_empty_store_teaches_and_an_empty_time_says_so(browser: Client) -> None:
    assert "No trace has arrived yet" in text(browser, "/")
    assert "No agent ran in this time" in text(browser, "/agents/")
    assert "No tool was called in this time" in text(browser, "/tools/?since=")
    assert "No session in this time" in text(browser, "/sessions/")
    write(*run(1))
    assert "No span of this time names an agent" in text(browser, "/?since=1h")
    assert "It did nothing in this time" in text(browser, "/agents/planner/?since=1h")


def test_an_agent_with_all_that_is_known_of_it(browser: Client, filled: None) -> None:
    store_client.command("TRUNCATE TABLE stored_agent_health")
    store_client.run(
        "INSERT INTO stored_agent_health (project, agent, at, state, reasons, version)"
        " VALUES ('default', 'planner', {at:DateTime64(3)}, 'degraded', ['it loops'], 1)",
        {"at": datetime.fromtimestamp(START / 1e9 + 60, UTC)},
    )
    page = text(browser, f"/agents/planner/?{HOUR}")
    assert "degraded" in page
    assert "it loops" in page
    assert 'class="tool" href="/tools/search/' in page
    assert {"cost-by-version", "errors-by-version", "spread-steps", "spread-tokens", "spread-cost"} <= set(
        figures(page)
    )
    assert f"/traces/{7:032x}/" in page[page.index("The dearest") :]
    assert "degraded" in text(browser, f"/agents/?{HOUR}")
    store_client.command("TRUNCATE TABLE stored_agent_health")


def test_a_tool_with_its_errors_and_callers(browser: Client, filled: None) -> None:
    page = text(browser, f"/tools/search/?{HOUR}")
    assert "no table &lt;n&gt;" in page
    assert f"/traces/{7:032x}/?span={30:016x}" in page
    assert set(figures(page)) == {"calls", "latency", "error-rate"}
    assert 'href="/tools/search/' in text(browser, f"/tools/?{HOUR}")


def test_a_session_reads_as_one_conversation(browser: Client) -> None:
    for number, words in enumerate(("Where is it?", "And now?")):
        sent = run(number + 1, later_s=60 * number)
        sent[0].input, sent[0].output = words, f"Answer {number}" + " long" * 200 * number
        write(*sent)
    assert 'href="/sessions/s-1/' in text(browser, f"/sessions/?{HOUR}")
    page = text(browser, "/sessions/s-1/")
    places = [page.index(words) for words in ("Where is it?", "Answer 0", "And now?", "Answer 1")]
    assert places == sorted(places)
    assert "$1.000" in page
    # Of long texts the beginning is there, and the whole on demand.
    assert page.count(f'hx-get="/traces/{2:032x}/turn/"') == 1
    assert f"/traces/{1:032x}/turn/" not in page
    whole = text(browser, f"/traces/{2:032x}/turn/")
    assert whole.count(" long") == 200
    assert "And now?" in whole


def test_names_of_any_kind_have_their_pages(browser: Client, filled: None) -> None:
    from urllib.parse import quote

    name = quote(HOSTILE, safe="")
    for path in (f"/agents/{name}/", f"/tools/{name}/", f"/sessions/{name}/"):
        assert "&lt;img src=x" in text(browser, f"{path}?{HOUR}")
    for path in ("/agents/none/", "/tools/none/", "/sessions/none/"):
        text(browser, path, 404)


def test_the_time_range_is_kept_from_page_to_page(browser: Client, filled: None) -> None:
    text(browser, "/agents/?since=7d")
    assert 'href="/tools/?since=7d"' in text(browser, "/sessions/?since=7d")
    assert 'href="/agents/?since=7d"' in text(browser, "/settings/")
    text(browser, "/agents/?since=soon", 400)
    assert 'href="/agents/?since=7d"' in text(browser, "/settings/")
    text(browser, "/?since=1h&until=2h", 400)
