"""Every page of a Tracestore that has data worth looking at, by name: for tests and for screenshots of all."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from playwright.sync_api import Page

from tests.e2e.stack import API_KEY, ROOT, Stack

#: Of the demo's story, with every kind of trouble in it; a few hundred runs.
HOURS = 24
#: Before them, so that the usual is known: as many runs each day. The demo's own past is 17 days.
DAYS = 3
#: A search for the run that the trace's pages show, and for one with failures.
LOOPING, FAILING = "finding:loop spans<60 llm_calls>5", "errors>2 spans>5"
#: Agents of the demo.
AGENTS = 6
VIEWS = ("waterfall", "flame", "graph", "conversation", "table")


def send_demo(stack: Stack, days: float = DAYS) -> None:
    """The demo's past, looked through by the detectors."""
    past = ("--hours", str(HOURS), "--days", str(days), "--seconds", "0")
    command = [sys.executable, str(ROOT / "manage.py"), "demo", *past, "--url", stack.otlp_http]
    environment = {**stack.environment, "TRACESTORE_API_KEY": API_KEY}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    stack.wait_settled(300)
    end = time.monotonic() + 300
    while not stack.api("traces/", q=LOOPING, limit=1)["results"]:
        assert time.monotonic() < end, "the detectors say nothing"
        time.sleep(0.5)
    while len(stack.api("health/")["results"]) < AGENTS:
        assert time.monotonic() < end, "nobody judges the agents"
        time.sleep(0.5)
    while not stack.api("incidents/")["results"]:
        assert time.monotonic() < end, "nobody is called"
        time.sleep(0.5)


def log_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.web}/login/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", stack.environment["TRACESTORE_ADMIN_PASSWORD"])
    page.press("[name=password]", "Enter")
    page.wait_for_selector("nav.nav")


def of_navigation(page: Page) -> list[str]:
    """The addresses that the navigation and the page of settings lead to."""
    page.goto("/settings/")
    return page.evaluate(
        """() => [...new Set([...document.querySelectorAll('.nav a.nav-link, main a')]
        .map(link => link.getAttribute('href').split('?')[0]).filter(path => path.startsWith('/')))]"""
    )


def addresses(stack: Stack, page: Page) -> dict[str, str]:
    """Name → path. `page` is logged in, in a context whose base address is the stack's."""
    runs: list[dict[str, Any]] = stack.api("traces/", q=LOOPING, limit=50)["results"]
    run = max(runs, key=lambda one: one["span_count"])
    failed = stack.api("traces/", q=FAILING, limit=1)["results"][0]
    spans = stack.api(f"traces/{run['trace_id']}/")["spans"]
    llm = [span for span in spans if span["type"] == "llm"]
    sessions = stack.api("sessions/", limit=100, since="30d")["results"]
    session = max(sessions, key=lambda one: one["traces"])["session_id"]
    agents = stack.api("agents/", since="30d")["results"]
    tools = stack.api("tools/", since="30d")["results"]
    found = {(path.strip("/").replace("/", "-") or "overview"): path for path in of_navigation(page)}
    found["trace-failed"] = f"/traces/{failed['trace_id']}/"
    for view in VIEWS:
        found[f"trace-{view}"] = f"/traces/{run['trace_id']}/?view={view}"
        found[f"trace-{view}-span"] = f"/traces/{run['trace_id']}/?view={view}&span={llm[len(llm) // 2]['span_id']}"
    found["session"] = f"/sessions/{session}/"
    found["agent"] = f"/agents/{agents[0]['agent']}/?since=24h"
    found["silences"] = "/silences/"
    incidents = stack.api("incidents/", limit=50)["results"]
    incident = max(incidents, key=lambda one: (one["state"] != "resolved", one["wasted_usd"]))["id"]
    found["incident"] = f"/incidents/{incident}/"
    found["incident-halt"] = f"/incidents/{incident}/halt/"
    found["rule"] = f"/rules/{stack.api('alert-rules/')['results'][0]['id']}/"
    found["compare"] = f"/compare/?a={run['trace_id']}&b={failed['trace_id']}"
    found["tool"] = f"/tools/{max(tools, key=lambda one: one['errors'])['tool']}/?since=24h"
    return found
