"""Those who read during a soak: an engineer on the pages, the API, the data team's SQL, agents that ask for verdicts."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import itertools
import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.soaking.judging import percentile
from tests.e2e.stack import API_KEY, Stack

#: How long an answer may take before it counts as an error.
PATIENCE_S: Final = 30.0
#: How often a reader looks for new runs to open.
FRESH_S: Final = 20.0

SQL: Final = {
    "tokens and cost by agent, an hour": "SELECT agent, count(), sum(input_tokens), sum(cost_usd) FROM spans WHERE"
    " start_time > now() - INTERVAL 1 HOUR GROUP BY agent ORDER BY agent",
    "errors of one tool": "SELECT start_time, trace_id, status_message FROM spans WHERE project = 'default' AND"
    " tool_name = 'search_kb' AND status = 'error' AND start_time > now() - INTERVAL 1 DAY ORDER BY start_time DESC LIMIT 50",
    "p95 of a tool by minute": "SELECT toStartOfMinute(start_time) AS minute, quantile(0.95)(duration_ns) FROM tool_calls"
    " WHERE start_time > now() - INTERVAL 15 MINUTE GROUP BY minute ORDER BY minute",
    "latest runs": "SELECT trace_id, name, cost_usd FROM traces ORDER BY start_time DESC LIMIT 100",
    "findings by detector": "SELECT detector, count() FROM findings GROUP BY detector ORDER BY detector",
}


class Answers:
    """How long each kind of question took and how often it failed. Shared by the readers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._errors: dict[str, int] = defaultdict(int)
        #: The first of each kind of trouble, for the report.
        self.examples: dict[str, str] = {}
        self.pages = self.failed = 0

    def take(self, kind: str, ask: Callable[[], Any]) -> Any:
        """Asks, and notes how that went; None where it failed."""
        began = time.perf_counter()
        trouble = ""
        answer = None
        try:
            answer = ask()
        except urllib.error.HTTPError as error:
            trouble = f"status {error.code}: {error.read()[:300]!r}"
        except (OSError, http.client.HTTPException, AssertionError, ValueError) as error:
            trouble = f"{type(error).__name__}: {error}"[:400]
        with self._lock:
            self._seconds[kind].append(time.perf_counter() - began)
            self.pages += 1
            if trouble:
                self._errors[kind] += 1
                self.failed += 1
                self.examples.setdefault(kind, trouble)
        return answer

    def p95_ms(self, start: str = "page") -> float:
        """Of all kinds that begin so, since the start."""
        with self._lock:
            return (
                percentile((s for kind, seen in self._seconds.items() if kind.startswith(start) for s in seen), 0.95)
                * 1000
            )

    def summary(self) -> dict[str, dict[str, float]]:
        with self._lock:
            return {
                kind: {
                    "count": len(seen),
                    "errors": self._errors[kind],
                    "p50_ms": percentile(seen, 0.5) * 1000,
                    "p95_ms": percentile(seen, 0.95) * 1000,
                    "most_ms": max(seen) * 1000,
                }
                for kind, seen in sorted(self._seconds.items())
            }


