"""Reads the `TRACESTORE_*` environment; a bad value stops the start with its name and what is expected.

No Django here: the supervisor and the engine read the same variables before Django is set up.
Every variable is listed in `.env.example`; a test holds the two together.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


class BadEnvironment(SystemExit):
    """A variable has a value that cannot be used. Ends the process with one sentence."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: expected {expected}.")


def text(name: str, default: str) -> str:
    return os.environ.get(name, "").strip() or default


def optional(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def flag(name: str, default: bool) -> bool:
    value = text(name, "true" if default else "false").lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise BadEnvironment(name, value, "true or false")


def port(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise BadEnvironment(name, value, "a TCP port from 1 to 65535")
    return int(value)


def optional_port(name: str) -> int | None:
    return None if optional(name) is None else port(name, 0)


def count(name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or not least <= int(value) <= most:
        raise BadEnvironment(name, value, f"a whole number from {least} to {most}")
    return int(value)


def url(name: str, schemes: tuple[str, ...]) -> str | None:
    value = optional(name)
    if value is None:
        return None
    if urlsplit(value).scheme not in schemes or (value.endswith("://")):
        raise BadEnvironment(name, value, "a URL that begins with " + " or ".join(f"{s}://" for s in schemes))
    return value


def choice(name: str, choices: tuple[str, ...], default: str) -> str:
    value = text(name, default).lower()
    if value not in choices:
        raise BadEnvironment(name, value, "one of " + ", ".join(choices))
    return value


def cluster(name: str) -> str:
    """The name of a cluster as the server's `remote_servers` has it; '' = the store is on one machine."""
    value = optional(name) or ""
    if value and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", value):
        raise BadEnvironment(name, value, "a name of letters, digits, _, - and dots, as in the server's remote_servers")
    return value


#: What `TRACESTORE_REQUIRE_MFA` may be: of nobody, of owners and admins, of everybody.
REQUIRE_MFA = ("false", "admins", "true")
#: Roles that a first login by the identity provider may give; an owner is made by people.
OIDC_ROLES = ("viewer", "member", "admin", "none")


@dataclass(frozen=True, slots=True)
class Oidc:
    """The identity provider, where there is one. Made by `read_oidc()`."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    role: str
    organisation: str
    domains: tuple[str, ...]
    match_email: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """All of the environment, checked. Made by `read()`."""

    data_dir: Path
    bind: str
    web_port: int
    otlp_grpc_port: int
    otlp_http_port: int
    clickhouse_port: int
    clickhouse_url: str | None
    clickhouse_cluster: str
    database_url: str | None
    broker_url: str | None
    secret_key: str | None
    admin_password: str | None
    api_key: str | None
    require_api_key: bool
    sql_password: str | None
    allow_private_webhooks: bool
    public_url: str
    smtp_url: str | None
    email_from: str
    allowed_hosts: tuple[str, ...]
    debug: bool
    ingest_processes: int
    ingest_url: str
    worker_metrics_port: int | None
    api_requests_per_second: int  # of one key or user in each web process; 0 for no limit
    read_bytes_per_second: int  # of one project's pages and API in each web process; 0 for no limit
    attribute_names_per_day: int  # of one project in each ingest process; 0 for no limit
    require_mfa: str
    password_login: bool
    oidc: Oidc | None
    own_traces: bool

    @property
    def loopback(self) -> bool:
        return is_loopback(self.bind)

    @property
    def web_address(self) -> str:
        """Where this machine reaches the web process, as HOST:PORT."""
        return f"{url_host(reachable(self.bind))}:{self.web_port}"

    @property
    def embedded(self) -> bool:
        """Whether ClickHouse is the engine process that we start ourselves."""
        return self.clickhouse_url is None


def reachable(bind: str) -> str:
    """An address of this machine at which a server bound to `bind` answers."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(bind, bind)


def url_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def is_loopback(address: str) -> bool:
    return address == "localhost" or address == "::1" or address.startswith("127.")


def read() -> Environment:
    bind = text("TRACESTORE_BIND", "127.0.0.1")
    loopback = is_loopback(bind)
    data_dir = Path(text("TRACESTORE_DATA_DIR", str(ROOT / "var"))).expanduser()
    if data_dir.exists() and not data_dir.is_dir():
        raise BadEnvironment("TRACESTORE_DATA_DIR", str(data_dir), "a directory, or a path where one can be made")
    with contextlib.suppress(OSError):
        data_dir.mkdir(parents=True, exist_ok=True)
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise BadEnvironment("TRACESTORE_DATA_DIR", str(data_dir), "a directory that can be written to")
    clickhouse_url = url("TRACESTORE_CLICKHOUSE_URL", ("http", "https"))
    clickhouse_cluster = cluster("TRACESTORE_CLICKHOUSE_CLUSTER")
    if clickhouse_cluster and clickhouse_url is None:
        raise BadEnvironment(
            "TRACESTORE_CLICKHOUSE_CLUSTER", clickhouse_cluster,
            "no value while TRACESTORE_CLICKHOUSE_URL is unset: the embedded engine is one machine",
        )  # fmt: skip
    return Environment(
        data_dir=data_dir.absolute(),
        bind=bind,
        web_port=port("TRACESTORE_WEB_PORT", 8000),
        otlp_grpc_port=port("TRACESTORE_OTLP_GRPC_PORT", 4317),
        otlp_http_port=port("TRACESTORE_OTLP_HTTP_PORT", 4318),
        clickhouse_port=port("TRACESTORE_CLICKHOUSE_PORT", 8123),
        clickhouse_url=clickhouse_url,
        clickhouse_cluster=clickhouse_cluster,
        database_url=url("TRACESTORE_DATABASE_URL", ("postgres", "postgresql", "sqlite")),
        broker_url=url("TRACESTORE_BROKER_URL", ("redis", "rediss", "filesystem", "memory")),
        secret_key=optional("TRACESTORE_SECRET_KEY"),
        admin_password=optional("TRACESTORE_ADMIN_PASSWORD"),
        api_key=optional("TRACESTORE_API_KEY"),
        require_api_key=flag("TRACESTORE_REQUIRE_API_KEY", not loopback),
        sql_password=optional("TRACESTORE_SQL_PASSWORD"),
        allow_private_webhooks=flag("TRACESTORE_ALLOW_PRIVATE_WEBHOOKS", loopback),
        public_url=(url("TRACESTORE_PUBLIC_URL", ("http", "https")) or "").rstrip("/"),
        smtp_url=url("TRACESTORE_SMTP_URL", ("smtp", "smtps", "smtp+starttls")),
        email_from=text("TRACESTORE_EMAIL_FROM", "tracestore@localhost"),
        allowed_hosts=tuple(h for h in text("TRACESTORE_ALLOWED_HOSTS", "").replace(",", " ").split()),
        debug=flag("TRACESTORE_DEBUG", False),
        ingest_processes=count("TRACESTORE_INGEST_PROCESSES", 1, most=64),
        ingest_url=(url("TRACESTORE_INGEST_URL", ("http", "https")) or "").rstrip("/"),
        worker_metrics_port=optional_port("TRACESTORE_WORKER_METRICS_PORT"),
        api_requests_per_second=count("TRACESTORE_API_REQUESTS_PER_SECOND", 50, least=0),
        # At ten million spans in thirty days most pages read under half a gigabyte, and a search that finds nothing one
        # to two: nobody who looks at pages comes near it.
        read_bytes_per_second=count("TRACESTORE_READ_BYTES_PER_SECOND", 500_000_000, least=0, most=10**13),
        # Agents of every framework together use some hundreds; more than ten thousand are data used as names.
        attribute_names_per_day=count("TRACESTORE_ATTRIBUTE_NAMES_PER_DAY", 10_000, least=0),
        require_mfa=choice("TRACESTORE_REQUIRE_MFA", REQUIRE_MFA, "false"),
        password_login=password_login(),
        oidc=read_oidc(),
        own_traces=flag("TRACESTORE_OWN_TRACES", False),
    )


def read_oidc() -> Oidc | None:
    """The variables of the identity provider; None while no issuer is named."""
    issuer = (url("TRACESTORE_OIDC_ISSUER", ("http", "https")) or "").rstrip("/")
    client_id = text("TRACESTORE_OIDC_CLIENT_ID", "")
    if not issuer:
        if client_id:
            raise BadEnvironment("TRACESTORE_OIDC_ISSUER", "", "a URL, since TRACESTORE_OIDC_CLIENT_ID is set")
        return None
    parts = urlsplit(issuer)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        # Who may be anybody must not be told in clear.
        raise BadEnvironment("TRACESTORE_OIDC_ISSUER", issuer, "https://, except on this machine")
    if not client_id:
        raise BadEnvironment("TRACESTORE_OIDC_CLIENT_ID", "", "the client id, since TRACESTORE_OIDC_ISSUER is set")
    domains = tuple(one.lower() for one in text("TRACESTORE_OIDC_DOMAINS", "").replace(",", " ").split())
    for domain in domains:
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain):
            raise BadEnvironment("TRACESTORE_OIDC_DOMAINS", domain, "domains such as example.org, with commas between")
    if os.environ.get("TRACESTORE_OIDC_ROLE", "viewer").strip():
        role = choice("TRACESTORE_OIDC_ROLE", OIDC_ROLES, "viewer")
    else:
        role = "none"  # written down and left empty: nobody who is not known already
    return Oidc(
        issuer=issuer,
        client_id=client_id,
        client_secret=text("TRACESTORE_OIDC_CLIENT_SECRET", ""),
        name=text("TRACESTORE_OIDC_NAME", "single sign-on")[:40],
        role="" if role == "none" else role,
        organisation=text("TRACESTORE_OIDC_ORGANISATION", "default"),
        domains=domains,
        match_email=flag("TRACESTORE_OIDC_MATCH_EMAIL", False),
    )


def password_login() -> bool:
    allowed = flag("TRACESTORE_PASSWORD_LOGIN", True)
    if not allowed and optional("TRACESTORE_OIDC_ISSUER") is None:
        raise BadEnvironment("TRACESTORE_PASSWORD_LOGIN", "false", "true while there is no TRACESTORE_OIDC_ISSUER")
    return allowed
