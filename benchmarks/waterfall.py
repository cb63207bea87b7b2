"""Measures the trace page in Chromium with synthetic traces: `python -m benchmarks.waterfall [SPANS…]`.

The store is in memory, so the figures are those of tree, columns, page and script alone; uvicorn serves the pages, as it
does in the product. Visits: `benchmarks/page_visits.py`; with a real store: `benchmarks/trace_page.py`. Prints a table;
nothing here fails on a slow machine. Chromium: TRACESTORE_CHROMIUM, else /usr/bin/chromium.
"""

from __future__ import annotations

import functools
import gzip
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from benchmarks.page_visits import chromium, visits

TRACE = "{:032d}"

#: Counts frames and the time that our script takes in each, while the grid scrolls by itself.
SCROLL = """async () => {
  const waterfall = document.getElementById('waterfall').waterfall, { view, scroller } = waterfall;
  const times = [], draws = [], plain = view.draw.bind(view);
  view.draw = () => { const began = performance.now(); plain(); draws.push(performance.now() - began); };
  const end = scroller.scrollHeight - scroller.clientHeight;
  let before = performance.now();
  for (let frame = 0; frame < 180; frame += 1) {
    scroller.scrollTop = end * ((frame % 90) / 90) + frame * 37;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - before);
    before = now;
  }
  const at = (list, share) => list.sort((a, b) => a - b)[Math.floor(list.length * share)];
  const zooms = [];
  for (let k = 0; k < 40; k += 1) {
    const [from, to] = waterfall.state.window, by = (to - from) * (k < 20 ? 0.1 : -0.125);
    const began = performance.now();
    waterfall.time.set([from + by, to - by]);
    view.draw();
    zooms.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  const fold = performance.now();
  waterfall.state.model.foldLevel();
  const folded = performance.now();
  waterfall.state.model.filter('error');
  const filtered = performance.now();
  const again = await waterfall.columns.fetch(), replacing = performance.now();
  waterfall.replace(again);
  const replaced = performance.now();
  return { replace: replaced - replacing, p50: at(times, .5), p95: at(times, .95), js50: at(draws, .5), js95: at(draws, .95), jsMax: at(draws, .999),
           zoom95: at(zooms, .95), fold: folded - fold, filter: filtered - folded };
}"""

#: The scripts that the page loaded, for their compressed size.
SCRIPTS = (
    """() => performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.endsWith('.js'))"""
)


@dataclass
class Result:
    spans: int
    page_ms: float
    columns_ms: float
    raw: int
    packed: int
    cold: dict[str, float]
    warm: dict[str, float]
    moving: dict[str, float]
    rows: int
    scripts: int


def prepare() -> tuple[Any, str]:
    """Django with its own database, one user, and the cookie of that user's session."""
    os.environ["TRACESTORE_DATA_DIR"] = tempfile.mkdtemp(prefix="tracestore-bench-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracestore.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", "--run-syncdb", verbosity=0)
    from django.contrib.auth.models import User
    from django.core.asgi import get_asgi_application
    from django.test import Client

    from tracestore.models import Membership, Project

    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "default"})
    user = User.objects.create_user("bench")
    Membership.objects.create(user=user, project=project)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    return get_asgi_application(), client.cookies["sessionid"].value


@contextmanager
def served(application: Any) -> Iterator[str]:
    """The address at which uvicorn serves it, from a thread of this process."""
    import uvicorn

    from tests.ports import free_ports

    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(application, port=port, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def measure(sizes: list[int]) -> list[Result]:
    application, cookie = prepare()
    from django.test import Client

    from dashboard.pages import trace
    from dashboard.recent_traces import RecentTraces
    from tests.pages.fake_reader import FakeReader, synthetic_trace
    from tracestore.clickhouse import reader
    from tracestore.clickhouse.rows import TimelineSpan

    class Ready(FakeReader):
        """Answers at once: making the rows is the store's time."""

        @functools.cache  # noqa: B019 - lives as long as the process
        def timeline(self, project: str, trace_id: str, *, limit: int) -> list[TimelineSpan]:
            return super().timeline(project, trace_id, limit=limit)

    store = Ready()
    for size in sizes:
        store.add(synthetic_trace(size, trace_id=TRACE.format(size)))
    reader.get_reader = lambda: store  # type: ignore[assignment]
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies["sessionid"] = cookie
    results = []
    with served(application) as base, chromium() as browser:
        for size in sizes:
            path = f"/traces/{TRACE.format(size)}/"
            client.get(path)
            client.get(f"{path}columns/")
            page_ms, _ = timed(client, path)
            trace.recent = RecentTraces()  # else the columns would be made from what the page kept
            columns_ms, body = timed(client, f"{path}columns/")
            cold, warm, page = visits(browser, base, cookie, path)
            page.wait_for_timeout(300)
            moving = page.evaluate(SCROLL)
            rows = page.evaluate("document.getElementById('waterfall').waterfall.state.model.n")
            sources = page.evaluate(SCRIPTS)
            scripts = sum(len(gzip.compress(client.get(urlsplit(source).path).getvalue(), 6)) for source in sources)
            packed = len(gzip.compress(body, 6))
            results.append(Result(size, page_ms, columns_ms, len(body), packed, cold, warm, moving, rows, scripts))
            page.context.close()
    return results


def timed(client: object, path: str) -> tuple[float, bytes]:
    began = time.process_time()
    response = client.get(path)  # type: ignore[attr-defined]
    return (time.process_time() - began) * 1000, response.content


def table(results: list[Result]) -> str:
    lines = [
        "| spans | rows | server CPU: page | columns | JSON (gzip) | first byte | first rows painted, first time | again "
        "| whole drawn, first time | again | of that, after data "
        "| scroll frame p50 (p95) | JS a frame p50 (p95, max) | zoom JS p95 | fold | filter | newer columns | scripts (gzip) |",
        f"|{'---|' * 18}",
    ]
    for r in results:
        c, w, m = r.cold, r.warm, r.moving
        lines.append(
            f"| {r.spans:,} | {r.rows:,} | {r.page_ms:.0f} ms | {r.columns_ms:.0f} ms | {r.raw / 1e6:.2f} MB ({r.packed / 1e6:.2f}) "
            f"| {w['first']:.0f} ms | {c['paint']:.0f} ms | {w['paint']:.0f} ms "
            f"| {c['drawn']:.0f} ms | {w['drawn']:.0f} ms | {w['after']:.0f} ms "
            f"| {m['p50']:.1f} ({m['p95']:.1f}) ms | {m['js50']:.1f} ({m['js95']:.1f}, {m['jsMax']:.1f}) ms "
            f"| {m['zoom95']:.1f} ms | {m['fold']:.1f} ms | {m['filter']:.1f} ms "
            f"| {m['replace']:.0f} ms | {r.scripts / 1000:.1f} KB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    wanted = [int(argument) for argument in sys.argv[1:]] or [200, 10_000, 100_000]
    print(table(measure(wanted)))
