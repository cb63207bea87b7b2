"""What `up` prints once everything runs: addresses, and what to do next with each of them."""

from __future__ import annotations

from tracestore.environment import Environment, reachable, url_host
from tracestore.secrets import Secrets

#: With nothing but OpenTelemetry's own SDK; the printed text is run by a test.
SNIPPET = """\
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
trace.set_tracer_provider(provider := TracerProvider())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("{otlp_http}/v1/traces"{headers})))
attributes = {{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "hello-agent"}}
with trace.get_tracer("hello").start_as_current_span("invoke_agent hello-agent", attributes=attributes) as span:
    print("{web}/traces/" + format(span.get_span_context().trace_id, "032x") + "/")
provider.shutdown()"""


def web_url(environment: Environment) -> str:
    """The address of the pages that works in a browser on this machine."""
    if not environment.loopback and environment.allowed_hosts:
        return f"https://{environment.allowed_hosts[0].lstrip('.')}"
    return f"http://{url_host(reachable(environment.bind))}:{environment.web_port}"


def otlp_http_url(environment: Environment) -> str:
    return f"http://{url_host(reachable(environment.bind))}:{environment.otlp_http_port}"


def snippet(environment: Environment) -> str:
    """Python that sends one span and prints the address of its page."""
    headers = ', headers={"x-api-key": "YOUR-KEY"}' if environment.require_api_key else ""
    return SNIPPET.format(otlp_http=otlp_http_url(environment), headers=headers, web=web_url(environment))


def sql_line(environment: Environment, secrets: Secrets) -> str:
    """A shell command that runs a query as the read-only user."""
    # The operator's own password is not shown back; one that we made has to be.
    password = '"$TRACESTORE_SQL_PASSWORD"' if environment.sql_password else secrets.sql_password
    url = environment.clickhouse_url or f"http://127.0.0.1:{environment.clickhouse_port}"
    host = url.rpartition("@")[2].partition("://")[2] or url.rpartition("@")[2]
    scheme = url.partition("://")[0]
    query = "SELECT name, type, agent FROM spans ORDER BY start_time DESC LIMIT 5"
    return (
        f"curl -u reader:{password} '{scheme}://{host.rstrip('/')}/?database=tracestore"
        f"&default_format=PrettyCompact' -d '{query}'"
    )


def ready_text(environment: Environment, secrets: Secrets, login_token: str | None, *, demo: bool) -> str:
    """The last lines of a start."""
    web = web_url(environment)
    grpc = f"http://{url_host(reachable(environment.bind))}:{environment.otlp_grpc_port}"
    parts = ["", f"  Web    {web}/login/link/{login_token}/" if login_token else f"  Web    {web}/"]
    if login_token:
        parts.append("         (logs you in as admin; good once, for 30 minutes)")
    parts += [
        f"  OTLP   {otlp_http_url(environment)} (HTTP), {grpc} (gRPC)",
        f"  SQL    {sql_line(environment, secrets)}",
    ]
    if demo:
        parts += [
            "  Demo   five simulated agents are sending; their runs are in the list of traces",
            f"         one loops and is halted, on-call is told: tail -f {environment.data_dir / 'logs' / 'demo.log'}",
        ]
    parts += ["", "To send an agent's traces, set in its environment:"]
    parts += [
        f"  export OTEL_EXPORTER_OTLP_ENDPOINT={otlp_http_url(environment)}",
        "  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ]
    if environment.require_api_key:
        parts.append("  export OTEL_EXPORTER_OTLP_HEADERS=x-api-key=YOUR-KEY")
        made = "is made by `manage.py api_keys create NAME`"
        where = "is the one in TRACESTORE_API_KEY" if environment.api_key else made
        parts.append(
            f"  Senders and API readers need a key because {environment.bind} is not a loopback address; it {where}."
        )
    parts += [
        "",
        "Or try it (pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http):",
        *(f"  {line}" for line in snippet(environment).splitlines()),
    ]
    if not environment.loopback and not environment.allowed_hosts:
        parts += ["", "The pages answer on this machine only: set TRACESTORE_ALLOWED_HOSTS to the name others use."]
    parts += ["", f"Logs are in {environment.data_dir / 'logs'}. Ctrl-C stops everything."]
    return "\n".join(parts)
