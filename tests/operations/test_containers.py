"""What can be known of the containers without starting one: the specification, the limits, the rights, the proxy."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.e2e.test_other_parts import program
from tests.operations import compose_file
from tests.operations.test_documents import SETTING, settings
from tracestore.environment import ROOT

OURS = {"bootstrap", "ingest", "worker", "beat", "web"}
SERVERS = {"clickhouse", "postgres", "redis"}
PROXIES = {"proxy", "tls"}
#: What an operator must set, and nothing else.
NEEDED = dict.fromkeys(
    [
        *(f"TRACESTORE_{name}" for name in ("SECRET_KEY", "SQL_PASSWORD", "ADMIN_PASSWORD")),
        *(f"{name}_PASSWORD" for name in ("POSTGRES", "CLICKHOUSE")),
    ],
    "a-password",
)
VENDOR = Path(__file__).parent / "vendor"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose_file.read(NEEDED)["services"]
    return found


def test_the_schema_is_what_was_fetched() -> None:
    digest = hashlib.sha256((VENDOR / "compose-spec.json").read_bytes()).hexdigest()
    assert digest in (VENDOR / "README.md").read_text()


@pytest.mark.parametrize("filled", [False, True])
def test_it_is_as_the_specification_says(filled: bool) -> None:
    document = compose_file.read(NEEDED) if filled else compose_file.raw()
    validator = Draft7Validator(json.loads((VENDOR / "compose-spec.json").read_text()))
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)] == []
    # The schema would tell: this is no empty question.
    document["services"]["web"]["healthcheck"]["tries"] = 3
    assert list(validator.iter_errors(document))


def test_names_that_are_used_are_defined() -> None:
    document = compose_file.read(NEEDED)
    used: dict[str, set[str]] = {"volumes": set(), "networks": set(), "configs": set()}
    for service in document["services"].values():
        used["volumes"] |= {volume.partition(":")[0] for volume in service.get("volumes", [])}
        used["networks"] |= set(service["networks"])
        used["configs"] |= {config["source"] for config in service.get("configs", [])}
        assert set(service.get("depends_on", {})) <= set(document["services"])
    for kind, names in used.items():
        assert names == set(document[kind]), kind


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_must_be_set_is_asked_for(name: str) -> None:
    with pytest.raises(compose_file.Unset, match=name):
        compose_file.read({other: value for other, value in NEEDED.items() if other != name})


def test_every_variable_is_in_the_example() -> None:
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    listed = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert used <= listed
    only_here = {name for name in listed if not name.startswith("TRACESTORE_")}
    assert only_here == {name for name in used if not name.startswith("TRACESTORE_")}


def test_every_process_of_the_served_form_is_there(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == OURS | SERVERS | PROXIES
    for name in OURS - {"bootstrap"}:
        assert services[name]["depends_on"]["bootstrap"] == {"condition": "service_completed_successfully"}
    assert [name for name, service in services.items() if "profiles" in service] == ["tls"]


def test_only_settings_that_exist_and_no_secrets() -> None:
    document = compose_file.raw()
    assert set(SETTING.findall((ROOT / "docker-compose.yml").read_text())) <= settings()
    for service in document["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|API_KEY", name):
                assert value.startswith("${"), name
    # Only the first start needs these two.
    first_start = {"TRACESTORE_ADMIN_PASSWORD", "TRACESTORE_API_KEY"}
    for name in OURS:
        assert (first_start <= set(document["services"][name]["environment"])) == (name == "bootstrap")


def test_each_service_is_limited_and_looked_after(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}, name
        assert isinstance(limits["pids"], int)
        assert limits["cpus"] == "0" or float(limits["cpus"]) <= 2, "more than the smallest host has"
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}}, name
        if name == "bootstrap":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_none_has_rights_that_it_does_not_need(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if service["user"].startswith("0")} == {"tls"}
    without = {name for name, service in services.items() if not service.get("read_only")}
    assert without == {"clickhouse"}
    for name, service in services.items():
        assert not service.get("privileged")
        if name == "clickhouse":
            continue
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name in PROXIES else []), name


def test_our_processes_keep_nothing(services: dict[str, dict[str, Any]]) -> None:
    """Hence any number of them, on any machine."""
    for name in OURS:
        service = services[name]
        assert "volumes" not in service
        assert any(one.startswith(service["environment"]["TRACESTORE_DATA_DIR"] + ":") for one in service["tmpfs"])
        for variable in ("TRACESTORE_CLICKHOUSE_URL", "TRACESTORE_DATABASE_URL", "TRACESTORE_SECRET_KEY"):
            assert service["environment"][variable], variable
    for name in SERVERS:
        assert services[name]["volumes"]


def test_who_may_reach_whom(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "front" in service["networks"]} == {
        "proxy", "tls", "ingest", "web",
    }  # fmt: skip
    assert {name for name, service in services.items() if service["networks"] == ["front"]} == PROXIES


def test_nothing_is_open_beyond_this_machine_but_tls(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "clickhouse": ["127.0.0.1:8123:8123"],
        "proxy": ["127.0.0.1:8000:8080", "127.0.0.1:4317:4317", "127.0.0.1:4318:4318"],
        "tls": ["80:8080", "443:8443"],
    }


def test_the_proxies_lead_to_the_ports_that_the_processes_listen_on(services: dict[str, dict[str, Any]]) -> None:
    configs = compose_file.read(NEEDED)["configs"]
    for name in PROXIES:
        leads = set(re.findall(r"dynamic a (\w+) (\d+)", configs[name]["content"]))
        assert leads == {("ingest", "4317"), ("ingest", "4318"), ("web", "8000")}
    assert {"4317", "4318"} <= set(services["ingest"]["command"])
    assert "--port=8000" in services["web"]["command"]
    for service in services.values():
        for port in service.get("ports", []):
            inside = port.rpartition(":")[2]
            if service["image"].startswith("caddy"):
                (source,) = (config["source"] for config in service["configs"])
                assert inside in configs[source]["content"]


@pytest.mark.parametrize("name", sorted(PROXIES))
@pytest.mark.parametrize("host", ["", "tracestore.example.org"])
def test_caddy_takes_its_configuration(tmp_path: Path, name: str, host: str) -> None:
    caddy = program("caddy", always=False)
    content = compose_file.read({**NEEDED, "TLS_HOST": host, "TLS_WITH": "admin@example.org" if host else ""})
    (tmp_path / "Caddyfile").write_text(content["configs"][name]["content"])
    done = subprocess.run(
        [caddy, "validate", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"],
        env={"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_with_a_host_for_tls_all_links_lead_there() -> None:
    found = compose_file.read({**NEEDED, "TLS_HOST": "traces.example.org"})
    environment = found["services"]["web"]["environment"]
    assert environment["TRACESTORE_ALLOWED_HOSTS"] == "traces.example.org"
    assert environment["TRACESTORE_PUBLIC_URL"] == "https://traces.example.org"
    assert "\ntraces.example.org {\n    tls internal\n" in found["configs"]["tls"]["content"]
    assert compose_file.read(NEEDED)["services"]["web"]["environment"]["TRACESTORE_PUBLIC_URL"] == ""


def test_the_server_is_of_the_line_of_the_embedded_engine(services: dict[str, dict[str, Any]]) -> None:
    engine = re.search(r"^chdb-core==(\d+\.\d+)", (ROOT / "constraints.txt").read_text(), re.M)
    assert engine is not None
    assert services["clickhouse"]["image"] == f"clickhouse/clickhouse-server:{engine[1]}"


def test_every_image_has_a_version(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        assert re.search(r":\d+(\.\d+)*$", service["image"]), service["image"]


def test_the_logs_of_the_server_end() -> None:
    text = compose_file.raw()["configs"]["clickhouse_logs"]["content"]
    for log in re.findall(r"<(\w+_log)\b(?![^>]*remove)", text):
        assert f"<{log}><ttl>" in text, log
    assert "<size>50M</size><count>3</count>" in text


def test_the_image_runs_as_nobody_special_and_is_pinned(services: dict[str, dict[str, Any]]) -> None:
    text = (ROOT / "Dockerfile").read_text()
    user = re.search(r"^USER (.+)$", text, re.M)
    assert user is not None
    assert user[1] == services["web"]["user"]
    assert re.search(r"^ARG BASE=python:3\.11\.\d+-slim-\w+$", text, re.M)
    assert "-c constraints.txt" in text
    assert "ARG SOURCE_DATE_EPOCH=" in text
    assert set(re.findall(r"^EXPOSE (.+)$", text, re.M)) == {"8000 4317 4318"}


def test_the_image_holds_what_the_processes_need_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines, "all is left out"
    back = {line[1:] for line in lines if line.startswith("!")}
    assert all((ROOT / name).exists() for name in back)
    copied = set(re.findall(r"^COPY (.+) \./$", (ROOT / "Dockerfile").read_text(), re.M)[0].split())
    assert back == copied | {"manage.py", "tracestore", "dashboard", "ingest"}
