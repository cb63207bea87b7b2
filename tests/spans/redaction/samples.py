"""Invented secrets, one look each, and spans to put them in."""

from __future__ import annotations

from typing import Final

from tracestore.spans.model import Event, Link, Resource, Scope, SpanRecord, Value

#: Made of parts, so that scanners of repositories do not take them for lost ones.
OPENAI: Final = "sk-" + "proj-4f8a1c9e7b2d6035af12"
JWT: Final = "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiI0MiJ9.c2lnbmF0dXJl"
PEM: Final = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow+/AB==\nq1w2e3\n-----END RSA PRIVATE " + "KEY-----"
CARD: Final = "4111 1111 1111 1111"

#: A text with a secret → the same without it, and the rule that is counted.
LOOKS: Final[dict[str, tuple[str, str, str]]] = {
    "openai": (OPENAI, "[redacted:api_key]", "api_key"),
    "anthropic": ("sk-" + "ant-api03-AbCdEf_12-34567890xyz", "[redacted:api_key]", "api_key"),
    "stripe": ("rk_" + "live_a1b2c3d4e5f6", "[redacted:api_key]", "api_key"),
    "github": ("gh" + "p_" + "a1B2" * 9, "[redacted:api_key]", "api_key"),
    "github fine": ("github" + "_pat_11ABCDEFG0" + "x1" * 10, "[redacted:api_key]", "api_key"),
    "gitlab": ("gl" + "pat-a1b2c3d4e5f6g7h8i9j0", "[redacted:api_key]", "api_key"),
    "slack": ("xox" + "b-123456789012-abcdefghij", "[redacted:api_key]", "api_key"),
    "slack app": ("xa" + "pp-1-A012B345C-6789012345", "[redacted:api_key]", "api_key"),
    "aws": ("AK" + "IAIOSFODNN7EXAMPLE", "[redacted:api_key]", "api_key"),
    "aws session": ("AS" + "IAIOSFODNN7EXAMPLE", "[redacted:api_key]", "api_key"),
    "google": ("AI" + "zaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "[redacted:api_key]", "api_key"),
    "hugging face": ("hf" + "_AbCdEfGhIjKlMnOpQrStUvWxYz01234567", "[redacted:api_key]", "api_key"),
    "jwt": (JWT, "[redacted:jwt]", "jwt"),
    "unsigned jwt": (JWT.rpartition(".")[0] + ".", "[redacted:jwt]", "jwt"),
    "bearer": ("Bearer a1b2c3d4e5f6a7b8c9d0", "Bearer [redacted:bearer]", "bearer"),
    "bearer in capitals": ("BEARER a1b2c3d4e5f6a7b8c9d0==", "BEARER [redacted:bearer]", "bearer"),
    "pem": (PEM, "[redacted:private_key]", "private_key"),
    "pem, cut": (PEM[:60], "[redacted:private_key]", "private_key"),
    "url": ("postgres://bot:hunter2@db:5432/s", "postgres://bot:[redacted:url_password]@db:5432/s", "url_password"),
    "url without user": ("redis://:hunter2@cache/0", "redis://:[redacted:url_password]@cache/0", "url_password"),
    "visa": (CARD, "[redacted:card_number]", "card_number"),
    "visa, joined": ("4111111111111111", "[redacted:card_number]", "card_number"),
    "mastercard": ("5555-5555-5555-4444", "[redacted:card_number]", "card_number"),
    "amex": ("3782 822463 10005", "[redacted:card_number]", "card_number"),
    "diners": ("3056 930902 5904", "[redacted:card_number]", "card_number"),
    "discover": ("6011111111111117", "[redacted:card_number]", "card_number"),
    "jcb": ("3530111333300000", "[redacted:card_number]", "card_number"),
}  # fmt: skip

#: Names under which everything is a secret.
KEYS: Final = (
    "password", "db.password", "DB_PASSWD", "passphrase", "user_pwd", "private_key", "aws.secret_access_key",
    "client_secret", "clientSecret", "http.request.header.authorization", "Proxy-Authorization", "credentials",
    "http.response.header.set-cookie", "cookies", "api_key", "apiKey", "x-api-key", "OPENAI_API_KEY", "api key",
    "access_token", "accessToken", "refresh-token", "auth_token", "bearer_token", "session.token", "signing_key",
    "http.request.header.cookie.0", "encryptionKey",
)  # fmt: skip


def record(attributes: dict[str, Value] | None = None, **changed: object) -> SpanRecord:
    span = SpanRecord("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", "chat", 1_000, 2_000)
    span.attributes = attributes or {}
    for name, value in changed.items():
        setattr(span, name, value)
    return span


def everywhere(text: str) -> dict[str, SpanRecord]:
    """The text in each place of a span that can hold one."""
    return {
        "attribute": record({"note": text}),
        "list": record({"note": ["a", [text]]}),
        "map": record({"note": {"a": {"b": text}}}),
        "key": record({text: 1}),
        "key of a map": record({"note": {text: 1}}),
        "bytes": record({"note": text.encode()}),
        "name": record(name=text),
        "status": record(status_message=text),
        "state": record(trace_state=text),
        "event": record(events=[Event(5, text)]),
        "attribute of an event": record(events=[Event(5, "e", {"exception.message": text})]),
        "attribute of a link": record(links=[Link("0" * 31 + "1", "0" * 15 + "1", "", {"note": text})]),
        "state of a link": record(links=[Link("0" * 31 + "1", "0" * 15 + "1", text)]),
        "resource": record(resource=Resource({"service.name": "bot", "note": text}, "bot")),
        "scope": record(scope=Scope("lib", "1", {"note": text})),
        "name of the scope": record(scope=Scope(text, "1")),
    }
