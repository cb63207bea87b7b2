"""The OpenAPI schema and the page that shows it."""

from __future__ import annotations

import re
from io import StringIO

from django.core.management import call_command
from django.test import Client

from dashboard.api import docs


def test_the_schema_is_valid_and_without_warnings() -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())


def test_the_schema_is_served_in_both_forms(client: Client) -> None:
    yaml = client.get("/api/schema/")
    assert yaml.status_code == 200
    assert yaml.content.startswith(b"openapi:")
    json = client.get("/api/schema/?format=json")
    assert "/api/v1/traces/{trace_id}/" in json.json()["paths"]


def test_failures_are_described_too() -> None:
    for path, item in docs.schema()["paths"].items():
        for method, operation in item.items():
            assert {"401", "403"} <= set(operation["responses"]), (method, path)
            assert {"200", "201", "202"} & set(operation["responses"]), (method, path)
            assert {"bearer": []} in operation["security"], (method, path)


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(client: Client) -> None:
    response = client.get("/api/docs/")
    page = response.content.decode()
    for operation in docs.operations(docs.schema()):
        assert f'id="{operation.id}"' in page
        assert operation.parameters, operation.id
        assert operation.answers, operation.id
    assert "curl -H &#x27;authorization: Bearer KEY&#x27; http://testserver/api/v1/traces/" in page
    assert "unset | ok | error" in page
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/static/dashboard/js/theme.js">']
    assert "<style" not in page
    assert "//cdn" not in page
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_nested_fields_follow_their_object() -> None:
    read = next(o for o in docs.operations(docs.schema()) if o.id == "traces_read")
    names = [(field.name, field.depth) for field in read.fields]
    at = names.index(("spans", 0))
    assert names[at + 1] == ("project", 1)
    assert ("attributes", 1) in names[at:]


def test_the_page_is_only_read(client: Client) -> None:
    assert client.post("/api/docs/").status_code in (403, 405)
