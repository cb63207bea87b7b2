"""Measures the trace page in Chromium with synthetic traces: `python -m benchmarks.waterfall [SPANS…]`.

The store is in memory, so the figures are those of tree, columns, page and script alone. Prints a
table; nothing here fails on a slow machine. Chromium: TRACESTORE_CHROMIUM, else /usr/bin/chromium.
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
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

#: When the server's rows were painted, when the columns were there, and when our rows were drawn.
STARTED = """() => {
  const waterfall = document.getElementById('waterfall').waterfall;
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  const page = performance.getEntriesByType('navigation')[0];
  return { paint: paint?.startTime ?? NaN, first: page.responseStart,
           received: waterfall.receivedAt, drawn: waterfall.drawnAt };
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
    started: dict[str, float]
    moving: dict[str, float]
    rows: int
    scripts: int


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
        pass


def prepare() -> tuple[object, str]:
    """Django with its own database, one user, and the cookie of that user's session."""
    os.environ["TRACESTORE_DATA_DIR"] = tempfile.mkdtemp(prefix="tracestore-bench-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracestore.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", "--run-syncdb", verbosity=0)
    from django.contrib.auth.models import User
    from django.core.wsgi import get_wsgi_application
    from django.test import Client

    from tracestore.models import Membership, Project

    project, _ = Project.objects.get_or_create(slug="default", defaults={"name": "default"})
    user = User.objects.create_user("bench")
    Membership.objects.create(user=user, project=project)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    return get_wsgi_application(), client.cookies["sessionid"].value


def measure(sizes: list[int]) -> list[Result]:
    application, cookie = prepare()
    from django.test import Client
    from playwright.sync_api import sync_playwright

    from dashboard.pages import trace
    from dashboard.recent_traces import RecentTraces
    from tests.pages.fake_reader import FakeReader, synthetic_trace
    from tracestore.clickhouse import reader

    store = FakeReader()
    for size in sizes:
        store.add(synthetic_trace(size, trace_id=TRACE.format(size)))
    reader.get_reader = lambda: store  # type: ignore[assignment,return-value]
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies["sessionid"] = cookie
    results = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("TRACESTORE_CHROMIUM", "/usr/bin/chromium"), args=SWITCHES
        )
        for size in sizes:
            path = f"/traces/{TRACE.format(size)}/"
            client.get(path)
            client.get(f"{path}columns/")
            page_ms, _ = timed(client, path)
            trace.recent = RecentTraces()  # else the columns would be made from what the page kept
            columns_ms, body = timed(client, f"{path}columns/")
            context = browser.new_context(viewport={"width": 1400, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
            page = context.new_page()
            page.goto(f"{base}/traces/")  # scripts and styles are in the cache, as for any second page
            page.goto(base + path)
            page.wait_for_selector("#waterfall.is-live")
            started = page.evaluate(STARTED)
            page.wait_for_timeout(300)
            moving = page.evaluate(SCROLL)
            rows = page.evaluate("document.getElementById('waterfall').waterfall.state.model.n")
            sources = page.evaluate(SCRIPTS)
            scripts = sum(len(gzip.compress(client.get(urlsplit(source).path).getvalue(), 6)) for source in sources)
            packed = len(gzip.compress(body, 6))
            results.append(Result(size, page_ms, columns_ms, len(body), packed, started, moving, rows, scripts))
            context.close()
        browser.close()
    server.shutdown()
    return results


def timed(client: object, path: str) -> tuple[float, bytes]:
    began = time.process_time()
    response = client.get(path)  # type: ignore[attr-defined]
    return (time.process_time() - began) * 1000, response.content


def table(results: list[Result]) -> str:
    lines = [
        "| spans | rows | server CPU: page | columns | JSON (gzip) | first rows painted | whole drawn | of that, after data "
        "| scroll frame p50 (p95) | JS a frame p50 (p95, max) | zoom JS p95 | fold | filter | newer columns | scripts (gzip) |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        s, m = r.started, r.moving
        lines.append(
            f"| {r.spans:,} | {r.rows:,} | {r.page_ms:.0f} ms | {r.columns_ms:.0f} ms | {r.raw / 1e6:.2f} MB ({r.packed / 1e6:.2f}) "
            f"| {s['paint']:.0f} ms | {s['drawn']:.0f} ms | {s['drawn'] - s['received']:.0f} ms "
            f"| {m['p50']:.1f} ({m['p95']:.1f}) ms | {m['js50']:.1f} ({m['js95']:.1f}, {m['jsMax']:.1f}) ms "
            f"| {m['zoom95']:.1f} ms | {m['fold']:.1f} ms | {m['filter']:.1f} ms "
            f"| {m['replace']:.0f} ms | {r.scripts / 1000:.1f} KB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    wanted = [int(argument) for argument in sys.argv[1:]] or [200, 10_000, 100_000]
    print(table(measure(wanted)))