class Browser:
    """Logged in as admin by the form, with cookies; does what a browser does without running scripts."""

    def __init__(self, stack: Stack) -> None:
        self._web = stack.web
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open
        form = self.get("/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        if token is None:
            raise ValueError("the login page has no form")
        sent = {"username": "admin", "password": stack.environment["TRACESTORE_ADMIN_PASSWORD"],
                "csrfmiddlewaretoken": token[1]}  # fmt: skip
        request = urllib.request.Request(f"{self._web}/login/", urllib.parse.urlencode(sent).encode())
        request.add_header("Referer", f"{self._web}/login/")
        with self._open(request, timeout=PATIENCE_S) as answer:
            if "/login/" in answer.url:
                raise ValueError("the login was refused")

    def get(self, path: str) -> str:
        """The page. Raises HTTPError, and ValueError when it leads back to the login."""
        with self._open(self._web + path, timeout=PATIENCE_S) as answer:
            if "/login/" in answer.url and path != "/login/":
                raise ValueError("no longer logged in")
            return str(answer.read().decode())


def things(stack: Stack) -> dict[str, str]:
    """One of each thing that has a page, as it is now; those that are not there yet are left out."""

    def some(path: str, field: str, **parameters: str | int) -> list[str]:
        return [urllib.parse.quote(str(row[field])) for row in stack.api(path, **parameters)["results"] if row[field]]

    found: dict[str, str] = {}
    runs = some("traces/", "trace_id", limit=20)
    if runs:
        found["run"], found["other_run"] = runs[len(runs) // 2], runs[-1]
        found["span"] = stack.api(f"traces/{runs[len(runs) // 2]}/")["spans"][-1]["span_id"]
    for name, path, field in (
        ("session", "sessions/", "session_id"), ("agent", "agents/", "agent"), ("tool", "tools/", "tool"),
        ("finding", "findings/", "id"), ("incident", "incidents/", "id"),
    ):  # fmt: skip
        for value in some(path, field, limit=5)[:1]:
            found[name] = value
    return found


#: kind → path; names in braces are those of `things`.
PAGES: Final = {
    "page overview": "/", "page traces": "/traces/", "page traces, searched": "/traces/?q=errors%3E0",
    "page traces, a word": "/traces/?q=refund77&since=15m", "page trace": "/traces/{run}/",
    "page trace, flame": "/traces/{run}/?view=flame", "page trace, graph": "/traces/{run}/?view=graph",
    "page trace, conversation": "/traces/{run}/?view=conversation", "page trace columns": "/traces/{run}/columns/",
    "page span": "/traces/{run}/spans/{span}/", "page sessions": "/sessions/", "page session": "/sessions/{session}/",
    "page agents": "/agents/", "page agent": "/agents/{agent}/", "page tools": "/tools/", "page tool": "/tools/{tool}/",
    "page models": "/models/", "page findings": "/findings/", "page finding": "/findings/{finding}/",
    "page incidents": "/incidents/", "page incident": "/incidents/{incident}/", "page rules": "/rules/",
    "page brake": "/brake/", "page detectors": "/detectors/", "page compare": "/compare/?a={run}&b={other_run}",
    "page sql": "/sql/?q=SELECT+agent%2C+count()+FROM+traces+GROUP+BY+agent", "page status": "/status/",
    "page settings": "/settings/",
}  # fmt: skip
API: Final = {
    "api traces": "traces/?limit=100", "api trace": "traces/{run}/", "api span": "traces/{run}/spans/{span}/",
    "api sessions": "sessions/", "api agents": "agents/", "api tools": "tools/", "api models": "models/",
    "api findings": "findings/", "api health": "health/", "api incidents": "incidents/", "api status": "status/",
    "api export": "export/traces.csv?since=1m",
}  # fmt: skip


class Readers:
    """Threads that ask until `stop`."""

    def __init__(self, stack: Stack, page_every: float, sql_every: float, verdict_every: float) -> None:
        self.stack, self.answers = stack, Answers()
        self._ending = threading.Event()
        self.known = things(stack)
        self._browser = Browser(stack)
        self._threads = [
            threading.Thread(target=self._repeat, args=(each, every), daemon=True)
            for each, every in (
                (self._pages(), page_every), (self._sql(), sql_every), (self._verdicts(), verdict_every),
                (self._looks(), FRESH_S),
            )
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + 5)

    def _repeat(self, each: Iterator[None], every: float) -> None:
        due = time.monotonic()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            next(each)
            # A slow answer makes this reader ask less often, as a person would.
            due = max(due + every, time.monotonic())

    def _filled(self, path: str) -> str | None:
        with contextlib.suppress(KeyError):
            return path.format_map(self.known)
        return None

    def _pages(self) -> Iterator[None]:
        """A page and a request to the API in turn."""
        for (kind, path), (api_kind, api_path) in zip(
            itertools.cycle(PAGES.items()), itertools.cycle(API.items()), strict=False
        ):
            if (page := self._filled(path)) is not None:
                self.answers.take(kind, lambda page=page: self._browser.get(page))
            yield
            if (address := self._filled(api_path)) is not None:
                self.answers.take(api_kind, lambda address=address: self._get(address))
            yield

    def _sql(self) -> Iterator[None]:
        for number, (what, statement) in enumerate(itertools.cycle(SQL.items())):
            if number % 2:
                self.answers.take("sql by API", lambda statement=statement: self.post("sql/", {"query": statement}))
            else:
                self.answers.take(f"sql as reader: {what}", lambda statement=statement: self.stack.sql(statement))
            yield

    def _verdicts(self) -> Iterator[None]:
        for name, subject in itertools.cycle((("trace_id", "run"), ("agent", "agent"), ("session_id", "session"))):
            if subject in self.known:
                path = f"verdict/?{name}={self.known[subject]}"
                self.answers.take("verdict", lambda path=path: self._get(path))
            yield

    def _looks(self) -> Iterator[None]:
        while True:
            found = self.answers.take("looks for new runs", lambda: things(self.stack))
            self.known = found or self.known
            yield

    def _get(self, path: str) -> bytes:
        request = urllib.request.Request(
            f"{self.stack.web}/api/v1/{path}", headers={"authorization": f"Bearer {API_KEY}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            body: bytes = answer.read()
            return body

    def post(self, path: str, sent: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self.stack.web}/api/v1/{path}", json.dumps(sent).encode(),
            {"authorization": f"Bearer {API_KEY}", "content-type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)
