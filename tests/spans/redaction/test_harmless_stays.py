"""What must not be redacted: figures, ids, hashes, images, code, and whatever real frameworks send."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import uuid
from pathlib import Path

import pytest
from corpus import captures, records
from samples import record

from tracestore.spans import decode_logs
from tracestore.spans.model import Value
from tracestore.spans.redaction.apply import Redactor

REDACTOR = Redactor()

FIGURES: dict[str, Value] = {
    "gen_ai.usage.input_tokens": 1234,
    "gen_ai.usage.output_tokens": 99,
    "gen_ai.usage.cache_read.input_tokens": 4111111111111,
    "gen_ai.usage.reasoning_tokens": 7,
    "gen_ai.token.type": "input",
    "gen_ai.request.max_tokens": 4096,
    "llm.token_count.prompt": 12,
    "llm.token_count.prompt_details.cache_read": 3,
    "llm.usage.total_tokens": 15,
    "access_tokens": 4,
    "refresh_tokens": "12",
    "max_tokens": 256,
    "max_completion_tokens": 256,
    "token_count": 5,
    "tokens": 5,
    "token": "the",
    "next_page_token": "CAUQAA",
    "ai.usage.promptTokens": 9,
    "key": "color",
    "primary_key": "id",
    "keys": ["a", "b"],
    "password_policy": "at least 12 characters",
    "secretary": "Ms Jones",
    "cookie_banner.shown": True,
    "authorization_endpoint": "https://id.example/authorize",
    "author": "R. Roe",
    "session.id": "b7d9c1f0",
    "user.id": "u-4111",
    "api_key_present": True,
    "gen_ai.tool.call.id": "call_c32fe1ba38ac0f429e2b9d",
}

TEXTS = {
    "uuid": str(uuid.UUID(int=0x4111111111111111_4111111111111111)),
    "trace id of digits": "41111111111111114111111111111111",
    "traceparent": "00-4111111111111111aaaaaaaaaaaaaaaa-4111111111111111-01",
    "hex": "deadbeef4111111111111111",
    "sha256": hashlib.sha256(b"x").hexdigest(),
    "git": "commit 4111111111111111411111111111111141111111",
    "digest": "sha256:" + hashlib.sha256(b"y").hexdigest(),
    "image": "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 8).decode(),
    "nanoseconds": "1795240831000000000",
    "nanoseconds with a right check digit": "1800000000000000001",
    "milliseconds": "1795240831000",
    "microseconds": "1795240831000003",
    "price": "9.99 USD, 1,234,567.89 EUR",
    "float": "0.4111111111111111",
    "float in a list": "[4.111111111111111, -0.378282246310005]",
    "exponent": "4111111111111111e-10",
    "number of another issuer": "1111111111111117",
    "wrong check digit": "4111 1111 1111 1112",
    "longer number": "41111111111111110000000",
    "part of an id": "order-4111111111111111-x, ref_4111111111111111",
    "mixed separators": "4111-1111 1111-1111",
    "order": "ORD-10442",
    "phone": "+49 30 1234567",
    "mail": "jane@example.com",
    "iban": "DE89 3704 0044 0532 0130 00",
    "isbn": "978-3-16-148410-0",
    "code": "password = get_password()\nif api_key is None:\n    raise KeyError('api_key')",
    "shell": 'export API_KEY="$(cat key)" && curl -H "Authorization: Bearer $TOKEN" https://api.example',
    "prose": "The bearer of the secret cookie sk-ips the authorization: he forgot the password.",
    "kebab": "task-list-sk-ill-of-an-experienced-engineer and sk-learn-pipeline-with-many-words",
    "css": "mask-image-with-a-very-long-name-2024-version disk-usage-report-12345678",
    "url": "https://example.com:8443/a?b=c@d and http://[::1]:8080/@user, file:///C:/x@y",
    "template": "postgres://{user}:{password}@host/db, mysql://$USER:$PASS@h, ftp://<user>:<pw>@h",
    "mailto": "see https://a.example/x: write to b@c.example",
    "public key": "-----BEGIN PUBLIC KEY-----\nMIIBIjAN\n-----END PUBLIC KEY-----",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIBIjAN\n-----END CERTIFICATE-----",
    "jwt header alone": "eyJhbGciOiJIUzI1NiJ9",
    "base64 of json": base64.b64encode(b'{"a": "b", "c": {"d": 1}}').decode(),
    "aws arn": "arn:aws:iam::123456789012:role/AKIA",
    "gh": "gho_st and ghp_short",
    "hf": "hf_hub_download and hf_model",
    "schema": '{"properties": {"password": {"type": "string", "description": "the user\'s password"}}}',
    "schema of a token": '{"api_key": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null}}',
    "null": '{"password": null, "api_key": "", "secret": true}',
    "usage": '{"usage": {"input_tokens": 5, "total_tokens": 9}, "max_tokens": 100, "token_count": 7}',
    "broken json": '{"a": [1, 2, {"b": "c"',
    "repr": "Usage(prompt_tokens=5, completion_tokens=7, total_tokens=12)",
    "already redacted": '{"password": "[redacted:secret_key]"}',
}


def test_figures_and_names() -> None:
    for key, value in FIGURES.items():
        span = record({key: value, "in": json.dumps({key: value}), "repr": repr({key: value}), "map": {key: value}})
        found, counts = REDACTOR.redact(span)
        assert (key, dict(counts)) == (key, {})
        assert found is span


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str) -> None:
    text = TEXTS[name]
    for around in (text, f"so: {text}.", json.dumps({"a": text}), json.dumps({"a": json.dumps([text])}), repr([text])):
        assert REDACTOR.redact_text(around) == (around, {})


@pytest.mark.parametrize("number", [0, -1, 1795240831000000000, 4111111111111, 0.4111111111111111, 4111111111111111.0])
def test_numbers(number: float) -> None:
    assert not REDACTOR.redact(record({"n": number, "list": [number], "in": json.dumps({"n": number})}))[1]


#: Where the corpus hides an invented card number and an invented key, to be stolen by an injected prompt.
HIDING = ".injection."


@pytest.mark.parametrize("capture", captures(), ids=lambda capture: capture.name)
def test_captures(capture: Path) -> None:
    taken: set[str] = set()
    for span in records(capture):
        found, counts = REDACTOR.redact(span)
        assert found is span or counts
        taken |= counts.keys()
    for path in capture.glob("*.logs.binpb.gz"):
        for log in decode_logs.decode_protobuf(gzip.decompress(path.read_bytes())).records:
            _, counts = REDACTOR.redact_fields({"body": log.body, "attributes": log.attributes})
            taken |= counts.keys()
    assert taken <= ({"card_number", "api_key"} if HIDING in capture.name else set())
