"""The served form by hand: what docker-compose.yml would start, against real PostgreSQL and Redis."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import psycopg
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from pytest_django.plugin import DjangoDbBlocker

from tests.alerts import test_incident_races as races
from tests.database_threads import OnPostgresql
from tests.e2e.served import DOT_ENV, Served
from tests.e2e.stack import ADMIN_PASSWORD, API_KEY, ROOT, Stack
from tests.e2e.test_on_call import Mailbox
from tests.e2e.test_other_parts import postgresql, program, redis
from tests.engine_process import EngineProcess
from tests.ports import free_ports
from tracestore import leases
from tracestore.demo.receiver import Receiver
from tracestore.models import Lease

# Many processes start here, which takes long where others do too.
pytestmark = pytest.mark.timeout(600)

SECRET = "a secret of the served form"
#: Of one looping agent: its run, and eight times a model call and a tool call.
SPANS = 17
THREADS = 6
STORED = 'tracestore_ingest_spans_total{outcome="stored"'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    parts = contextlib.ExitStack()
    with parts:
        data = parts.enter_context(tempfile.TemporaryDirectory(prefix="tracestore-postgres-"))
        database = parts.enter_context(contextlib.contextmanager(postgresql)(Path(data)))
        broker = parts.enter_context(contextlib.contextmanager(redis)(folder))
        engine = EngineProcess(
            folder / "clickhouse",
            admin_password=DOT_ENV["CLICKHOUSE_PASSWORD"],
            reader_password=DOT_ENV["TRACESTORE_SQL_PASSWORD"],
        )
        parts.enter_context(engine)
        found = Served(folder, engine, database, broker)
        parts.callback(found.end)
        found.start()
        yield found


@pytest.fixture
def database(served: Served) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(served.database_url, autocommit=True) as connection:
        yield connection


def loop(exporter: SpanExporter, agent: str) -> str:
    """Exports the run of an agent that asks the same again and again, as its SDK does. Returns its trace id."""
    provider = TracerProvider(resource=Resource.create({"service.name": agent}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    named = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent}
    with tracer.start_as_current_span(f"invoke_agent {agent}", attributes=named) as run:
        for _ in range((SPANS - 1) // 2):
            with tracer.start_as_current_span("chat gpt-4o") as chat:
                chat.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"})
                chat.set_attributes({"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 4000})
                chat.set_attribute("gen_ai.usage.output_tokens", 200)
            with tracer.start_as_current_span("execute_tool search_kb") as tool:
                tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search_kb"})
                tool.set_attribute("gen_ai.tool.call.arguments", '{"query": "refund policy"}')
                tool.set_attribute("gen_ai.tool.call.result", "no results")
        trace_id = f"{run.get_span_context().trace_id:032x}"
    provider.shutdown()
    return trace_id


def by_grpc(address: str) -> SpanExporter:
    return GrpcExporter(endpoint=address, insecure=True, headers={"authorization": f"Bearer {API_KEY}"})


def by_http(address: str, **options: Any) -> SpanExporter:
    return HttpExporter(f"{address}/v1/traces", headers={"x-api-key": API_KEY}, **options)


def metric(served: Served, ingest: str, line: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", served.ports[ingest][1], timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf"^{re.escape(line)}.* (\S+)$", text, re.M)
    return int(float(found[1])) if found else 0


def test_the_health_checks_of_the_file_succeed(served: Served) -> None:
    running = [container for name, container in served.containers.items() if name != "bootstrap"]
    for container in running:
        if container.name == "beat":
            served.until(lambda: list((served.folder / "beat" / "tmp").glob("beat-schedule*")), "beat's schedule")
    checks = {container.name: container.healthy() for container in running}
    assert {name: check.wait(60) for name, check in checks.items()} == dict.fromkeys(checks, 0)


def test_the_health_checks_of_the_servers_succeed(served: Served) -> None:
    servers = served.file["services"]
    programs = {name: str(Path(program(name, f"usr/lib/postgresql/*/bin/{name}")).parent) for name in (
        "redis-cli", "pg_isready",
    )}  # fmt: skip
    broker, database = urllib.parse.urlsplit(served.redis_url), urllib.parse.urlsplit(served.database_url)
    environment = {
        "PATH": ":".join([*programs.values(), "/usr/bin", "/bin"]),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(database.port),
    }
    changed = {"redis-cli": f"redis-cli -p {broker.port}", ":8123/": f":{served.engine.port}/"}
    for name in ("redis", "postgres", "clickhouse"):
        command = " ".join(servers[name]["healthcheck"]["test"][1:])
        if command.startswith("wget") and shutil.which("wget") is None:
            continue
        for old, new in changed.items():
            command = command.replace(old, new)
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, timeout=30, check=False)
        assert done.returncode == 0, (command, done)


def test_what_either_ingest_took_is_seen_by_web(served: Served) -> None:
    first, second = f"one-{uuid.uuid4().hex[:8]}", f"two-{uuid.uuid4().hex[:8]}"
    sent = {
        loop(by_grpc(served.otlp_grpc("ingest-1")), first): first,
        loop(by_http(served.otlp_http("ingest-2")), second): second,
    }
    for trace_id, agent in sent.items():
        trace = served.until(lambda trace_id=trace_id: found(served, trace_id), f"the trace of {agent}")
        assert (trace["agent"], trace["span_count"], trace["tool_calls"]) == (agent, SPANS, (SPANS - 1) // 2)
    assert [metric(served, name, STORED) for name in served.ports] == [SPANS, SPANS]


def found(served: Served, trace_id: str) -> Any:
    with contextlib.suppress(OSError):
        return served.api("GET", f"traces/{trace_id}/")
    return None


class Browser:
    """A connection that stays open, as far as TLS's proxy would have it: cookies are kept between several."""

    def __init__(self, served: Served, cookies: dict[str, str]) -> None:
        self.served, self.cookies = served, cookies
        self.connection = http.client.HTTPConnection("127.0.0.1", served.web_port, timeout=30)

    def ask(self, method: str, path: str, **form: str) -> tuple[int, str]:
        headers = {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "192.0.2.7",
            "Origin": f"https://127.0.0.1:{self.served.web_port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self.connection.request(method, path, urllib.parse.urlencode(form), headers)
        answer = self.connection.getresponse()
        for cookie in answer.headers.get_all("set-cookie") or []:
            assert "Secure" in cookie
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read().decode()

    def process(self) -> int:
        """The id of the process at the other end."""
        here = self.connection.sock.getsockname()[1]
        web = self.served.containers["web"].process
        assert web is not None
        for child in psutil.Process(web.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if any(end.raddr and end.raddr.port == here for end in child.net_connections("tcp")):
                    return child.pid
        raise AssertionError("nobody is at the other end")


def test_a_login_at_one_web_process_holds_in_the_other(served: Served) -> None:
    cookies: dict[str, str] = {}
    browser = Browser(served, cookies)
    assert browser.ask("GET", "/login/")[0] == 200
    first = browser.process()
    form = {"username": "admin", "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": cookies["__Host-csrftoken"]}
    assert browser.ask("POST", "/login/", **form)[0] == 302
    assert browser.process() == first
    assert "__Host-sessionid" in cookies

    def other() -> Browser | None:
        one = Browser(served, cookies)
        assert one.ask("GET", "/healthz")[0] == 200
        if one.process() != first:
            return one
        one.connection.close()
        return None

    second = served.until(other, "a connection to the other process")
    status, page = second.ask("GET", "/traces/")
    assert (status, "admin" in page) == (200, True)
    stranger = Browser(served, {})
    assert stranger.ask("GET", "/traces/")[0] == 302
    for one in (browser, second, stranger):
        one.connection.close()


@pytest.fixture(scope="module")
def mailbox(served: Served) -> Iterator[Mailbox]:
    """Told of every incident, by a webhook."""
    taken = Mailbox()
    with Receiver(SECRET, taken.take) as receiver:
        fields = {"name": "hook", "kind": "webhook", "config": {"url": receiver.url, "secret": SECRET}}
        served.api("POST", "channels/", fields)
        yield taken


def test_two_workers_do_everything_once(served: Served, mailbox: Mailbox, database: psycopg.Connection[Any]) -> None:
    agents = [f"looping-{number}-{uuid.uuid4().hex[:6]}" for number in range(3)]
    traces = [loop(by_grpc(served.otlp_grpc(f"ingest-{1 + number % 2}")), name) for number, name in enumerate(agents)]
    told_once(served, mailbox, database, agents)
    settled(served, traces)
    # Both had a hand in it, and no trace was settled, no look made, by both.
    said = {name: served.containers[name].said for name in ("worker-1", "worker-2")}
    assert all(counted.total() > 5 for counted in jobs(served).values()), jobs(served)
    settlings = re.findall(r'"traces": (\d+), "spans_changed"', "".join(said.values()))
    (all_traces,) = served.sql("SELECT uniqExact(trace_id) FROM stored_spans")[0]
    assert sum(map(int, settlings)) == int(all_traces), "each trace came whole, so it is settled once"
    written, different = served.sql("SELECT count(), uniqExact(id, digest) FROM stored_findings")[0]
    assert written == different, "a finding was written twice"


def told_once(served: Served, mailbox: Mailbox, database: psycopg.Connection[Any], agents: list[str]) -> None:
    """Waits for a message of each agent, then for some more passes of the jobs: there is no second one."""
    served.until(lambda: all(mailbox.about(agent) for agent in agents), "a message about each agent", 150)
    before = sum(jobs(served).values(), Counter())
    wanted = before + Counter(evaluate_alerts=2, send_notifications=3, detect_traces=2, settle_traces=2)
    served.until(lambda: sum(jobs(served).values(), Counter()) >= wanted, "some more passes")
    for agent in agents:
        assert [message["tracestore"]["event"] for message in mailbox.about(agent)] == ["opened"], agent
        (incident,) = served.api("GET", f"incidents/?agent={agent}")["results"]
        rows = database.execute(
            "SELECT event, state, attempts FROM alerts_notification WHERE incident_id = %s", [incident["id"]]
        ).fetchall()
        assert rows == [("opened", "sent", 1)]
        kinds = database.execute(
            "SELECT kind FROM alerts_transition WHERE incident_id = %s ORDER BY version", [incident["id"]]
        ).fetchall()
        assert kinds == [("opened",)]


def jobs(served: Served) -> dict[str, Counter[str]]:
    """How often each worker has done each job."""
    said = {name: served.containers[name].said for name in ("worker-1", "worker-2")}
    return {
        name: Counter(re.findall(r"Task tracestore\.(\w+)\[[^]]+\] succeeded", text)) for name, text in said.items()
    }


def settled(served: Served, traces: list[str]) -> None:
    served.until(lambda: served.sql("SELECT count() FROM open_traces") in ([[0]], [["0"]]), "all traces to be settled")
    names = ", ".join(f"'{trace}'" for trace in traces)
    (row,) = served.sql(f"SELECT count(), sum(span_count) FROM traces WHERE trace_id IN ({names})")
    assert [int(value) for value in row] == [len(traces), SPANS * len(traces)]


HELD = "SELECT name FROM tracestore_lease WHERE holder <> '' AND name NOT LIKE 'passed/%' AND expires_at > now()"


def test_one_worker_is_killed_and_nothing_is_lost_or_done_twice(
    served: Served, mailbox: Mailbox, database: psycopg.Connection[Any]
) -> None:
    agents = [f"after-{number}-{uuid.uuid4().hex[:6]}" for number in range(3)]
    traces = []
    for number, name in enumerate(agents):
        traces.append(loop(by_http(served.otlp_http("ingest-1")), name))
        if number == 1:
            # In the middle: what the traces so far mean is not worked out yet. At a moment when no lease is held, else
            # the other worker waits for its end, as it should: up to a minute.
            served.until(lambda: not database.execute(HELD).fetchall(), "a moment between two passes", 30)
            served.containers["worker-1"].kill()
    told_once(served, mailbox, database, agents)
    settled(served, traces)


@pytest.fixture
def threads(served: Served, django_db_blocker: DjangoDbBlocker) -> Iterator[OnPostgresql]:
    """A database beside that of the processes."""
    with django_db_blocker.unblock():
        yield OnPostgresql(served.database_url.rpartition("/")[0] + "/races")


def test_jobs_of_incidents_at_once_on_postgresql(threads: OnPostgresql) -> None:
    races.test_workers_that_absorb_and_tick_at_once(threads)


def test_people_and_jobs_at_once_on_postgresql(threads: OnPostgresql) -> None:
    races.test_people_and_workers_at_once(threads)


def test_a_lease_is_held_by_one_at_a_time(threads: OnPostgresql) -> None:
    """Each of several workers tries again and again to add one, reading before it writes."""
    held = []

    def work() -> None:
        for _ in range(50):
            with leases.hold("counting", seconds=60) as got:
                if got:
                    row = Lease.objects.get_or_create(name="counted", defaults={"holder": "0"})[0]
                    Lease.objects.filter(pk=row.pk).update(holder=str(int(row.holder) + 1))
                    held.append(1)

    def check() -> None:
        assert int(Lease.objects.get(name="counted").holder) == len(held)
        assert not Lease.objects.filter(name="counting").exclude(holder="").exists()

    assert threads.run(*[work] * THREADS) == []
    assert len(held) >= 10
    threads.one(check)


@contextlib.contextmanager
def caddy(served: Served, name: str, folder: Path) -> Iterator[dict[str, int]]:
    """A proxy of the file, with fixed addresses in place of the names that an engine would know. Yields port → port."""
    found = program("caddy", always=False)
    ports = dict(zip(("4317", "4318", "8080", "8443", "9180"), free_ports(5), strict=True))
    to = {
        "ingest 4317": [f"127.0.0.1:{grpc_port}" for grpc_port, _ in served.ports.values()],
        "ingest 4318": [f"127.0.0.1:{http_port}" for _, http_port in served.ports.values()],
        "web 8000": [f"127.0.0.1:{served.web_port}"],
    }
    text = served.file["configs"][name]["content"]
    for target, addresses in to.items():
        text = re.sub(rf"dynamic a {target} \{{[^}}]*\}}", "to " + " ".join(addresses), text)
    text = re.sub(r"^(http://)?:(\d+) \{", lambda site: f"http://127.0.0.1:{ports[site[2]]} {{", text, flags=re.M)
    text = re.sub(r"(https?_port) (\d+)", lambda port: f"{port[1]} {ports[port[2]]}", text)
    (folder / "Caddyfile").write_text(text.replace("admin off", "admin off\n    default_bind 127.0.0.1"))
    home = {name: str(folder) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME")}
    command = [found, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(command, env=home, stdout=output, stderr=output)
    try:
        served.until(lambda: Stack.answers(f"http://127.0.0.1:{ports['9180']}/"), "Caddy", 20)
        yield ports
    finally:
        process.terminate()
        process.wait(20)


def test_the_proxy_shares_out_among_ingests(served: Served, tmp_path: Path) -> None:
    with caddy(served, "proxy", tmp_path) as ports:
        before = [metric(served, one, STORED) for one in served.ports]
        for _ in range(8):
            loop(by_grpc(f"127.0.0.1:{ports['4317']}"), "through-the-proxy")
            loop(by_http(f"http://127.0.0.1:{ports['4318']}"), "through-the-proxy")
        after = [metric(served, one, STORED) for one in served.ports]
        assert sum(after) - sum(before) == 16 * SPANS
        assert all(now > then for now, then in zip(after, before, strict=True)), "only one of them was asked"
        assert Stack.answers(f"http://127.0.0.1:{ports['8080']}/readyz")


def test_tls_for_pages_and_senders_on_one_port(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)  # they would win over the authority given to the exporter
    with caddy(served, "tls", tmp_path) as ports:
        (authority,) = served.until(lambda: list(tmp_path.rglob("root.crt")), "the authority")
        here = f"localhost:{ports['8443']}"
        traces = [
            loop(by_http(f"https://{here}", certificate_file=str(authority)), "over-tls"),
            loop(
                GrpcExporter(
                    endpoint=here,
                    credentials=grpc.ssl_channel_credentials(authority.read_bytes()),
                    headers={"authorization": f"Bearer {API_KEY}"},
                ),
                "over-tls",
            ),
        ]
        for trace_id in traces:
            served.until(lambda trace_id=trace_id: found(served, trace_id), "a trace that came over TLS")
        trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(authority)))
        cookies = http.cookiejar.CookieJar()
        browser = urllib.request.build_opener(trusting, urllib.request.HTTPCookieProcessor(cookies))
        browser.addheaders = [("Origin", f"https://{here}")]
        browser.open(f"https://{here}/login/", timeout=30).close()
        (token,) = (cookie.value for cookie in cookies if cookie.name == "__Host-csrftoken")
        form = {"username": "admin", "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": token}
        with browser.open(f"https://{here}/login/", urllib.parse.urlencode(form).encode(), timeout=30) as page:
            assert (page.url, page.status) == (f"https://{here}/", 200)
            assert "max-age=" in page.headers["strict-transport-security"]


def test_each_stops_in_time(served: Served) -> None:
    """Last: in the order in which `docker compose stop` ends them, what depends on others first."""
    ended = {}
    for name in ("beat", "web", "worker-2", "ingest-1", "ingest-2"):
        ended[name] = served.containers[name].stop()
    assert all(code in (0, -15, 143) for code, _ in ended.values()), ended
    for name in ("ingest-1", "ingest-2", "worker-2", "beat"):
        assert ended[name][0] == 0, (name, ended)
    others = {running.web.rpartition(":")[2] for running in Stack.running}
    served_by = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    assert [words for words in served_by if "tracestore.asgi:application" in words and not others & set(words)] == []
    assert not [path for path in ROOT.iterdir() if path.suffix in (".pid", ".db") or path.name == "beat-schedule"]
